"""The only place that removes secrets from texts."""

import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable, Iterator
from functools import lru_cache
from struct import iter_unpack
from typing import TYPE_CHECKING
from urllib.parse import unquote

from msgspec import Struct

if TYPE_CHECKING:
    from probes.decode import DecodedText

MASK = "[redacted]"
ECHO = 10
"""Letters and digits in a row that count as an echo of a key; fewer identify nobody."""
BLOCK = ECHO // 2
"""Block size in letters: any echo holds at least one whole block, so most texts need no closer search."""
SHORTEST_SECRET = 6
"""Fewest characters of a secret:

a shorter "key" (vLLM's EMPTY, Ollama's anything) is none, and would mask common words.
"""

# Key shapes as their issuers print them, masked ones (sk-ab***yz) too. Read 2026-11-21: the prefixes are in each
# provider's file; these cover keys that are *not* in our configuration.
SHAPES = re.compile(
    r"""
      \b(?:                                              # tested once for all: it rarely holds
          (?:sk|pk|rk|fk|gsk|xai|pplx|csk|nvapi)[-_][\w*.\-]{6,}
        | (?:hf|tgp|fw|key|sess|r8|ak)[-_][A-Za-z0-9]{16,}
        | AIza[\w*\-]{6,}                                # Google API keys
        | ya29\.[\w*.\-]{6,}                             # Google OAuth tokens
        | LLM\|[\w|*\-]{6,}                              # Meta Llama API
        | ABSK[\w+/=*]{12,}                              # Bedrock bearer keys
        | (?:AKIA|ASIA)[A-Z0-9]{12,}                     # AWS access key ids
        | (?:gh[oprsu]|github_pat)_\w{20,}                # GitHub tokens
        | eyJ[\w\-]{8,}\.[\w\-]{8,}(?:\.[\w\-]*)?        # JWT
        | (?i:(?:bearer|basic)\s+)[\w.~+/=*\-|]{16,}
      )
    """,
    re.VERBOSE,
)
SIGNED = re.compile(
    r"""
      \beyJ[\w\-]{8,}\.[\w\-]{8,}(?:\.[\w\-]*)?          # JWT
    | \b[0-9a-f]{32}\.[A-Za-z0-9]{16}\b                 # Zhipu's id and secret
    | (?<!\d)\d{8,10}:[\w\-]{35}(?![\w\-])              # Telegram bots
    | -----BEGIN\ [A-Z ]{0,40}PRIVATE\ KEY-----(?:[\w+/=\s]|\\[nr]){0,20000}(?:-----END[A-Z ]{0,50}-----)?
    """,
    re.VERBOSE,
)
"""Keys with a structure that no word has, so no user's own name matches."""
RANDOM = re.compile(
    r"(?=(?:.*\d){3})(?=.*[a-z])[A-Za-z0-9]{20,}(?:[.:_\-][A-Za-z0-9]+)*"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:[.:][\w\-]+)?"
)
"""A key of no known shape: nobody names a variable or a file like that."""
WORD = re.compile(r"[\w|\-]{20,}")
"""Long enough to judge: a shorter word may start like a key and be a user's own name for something."""
IN_ADDRESS = re.compile(
    r"""
      (?:(?<=://)|(?<=\w:/))[^\s/@:]+:(?!env:|file:|command:)[^\s/@]*(?=@)   # user:password, also parsed as a path
    | (?i:(?<=[?&]key=)|(?<=[?&]token=)|(?<=api_key=))[^\s&"']{6,}
    """,
    re.VERBOSE,
)
SCHEME = re.compile(r"(basic|bearer|token|apikey|key)\s+", re.IGNORECASE)
"""The prefix of a key in a header."""
COOKIE = re.compile(r"[\w.\-]+=([^;\s]{8,})(?:;|$)")
MAIL = re.compile(r"\b[\w.+\-]{1,64}@[\w\-]+(?:\.[\w\-]+)+\b")
CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
"""Control characters, zero-width marks and lone surrogates.

They can forge a line in a log, reverse a message, break up a key, or make a text that cannot be stored.
"""


def mask_secrets(text: str) -> str:
    """Mask everything shaped like a secret or an e-mail address, and drop control characters."""
    return _without_mail(_without_keys(text))


def _without_mail(text: str) -> str:
    return MAIL.sub(MASK, text) if "@" in text else text


def _without_keys(text: str) -> str:
    text = SHAPES.sub(_unnamed, SIGNED.sub(MASK, _without_controls(text)))
    return IN_ADDRESS.sub(MASK, text) if "=" in text or "://" in text else text


def _unnamed(found: re.Match[str]) -> str:
    """Return the mask for a key, with the ending that its issuer also shows on the key's page, if any."""
    key = found[0].rstrip(".")
    end = SHOWN.search(key)
    return (f"{MASK}***{end[1]}" if end else MASK) + found[0][len(key) :]


