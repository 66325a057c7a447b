"""The names and hosts by which an answer speaks of a provider: one file, of all that the providers' own files say."""

import re
from pathlib import Path

import msgspec
from msgspec import Struct

FILE = Path(__file__).parent / "known_names.json"
"""Written by `make schema`: to read the files of all providers at each start would take too long."""


class KnownNames(Struct, frozen=True):
    """`names`: what programs call a provider, as `plain` returns it → its file; `hosts`: API hosts → its file."""

    names: dict[str, str]
    hosts: dict[str, str]


def plain(name: str) -> str:
    """Return the letters and digits of a name in lower case: each program writes it in its own way."""
    return re.sub(r"[\W_]", "", name).lower()


def known_names() -> KnownNames:
    """Return what the shipped file holds."""
    return msgspec.json.decode(FILE.read_bytes(), type=KnownNames)
