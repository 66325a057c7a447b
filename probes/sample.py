"""An answer ↔ the text of its sample, which proves a rule; pure.

A status line, headers, an empty line and the body; the first line of a program's output is `EXIT` and its code.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus

from msgspec import Struct

from probes.redact import MASK, is_random, mask_secrets, redact

LONGEST = 16_000
"""Most characters of an answer that can be a sample: an error is short, and somebody has to read it."""
TELLING = frozenset(
    {
        *("content-type", "server", "retry-after", "retry-after-ms", "x-should-retry", "cf-mitigated"),
        *("www-authenticate", "proxy-authenticate", "x-amzn-errortype"),
    }
)
"""Headers that say something about the answer, and nothing about who asked. Those of rate limits are kept, too."""
PREFIXED = re.compile(
    r"\b((?:req|request|org|organization|proj|project|user|acct|account|team|tenant|ws|workspace|cus|client|msg|resp"
    r"|chatcmpl|run|key|sess|trace)[-_])(?=[\w-]*\d)[\w-]{6,}",
    re.IGNORECASE,
)
UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
HEXADECIMAL = re.compile(r"\b(?=[a-f]*\d)[0-9a-f]{16,}\b", re.IGNORECASE)
NUMBER = re.compile(r"(?<![\w.])[1-9]\d{8,}(?![\w.])")
ADDRESS = re.compile(
    r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])|(?<![\w:])(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}(?![\w:])"
)
HOME = re.compile(r"(/home/|/Users/|C:\\\\?Users\\\\?)[\w.-]+")
ESCAPED = re.compile(r"(?<!\\)((?:\\\\)*)\\u00(2[b-f]|3[0-9a]|3d|4[0-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9a])", re.IGNORECASE)
"""A letter, a number or another part of a key or an address, as JSON may write it: it means the same as itself."""
WORD = re.compile(r"[A-Za-z0-9+/=_-]{20,}")


class Sample(Struct, frozen=True):
    """One answer. `status`: of HTTP, or the exit code of a program (`is_output`), which has no headers."""

    status: int
    headers: Mapping[str, str]
    body: str
    is_output: bool = False


def read_sample(text: str) -> Sample:
    """Return the answer in the text of a sample. Raises ValueError where it has no first line as they have."""
    head, _, body = text.partition("\n\n")
    first, *lines = head.split("\n")
    kind, _, rest = first.partition(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    return Sample(int(rest.partition(" ")[0]), headers, body, is_output=kind == "EXIT")


def sample_text(sample: Sample) -> str:
    phrase = PHRASES.get(sample.status, "")
    first = f"EXIT {sample.status}" if sample.is_output else f"HTTP/1.1 {sample.status} {phrase}"
    lines = [
        first.rstrip(),
        *(f"{name}: {value}" for name, value in sample.headers.items()),
        "",
        sample.body.rstrip("\n"),
    ]
    return "\n".join(lines) + "\n"


PHRASES = {int(status): status.phrase for status in HTTPStatus}


def anonymous(sample: Sample, secrets: Iterable[str], ids: Iterable[str]) -> Sample:
    """Return an answer without keys, addresses of mail and network, ids, and headers that may tell who asked.

    `secrets` are those that we know; `ids` the headers that hold the id of a request, which stay as zeros. A person's
    name cannot be told from other words: somebody has to look.
    """
    known, marked = tuple(secrets), {name.lower() for name in ids}
    headers = {
        name.lower(): "0" * 8 if name.lower() in marked else _clean(value, known)
        for name, value in sample.headers.items()
        if name.lower() in TELLING or "ratelimit" in name.lower() or name.lower() in marked
    }
    return Sample(sample.status, headers, _clean(sample.body, known), sample.is_output)


def _clean(text: str, secrets: tuple[str, ...]) -> str:
    text = redact(ESCAPED.sub(lambda found: found[1] + chr(int(found[2], 16)), text), secrets)
    text = UUID.sub("00000000-0000-0000-0000-000000000000", text)
    text = PREFIXED.sub(lambda found: found[1] + "0" * 8, text)
    text = ADDRESS.sub("203.0.113.1", HOME.sub(r"\1user", text))
    text = HEXADECIMAL.sub(lambda found: "0" * len(found[0]), text)
    text = NUMBER.sub(lambda found: "1" + "0" * (len(found[0]) - 1), text)
    return mask_secrets(WORD.sub(lambda found: MASK if is_random(found[0]) else found[0], text))


def doubtful(sample: Sample) -> Iterator[str]:
    """Yield the values of a body that may name somebody, for a person to look at."""
    for found in NAMING.finditer(sample.body):
        if MASK not in found[1] and not found[1].startswith("0000"):
            yield found[1]


NAMING = re.compile(
    r"""["'](?:user|username|user_name|account|account_name|organization|org|project|team|owner|login)["']\s*:\s*"""
    r"""["']([^"'\n]{2,80})["']""",
    re.IGNORECASE,
)
