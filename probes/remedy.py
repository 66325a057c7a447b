"""Pure: an answer that the configuration explains → which mistake it is, and the line of monitor.toml that fixes it."""

import re
from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import assert_never
from urllib.parse import urlsplit, urlunsplit

from msgspec.structs import replace

from probes.model import Account, Answer, Confidence, Fault, Observation, Outcome
from probes.phrase import Phrase, Sentences
from probes.provider import Canary, Dialect, Provider

PREFIX = "setup/"
"""Prefix of the rules made here."""


class SetupMismatch(StrEnum):
    """A mismatch between our configured request and the server that answers."""

    ENDPOINT = "endpoint"
    DOUBLED = "doubled"
    STYLE = "style"
    VERSION = "version"
    SITE = "site"
    REDIRECT = "redirect"
    LIST = "list"
    PURSE = "purse"
    CAP = "cap"


SEGMENT = r"/v\d+(?:alpha|beta)?\d*"
VERSION = re.compile(rf"{SEGMENT}(?=/|$)")
LAST_VERSION = re.compile(rf"{SEGMENT}$")
DOUBLED = re.compile(rf"({SEGMENT})\1(?=/|$)")
ENDPOINTS = re.compile(
    r"/(?:chat/completions|completions|messages|messages/count_tokens|responses|embeddings)$"
    r"|(?<=/v1)/(?:models|chat|embed)$|(?<=/v2)/(?:chat|embed)$|(?<=/v1beta)/models$"
)
"""Paths that each canary appends to the base by itself."""
ANTHROPIC = re.compile(r"/anthropic(?=/|$)")

ABSENT = (404, 405, 501)
UNSETTLED = frozenset({Fault.BAD_REQUEST, Fault.INVALID_RESPONSE, Fault.UNCLASSIFIED})
"""Faults that an answer from a wrong address may get; anything else is the API's own answer."""

NO_PAGE = (
    r"unexpected endpoint or method|cannot (?:get|post) /|no route matched"
    r"|(?:unknown|invalid|unhandled|unsupported|no such) (?:request )?(?:url|path|endpoint|route)\b"
    r"|(?:url|path|endpoint|route)\W+(?:is )?not (?:supported|implemented|found|available|enabled)\b"
)
"""How some servers say, with any status, that the address does not exist."""

LIST_REFUSED = UNSETTLED | {Fault.PERMISSION_DENIED, Fault.INVALID_KEY, Fault.MODEL_UNAVAILABLE}
"""Faults that a gateway without a model list may answer to a request for one, although it serves its models."""

SEARCHED_CHARACTERS = 2000
"""Most characters of a body to search."""

TARGET = re.compile(r"redirects to (\S+?);")
REFUSED = (
    r"(?:unsupported|not.{0,20}(?:supported|permitted|allowed|recogni[sz]ed)|unknown|unrecogni[sz]ed|unexpected|extra)"
)
CAPS = {Dialect.OPENAI_CHAT: "max_completion_tokens", Dialect.OPENAI_COMPATIBLE: "max_tokens"}
"""The name of the token cap, in which these dialects differ."""
WANTED = rf"\buse\W+({'|'.join(CAPS.values())})\b"
SPOKEN_INSTEAD = {Dialect.OPENAI_COMPATIBLE: Dialect.OPENAI_CHAT, Dialect.OPENAI_CHAT: Dialect.OPENAI_COMPATIBLE}
"""The other dialect: they differ only in the name of the token cap, and a server may accept just one."""


WHY = {
    SetupMismatch.ENDPOINT: "the base ends with a request path, which each canary adds by itself",
    SetupMismatch.DOUBLED: "the address has the version twice",
    SetupMismatch.STYLE: "this base speaks Anthropic's format",
    SetupMismatch.VERSION: "no API answers at this base, which has no version in it",
    SetupMismatch.SITE: "this is not where the provider's API answers",
    SetupMismatch.REDIRECT: "the address has moved, and a key is never sent to a redirect",
    SetupMismatch.LIST: "there is no list of models there; some gateways have none",
    SetupMismatch.PURSE: "the account's balance is not available there; some gateways do not give it",
    SetupMismatch.CAP: "this server uses another name for the cap on tokens",
}
FIX = "In this account's table of monitor.toml, write {line} ({why})."


def explain_observation(
    provider: Provider, account: Account, seen: Observation, *, proven: bool = False, others: bool | None = None
) -> Observation:
    """Return the observation, as a bad request of ours where the account's configuration explains it.

    `proven`: this target has answered well as it is set up now, so its address is right. `others`: whether another
    canary of this account answers well; None when there is no other.
    """
    if seen.answer is None or not _is_unsettled(seen):
        return seen
    misfit = _misfit(provider, account, seen, seen.answer, proven=proven, others=others)
    if misfit is None:
        return seen
    answer = replace(seen.answer, rule=f"{PREFIX}{misfit}", confidence=Confidence.MEDIUM)
    return replace(seen, outcome=Outcome.FAILED, fault=Fault.BAD_REQUEST, answer=answer)


