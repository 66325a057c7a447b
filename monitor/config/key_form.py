"""The form of a key → what is wrong with it, in words that hold none of it."""

import re
from collections.abc import Iterator

from msgspec import Struct

from probes.provider import Provider


class Flaw(Struct, frozen=True):
    """What is odd about a key. `fatal`: no request with it can succeed, so none is sent."""

    words: str
    fatal: bool = True

    @property
    def repair(self) -> str:
        """What stands behind a colon in its words; "" if nothing does."""
        return self.words.partition(": ")[2]


QUOTES = "\"'`"

# Compiled at the first key that is not plain: most starts meet none, and each would pay two milliseconds.
GAP = r"(?:[\s:=+,]|%20|%09|%3a|\\u0020|&nbsp;)"
"""What may separate a scheme from its key, including forms escaped for an address or a page."""
SCHEME = rf"(?:bearer|basic){GAP}+|token(?:\s|%20)+"
GLUED = r"bearer[-_.]?(?=[\w-]{8})"
BLANK_WRITTEN = r"%20|&nbsp;|\\u0020"
HEADER = r"(?:proxy-)?authorization\s*[:=]|(?:x-[\w-]*|api-?)key\s*:"
ASSIGNED = r"(export\s+|set(?:x|env)?\s+|\$env:)?([A-Za-z_]\w*)\s*(?:=(?![=\s]*$)|:\s)\s*\S"
NAMES = r"_|key|token|secret|password"
REFERENCE = r"(?:env|file|command):\S|op://|vault:|arn:aws:(?:secretsmanager|ssm):"
WRITTEN_END = r"(?:\\[nrt]|%0[ad])+$"
VARIABLE = r"\$\{?\w+\}?|\$\(.*\)|%\w+%|\{\{.*\}\}"
PATH = r"(?:~|\.{1,2}|[a-z]:)?[/\\](?:[\w. -]+[/\\])+[\w. -]+|(?:~|\.{1,2})[/\\]\S+|\S+\.(?:txt|env|pem|key|json)"
UNREAL = r".*(?:\.\.\.|\*\*\*|<.*>).*|\[.*\]"
"""An example, or a key as a console shows it after it is made."""
DUMMY = (
    r"(?:.*[\W_])?(?:your|insert|enter|paste|replace|put)[\W_]?(?:.*[\W_])?(?:api|key|token|secret).*"
    r"|(?:.*[\W_])?(?:replace|change)[\W_]?(?:me|it|this)"
)
"""What examples have in the place of a key."""
LONGEST = 200
"""Most characters of an example; of a longer key only the beginning is compared."""
BLAND = (
    r"(?:sk[-_])?(?:x{3,}|0+|1234\d*|abc(?:123|def\w*)?|test|key|token|none|null|nil|undefined|empty|dummy|placeholder"
    r"|example|secret|password|redacted|todo|tbd|fixme|(?:my|api|secret)[\W_]?(?:api[\W_]?)?key)"
)
"""What no company issues, but many a private server accepts."""

ISSUERS = {
    "sk-ant-": ("anthropic", "claude-code"),
    "sk-or-": ("openrouter",),
    "sk-proj-": ("openai", "codex"),
    "sk-svcacct-": ("openai", "codex"),
    "AIza": ("gemini", "vertex"),
    "gsk_": ("groq",),
    "xai-": ("xai",),
    "pplx-": ("perplexity",),
    "hf_": ("huggingface",),
    "fw_": ("fireworks",),
    "csk-": ("cerebras",),
    "tgp_v1_": ("together",),
    "LLM|": ("llama-api",),
    "ABSK": ("bedrock",),
    "AKIA": (),
    "ASIA": (),
    "ghp_": (),
    "github_pat_": (),
    "nvapi-": (),
}
"""Prefixes of keys that only one issuer makes, and the providers here that accept them."""


def find_flaws(key: str, provider: Provider, *, gateway: bool) -> Iterator[Flaw]:
    """Yield what is wrong with the form of a key, the surest first.

    At a `gateway`, or a private server, anything that could be a key may be one.
    """
    if not _is_plain(key) and (flaw := _flaw(key, provider, gateway=gateway)):
        yield flaw
    elif not gateway and (owner := _foreign_issuer(key, provider)):
        yield Flaw(f"looks like a key of {owner}, not of {provider.name}", fatal=False)


