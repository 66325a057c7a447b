"""A reference to a secret → the secret: from the environment, a file or a command."""

import atexit
import os
import re
import select
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.config.env_file import read_env
from probes.document import LARGEST_BYTES, read_file
from probes.redact import RANDOM, mask_keys, redact_decoded

if TYPE_CHECKING:
    import subprocess

KINDS = ("env", "file", "command")
LONGEST = 8192
"""Most characters of a key."""
MOST_BYTES = 4 * (LONGEST + 1)
"""Most bytes of a key: a character has at most four."""
COMMAND_LIMIT_S = 15

ENDING = re.compile(r"\.[a-z]{2,5}$")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class SecretError(Exception):
    """Why the secret could not be read, and the `repair`; never holds any of it.

    `key`: the field of the account that refers to it; "" where that is not known.
    """

    def __init__(self, words: str, repair: str = "", key: str = "") -> None:
        super().__init__(words)
        self.repair, self.key = repair, key

    @property
    def what(self) -> str:
        """The words, without the repair if they end with it."""
        return str(self).removesuffix(f": {self.repair}")


class MalformedSecret(SecretError):
    """The secret could be read, but its form is wrong; what stands behind a colon in the words is the repair."""

    def __init__(self, words: str, repair: str = "", key: str = "") -> None:
        super().__init__(words, repair or words.partition(": ")[2] or "put the key alone there", key)


def is_reference(text: str) -> bool:
    """Whether a text says where a secret is, and is no secret that was pasted after such a word."""
    return looks_like_reference(text) and not _holds_key(text)


def looks_like_reference(text: str) -> bool:
    """Whether a text begins as a reference does, in either case: then it is not meant to be sent as is."""
    return text.partition(":")[0].strip().lower() in KINDS and ":" in text


def _holds_key(reference: str) -> bool:
    kind, _, rest = reference.partition(":")
    if kind == "file":
        path, name = _parts_of_file(rest)
        return "/" not in path and (_is_key(path) and not ENDING.search(path)) or _is_key(name)
    return kind not in KINDS or rest.startswith("sk-") or _is_key(rest)


def _is_key(text: str) -> bool:
    """Whether a text is, or holds, what has the form of a key. A name in words alone may begin as keys do."""
    shaped = redact_decoded(text, ()) != text and any(letter.isdigit() for letter in text)
    return shaped or RANDOM.fullmatch(text) is not None