def _is_unsettled(seen: Observation) -> bool:
    """Whether a wrong address may be the cause; some servers report a missing page as their own failure."""
    if seen.fault is Fault.SERVER_ERROR:
        return seen.status in ABSENT or _says_no_page(seen.answer)
    return seen.fault in LIST_REFUSED


def _says_no_page(answer: Answer | None) -> bool:
    return answer is not None and re.search(NO_PAGE, answer.body[:SEARCHED_CHARACTERS], re.IGNORECASE) is not None


def _misfit(
    provider: Provider, account: Account, seen: Observation, answer: Answer, *, proven: bool, others: bool | None
) -> SetupMismatch | None:
    canary = provider.canaries[seen.target.canary]
    if canary.path is None or canary.optional or canary.is_elsewhere or ".." in canary.path:
        return None
    if answer.rule == "transport/redirect":
        return SetupMismatch.REDIRECT if _moved(provider, account, canary, answer.words) else None
    if seen.fault in UNSETTLED and _is_capped(canary.spoken(seen.target.canary, account), seen.status, answer):
        return SetupMismatch.CAP
    if proven or account.base is None:
        return None  # a shipped address needs no fix by the user
    if canary.dialect is Dialect.LIST and others:
        return SetupMismatch.LIST  # a working canary proves both the address and the key
    if seen.fault in LIST_REFUSED - UNSETTLED or not _is_absent(seen.status, answer):
        return None
    if not others and (wrong := check_base(provider, account.base, canary) or _on_own_domain(provider, account.base)):
        return wrong
    if canary.dialect is Dialect.ACCOUNT:
        return SetupMismatch.PURSE if others else None
    return SetupMismatch.LIST if canary.dialect is Dialect.LIST and others is not False else None


def _is_absent(status: int | None, answer: Answer) -> bool:
    """Whether nothing there understands our request: no such page, or text where JSON belongs."""
    if status != 200:
        return status in ABSENT
    body = answer.body.lstrip("\ufeff \t\r\n")
    is_text = bool(body) and not body.startswith(("{", "[", "data:", "event:", ":"))
    return is_text or _says_no_page(answer)


def _is_capped(dialect: Dialect, status: int | None, answer: Answer) -> bool:
    """Whether a server wants the token cap under its other name."""
    if dialect not in CAPS or status not in (400, 422):
        return False
    said = f"{answer.words} {answer.body}"
    if wanted := re.search(WANTED, said, re.IGNORECASE):
        return wanted[1].lower() != CAPS[dialect]
    name, near = rf"\b{CAPS[dialect]}\b", "[^{}]{0,80}"  # within one pair of braces
    return re.search(f"{REFUSED}{near}{name}|{name}{near}{REFUSED}", said, re.IGNORECASE) is not None


def check_base(provider: Provider, base: str, canary: Canary) -> SetupMismatch | None:
    """Return what looks wrong with a base address by its form alone; None when nothing does."""
    path, asked = urlsplit(base).path.rstrip("/"), _path(canary)
    if ENDPOINTS.search(path):
        return SetupMismatch.ENDPOINT
    if DOUBLED.search(path + asked):
        return SetupMismatch.DOUBLED
    if ANTHROPIC.search(path) and canary.dialect in (*CAPS, Dialect.LIST) and provider.id != "anthropic":
        return SetupMismatch.STYLE
    return None if VERSION.search(path + asked) else SetupMismatch.VERSION


def _on_own_domain(provider: Provider, base: str) -> SetupMismatch | None:
    """Return SITE for an address in the provider's own domain that is not its API's."""
    is_there = provider.base is not None and base.rstrip("/") != provider.base.rstrip("/")
    same = urlsplit(base).hostname == urlsplit(provider.base or "").hostname
    return SetupMismatch.SITE if is_there and (same or is_website(provider, base)) else None


def is_website(provider: Provider, base: str) -> bool:
    """Whether a base is, by its name, a host for people (console, docs) of the company whose API is elsewhere."""
    host, api = urlsplit(base).hostname or "", urlsplit(provider.base or "").hostname or ""
    return SITE.match(host) is not None and host != api and host.split(".")[-2:] == api.split(".")[-2:]


SITE = re.compile(r"(?:www|chat|console|platform|dashboard|docs|app|portal|cloud|studio)\.|(?=[^.]+\.[^.]+$)")


def _path(canary: Canary) -> str:
    return (canary.path or "").partition("?")[0]


# The line that fixes it


