"""Provider files → frozen values; strict, and every mistake is named."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache, reduce
from os.path import exists, isdir
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

from probes.answer.balance import bad_expressions
from probes.document import DocumentError, Problem, convert, read_toml
from probes.header import fold_names, why_refused, why_unsendable
from probes.model import Blame
from probes.provider import Canary, CreditFacts, Dialect, Feed, Provider, Rule, Signal, Wording

FOLDER = Path(__file__).parent / "providers"
WORDING = Path(__file__).parent / "wording.toml"
SOUGHT = ("each", "left", "most", "used", "unlimited", "expires", "currency_at")
OF_ADDRESSES = ("path", "model", "body")
OF_COMMANDS = ("run", "limit_s", "answers")
MARKS = ("status", "tag", "code", "type", "reason", "message")

MODELLESS = (Dialect.LIST, Dialect.ACCOUNT, Dialect.COMMAND)

PREPENDED = ("rules", "prices", "signals", "feeds")
"""Lists whose overriding entries come first; an entry replaces an earlier layer's with the same id."""

Catalog = Mapping[str, Provider]


class ProviderFiles(Struct, frozen=True):
    """Where provider facts come from: our files, then files in the user's folder, then tables of monitor.toml.

    Later layers override earlier ones key by key; their rules and prices come first.
    """

    folders: tuple[Path, ...] = (FOLDER,)
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Name the tables only: a header in one may be a secret."""
        return f"ProviderFiles({', '.join(map(str, self.folders))}; {', '.join(self.tables)})"


SHIPPED_FILES = ProviderFiles()


def provider_ids(shelf: ProviderFiles = SHIPPED_FILES) -> list[str]:
    return sorted(
        {path.stem for folder in shelf.folders if isdir(folder) for path in folder.glob("*.toml")} | shelf.tables.keys()
    )


def load_provider(id: str, shelf: ProviderFiles = SHIPPED_FILES) -> Provider:
    """Return the facts of one provider. Raises DocumentError with all problems.

    Contradictions are checked only where a user adds facts: our tests check ours, so no start pays for it.
    """
    file = f"{id}.toml"
    layers = _layers(id, shelf)
    provider, problems = convert(reduce(_merge, map(_folded, layers)), Provider, file)
    if provider is not None and (len(layers) > 1 or id not in _shipped()):
        # A user's rule that hides one of ours does so on purpose.
        problems += find_contradictions(provider, file, sum(len(layer.get("rules", ())) for layer in layers[1:]))
    if provider is None or problems:
        raise DocumentError(problems)
    return provider


def is_moved(provider: Provider, shelf: ProviderFiles) -> bool:
    """Whether the user's own facts give a shipped provider another address: what answers there is not the company."""
    own = provider.id in shelf.tables or any(exists(folder / f"{provider.id}.toml") for folder in shelf.folders[1:])
    return own and exists(FOLDER / f"{provider.id}.toml") and provider.base != _shipped_base(provider.id)


def _shipped_base(id: str) -> str | None:
    base = _read(FOLDER / f"{id}.toml").get("base")
    return base if isinstance(base, str) else None


def _layers(id: str, shelf: ProviderFiles) -> list[Mapping[str, Any]]:
    paths = [folder / f"{id}.toml" for folder in shelf.folders]
    files = [_read(path) for path in paths if exists(path)]
    layers = files + ([shelf.tables[id]] if id in shelf.tables else [])
    return layers or [_read(paths[-1])]  # reports that the file is missing


def _read(path: Path) -> Mapping[str, Any]:
    return _read_once(path) if path == WORDING or path.parent == FOLDER else read_toml(path)


@cache
def _read_once(path: Path) -> Mapping[str, Any]:
    """Read what is shipped, which nobody changes while we run: a start asks several times, and to parse it is slow."""
    return read_toml(path)


