"""The one place that removes secrets from any text."""

import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote

MASK = "[redacted]"
ECHO = 10
"""So many characters of a key in a row count as the key; fewer identify nobody."""
BLOCK = ECHO // 2
"""Of a text cut into such blocks, one at least lies whole within any echo: most texts are done with after these."""
SHORTEST_SECRET = 6
"""A shorter "key" (vLLM's EMPTY, Ollama's anything) is no secret, and words would be torn out of texts."""

# Shapes of keys as their issuers print them, masked ones (sk-ab***yz) included. Read 2026-11-21:
# the prefixes stand in each provider's file; these cover keys that are *not* in our configuration.
SHAPES = re.compile(
    r"""
      \b(?:                                              # asked once for all, since it is seldom so
          (?:sk|pk|rk|fk|gsk|xai|pplx|csk|nvapi)[-_][\w*.\-]{6,}
        | (?:hf|tgp|fw|key|sess|r8|ak)[-_][A-Za-z0-9]{16,}
        | AIza[\w*\-]{6,}                                # Google API keys
        | ya29\.[\w*.\-]{6,}                             # Google OAuth tokens
        | LLM\|[\w|*\-]{6,}                              # Meta Llama API
        | ABSK[\w+/=*]{12,}                              # Bedrock bearer keys
        | (?:AKIA|ASIA)[A-Z0-9]{12,}                     # AWS access key ids
        | eyJ[\w\-]{8,}\.[\w\-]{8,}(?:\.[\w\-]*)?        # JWT
        | (?i:(?:bearer|basic)\s+)[\w.~+/=*\-|]{16,}
      )
    """,
    re.VERBOSE,
)
RANDOM = re.compile(
    r"(?=(?:.*\d){3})(?=.*[a-z])[A-Za-z0-9]{20,}(?:[.:_\-][A-Za-z0-9]+)*"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:[.:][\w\-]+)?"
)
"""A key without a known shape: nobody calls a variable or a file like that."""
WORD = re.compile(r"[\w|\-]{20,}")
"""A shorter word may begin as a key does, and be somebody's own name for something."""
IN_ADDRESS = re.compile(
    r"""
      (?<=://)[^\s/@:]+:[^\s/@]+(?=@)                    # user:password
    | (?i:(?<=[?&]key=)|(?<=[?&]token=)|(?<=api_key=))[^\s&"']{6,}
    """,
    re.VERBOSE,
)
SCHEME = re.compile(r"(basic|bearer|token|apikey|key)\s+", re.IGNORECASE)
"""What stands before a key in a header."""
COOKIE = re.compile(r"[\w.\-]+=([^;\s]{8,})(?:;|$)")
URL_SAFE = str.maketrans("+/", "-_")
"""The other alphabet of base64 (RFC 4648, 5)."""
MAIL = re.compile(r"\b[\w.+\-]{1,64}@[\w\-]+(?:\.[\w\-]+)+\b")
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
"""Control characters, marks of no width and halves of surrogate pairs.

They can forge a line in a log, turn a message around, stand within a key, or be no text that can be stored.
"""


def mask(text: str) -> str:
    """Remove what has the shape of a secret or an e-mail address, and control characters."""
    return _without_mail(_without_keys(text))


def _without_mail(text: str) -> str:
    return MAIL.sub(MASK, text) if "@" in text else text


def _without_keys(text: str) -> str:
    text = SHAPES.sub(MASK, _without_controls(text))
    return IN_ADDRESS.sub(MASK, text) if "=" in text or "://" in text else text


def _without_controls(text: str) -> str:
    return text if text.isprintable() else CONTROLS.sub("", text)


def conceal(text: str, secrets: Iterable[str]) -> str:
    """Remove whole secrets, then what has the shape of one: for text that we wrote ourselves, such as a log line.

    What looks like an e-mail address stays: `gateway@host.example` is our own name of who answers.
    """
    text = _without_controls(text)
    for secret in secrets:
        for whole in (secret, *_parts(secret)):
            if len(whole) >= SHORTEST_SECRET and whole in text:
                text = text.replace(whole, MASK)
    return _without_keys(text)


def has_key(text: str) -> bool:
    """Whether a text of the user's own holds what an issuer made: the beginning and the length of a key."""
    return any(map(_is_issued, WORD.findall(text)))


def screen(text: str) -> str:
    """Remove keys that somebody wrote where a name belongs; a name that only begins like one stays legible."""
    return WORD.sub(lambda found: MASK if _is_issued(found[0]) or RANDOM.fullmatch(found[0]) else found[0], text)


def _is_issued(word: str) -> bool:
    return SHAPES.match(word) is not None and any(letter.isdigit() for letter in word)


def redact(text: str, secrets: Iterable[str]) -> str:
    """Remove secrets from a text that came from outside, however they are echoed.

    Whole, in part (from ten characters), in another case, backwards, percent-encoded (also twice, as in an address
    within an address), in hexadecimal digits or in base64.
    """
    text = _without_controls(text)  # first, since they may stand within a secret
    echoes = "\0".join(map(_echoes, secrets))
    folded = text.lower()
    if len(folded) != len(text):  # some letters grow when lowered; positions must keep
        folded = text
    if any(folded[at : at + BLOCK] in echoes for at in range(0, len(text) - BLOCK + 1, BLOCK)):
        hits = [at for at in range(len(text) - ECHO + 1) if folded[at : at + ECHO] in echoes]
        for start, end in reversed(_spans(hits)):
            text = text[:start] + MASK + text[end:]
    return _without_mail(conceal(text, secrets))


@lru_cache(10_000)
def _echoes(secret: str) -> str:
    """Return all forms in one text. Kept, since every good answer's request id is looked through."""
    return "\0".join(dict.fromkeys(form for whole in (secret, *_parts(secret)) for form in _forms(whole)))


@lru_cache(10_000)
def _parts(secret: str) -> tuple[str, ...]:
    """Return what a header's value holds that is a secret by itself: the key after its scheme, a cookie's value.

    What `Basic` encodes is told as it was before, too.
    """
    if scheme := SCHEME.match(secret):
        rest = secret[scheme.end() :]
        return (rest, *_decoded(rest)) if scheme[1].lower() == "basic" else (rest,)
    return tuple(COOKIE.findall(secret))


def _decoded(basic: str) -> tuple[str, ...]:
    try:
        pair = a2b_base64(basic).decode()
    except ValueError:  # no base64, or no text
        return ()
    return pair, pair.partition(":")[2]


def _forms(secret: str) -> Iterable[str]:
    import html  # only who looks for a secret pays for these
    import json

    raw = secret.encode()
    yield secret.lower()
    yield secret[::-1].lower()
    yield quote(secret, safe="").lower()
    yield quote(quote(secret, safe=""), safe="").lower()
    yield raw.hex()
    yield html.escape(secret).lower()
    yield json.dumps(secret)[1:-1].lower()
    yield secret.replace("/", "\\/").lower()  # PHP's JSON
    for shift in range(3):  # base64 of a longer text holds the secret in one of three alignments
        encoded = b2a_base64(bytes(shift) + raw, newline=False).decode().strip("=")
        yield encoded[4 if shift else 0 : -1].lower()
        yield encoded[4 if shift else 0 : -1].translate(URL_SAFE).lower()


def _spans(starts: list[int]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for start in starts:
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], start + ECHO)
        else:
            spans.append((start, start + ECHO))
    return spans