def advise_setup(
    provider: Provider, account: Account, name: str, answer: Answer, answered: Collection[str] = ()
) -> Sentences | None:
    """Return what to write into monitor.toml; None where the configuration is not the cause.

    `name` is the canary that got the answer, `answered` are the account's canaries that got good ones.
    """
    misfit = RULES.get(answer.rule)
    if misfit is None:
        return None
    line = _line(misfit, provider, account, name, answer.words, answered)
    return (Phrase(FIX, {"line": line, "why": Phrase(WHY[misfit])}),) if line else None


def _line(
    misfit: SetupMismatch, provider: Provider, account: Account, name: str, words: str, answered: Collection[str]
) -> str | None:
    canary = provider.canaries[name]
    match misfit:
        case SetupMismatch.CAP:
            return f'dialect = {{ {name} = "{SPOKEN_INSTEAD[canary.spoken(name, account)]}" }}'
        case SetupMismatch.LIST | SetupMismatch.PURSE:
            lists = misfit is SetupMismatch.LIST
            kept = [one for one in answered if not (lists and provider.canaries[one].dialect is Dialect.LIST)]
            return "canaries = [" + ", ".join(f'"{one}"' for one in dict.fromkeys(kept or ["chat"])) + "]"
        case SetupMismatch.STYLE:
            return 'provider = "anthropic"'
        case SetupMismatch.REDIRECT:
            base = _moved(provider, account, canary, words)
            return f'base = "{base}"' if base else None
        case SetupMismatch.ENDPOINT | SetupMismatch.DOUBLED | SetupMismatch.VERSION | SetupMismatch.SITE:
            return f'base = "{fix_base(provider, account.base or "", canary)}"'
    assert_never(misfit)


def is_covered(seen: Observation, met: Iterable[Observation]) -> bool:
    """Whether the line that fixes another problem that this account `met` fixes this one too."""
    is_purse = seen.answer is not None and RULES.get(seen.answer.rule) is SetupMismatch.PURSE
    return is_purse and any(one.answer and RULES.get(one.answer.rule) is SetupMismatch.LIST for one in met)


def is_fixed(provider: Provider, seen: Observation, met: Iterable[Observation]) -> bool:
    """Whether a line that fixes what this account `met` is all there is to do about this observation."""
    if seen.answer and seen.answer.rule in RULES:
        return True
    asks_no_more = seen.fault in LIST_REFUSED and provider.canaries[seen.target.canary].dialect in LEFT_OUT
    return asks_no_more and any(one.answer and RULES.get(one.answer.rule) is SetupMismatch.LIST for one in met)


LEFT_OUT = (Dialect.LIST, Dialect.ACCOUNT)
"""Canaries that the line for a missing list stops, if they do not work."""
RULES = {f"{PREFIX}{misfit}": misfit for misfit in SetupMismatch}


def similar_base(provider: Provider, account: Account, name: str, rule: str) -> str | None:
    """Return the base that would fix it, if it is on the host that already gets the key; None otherwise."""
    if account.base is None or RULES.get(rule) not in (
        SetupMismatch.VERSION,
        SetupMismatch.DOUBLED,
        SetupMismatch.SITE,
    ):
        return None
    base = fix_base(provider, account.base, provider.canaries[name])
    return base if urlsplit(base).netloc == urlsplit(account.base).netloc else None


def fix_base(provider: Provider, base: str, canary: Canary) -> str:
    """Return a base address with every flaw in its form fixed."""
    parts = urlsplit(base)
    path = parts.path.rstrip("/")
    if provider.base and _on_own_domain(provider, base):
        return provider.base
    while ENDPOINTS.search(path):
        path = ENDPOINTS.sub("", path)
    while DOUBLED.search(path):
        path = DOUBLED.sub(r"\1", path)
    asked = _path(canary)
    if DOUBLED.search(path + asked):
        path = LAST_VERSION.sub("", path)
    elif not VERSION.search(path + asked):
        usual = VERSION.search(urlsplit(provider.base or "").path)
        path += usual[0] if usual else "/v1"
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def _moved(provider: Provider, account: Account, canary: Canary, words: str) -> str | None:
    """Return the base that a redirect leads to; None unless the API moved within its own domain, over https.

    Any other destination appears only in the words of the answer: we never advise sending a key there.
    """
    told, before = TARGET.search(words), urlsplit(account.base or provider.base or "")
    if told is None:
        return None
    after = urlsplit(told[1])
    path, asked = after.path.rstrip("/"), _path(canary)
    if not (before.hostname and after.hostname and path.endswith(asked)) or after.scheme != "https":
        return None
    base = urlunsplit((after.scheme, after.netloc, path.removesuffix(asked), "", ""))
    is_new = "[" not in base and base != (account.base or provider.base)
    return base if is_new and _is_near(before.hostname, after.hostname) else None


def _is_near(before: str, after: str) -> bool:
    """Whether two hosts are the same, or one is within the other's domain."""
    within = f".{after}".endswith(f".{before}") or f".{before}".endswith(f".{after}")
    return before == after or (within and "." in after)
