"""The form of a key → what is wrong with it, in words that hold none of it."""

import re
from collections.abc import Iterator

from msgspec import Struct

from probes.provider import Provider


class Flaw(Struct, frozen=True):
    """What is odd about a key. `fatal`: no request with it can succeed, so none is sent."""

    words: str
    fatal: bool = True


QUOTES = "\"'`"
SCHEME = re.compile(r"(?:bearer|basic)[\s:]\s*|token\s+", re.I)
HEADER = re.compile(r"(?:proxy-)?authorization\s*[:=]|(?:x-[\w-]*|api-?)key\s*:", re.I)
ASSIGNED = re.compile(r"(export\s+|set(?:x|env)?\s+|\$env:)?([A-Za-z_]\w*)\s*(?:=(?![=\s]*$)|:\s)\s*\S", re.I)
NAMES = re.compile(r"_|key|token|secret|password", re.I)
REFERENCE = re.compile(r"(?:env|file|command):\S|op://|vault:|arn:aws:(?:secretsmanager|ssm):", re.I)
VARIABLE = re.compile(r"\$\{?\w+\}?|\$\(.*\)|%\w+%|\{\{.*\}\}")
PATH = re.compile(
    r"(?:~|\.{1,2}|[a-z]:)?[/\\](?:[\w. -]+[/\\])+[\w. -]+|(?:~|\.{1,2})[/\\]\S+|\S+\.(?:txt|env|pem|key|json)", re.I
)
UNREAL = re.compile(r".*(?:\.\.\.|\*\*\*|<.*>).*|\[.*\]")
"""An example, or a key as a console shows it once it is made."""
DUMMY = re.compile(
    r"(?:.*[\W_])?(?:your|insert|enter|paste|replace|put)[\W_]?(?:.*[\W_])?(?:api|key|token|secret).*"
    r"|(?:.*[\W_])?(?:replace|change)[\W_]?(?:me|it|this)",
    re.I,
)
"""What stands in examples where a key belongs."""
LONGEST = 200
"""No example is longer; of a longer key the beginning is looked at."""
BLAND = re.compile(
    r"(?:sk[-_])?(?:x{3,}|0+|1234\d*|abc(?:123|def\w*)?|test|key|token|none|null|nil|undefined|empty|dummy|placeholder"
    r"|example|secret|password|redacted|todo|tbd|fixme|(?:my|api|secret)[\W_]?(?:api[\W_]?)?key)",
    re.I,
)
"""What no company gives out, but many a server of one's own takes."""

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
"""How the keys begin that one issuer alone makes, and the providers that take them here."""


def flaws(key: str, provider: Provider, *, gateway: bool) -> Iterator[Flaw]:
    """Yield what is wrong with the form of a key, the surest first.

    At a `gateway`, or a server of one's own, anything may be a key that could be one.
    """
    if UNREAL.fullmatch(key) or VARIABLE.fullmatch(key):
        yield Flaw("is a placeholder, or a key that was shown in part: put the real key there")
    elif why := _never(key, provider):
        yield Flaw(why)
    elif DUMMY.fullmatch(key[:LONGEST]) or (BLAND.fullmatch(key) and not gateway):
        yield Flaw("is a placeholder, as examples have it: put the real key there", fatal=not gateway)
    elif PATH.fullmatch(key):
        yield Flaw("is a path, not a key: if the key is in that file, write file:PATH", fatal=not gateway)
    elif not gateway and (owner := _stranger(key, provider)):
        yield Flaw(f"looks like a key of {owner}, not of {provider.name}", fatal=False)


def _never(key: str, provider: Provider) -> str | None:
    """Return why no server at all takes this key; None when some might."""
    if key[0] in QUOTES or key[-1] in QUOTES:
        return "has quotes around it: take them away"
    if key.startswith(("{", "-----BEGIN")):
        return "is a whole document (JSON or PEM), not a key: give the key alone"
    if REFERENCE.match(key):
        return "is a reference itself: write it into monitor.toml, in the place of the one that leads to it"
    if key.startswith(("http://", "https://")):
        return "is a web address, not a key"
    is_bare = _is_bare(provider)
    if HEADER.match(key) or (SCHEME.match(key) and not is_bare):
        return 'has "Bearer" or the name of a header in front, which is sent anyway: leave only the key'
    if (named := ASSIGNED.match(key)) and (named[1] or NAMES.search(named[2]) or named[2].isupper()):
        return "has a name in front (NAME=...): leave only what stands behind it"
    if key[-1] in ",;":
        return f'ends with "{key[-1]}": take it away'
    blank = " " in (SCHEME.sub("", key, count=1) if is_bare else key)
    return "has a blank inside: take it out, or copy the key anew" if blank else None


def _is_bare(provider: Provider) -> bool:
    """Whether the key is sent as it stands in a header that wants a scheme, so that it must bring its own."""
    return provider.auth.value == "{key}" and provider.auth.header.lower() == "authorization"


def _stranger(key: str, provider: Provider) -> str | None:
    """Return whose key it seems to be, when it is somebody else's."""
    for start, takers in ISSUERS.items():
        if key.startswith(start) and provider.id not in takers:
            return takers[0] if takers else f'another company ("{start}...")'
    return None
