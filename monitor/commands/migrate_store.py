"""`migrate-store`: bring what [store] path holds to the PostgreSQL that [store] url names."""

from argparse import ArgumentParser, Namespace

from monitor.backend import shared_store
from monitor.config.role import SHARED
from monitor.console.configuration import load_with_accounts
from monitor.console.terminal import DOWN, UP, print_error, print_line


def add_arguments(_: ArgumentParser) -> None:
    """It takes none."""


def run(arguments: Namespace) -> int:
    config = load_with_accounts(arguments, probes=True)
    store = shared_store(config.store)
    counts = store.migrate(SHARED, lambda table: print_error(f"{table} ..."))
    wrong = [one for one in counts if one.before != one.after]
    for one in wrong:
        print_error(f"{one.table}: {one.before} rows here, {one.after} there; say this again into an empty database")
    rows = sum(one.after for one in counts)
    print_line(f"{rows} rows of {config.store.own_name} are in {store.name}; what is open is told anew there")
    return DOWN if wrong else UP
