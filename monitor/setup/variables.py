"""Variables, of the environment or of an env file → the accounts whose keys they hold."""

import re
from collections.abc import Iterable, Iterator, Mapping
from string import Formatter
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from monitor.setup.address import is_address, settle
from monitor.setup.proposal import Proposal, ProposedAccount, Variables, label, tidied
from probes.answer.known_name import known_names
from probes.catalog import Catalog


class Place(Struct, frozen=True):
    """Where variables are: how a reference to one begins (`env:`, `file:.env#`), and how that is called."""

    reference: str
    words: str


class OwnAddress(Struct, frozen=True):
    """A provider at an address of each customer: its base, made from other variables."""

    provider: str
    base: str


OWN_ADDRESSES: Mapping[str, OwnAddress] = {
    "AZURE_OPENAI_API_KEY": OwnAddress("azure-openai", "{AZURE_OPENAI_ENDPOINT}/openai/v1"),
    "AZURE_API_KEY": OwnAddress("azure-openai", "{AZURE_API_BASE}/openai/v1"),
    "AWS_BEARER_TOKEN_BEDROCK": OwnAddress("bedrock", "https://bedrock-mantle.{AWS_REGION}.api.aws/v1"),
    "CLOUDFLARE_API_TOKEN": OwnAddress(
        "cloudflare", "https://api.cloudflare.com/client/v4/accounts/{CLOUDFLARE_ACCOUNT_ID}/ai"
    ),
    "LITELLM_API_KEY": OwnAddress("litellm", "{LITELLM_API_BASE}"),
    "LITELLM_PROXY_API_KEY": OwnAddress("litellm", "{LITELLM_PROXY_API_BASE}"),
    "VLLM_API_KEY": OwnAddress("vllm", "{VLLM_BASE_URL}"),
    "OLLAMA_API_KEY": OwnAddress("ollama", "https://ollama.com/v1"),
}
"""Their keys' variables, as the companies' own manuals and clients name them."""
DOUBLE_USE = ("CLOUDFLARE_API_TOKEN",)
"""Keys of which only another variable says that they are for models."""
PROGRAMS = {"CLAUDE_CODE_OAUTH_TOKEN": "claude-code"}
ADMIN_KEYS = {"openai": "OPENAI_ADMIN_KEY", "anthropic": "ANTHROPIC_ADMIN_KEY"}
BASES = ("_BASE_URL", "_API_BASE", "_API_BASE_URL", "_API_URL")
NO_KEYS = frozenset({"FILE", "PATH", "NAME", "ID", "URL", "HEADER", "REGION", "VERSION"})
"""Ends of names that say something about a key."""
STEM = re.compile(r"_(?:API_)?(?:KEY|TOKEN)$")
KEY_LIKE = re.compile(r"_(?:API_?KEY|TOKEN|SECRET_KEY)(?:_\w+)?$")


class VariableMatch(Struct, frozen=True):
    """A variable that is a known one (`known`), alone or with something before or behind it, which is its label."""

    variable: str
    known: str
    label: str = ""

    def beside(self, other: str) -> tuple[str, ...]:
        """Return how another variable would be called that goes with this one, the surest first."""
        return self.variable.replace(self.known, other), other


def read_variables(variables: Variables, place: Place, catalog: Catalog, *, tell_all: bool = False) -> Proposal:
    """Return the accounts, and the names that may be keys, too; with `tell_all` all names that were not understood."""
    known = {name: id for id, provider in catalog.items() for name in provider.key_variables}
    known |= {name: one.provider for name, one in OWN_ADDRESSES.items()}
    matches = [match for name in variables if (match := find_match(name, known))]
    used = {*_names_used(matches)}
    apart = _distinct(matches, known, variables)
    accounts = [one for it in apart if (one := _account(it, known[it.known], variables, place, catalog))]
    accounts += [_program(name, id, place) for name, id in PROGRAMS.items() if variables.get(name)]
    unread = [name for name in variables if name not in used and (tell_all or KEY_LIKE.search(name))]
    said = tuple(f"{place.words}: {name} is the variable of no provider that is known here" for name in unread)
    return tidied(Proposal(tuple(accounts), said))


