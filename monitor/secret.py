"""A reference to a secret → the secret: from the environment, a file or a command."""

from collections.abc import Mapping
from pathlib import Path

KINDS = ("env", "file", "command")
LONGEST = 8192
COMMAND_LIMIT_S = 15


class SecretError(Exception):
    """Why the secret could not be had; never holds any of it."""


def is_reference(text: str) -> bool:
    return text.partition(":")[0] in KINDS


def resolve(reference: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Return the secret. A relative file is looked for in `folder`. Raises SecretError."""
    kind, _, rest = reference.partition(":")
    secret = {"env": _from_environment, "file": _from_file, "command": _from_command}[kind](rest, folder, environment)
    return _checked(secret.strip(), reference)


def _from_environment(name: str, _: Path, environment: Mapping[str, str]) -> str:
    if name not in environment:
        raise SecretError(f"the environment variable {name} is not set")
    return environment[name]


def _from_file(name: str, folder: Path, _: Mapping[str, str]) -> str:
    try:
        with (folder / Path(name).expanduser()).open(encoding="utf-8") as file:
            return file.read(LONGEST + 1)
    except OSError as error:
        raise SecretError(f"the file {name} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SecretError(f"the file {name} is not text") from None


def _from_command(line: str, folder: Path, environment: Mapping[str, str]) -> str:
    import shlex
    import subprocess

    try:
        words = shlex.split(line)
        done = subprocess.run(
            words, cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True,
            timeout=COMMAND_LIMIT_S, check=True,
        )  # fmt: skip
        return done.stdout.decode()
    except subprocess.TimeoutExpired:
        raise SecretError(f"the command {words[0]} did not end within {COMMAND_LIMIT_S} s") from None
    except subprocess.CalledProcessError as error:
        raise SecretError(f"the command {words[0]} ended with exit code {error.returncode}") from None
    except (OSError, ValueError, IndexError):
        raise SecretError(f"the command of {line.partition(' ')[0] or 'an empty reference'} cannot be run") from None


def _checked(secret: str, reference: str) -> str:
    if not secret:
        raise SecretError(f"{reference} is empty")
    if len(secret) > LONGEST:
        raise SecretError(f"{reference} is longer than {LONGEST} characters, which no key is")
    # Such a character would make the HTTP library refuse the header in an error that quotes the key.
    if not secret.isascii() or not secret.isprintable():
        raise SecretError(f"{reference} holds a line break or a character that no key has")
    return secret
