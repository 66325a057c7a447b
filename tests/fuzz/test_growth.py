"""Twice as much takes twice as long: no text, however spiteful, is read in the square of its length."""

import inspect
import re
import time
from importlib import import_module
from pathlib import Path

import pytest

import probes
from monitor.alert.signed_link import read_link
from probes.answer.classify import classify_answer, classify_pasted
from probes.answer.command_output import classify_output
from probes.answer.error_body import read_complaint, words_of
from probes.answer.limits_in_body import read_refused_limits
from probes.answer.limits_in_headers import read_limits, retry_after_s
from probes.answer.proof import prove
from probes.answer.sse import Events
from probes.feeds.parse import parse_feed
from probes.provider import Platform
from probes.redact import redact, redact_decoded
from tests.conftest import NOON
from tests.fuzz.material import IS_DEEP
from tests.fuzz.test_answer import PROVIDERS, WORDING

CAP = 64 * 1024
"""So much of an answer is read at most."""
NO_MATTER_S = 0.01
"""What takes no longer at its largest harms nobody, and is too short to be measured."""
MOST = 8.0
"""Four times as much takes four times as long, or sixteen times where it grows with the square: between the two."""

OPENAI = next(one for one in PROVIDERS if one.id == "openai")
CODEX = next(one for one in PROVIDERS if one.id == "codex")
KEYS = [f"sk-proj-{number:02}-Wq8ZtL5vXn2RjP7mTb4K" for number in range(20)]


def fed(text, size):
    """Let a stream come in chunks of a size."""
    data, cutter = text.encode("utf-8", "replace"), Events()
    for at in range(0, len(data), size):
        for _ in cutter.feed(data[at : at + size]):
            pass
    return list(cutter.end())


READERS = {
    "403": lambda text: (
        words_of(read_complaint(403, {}, text)) and classify_answer(OPENAI, WORDING.rules, 403, {}, text)
    ),
    "200": lambda text: classify_answer(OPENAI, WORDING.rules, 200, {}, text, OPENAI.canaries["chat"]),
    "pasted": lambda text: classify_pasted(OPENAI, WORDING.rules, None, {}, text),
    "proof": lambda text: [prove(one, text, whole=True) for one in OPENAI.canaries.values()],
    "refusal": lambda text: read_refused_limits(text, {}, NOON),
    "wait": lambda text: retry_after_s({"retry-after": text}, text, NOON),
    "limits": lambda text: read_limits({"ratelimit": text, "x-ratelimit-reset-tokens": text, text: text}, {}, NOON),
    "redact": lambda text: redact(text, KEYS),
    "conceal": lambda text: redact_decoded(text, KEYS),
    "output": lambda text: classify_output(CODEX, WORDING.rules, 1, text),
    "output in order": lambda text: classify_output(CODEX, WORDING.rules, 0, text),
    "page": lambda text: parse_feed(Platform.STATUSPAGE, text.encode("utf-8", "replace")),
    "feed": lambda text: parse_feed(
        Platform.FEED, f"<rss><channel><item><title>{text}</title></item></channel></rss>".encode()
    ),
    "bytes of a stream": lambda text: fed(text, 1),
    "link": lambda text: read_link(b"k" * 32, text, NOON),
}


def patterns():
    """Every expression of the modules that read what comes in, and of the rules."""
    folder = Path(probes.__file__).parent
    for file in sorted(file for file in folder.rglob("*.py") if "simulator" not in file.parts):
        module = import_module(".".join(file.relative_to(folder.parent).with_suffix("").parts))
        for _, value in inspect.getmembers(module):
            its = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else [value]
            yield from (one.pattern for one in its if isinstance(one, re.Pattern) and isinstance(one.pattern, str))


LITERAL = re.compile(r"(?<!\\)[A-Za-z<&{\"'=:/.,@-]{2,}")
CALM = re.compile(r"\\.|\[[^\]]*\]|\(\?[a-zA-Z:=!<]*|[{}()|*+?^$]")


def tokens():
    """What the expressions look for, and what is half of that: a reader that begins anew at each takes their square."""
    found = dict.fromkeys(
        [
            *(
                "{",
                "[",
                "(",
                "<",
                "\\",
                '"',
                "'",
                "&",
                "%",
                "{'",
                '{"a":',
                '{"error":',
                "<p>",
                "<!--",
                "</",
                "<a href=",
                "a@",
            ),
            *(
                "data: ",
                "data: {",
                "event: error\n",
                "\n",
                "\r",
                "\r\n",
                "\t",
                " ",
                ": ",
                "- ",
                "b'",
                "\\x",
                "\\u00",
                "&#",
                "%2",
            ),
            *(
                "1",
                "1h",
                "1.",
                "0,",
                "9e",
                "a",
                "A",
                "aA1",
                "Aa1-",
                "a.",
                "x@y.",
                "=",
                "==",
                "key=",
                "://",
                "http://",
                "a:b@",
            ),
            *(
                "Error: ",
                "Traceback (most recent call last):\n",
                "HTTP/1.1 200 OK\r\n\r\n",
                "< HTTP/2 401\n",
                "* ",
                "> ",
            ),
            *(
                "\ud800",
                "\x00",
                "\x1b[",
                "\x1b]",
                "\u200b",
                "…",
                "...",
                "。",
                "é",
                "İ",
                "X" * 3,
                "None",
                "warning ",
                "info x ",
            ),
        ]
    )
    for pattern in patterns():
        found |= dict.fromkeys(LITERAL.findall(CALM.sub("\0", pattern)))
    return list(found)


def spent_s(work, text):
    """The shortest of three tries, by the clock of this thread alone."""
    tries = []
    for _ in range(3):
        began_s = time.thread_time()
        work(text)
        tries.append(time.thread_time() - began_s)
    return min(tries)


def grown(work, token, size):
    """How much longer four times as much takes; 0 where that matters to nobody."""
    text = token * (size // len(token))
    began_s = time.thread_time()
    work(text)
    if time.thread_time() - began_s < NO_MATTER_S:
        return 0.0
    return spent_s(work, text) / max(spent_s(work, text[: len(text) // 4]), 1e-4)


TOKENS = tokens() if IS_DEEP else tokens()[:16]


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_no_text_is_read_in_the_square_of_its_length(name):
    slow = {token: grown(READERS[name], token, CAP) for token in TOKENS}

    assert {token: times for token, times in slow.items() if times > MOST} == {}


WORDS = 2_000
"""So much of a message its rules are asked of."""
RULES = [(one.id, rule) for one in PROVIDERS for rule in one.rules] + [("wording", rule) for rule in WORDING.rules]
ALTERNATIVES = {text: f"{id}/{rule.id}" for id, rule in RULES for text in rule.message}


def test_no_rule_takes_the_square_of_a_message_that_repeats_its_own_words():
    slow = []
    for text, name in ALTERNATIVES.items():
        search = re.compile(text, re.IGNORECASE).search
        own = dict.fromkeys([*LITERAL.findall(CALM.sub("\0", text)), " ", "a"])
        slow += [(name, token) for word in own for token in (word, f"{word} ") if grown(search, token, WORDS) > MOST]

    assert slow == []
