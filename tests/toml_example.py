"""A part of a monitor.toml from a document → a whole one: what it refers to is there, in a folder of its own."""

import re
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import certifi

KEY = "sk-proj-" + "Zx7Qw2Vb9Nm4Kj8Lh3Gf"
LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><rect width="1" height="1"/></svg>'
PLACE = re.compile(r"(env|file):([^\s#@]+)(?:#(\w+))?")
FOLDERS = {"provider_folder", "templates"}


class Example:
    """The text in its frame, and the variables that it needs; the files that it needs are written."""

    def __init__(self, text: str, folder: Path) -> None:
        self.text = re.sub(r'"command:[^"]*"', '"env:PRINTED_KEY"', text)
        self.environment = {"FRAME_KEY": KEY}
        self._folder = folder
        tables = tomllib.loads(self.text)
        for path, value in _texts(tables, ()):
            self._provide(path, value)
        if "id" in tables and "canaries" in tables:
            self._be_provider(tables["id"])
        else:
            self.text += "\n".join(["", *_frame(tables)])

    def _provide(self, path: tuple[str, ...], value: str) -> None:
        """Make what a value refers to: a variable, a file, a folder."""
        if path[-1] in FOLDERS:
            (self._folder / value).mkdir(parents=True, exist_ok=True)
        elif path[-1] == "ca_file":
            shutil.copy(certifi.where(), self._file(value))
        elif path[-1] == "logo":
            self._file(value).write_text(LOGO)
        elif found := PLACE.search(value):
            kind, name, field = found.groups()
            content = _content(path, value)
            if kind == "env":
                self.environment[name] = content
            else:
                self._file(name).write_text(f"{field}={content}\n" if field else content)

    def _file(self, name: str) -> Path:
        file = self._folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(0o600)
        return file

    def _be_provider(self, id: str) -> None:
        self._file(f"providers/{id}.toml").write_text(self.text)
        self.text = 'provider_folder = "providers"\n'


def _texts(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    match value:
        case dict():
            for key, inner in value.items():
                yield from _texts(inner, (*path, key))
        case list():
            for inner in value:
                yield from _texts(inner, path)
        case str():
            yield path, value


def _content(path: tuple[str, ...], value: str) -> str:
    match path:
        case ("heartbeat", *_):
            return "https://hc.example.com/ping/1"
        case ("store", "url"):
            return "postgresql://monitor@db.example.com/monitor"
        case ("channels", "url"):
            return "ntfy://localhost/topic"
        case (*_, "proxy") if not value.startswith("http"):
            return "http://proxy.example.com:3128"
    return KEY


def _frame(tables: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a part refers to and does not hold itself: accounts, tags, channels."""
    there = {f"{one['provider']}/{one['name']}" for one in tables.get("accounts", ())}
    tags = {tag for one in tables.get("accounts", ()) for tag in one.get("tags", ())}
    for account in sorted(_named(tables, "account", "accounts") - there - {id.partition("/")[2] for id in there}):
        provider, _, name = account.rpartition("/")
        yield f'[[accounts]]\nname = "{name}"\nprovider = "{provider or "openai"}"\nkey = "env:FRAME_KEY"'
    for number, tag in enumerate(sorted(_named(tables, "tags") - tags)):
        yield f'[[accounts]]\nname = "tagged-{number}"\nprovider = "openai"\nkey = "env:FRAME_KEY"\ntags = ["{tag}"]'
    known = {name for one in tables.get("channels", ()) for name in (one["name"], *one.get("tags", ()))}
    for channel in sorted(_named(tables, "channels") - known):
        yield f'[[channels]]\nname = "{channel}"\nurl = "terminal:"'


def _named(tables: Mapping[str, Any], *keys: str) -> set[str]:
    """Return the names that rules, services and dates give under these keys."""
    referring = ("routes", "maintenance", "services", "reminders", "objectives")
    texts = (found for table in referring for found in _texts(tables.get(table, []), (table,)))
    return {value for path, value in texts if path[-1] in keys}
