"""Dockerfile, .dockerignore and compose.yaml → values. A line that nothing obeys is an error: it would be untested."""

import json
import re
import shlex
from fnmatch import fnmatch
from pathlib import Path

import yaml
from msgspec import Struct, convert

from tests.backstage import ROOT


class Instruction(Struct, frozen=True):
    word: str
    text: str

    @property
    def words(self) -> list[str]:
        """The words of the form ["a", "b"], or those that blanks part."""
        return json.loads(self.text) if self.text.startswith("[") else shlex.split(self.text)


class Stage(Struct, frozen=True):
    name: str
    base: str
    instructions: list[Instruction]

    def last(self, word: str) -> list[str]:
        return next(one.words for one in reversed(self.instructions) if one.word == word)

    @property
    def health(self) -> list[str]:
        (line,) = (one.text for one in self.instructions if one.word == "HEALTHCHECK")
        return json.loads(line.partition(" CMD ")[2])


def stages(text: str) -> list[Stage]:
    """Return what a Dockerfile says, a stage at a time."""
    found: list[Stage] = []
    plain = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for line in filter(None, re.sub(r"\\\n\s*", " ", plain).splitlines()):
        word, rest = line.split(maxsplit=1)
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found.append(Stage(name or str(len(found)), base, []))
        else:
            found[-1].instructions.append(Instruction(word, rest))
    return found


def is_sent(path: Path) -> bool:
    """Whether a file of the project is sent to the builder: the last line of .dockerignore that fits decides."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    parts, sent = path.relative_to(ROOT).parts, True
    tops = ["/".join(parts[: end + 1]) for end in range(len(parts))]
    for line in filter(lambda one: one and not one.startswith("#"), lines):
        pattern = line.removeprefix("!").removeprefix("**/")
        if any(fnmatch(top, pattern) or (line.startswith("**/") and fnmatch(Path(top).name, pattern)) for top in tops):
            sent = line.startswith("!")
    return sent


class EnvFile(Struct, frozen=True, forbid_unknown_fields=True):
    path: str
    required: bool


class Service(Struct, frozen=True, forbid_unknown_fields=True):
    """What compose.yaml may say of a service."""

    image: str
    build: str
    init: bool
    restart: str
    env_file: list[EnvFile]
    volumes: list[str]
    ports: list[str]
    read_only: bool
    tmpfs: list[str]
    cap_drop: list[str]
    security_opt: list[str]

    def mounts(self, folder: Path) -> list[tuple[str, str, bool]]:
        """Return source, target and whether it is read-only: a folder as it is called here, a volume by its name."""
        split = [one.split(":") for one in self.volumes]
        placed = (
            (str((folder / parts[0]).resolve()) if parts[0].startswith(".") else parts[0], parts) for parts in split
        )
        return [(source, parts[1], parts[2:] == ["ro"]) for source, parts in placed]


class Compose(Struct, frozen=True, forbid_unknown_fields=True):
    services: dict[str, Service]
    volumes: dict[str, None]

    @property
    def service(self) -> Service:
        (one,) = self.services.values()
        return one


def compose(text: str) -> Compose:
    return convert(yaml.safe_load(text), Compose)


def with_own_site(text: str) -> tuple[str, list[str]]:
    """Return compose.yaml with its commented line for a folder of this machine in force, and what makes that folder."""
    (first,) = re.findall(r"as root: (install .+)", text)
    return re.sub(r"# (- \./site:)", r"\1", text), shlex.split(first)
