"""An argument of the command line → the account, channel or incident that it means."""

from monitor.alert.reply import WrongArgument
from monitor.config.config import Config
from monitor.words import listed
from probes.document import DocumentError, Problem, suggest
from probes.redact import screen

MOST = 10
"""Most ids named in an error."""


def accounts_meant(config: Config, wanted: str | None) -> list[str]:
    """Return the ids of the accounts meant: all, one by its id, or one by its bare name."""
    if wanted is None:
        return list(config.accounts)
    found = [id for id, account in config.accounts.items() if wanted in (id, account.name)]
    known = {*config.accounts, *(account.name for account in config.accounts.values())}
    if len(found) == 1:
        return found
    repair = "write provider/name: " + ", ".join(found) if found else suggest(wanted, known)
    raise wrong(f'"{wanted}"', "is the name of several accounts" if found else "is no account", repair)


def channels_meant(config: Config, wanted: str | None) -> list[str]:
    """Return the names of the channels meant: all, or one."""
    names = [channel.name for channel in config.channels]
    if wanted is None:
        return names
    if wanted not in names:
        raise wrong(f'"{wanted}"', "is no channel", suggest(wanted, names))
    return [wanted]


def one_of(known: list[str], wanted: str | None, kind: str) -> str:
    """Return the id that the user means, by a part of it; without an argument the only one there is."""
    found = [id for id in known if wanted is None or wanted in id]
    begun = [id for id in found if wanted and id.startswith(wanted)]
    for few in (found, begun):
        if len(few) == 1:
            return few[0]
    what = f'"{wanted}"' if wanted else "INCIDENT"
    if not known:
        raise wrong(what, f"cannot be meant: there is no {kind}", "see `provider-monitor incidents`")
    is_what = f"is no {kind}" if not found else f"may be each {kind}"
    raise wrong(what, is_what, f"use one of: {listed(found or known, MOST)}")


def check(found: WrongArgument | None) -> None:
    """Raise DocumentError for an argument to which there is an objection."""
    if found:
        raise wrong(found.key, found.what, found.repair)


def wrong(key: str, what: str, repair: str) -> DocumentError:
    return DocumentError([Problem("command line", key, what, repair)])


def unknown(kind: str, word: str, known: list[str]) -> str:
    """Return the message about an argument that names nothing."""
    return f'command line: "{screen(word)}": no such {kind}; {suggest(word, known)}'