def find_match(name: str, known: Mapping[str, str]) -> VariableMatch | None:
    """Return which known variable a name is; the longest counts, as AZURE_OPENAI_API_KEY is none of OpenAI's."""
    for one in sorted(known, key=len, reverse=True):
        if name == one:
            return VariableMatch(name, one)
        before, behind = name.removesuffix(f"_{one}"), name.removeprefix(f"{one}_")
        rest = before if before != name else behind
        if rest != name and rest.rpartition("_")[2] not in NO_KEYS:
            return VariableMatch(name, one, label(rest.lower()))
    return None


def _names_used(matches: Iterable[VariableMatch]) -> Iterator[str]:
    yield from (*PROGRAMS, *ADMIN_KEYS.values())
    for one in matches:
        yield one.variable
        stem = STEM.sub("", one.known)
        for other in (*(f"{stem}{tail}" for tail in BASES), *_fields(one.known)):
            yield from one.beside(other)


def _fields(known: str) -> list[str]:
    own = OWN_ADDRESSES.get(known)
    return [name for _, name, _, _ in Formatter().parse(own.base) if name] if own else []


def _account(
    match: VariableMatch, id: str, variables: Variables, place: Place, catalog: Catalog
) -> ProposedAccount | None:
    hindrance = "" if variables[match.variable].strip() else f"{match.variable} {_nothing(variables[match.variable])}"
    name, source = match.label or "default", f"{match.variable} of {place.words}"
    found = ProposedAccount(id, name, source, f"{place.reference}{match.variable}", hindrance=hindrance)
    if match.known in OWN_ADDRESSES:
        missing = [one for one in _fields(match.known) if not _value(match.beside(one), variables)]
        if missing and match.known in DOUBLE_USE:
            return None
        if missing:
            return replace(found, hindrance=hindrance or f"its address is not known: set {' and '.join(missing)}")
        values = {one: _value(match.beside(one), variables).rstrip("/") for one in _fields(match.known)}
        return replace(found, base=OWN_ADDRESSES[match.known].base.format(**values))
    return _placed(_with_admin_key(found, variables, place), match, variables, catalog)


def _nothing(value: str) -> str:
    return "is empty" if not value else f"holds nothing but {'a line break' if value.strip(' ') else 'blanks'}"


def _with_admin_key(one: ProposedAccount, variables: Variables, place: Place) -> ProposedAccount:
    name = ADMIN_KEYS.get(one.provider, "")
    return replace(one, admin_key=f"{place.reference}{name}") if variables.get(name, "").strip() else one


def _placed(one: ProposedAccount, match: VariableMatch, variables: Variables, catalog: Catalog) -> ProposedAccount:
    """Return an account at the address that another variable gives, as the clients of its provider read it."""
    stem = STEM.sub("", match.known)
    base = next((value for tail in BASES if (value := _value(match.beside(f"{stem}{tail}"), variables))), None)
    if base and not is_address(base):
        return replace(one, hindrance=one.hindrance or f"{stem}_BASE_URL is no address: begin it with https://")
    provider, settled = settle(one.provider, base, catalog, known_names().hosts)
    admin_key = one.admin_key if provider == one.provider and settled is None else None
    name = one.name if match.label or settled is None else label(urlsplit(settled).hostname or "", one.name)
    return replace(one, name=name, provider=provider, base=settled, admin_key=admin_key)


def _value(names: tuple[str, ...], variables: Variables) -> str:
    return next((value for name in names if (value := variables.get(name, "").strip())), "")


def _program(name: str, id: str, place: Place) -> ProposedAccount:
    why = "each question takes a little of the subscription: remove the # if you want that"
    passed = {name: f"{place.reference}{name}"}
    return ProposedAccount(id, "default", f"{name} of {place.words}", environment=passed, hindrance=why)


def _distinct(
    matches: Iterable[VariableMatch], known: Mapping[str, str], variables: Variables
) -> Iterator[VariableMatch]:
    """Leave out a key that stands there under a second name."""
    seen: set[tuple[str, str]] = set()
    for one in matches:
        held = known[one.known], variables[one.variable].strip()
        if held not in seen:
            yield one
        seen.add(held)