def _is_plain(key: str) -> bool:
    """Whether a key is of letters and digits as most are, with nothing in it that examples have."""
    folded = key.lower()
    return len(key) >= 20 and set(folded) <= PLAIN and not any(word in folded for word in EXAMPLES)


PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
EXAMPLES = ("bearer", "your", "insert", "enter", "paste", "replace", "put", "change", "xxx", "000", "1234")


IN_FRONT = 'has "Bearer" or the name of a header in front, which is sent anyway: leave only the key'
STARTS = ("sk-", "sk_", "eyJ")
"""Prefixes of the keys of many issuers."""


def header_flaw(name: str, value: str) -> str | None:
    """Return what is odd about a header's value, in words that hold none of it; None if nothing is."""
    value = value.strip()
    if len(value) > 1 and value[0] in QUOTES and value[-1] == value[0]:
        return "has quotes around its value, which are sent with it: take them away, if they are not meant"
    if re.match(rf"{re.escape(name)}\s*[:=]", value, re.I):
        return "has its own name in front of its value: leave only what stands behind it"
    if tail := re.search(WRITTEN_END, value, re.I):
        return f'has a value that ends with "{tail[0]}", a line break that is written out: take it away'
    return None


def _flaw(key: str, provider: Provider, *, gateway: bool) -> Flaw | None:
    if re.fullmatch(UNREAL, key) or re.fullmatch(VARIABLE, key):
        return Flaw("is a placeholder, or a key that was shown in part: put the real key there")
    if why := _why_never_accepted(key, provider):
        return Flaw(why)
    if glued := re.match(GLUED, key, re.I):
        is_known = key[glued.end() :].startswith((*ISSUERS, *STARTS))
        return Flaw(IN_FRONT, fatal=is_known or not gateway)
    if re.fullmatch(DUMMY, key[:LONGEST], re.I) or (not gateway and re.fullmatch(BLAND, key, re.I)):
        return Flaw("is a placeholder, as examples have it: put the real key there", fatal=not gateway)
    if re.fullmatch(PATH, key, re.I):
        return Flaw("is a path, not a key: if the key is in that file, write file:PATH", fatal=not gateway)
    return None


def _why_never_accepted(key: str, provider: Provider) -> str | None:
    """Return why no server at all accepts this key; None if some might."""
    if key[0] in QUOTES or key[-1] in QUOTES:
        return "has quotes around it: take them away"
    if key.startswith(("{", "-----BEGIN")):
        return "is a whole document (JSON or PEM), not a key: give the key alone"
    if re.match(REFERENCE, key, re.I):
        return "is a reference itself: write it into monitor.toml, in the place of the one that leads to it"
    if key.startswith(("http://", "https://")):
        return "is a web address, not a key"
    is_bare = _is_bare(provider)
    if re.match(HEADER, key, re.I) or (re.match(SCHEME, key, re.I) and not is_bare):
        return IN_FRONT
    if (named := re.match(ASSIGNED, key, re.I)) and (
        named[1] or re.search(NAMES, named[2], re.I) or named[2].isupper()
    ):
        return "has a name in front (NAME=...): leave only what stands behind it"
    if tail := re.search(WRITTEN_END, key, re.I):
        return f'ends with "{tail[0]}", a line break that is written out: take it away'
    if key[-1] in ",;":
        return f'ends with "{key[-1]}": take it away'
    if re.search(BLANK_WRITTEN, key, re.I):
        return "has a blank inside that is written out, as in addresses (%20): take it out"
    blank = " " in (re.sub(SCHEME, "", key, count=1, flags=re.I) if is_bare else key)
    return "has a blank inside: take it out, or copy the key anew" if blank else None


def _is_bare(provider: Provider) -> bool:
    """Whether the key is sent as is in a header that wants a scheme, so that it must bring its own."""
    return provider.auth.value == "{key}" and provider.auth.header.lower() == "authorization"


def _foreign_issuer(key: str, provider: Provider) -> str | None:
    """Return whose key it seems to be, if it is somebody else's."""
    for start, takers in ISSUERS.items():
        if key.startswith(start) and provider.id not in takers:
            return takers[0] if takers else f'another company ("{start}...")'
    return None