SHOWN = re.compile(r"(?:\*{3,}|\.{3,})[\w\-]*?([A-Za-z0-9]{2,4})$")
"""The ending of an abbreviated key; four letters identify it among one's own keys, and open nothing."""


def _without_controls(text: str) -> str:
    if text.isprintable():
        return text
    return CONTROLS.sub("", TERMINAL.sub("", text) if "\x1b" in text or "\x08" in text else text)


TERMINAL = re.compile(r"\x1b(?:\[[0-?]{0,40}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,400}(?:\x07|\x1b\\)|[ -/][0-~])|[^\n]\x08")
"""Terminal sequences for colour and cursor (ECMA-48): without the escape character the rest would read as words.

Overstruck letters too.
"""


def redact_decoded(text: str, secrets: Iterable[str]) -> str:
    """Remove secrets from a text, in any encoding, then anything shaped like one.

    What looks like an e-mail address stays: `gateway@host.example` is our own id for an answerer.
    """
    return _without_keys(_without(_without_controls(text), tuple(secrets)))


def has_key(text: str) -> bool:
    """Whether a user's own text contains an issued key: with a known prefix and of its length."""
    return SIGNED.search(text) is not None or any(map(_is_issued, WORD.findall(text)))


def is_random(word: str) -> bool:
    """Whether a word looks as random as keys of no known format: nobody chooses such a name."""
    return COMPACT.fullmatch(word) is not None or (PACKED.fullmatch(word) is not None and _is_mixed(word))


COMPACT = re.compile(r"(?=(?:\D*\d){3})(?=(?:[^A-Za-z]*[A-Za-z]){3})[A-Za-z0-9]{20,}")
PACKED = re.compile(r"(?<![\w+/=])[A-Za-z0-9+/]{38,}={0,2}(?![\w+/=])")
"""A key in the base64 alphabet, such as those of AWS and Azure Storage; its symbols also occur in paths."""
TURN = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])")


def _is_mixed(word: str) -> bool:
    """Whether a word alternates between lower case, upper case and digits as random text does; paths seldom do."""
    return _turns(word) * 5 >= len(word)


def _turns(word: str) -> int:
    return len(TURN.findall(word)) if CASES.match(word) else 0


CASES = re.compile(r"(?=.*[a-z])(?=.*[A-Z])")
"""Digits with letters of one case are also the hash of a model or a commit."""
STEPS = re.compile(r"[/:?&=#@,\s]+")


def grants_access(text: str) -> bool:
    """Whether a text meant for display grants access: by a password in an address, or as a webhook's path."""
    return (
        IN_ADDRESS.search(text) is not None
        or any(map(is_random, text.replace("=", " ").split()))
        or any(is_random(piece) and _turns(piece) * 4 > len(piece) for piece in STEPS.split(text))
    )


def mask_keys(text: str) -> str:
    """Mask keys that somebody wrote in place of a name; a name that only starts like a key stays legible."""
    text = IN_ADDRESS.sub(MASK, SIGNED.sub(MASK, text))
    text = PACKED.sub(lambda found: MASK if _is_mixed(found[0]) else found[0], text)
    return WORD.sub(lambda found: MASK if _is_key(found[0]) else found[0], text)


def is_key(word: str) -> bool:
    """Whether a word to be displayed is, or contains, what is most likely a key."""
    return mask_keys(word) != word


def _is_key(word: str) -> bool:
    bare = word.lstrip("-_|")
    return _is_issued(word) or RANDOM.fullmatch(bare) is not None or any(map(is_random, SIGNS.split(word)))


SIGNS = re.compile(r"[\W_]+")


def _is_issued(word: str) -> bool:
    return SHAPES.match(word.lstrip("-_|")) is not None and any(letter.isdigit() for letter in word)


def redact(text: str, secrets: Iterable[str]) -> str:
    """Remove secrets from untrusted text, however they are echoed.

    Whole or in part (from ten letters and digits in a row), in another case, width or typeface, backwards, with any
    symbols, marks and whitespace in between; escaped, as entities, percent-encoded, quoted-printable, in hexadecimal,
    in base64 or as byte numbers, and any of these nested in another.
    """
    return _without_mail(redact_decoded(text, secrets))


@lru_cache(100)
def _without(text: str, secrets: tuple[str, ...]) -> str:
    """Cached, since many accounts get the same error when a provider fails, on every retry."""
    wanted = _wanted(secrets)
    for _ in range(PASSES):
        before, text = text, _one_pass(text, wanted)
        if text == before:
            return text
    return MASK  # a text that yields a new secret on every pass was crafted to


PASSES = 5


def _one_pass(text: str, wanted: "Wanted") -> str:
    from probes.decode import decodings  # its patterns take milliseconds to compile, and are often not needed

    found = [span for layer in decodings(text) for span in wanted.places(layer)]
    for start, end in reversed(_united(found)):
        text = text[:start] + MASK + text[end:]
    for literal in wanted.literals:
        if literal in text:
            text = text.replace(literal, MASK)
    return text