def resolve_secret(reference: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Return the secret. A relative file is resolved against `folder`. Raises SecretError."""
    kind, _, rest = reference.partition(":")
    secret = {"env": _from_environment, "file": _from_file, "command": _from_command}[kind](rest, folder, environment)
    return _checked(secret.strip(), describe_reference(reference))


def file_of(reference: str, folder: Path) -> Path | None:
    """Return the file that a reference names; None if it names none."""
    kind, _, rest = reference.partition(":")
    return resolve_path(_parts_of_file(rest)[0], folder) if kind == "file" else None


def _parts_of_file(rest: str) -> tuple[str, str]:
    """Return the path that `file:` names, and the variable in it (`.env#NAME`); "" for a file that is all secret."""
    path, _, name = rest.rpartition("#")
    return (path, name) if path and VARIABLE.fullmatch(name) else (rest, "")


def resolve_path(name: str, folder: Path) -> Path:
    """Return where a file is; a `~user` without a known home stays as written, and is not found."""
    path = Path(name)
    with suppress(RuntimeError):
        path = path.expanduser()
    return (folder / path).absolute()


MOUNTS = ("/run/secrets", "/run/credentials", "/var/run/secrets")
"""Where Docker, systemd and Kubernetes put secrets: read-only, for one process, and often with mode 0444 or 0440."""


def is_mounted(file: Path) -> bool:
    """Whether a file was mounted for this process by what started it."""
    folders = [*MOUNTS, os.environ.get("CREDENTIALS_DIRECTORY") or MOUNTS[0]]
    return any(file.is_relative_to(folder) for folder in folders)


def describe_reference(reference: str) -> str:
    """Return how an error names a reference: a command's arguments may hold secrets."""
    kind, _, rest = reference.partition(":")
    return f"command:{_program(rest) if rest.strip() else ''}" if kind == "command" else mask_keys(reference)


def _program(line: str) -> str:
    """Return the program of a command as it may be shown; three dots if the first word is none, as it may be a key."""
    word = "".join(line.split()[:1])
    if not word:
        return "an empty reference"
    return mask_keys(word) if PROGRAM.fullmatch(word) else "..."


PROGRAM = re.compile(r"[\w./~+\-]+")


def _from_environment(name: str, _: Path, environment: Mapping[str, str]) -> str:
    if name in environment:
        return environment[name]
    if not VARIABLE.fullmatch(name):  # not shown: it may be the secret itself
        raise SecretError("the reference env:... holds what is no name of an environment variable", "write env:NAME")
    raise SecretError(
        f"the environment variable {name} is not set",
        f"set {name} here (where there are no keys, `check --no-keys` needs none)",
    )


def _from_file(rest: str, folder: Path, _: Mapping[str, str]) -> str:
    path, name = _parts_of_file(rest)
    try:
        text = read_file(resolve_path(path, folder), LARGEST_BYTES if name else MOST_BYTES).decode("utf-8-sig")
    except OSError as error:
        words = f"the file {mask_keys(path)} cannot be read ({error.strerror or error})"
        raise SecretError(words, _repair_of_file(error)) from None
    except UnicodeDecodeError:
        how = "save it as UTF-8" if name else "save it as UTF-8, with the key alone in it"
        raise MalformedSecret(f"the file {mask_keys(path)} is not text: {how}") from None
    return _named(text, path, name) if name else text


def _named(text: str, path: str, name: str) -> str:
    known = read_env(text)
    if name not in known:
        raise SecretError(
            f"the file {mask_keys(path)} has no line {name}=...", f"write {name}=KEY into it, or name another variable"
        )
    return known[name]


def _repair_of_file(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "write the key alone into that file, or name another one"
    if isinstance(error, IsADirectoryError):
        return "name a file in that folder"
    return "make that file, and its folder, readable for this user, or name another one"


PRINTING = "name a program that prints the key alone, and soon; try it in a shell first"


def _from_command(line: str, folder: Path, environment: Mapping[str, str]) -> str:
    import shlex

    try:
        words = shlex.split(line)
        code, printed = _run(words, folder, environment)
    except (OSError, ValueError, IndexError):
        raise SecretError(f"the command of {_program(line)} cannot be run", PRINTING) from None
    program = _program(line)
    if len(printed) >= MOST_BYTES:
        raise MalformedSecret(f"the command {program} prints more than {LONGEST} characters, which no key has")
    if code is None:
        raise SecretError(f"the command {program} did not end within {COMMAND_LIMIT_S} s", PRINTING)
    if code:
        raise SecretError(f"the command {program} ended with exit code {code}", PRINTING)
    try:
        return printed.decode()
    except UnicodeDecodeError:
        raise MalformedSecret(f"the command {program} prints what is no text") from None


def _run(words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> tuple[int | None, bytes]:
    """Return the exit code, None after a timeout, and at most MOST_BYTES of what a command prints.

    A command that prints more, or does not end, is killed with all that it started; so it is if we exit first, although
    the thread that waits for it dies silently. Raises OSError, ValueError.
    """
    import subprocess

    process = subprocess.Popen(
        words, cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    with process:
        ends, printed, code, kill = time.monotonic() + COMMAND_LIMIT_S, b"", None, partial(_kill, process.pid)
        try:
            atexit.register(kill)
            printed = _listen(process, ends)
            if len(printed) < MOST_BYTES:
                code = process.wait(max(ends - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            pass
        finally:  # also if we are asked to exit meanwhile
            atexit.unregister(kill)
            if code is None:
                kill()
        return code, printed


def _kill(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _listen(process: "subprocess.Popen[bytes]", ends: float) -> bytes:
    """Return what a process prints until it closes its output, has printed enough, or times out."""
    printed, output = b"", process.stdout
    while output and len(printed) < MOST_BYTES:
        ready, _, _ = select.select([output], [], [], max(ends - time.monotonic(), 0))
        if not ready or not (piece := os.read(output.fileno(), MOST_BYTES - len(printed))):
            break
        printed += piece
    return printed


def _checked(secret: str, name: str) -> str:
    if not secret:
        raise SecretError(f"{name} is empty", "put the key there")
    if len(secret) > LONGEST:
        raise MalformedSecret(f"{name} is longer than {LONGEST} characters, which no key is")
    # Such a character would make the HTTP library refuse the header in an error that quotes the key.
    if unseen := _unseen(secret):
        raise MalformedSecret(f"{name} holds {unseen}")
    return secret


def _unseen(secret: str) -> str:
    """Name the first character that no header can carry; "" if there is none."""
    if secret.isascii() and secret.isprintable():
        return ""
    if any(letter in secret for letter in LINE_BREAKS):
        return "a line break in the middle: it must be one line with nothing else in it"
    if "\t" in secret:
        return "a tab in the middle: take it out"
    first = next(letter for letter in secret if not (letter.isascii() and letter.isprintable()))
    if first in QUOTES:
        return f"a quotation mark (U+{ord(first):04X}): take it out"
    if not first.isprintable():
        return f"a character that cannot be seen (U+{ord(first):04X}): type it anew, or copy it from where it was made"
    return f"a character that no key has (U+{ord(first):04X}): type it anew, or copy it from where it was made"


LINE_BREAKS = "\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029"
QUOTES = "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a\u300c\u300d"
