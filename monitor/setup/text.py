"""A proposal → the text of a configuration, with its comments; pure."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from monitor.setup.proposal import ProposedAccount
from probes.document import escape_unprintable
from probes.redact import mask_keys

HEAD = """\
# What this monitor watches: written by `provider-monitor init`, and yours to change.
# `provider-monitor check` says what is wrong with it; `run` reloads it when it changes. No key stands here, only where
# it is: env:NAME, file:PATH, file:PATH#NAME (a line NAME=... of that file), or command:PROGRAM ARGS.
# Every option stands in the monitor.toml that is shipped.

location = "here"               # shown beside each result
"""
TERMINAL = """\
# Without a channel, messages are printed to the terminal. Any Apprise address (https://appriseit.com/services/) works:
#
# [[channels]]
# name = "phone"
# url  = "env:PHONE_URL"                       # e.g. ntfys://ntfy.example.com/topic
"""


Channel = tuple[str, str]
"""The name of a channel, and the reference to its address."""


def document_text(accounts: Iterable[ProposedAccount], channel: Channel | None) -> str:
    """Return a whole configuration. `channel` is None where there is none yet."""
    return "\n".join((HEAD, *account_blocks(accounts), channel_block(*channel) if channel else TERMINAL))


def merged_text(present: str, accounts: Sequence[ProposedAccount], channel: Channel | None) -> str:
    """Return a present configuration with what is new at its end, where tables may stand in any order."""
    more = [*account_blocks(accounts), *([channel_block(*channel)] if channel else [])]
    if not more:
        return present
    end = "\r\n" if "\r\n" in present else "\n"
    return present.rstrip() + end * 2 + "\n".join(more).replace("\n", end)


def account_blocks(accounts: Iterable[ProposedAccount]) -> Iterator[str]:
    for one in accounts:
        yield "".join(f"{line}\n" for line in _block(one))


def channel_block(name: str, reference: str) -> str:
    return f"[[channels]]\nname = {quoted(name)}\nurl  = {quoted(reference)}\n"


def _block(one: ProposedAccount) -> Iterator[str]:
    yield f"# From {_comment(one.source)}."
    if one.hindrance:
        yield f"# Not watched yet: {_comment(one.hindrance)}."
    lines = ("[[accounts]]", *_fields(one))
    yield from lines if one.is_ready else (f"# {mask_keys(line)}" for line in lines)  # check reads no comment


def _fields(one: ProposedAccount) -> Iterator[str]:
    yield f"name     = {quoted(one.name)}"
    yield f"provider = {quoted(one.provider)}"
    if one.base:
        yield f"base     = {quoted(one.base)}"
    if one.key:
        yield f"key      = {quoted(one.key)}"
    if one.admin_key:
        yield f"admin_key = {quoted(one.admin_key)}   # what the organization has spent"
    if one.environment:
        yield f"environment = {_table(one.environment)}"
    if one.models:
        yield f"models   = {_list(one.models)}   # asked every five minutes"
    if one.expect:
        yield f"expect   = {_list(one.expect)}   # must stay on the provider's list"


def quoted(text: str) -> str:
    """Return a text as TOML writes it: what JSON writes, but for DEL, which TOML wants escaped, too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(quoted, texts))}]"


def _table(values: Mapping[str, str]) -> str:
    return f"{{ {', '.join(f'{name} = {quoted(value)}' for name, value in values.items())} }}"


def _comment(text: str) -> str:
    return escape_unprintable(mask_keys(" ".join(text.split())))
