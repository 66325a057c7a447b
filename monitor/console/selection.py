"""An argument of the command line → the account, channel or incident that it means."""

from monitor.alert.reply import WrongArgument
from monitor.config.config import Config
from monitor.console.invocation import hint
from monitor.words import join_items
from probes.document import DocumentError, Problem, suggest
from probes.redact import mask_keys

MOST = 10
"""Most ids named in an error."""


def select_accounts(config: Config, wanted: str | None) -> list[str]:
    """Return the ids of the accounts meant: all, one by its id, or one by its bare name."""
    if wanted is None:
        return list(config.accounts)
    found = [id for id, account in config.accounts.items() if wanted in (id, account.name)]
    known = {*config.accounts, *(account.name for account in config.accounts.values())}
    if len(found) == 1:
        return found
    repair = "write provider/name: " + ", ".join(found) if found else suggest(wanted, known)
    raise argument_error(f'"{wanted}"', "is the name of several accounts" if found else "is no account", repair)


def select_channels(config: Config, wanted: str | None) -> list[str]:
    """Return the names of the channels meant: all, or one."""
    names = [channel.name for channel in config.channels]
    if wanted is None:
        return names
    if wanted not in names:
        raise argument_error(f'"{wanted}"', "is no channel", suggest(wanted, names))
    return [wanted]


def select_one(known: list[str], wanted: str | None, kind: str) -> str:
    """Return the id that the user means, by a part of it; without an argument the only one there is."""
    if wanted is not None and not wanted.strip():  # a variable of the shell that is not set
        raise argument_error('""', f"is no {kind}", "write its id, or a part of it")
    found = [id for id in known if wanted is None or wanted in id]
    begun = [id for id in found if wanted and id.startswith(wanted)]
    for few in (found, begun):
        if len(few) == 1:
            return few[0]
    what = f'"{wanted}"' if wanted else "INCIDENT"
    if not known:
        raise argument_error(what, f"cannot be meant: there is no {kind}", f"see `{hint('incidents')}`")
    is_what = f"is no {kind}" if not found else f"may be each {kind}"
    raise argument_error(what, is_what, f"use one of: {join_items(found or known, MOST)}")


def check(found: WrongArgument | None) -> None:
    """Raise DocumentError for an argument to which there is an objection."""
    if found:
        raise argument_error(found.key, found.what, found.repair)


def argument_error(key: str, what: str, repair: str) -> DocumentError:
    return DocumentError([Problem("command line", key, what, repair)])


def unknown_argument(kind: str, word: str, known: list[str]) -> str:
    """Return the message about an argument that names nothing."""
    return f'command line: "{mask_keys(word)}": no such {kind}; {suggest(word, known)}'
