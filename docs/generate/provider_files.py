"""docs/reference/provider-files.md: what a provider's file may hold."""

from collections.abc import Iterator
from inspect import cleandoc

import msgspec

from docs.generate.configuration import default_of, defaults
from docs.generate.json_type import kind
from docs.generate.markdown import paragraphs, plain
from probes.provider import Auth, Canary, CreditFacts, Facts, Feed, NoPage, Price, Provider, Rule, Signal

INTRODUCTION = """# Provider files

What is known about a provider is a TOML file: one of [probes/providers](../../probes/providers), one of your own in
`provider_folder`, or a table `[providers.ID]` of monitor.toml with the same keys. What you give lies over the shipped
facts. A fact without a source that somebody has read begins its `source` with `unverified: `.
"""
TITLES: dict[str, type[Facts]] = {
    "Beside all tables": Provider,
    "`[auth]`": Auth,
    "`[canaries.NAME]`": Canary,
    "`[canaries.NAME.credit]`": CreditFacts,
    "`[[rules]]`": Rule,
    "`[[signals]]`": Signal,
    "`[[prices]]`": Price,
    "`[[feeds]]`": Feed,
    "`[help]`: where there is no page": NoPage,
}


def page() -> Iterator[str]:
    yield INTRODUCTION
    definitions = msgspec.json.schema(Provider)["$defs"]
    for title, facts in TITLES.items():
        yield from (f"## {title}", "", *paragraphs(cleandoc(facts.__doc__ or "")))
        usual = defaults(facts)
        for key, one in definitions[facts.__name__]["properties"].items():
            yield f"- `{key}`: {plain(kind(one, definitions) + default_of(usual[key]))}"
        yield ""