def _folded(layer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a layer with lower-case header names, since the overriding one may spell them differently."""
    headers = layer.get("headers")
    return {**layer, "headers": fold_names(headers)} if isinstance(headers, dict) else layer


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> Mapping[str, Any]:
    merged = {**below, **above}
    for key in below.keys() & above.keys():
        if isinstance(below[key], dict) and isinstance(above[key], dict):
            merged[key] = _merge(below[key], above[key])
        elif key in PREPENDED and isinstance(below[key], list) and isinstance(above[key], list):
            named = [item["id"] for item in above[key] if isinstance(item, dict) and "id" in item]  # of any type
            merged[key] = above[key] + [item for item in below[key] if not _is_named(item, named)]
    return merged


def _shipped() -> list[str]:
    return [path.stem for path in FOLDER.glob("*.toml")]


def _is_named(item: object, names: Collection[object]) -> bool:
    return isinstance(item, dict) and item.get("id") in names


def rules_by_name(shelf: ProviderFiles = SHIPPED_FILES) -> Callable[[str], Sequence[Rule]]:
    """Return a function from provider id to rules; an unknown or faulty provider has none.

    Each file is read on first use: most answers name no other provider.
    """

    @cache
    def rules_of(id: str) -> Sequence[Rule]:
        try:
            return load_provider(id, shelf).rules if id in provider_ids(shelf) else ()
        except DocumentError:
            return ()

    return rules_of


def load_wording(path: Path = WORDING) -> Wording:
    """Return the shared last layer of rules and signals. Raises DocumentError with all problems in the file."""
    wording, problems = convert(_read(path), Wording, path.name)
    if wording is None or problems:
        raise DocumentError(problems)
    return wording


def check_wording(wording: Wording, file: str) -> Iterator[Problem]:
    """Yield what could not work in the shared layer."""
    yield from _rule_problems(wording.rules, file)
    yield from _signal_problems(wording.signals, file)


def find_contradictions(provider: Provider, file: str, own: int = 0) -> Iterator[Problem]:
    """Yield facts that contradict others or refer to nothing; the first `own` rules may hide later ones."""
    yield from _expression_problems(provider, file)
    if file != f"{provider.id}.toml":
        repair = f'write id = "{file.removesuffix(".toml")}" or name the file {provider.id}.toml'
        yield Problem(file, "id", f'= "{provider.id}" is not the name of the file', repair)
    yield from _header_problems(provider, file)
    yield from _rule_problems(provider.rules, file, own)
    yield from _signal_problems(provider.signals, file)
    yield from _feed_problems(provider.feeds, file)
    tables = msgspec.to_builtins(provider) if provider.unverified else {}
    for path in provider.unverified:
        if not _is_there(tables, path):
            yield Problem(file, "unverified", f'names "{path}", which is no fact here', "mend it or leave it out")
    for name, canary in provider.canaries.items():
        yield from _canary_problems(canary, f"canaries.{name}", file)
        yield from _telling_problems(canary, f"canaries.{name}", file)
    if provider.is_command:
        yield from _mixture(provider, file)
    elif provider.base is None:
        return  # a gateway: models and help addresses are up to the account
    for name, canary in provider.canaries.items():
        if canary.dialect not in MODELLESS and canary.model is None:
            yield Problem(file, f"canaries.{name}", "lacks `model`", 'add model = "..." (the cheapest one)')
    faults = {rule.fault for rule in provider.rules if rule.fault and rule.fault.blame is Blame.ACCOUNT}
    for fault in sorted(faults - provider.help.keys()):
        yield Problem(file, "help", f"lacks `{fault}`, which a rule can yield", f'add {fault} = "https://..."')


def _telling_problems(canary: Canary, key: str, file: str) -> Iterator[Problem]:
    if (canary.credit or canary.flags) and canary.dialect is not Dialect.ACCOUNT:
        what = f'has `credit` or `flags`, but its dialect is "{canary.dialect}"'
        yield Problem(file, key, what, 'write dialect = "account"')
    if canary.dialect is Dialect.ACCOUNT and not (canary.credit or canary.holds):
        repair = 'add holds = "..." (JMESPath), or [credit]'
        yield Problem(file, key, "does not say what a good answer holds", repair)
    if canary.holds and canary.dialect not in MODELLESS:
        yield Problem(file, f"{key}.holds", f"does not go with dialect {canary.dialect}", "leave it out")
    if canary.offers and canary.dialect is not Dialect.LIST:
        yield Problem(file, key, f'has `offers`, but its dialect is "{canary.dialect}"', 'write dialect = "list"')
    if canary.credit:
        yield from _credit_problems(canary.credit, f"{key}.credit", file)


def _credit_problems(credit: CreditFacts, key: str, file: str) -> Iterator[Problem]:
    if not (credit.left or credit.most or credit.used or credit.expires):
        yield Problem(file, key, "tells of nothing", "add one of: left, most, used, expires")
    if (credit.currency is None) == (credit.currency_at is None):
        yield Problem(file, key, "must have either `currency` or `currency_at`", "keep exactly one of the two")


def _expression_problems(provider: Provider, file: str) -> Iterator[Problem]:
    for name, canary in provider.canaries.items():
        told = {f"flags.{fault}": expression for fault, expression in canary.flags.items()}
        told |= {name: one for name, one in (("offers", canary.offers), ("holds", canary.holds)) if one}
        if canary.credit:
            asked = {field: getattr(canary.credit, field) for field in SOUGHT}
            told |= {f"credit.{field}": expression for field, expression in asked.items() if expression}
        for key, why in bad_expressions(told):
            what = f'= "{told[key]}" is no JMESPath ({why})'
            yield Problem(file, f"canaries.{name}.{key}", what, "mend it; see https://jmespath.org")


def _canary_problems(canary: Canary, key: str, file: str) -> Iterator[Problem]:
    """A command needs a program, every other canary a path, and neither may have the other's keys."""
    is_command = canary.dialect is Dialect.COMMAND
    needed, example = ("run", '["program", "argument"]') if is_command else ("path", '"/..."')
    if getattr(canary, needed) is None:
        yield Problem(file, key, f"lacks `{needed}`", f"add {needed} = {example}")
    for name in OF_ADDRESSES if is_command else OF_COMMANDS:
        if getattr(canary, name):
            yield Problem(file, f"{key}.{name}", f"does not go with dialect {canary.dialect}", "leave it out")
    yield from _bad_expressions([canary.answers] if canary.answers else [], f"{key}.answers", file)


def _mixture(provider: Provider, file: str) -> Iterator[Problem]:
    if any(canary.dialect is not Dialect.COMMAND for canary in provider.canaries.values()):
        repair = "give the commands a provider file of their own"
        yield Problem(file, "canaries", "hold commands beside canaries with an address", repair)
    if provider.base is not None:
        yield Problem(file, "base", "does not go with commands", "leave it out")


def _header_problems(provider: Provider, file: str) -> Iterator[Problem]:
    for key, name in (("auth.header", provider.auth.header), *((f"headers.{name}", name) for name in provider.headers)):
        if why := why_refused(name):
            yield Problem(file, key, f'= "{name}": {why}' if key == "auth.header" else why, "leave it out")
    for name, value in provider.headers.items():
        if why := why_unsendable(value):
            yield Problem(file, f"headers.{name}", why, "mend the value; it is not shown, as it may be a secret")


def _rule_problems(rules: Sequence[Rule], file: str, own: int = 0) -> Iterator[Problem]:
    for id, times in Counter(rule.id for rule in rules).items():
        if times > 1:
            yield Problem(file, f"rules.{id}", f"stands {times} times", "give each rule an id of its own")
    for place, rule in enumerate(rules):
        key = f"rules.{rule.id}"
        if rule.ok == (rule.fault is not None):
            yield Problem(file, key, "must have either `fault` or `ok`", "keep exactly one of the two")
        if not _asks(rule):
            yield Problem(file, key, "names nothing to match", f"add one of: {', '.join(MARKS)}")
        yield from _bad_expressions(rule.message, f"{key}.message", file)
        rivals = rules[:place] if place < own else rules[own:place]
        if hider := next(
            (earlier for earlier in rivals if earlier.loose <= rule.loose and _hides(earlier, rule)), None
        ):
            yield Problem(file, key, f"is never reached: {hider.id} fits first", f"move it above {hider.id} or drop it")


def _signal_problems(signals: Sequence[Signal], file: str) -> Iterator[Problem]:
    for signal in signals:
        yield from _bad_expressions([signal.value], f"signals.{signal.id}.value", file)


def _is_there(value: Any, path: str) -> bool:
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value is not None


def _feed_problems(feeds: Sequence[Feed], file: str) -> Iterator[Problem]:
    for id, times in Counter(feed.id for feed in feeds).items():
        if times > 1:
            yield Problem(file, f"feeds.{id}", f"stands {times} times", "give each feed an id of its own")
    for feed in feeds:
        yield from _bad_expressions(feed.components, f"feeds.{feed.id}.components", file)


def _bad_expressions(expressions: Sequence[str], key: str, file: str) -> Iterator[Problem]:
    for expression in expressions:
        try:
            re.compile(expression)
        except re.error as error:
            yield Problem(file, key, f'= "{expression}" is no regular expression ({error})', "mend it")


def _hides(earlier: Rule, later: Rule) -> bool:
    """Whether everything that matches the later rule matches the earlier one: that asks for no more."""
    fits_all = all(not (asked := getattr(earlier, mark)) or _within(getattr(later, mark), asked) for mark in MARKS)
    return fits_all and earlier.page == later.page and earlier.unanswered <= later.unanswered and _asks(earlier)


def _asks(rule: Rule) -> bool:
    return any(getattr(rule, mark) for mark in MARKS)


def _within(asked: Sequence[int | str], allowed: Sequence[int | str]) -> bool:
    return bool(asked) and {str(item).lower() for item in asked} <= {str(item).lower() for item in allowed}