class Wanted(Struct, frozen=True):
    """The secrets to search for: `whole` holds every form of each in folded letters, `blocks` their five-letter blocks.

    `short` are those below ECHO letters, which match only whole; `literals` have hardly a letter.
    """

    whole: bytes
    blocks: frozenset[tuple[bytes]]
    short: tuple[bytes, ...]
    literals: tuple[str, ...]

    def places(self, layer: "DecodedText") -> list[tuple[int, int]]:
        """Return the spans of the original text that hold a secret in this reading of it."""
        found = self.spans(layer.letters)
        if found and layer.rough:
            layer = layer.smooth()
            found = self.spans(layer.letters)
        return layer.locate(found)

    def spans(self, text: bytes) -> list[tuple[int, int]]:
        """Return the spans of folded letters that hold a secret, or part of one."""
        found = [(at, at + len(one)) for one in self.short if one in text for at in _starts(one, text)]
        even = text[: len(text) - len(text) % BLOCK]
        if self.blocks.isdisjoint(iter_unpack(f"{BLOCK}s", even)):
            return found
        firsts = (at * BLOCK for at, block in enumerate(iter_unpack(f"{BLOCK}s", even)) if block in self.blocks)
        near = dict.fromkeys(start for first in firsts for start in range(max(first - BLOCK, 0), first + 1))
        return found + [(start, start + ECHO) for start in near if self._holds(text[start : start + ECHO])]

    def _holds(self, letters: bytes) -> bool:
        return len(letters) == ECHO and letters in self.whole


def _starts(one: bytes, text: bytes) -> Iterator[int]:
    at = text.find(one)
    while at >= 0:
        yield at
        at = text.find(one, at + 1)


@lru_cache(100)
def _wanted(secrets: tuple[str, ...]) -> Wanted:
    from probes.decode import fold_letters

    every = (whole for secret in secrets for whole in (secret, *_parts(secret)) if len(whole) >= SHORTEST_SECRET)
    wholes = {whole: fold_letters(whole) for whole in every}
    long = [one for whole, one in wholes.items() if len(one) >= ECHO and not ADDRESS.match(whole)]
    forms = dict.fromkeys(form for one in long for form in (one, one[::-1]))
    forms |= dict.fromkeys(form for whole, one in wholes.items() if one in forms for form in _packed(whole))
    short = [one for whole, one in wholes.items() if SHORTEST_SECRET <= len(one) < ECHO and DIGIT.search(whole)]
    blocks = frozenset((form[at : at + BLOCK],) for form in forms for at in range(len(form) - BLOCK + 1))
    literals = [whole for whole, one in wholes.items() if one not in forms]
    return Wanted(b"\0".join(forms), blocks, tuple(short), tuple(literals))


DIGIT = re.compile(r"\d")
ADDRESS = re.compile(r"[a-z][a-z0-9+.\-]*://", re.IGNORECASE)


def _packed(secret: str) -> Iterator[bytes]:
    """Yield a secret's base64 at each of the three alignments in a longer text; folded, as case is lost."""
    from probes.decode import fold_letters

    raw = secret.encode()
    for shift in range(3):
        yield fold_letters(b2a_base64(bytes(shift) + raw, newline=False).decode().strip("=")[4 if shift else 0 : -1])


@lru_cache(10_000)
def _parts(secret: str) -> tuple[str, ...]:
    """Return the secrets inside a secret: a key after its scheme, a cookie's value, an address's credentials.

    For `Basic` also what it encodes.
    """
    if scheme := SCHEME.match(secret):
        rest = secret[scheme.end() :]
        return (rest, *_decoded(rest)) if scheme[1].lower() == "basic" else (rest,)
    return tuple(COOKIE.findall(secret)) if not ADDRESS.match(secret) else tuple(_in_address(secret))


def _in_address(address: str) -> Iterator[str]:
    """Yield the parts of a channel's, proxy's or ping's address that are neither host names nor common words."""
    rest = address[ADDRESS.match(address).end() :]  # type: ignore[union-attr]
    user, at, place = rest.rpartition("@")
    if at:
        yield from (unquote(part) for part in (user, user.partition(":")[2]) if part)
    for part in SEPARATOR.split(f"{user}/{place}"):
        if len(part) >= LEAST_PART and not COMMON.fullmatch(part):
            yield unquote(part)


SEPARATOR = re.compile(r"[/:@?&=#,]")
LEAST_PART = 8
COMMON = re.compile(r"[a-z]+|(?:[\w\-]+\.)+[a-z]{2,}|[\d.]+")


def _decoded(basic: str) -> tuple[str, ...]:
    try:
        pair = a2b_base64(basic).decode()
    except ValueError:  # not base64, or not text
        return ()
    return pair, pair.partition(":")[2]


def _united(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans sorted, with overlapping and adjacent ones merged."""
    united: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if united and start <= united[-1][1]:
            united[-1] = united[-1][0], max(end, united[-1][1])
        else:
            united.append((start, end))
    return united
