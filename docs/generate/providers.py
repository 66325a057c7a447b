"""docs/reference/providers.md: the providers that are known, what is asked of each, and where that is from."""

from collections.abc import Iterator

from docs.generate.markdown import code, codes, plain
from monitor import words
from probes.catalog import load_provider, provider_ids
from probes.provider import Canary, Provider

INTRODUCTION = """# Providers

Each is a file in [probes/providers](../../probes/providers), whose every fact names its source; what nobody could check
says so. `provider-monitor providers NAME` prints all of one, with its prices and the rules by which its answers are
read. One that is missing is yours to add: [provider files](provider-files.md).

A canary is the smallest real request of one kind. Free ones are asked every minute, those that cost tokens every five,
unless an interval is named.
"""


def page() -> Iterator[str]:
    yield INTRODUCTION
    for id in provider_ids():
        yield from _provider(load_provider(id))


def _provider(one: Provider) -> Iterator[str]:
    yield from (f"## {one.name}", "")
    yield f"- Its id: {code(one.id)}"
    if one.key_variables:
        yield f"- Well-known variables: {codes(one.key_variables)}"
    if one.is_command:
        yield "- Asked through its own client, which has its own login"
    else:
        yield f"- Address: {code(one.base) if one.base else '`base`, which each account gives'}"
    yield from (_canary(name, canary) for name, canary in one.canaries.items())
    yield from (f"- Status page: <{feed.page}>" for feed in one.feeds)
    places = [f"[{fault}]({page})" for fault, page in one.help.items() if isinstance(page, str)]
    if places:
        yield f"- Where a person mends a fault: {', '.join(places)}"
    yield f"- Checked on {one.checked}: {plain(one.source)}"
    yield ""


def _canary(name: str, canary: Canary) -> str:
    cost = "free" if canary.free else "uses the subscription's allowance" if canary.run else "costs tokens"
    model = f", model {code(canary.model)}" if canary.model else ""
    pace = f", every {words.duration(canary.every_s)}" if canary.every_s else ""
    whom = ", with `admin_key`" if canary.admin else ", only if named" if canary.optional else ""
    return f"- Canary {code(name)}: {cost}{model}{pace}{whom}. Source: {plain(canary.source)}"
