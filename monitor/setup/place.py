"""Where a configuration of the user's own is written, and what else is written beside it."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from monitor.config.document import FILE, Document, id_of_section
from monitor.config.load import read_valid_part
from monitor.config.search import LOCAL, is_there, user_file
from monitor.config.secret import SecretError, is_reference, resolve_secret
from monitor.setup.entry import text_at
from monitor.setup.proposal import ProposedAccount, label, with_free_name
from probes.document import DocumentError, Problem, convert, read_toml, why_no_file

KEYS = "keys"
"""The folder of copied keys, beside the configuration."""


def choose_file(folder: Path, environment: Mapping[str, str], platform: str) -> Path:
    """Return the file to write, seen from a folder with a monitor.toml or without one.

    A monitor.toml that says nothing but the defaults is the shipped one, and stays as it is.
    """
    local, shipped = folder / LOCAL, folder / FILE
    if is_there(shipped) and not is_there(local):
        return local if _says_nothing(shipped) else shipped
    if is_there(local):
        return local
    return user_file(environment, platform) or local


def _says_nothing(file: Path) -> bool:
    """Whether a configuration holds nothing but defaults. What cannot be read may be somebody's half."""
    try:
        document, problems = convert(read_toml(file), Document, file.name)
    except DocumentError:
        return False
    return document == Document() and not problems


UNWRITABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""What the name of a folder may hold, and no line of a configuration, a unit or a crontab."""


def why_closed(file: Path) -> str:
    """Return why a file cannot be written; "" if nothing is known to stand against it."""
    if UNWRITABLE.search(str(file)):
        return "has a name with a line break or another character that no file of a service can hold"
    if why := why_no_file(file):
        return why
    there = next(one for one in (file, *file.absolute().parents) if os.path.exists(one))
    if there != file and not there.is_dir():
        return f"cannot be made ({there} is no folder)"
    return "" if os.access(there, os.W_OK, effective_ids=True) else f"cannot be written ({there} is closed to you)"


def closed_problem(file: Path, why: str) -> DocumentError:
    repair = "name a file that you may write to: --config FILE"
    return DocumentError([Problem(str(file), "", why, repair)])


def write_new(file: Path, text: str, mode: int = 0o666) -> None:
    """Write a file as a whole, with its folder. Raises DocumentError if that is not possible.

    Where there is one, its mode stays within `mode`, and a link leads on to where it led; of `mode` the umask leaves
    what it does.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _replace(file.resolve(), text, mode)
    except OSError as error:
        raise closed_problem(file, f"cannot be written ({error.strerror or error})") from None


def _replace(file: Path, text: str, mode: int) -> None:
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as opened:
            opened.write(text.encode(errors="replace"))  # half a character stands only in what is not watched
        if file.exists():
            beside.chmod(file.stat().st_mode & mode)
        beside.replace(file)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def store_secret(folder: Path, name: str, secret: str) -> str:
    """Write a secret into a file of its own that only its owner may read; return the reference to it."""
    stem, number = label(name, "key"), 1
    file = folder / KEYS / stem
    while os.path.lexists(file) and (text_at(file) or "").strip() != secret:
        number += 1
        file = folder / KEYS / f"{stem}-{number}"
    write_new(file, f"{secret}\n", 0o600)
    return f"file:{KEYS}/{file.name}"


def new_accounts(
    file: Path, accounts: tuple[ProposedAccount, ...], environment: Mapping[str, str]
) -> tuple[ProposedAccount, ...]:
    """Return the accounts that a present configuration lacks, each under a name that is free there.

    One whose key an imported file holds is there if an account with an equal key is, such as its copy.
    """
    present = read_valid_part(file).accounts
    known = {(one.provider, one.key, one.base) for one in present}
    known |= {(one.provider, _held(one.key, file.parent, environment), one.base) for one in present}
    taken, fresh = dict.fromkeys(map(id_of_section, present), 1), list[ProposedAccount]()
    for one in accounts:
        if (one.provider, one.secret or one.key, one.base) not in known:
            fresh.append(with_free_name(one, taken))
    return tuple(fresh)


def _held(reference: str | None, folder: Path, environment: Mapping[str, str]) -> str | None:
    """Return the key that a reference leads to, else the reference itself. No command is run to compare."""
    if not reference or not is_reference(reference) or reference.startswith("command:"):
        return reference
    try:
        return resolve_secret(reference, folder, environment)
    except SecretError:
        return reference


def seen_from(reference: str, here: Path, there: Path) -> str:
    """Return a reference to a file in one folder as it is written in a configuration in another."""
    kind, _, rest = reference.partition(":")
    return reference if kind != "file" or here == there else f"file:{here / rest}"


def moved(one: ProposedAccount, here: Path, there: Path) -> ProposedAccount:
    """Return an account whose references, made in one folder, mean the same in another."""
    environment = {name: seen_from(value, here, there) for name, value in one.environment.items()}
    keys = {
        name: value and seen_from(value, here, there)
        for name, value in (("key", one.key), ("admin_key", one.admin_key))
    }
    return replace(one, environment=environment, **keys)
