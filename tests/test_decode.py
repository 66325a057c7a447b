"""Whatever a secret is written in, and whatever stands between its letters, none of it is left."""

import base64
import html
import json
import quopri
import re
import time
import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from probes.redact import MASK, _without, redact
from tests.rows import each_row

FORMS = {
    "issued": "sk-proj-Zq7Wm3Xk9Lb2Vn5Tc8Rd1Pf4Hs6Jg0Ay",
    "letters": "Zq7Wm3Xk9Lb2Vn5Tc8Rd1Pf4Hs6Jg0AyQw2Er5Ty",
    "digits": "9f3c1b7a5d2e8f40c6b1a9d3e7f25b80",
    "uuid": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "signs": "LLM|1234567890|a/b+c=d~e!fGhIjK",
}


def between(mark, every=1):
    return lambda text: mark.join(text[at : at + every] for at in range(0, len(text), every))


def each(write):
    return lambda text: "".join(write(letter) for letter in text)


def wide(letter):
    return chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter


def units(letter):
    """Return the two bytes, or twice two, of a letter as JSON and JavaScript count."""
    raw = letter.encode("utf-16-be", "surrogatepass").hex()
    return [raw[at : at + 4] for at in range(0, len(raw), 4)]


def packed(before="", after="", encode=base64.b64encode):
    return lambda text: encode((before + text + after).encode()).decode()


INSERTED = {
    "zero-width": between("\u200b"),
    "joiner": between("\u200d"),
    "soft-hyphen": between("\u00ad"),
    "bidi": between("\u202e"),
    "isolate": between("\u2066"),
    "combining": between("\u0301"),
    "grapheme-joiner": between("\u034f"),
    "variation": between("\ufe0f"),
    "filler": between("\u3164"),
    "tag": between("\U000e0041"),
    "control": between("\x01"),
    "escape": between("\x1b[0m"[:1]),
    "no-break": between("\u00a0"),
    "blank": between(" "),
    "line": between("\n", 7),
    "carriage": between("\r\n", 3),
    "tab": between("\t"),
    "json-parts": between('" + "', 4),
    "c-parts": between('" "', 5),
    "shell-parts": between("\\\n", 6),
    "list-parts": between('", "', 5),
}
ENCODED = {
    "json": each(lambda letter: "".join(f"\\u{unit}" for unit in units(letter))),
    "json-twice": each(lambda letter: "".join(f"\\\\u{unit.upper()}" for unit in units(letter))),
    "json-dumps": lambda text: json.dumps(text)[1:-1],
    "braces": each(lambda letter: f"\\u{{{ord(letter):x}}}"),
    "python": each(lambda letter: f"\\U{ord(letter):08x}"),
    "shell": each(lambda letter: "".join(f"\\x{byte:02x}" for byte in letter.encode())),
    "octal": each(lambda letter: f"\\{ord(letter):03o}" if ord(letter) < 128 else letter),
    "decimal": each(lambda letter: f"&#{ord(letter)};"),
    "decimal-padded": each(lambda letter: f"&#{ord(letter):07};"),
    "hexadecimal": each(lambda letter: f"&#x{ord(letter):x};"),
    "html": html.escape,
    "percent": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "percent-signs": lambda text: quote(text, safe=""),
    "percent-twice": lambda text: quote("".join(f"%{byte:02x}" for byte in text.encode()), safe=""),
    "base64": packed(),
    "base64-1": packed("x"),
    "base64-2": packed("user:", "!"),
    "base64-bearer": packed("Bearer "),
    "base64-url": packed("y?", ">>", base64.urlsafe_b64encode),
    "base64-bare": lambda text: packed()(text).rstrip("="),
    "base64-mail": lambda text: base64.encodebytes(("To: " + text).encode()).decode(),
    "digits": lambda text: text.encode().hex(),
    "digits-apart": lambda text: text.encode().hex(":").upper(),
    "digits-0x": lambda text: ", ".join(f"0x{byte:02x}" for byte in text.encode()),
    "mail": lambda text: "".join(f"={byte:02X}" for byte in text.encode()),
    "mail-lines": lambda text: quopri.encodestring((text + "\u00e9").encode()).decode(),
    "wide": each(wide),
    "other-case": str.swapcase,
    "upper": str.upper,
    "bold": each(lambda letter: chr(0x1D41A + ord(letter) - 97) if "a" <= letter <= "z" else letter),
}
WRITTEN = INSERTED | ENCODED
DRESSED = {
    "tags": lambda text: "".join(f"<b class=k>{letter}</b>" for letter in text),
    "tags-of-breaks": between("<wbr>"),
    "tags-escaped": between("\\u003cwbr\\u003E"),
    "tags-as-entities": between("&lt;wbr&gt;", 3),
    "colours": between("\x1b[1;31m"),
    "colours-bare": between("[0m", 2),
    "struck-over": each(lambda letter: f"{letter}\b{letter}"),
    "events": lambda text: "".join(
        f'data: {{"choices": [{{"delta": {{"content": "{text[at : at + 4]}"}}}}]}}\n\n' for at in range(0, len(text), 4)
    ),
    "events-within": lambda text: "".join(
        json.dumps({"data": json.dumps({"text": text[at : at + 5]})}) for at in range(0, len(text), 5)
    ),
    "lines-of-events": between("\ndata: ", 7),
}
"""What nobody sees where the text is shown; such within such is no text that anybody is told."""


def undone(text):
    """Return a text as a reader sees it who knows which of these it was written in; none of this is the program's."""
    seen = unicodedata.normalize("NFKC", text)
    return "".join(letter for letter in seen if letter.isascii() and letter.isalnum()).lower()


def holds(text, key):
    wanted = undone(key)
    found = undone(text)
    return any(wanted[at : at + 10] in found for at in range(len(wanted) - 9))


def around(text):
    return f'{{"error": {{"message": "Consumer {text} has been suspended."}}}}'


@each_row("key", FORMS.values(), ids=FORMS)
@each_row("write", (WRITTEN | DRESSED).values(), ids=WRITTEN | DRESSED)
def test_an_echo_is_removed_in_whatever_it_is_written(write, key):
    clean = redact(around(write(key)), [key])

    assert MASK in clean
    assert not holds(clean, key)
    assert clean == redact(clean, [key])
    rest = clean.replace(MASK, "")
    assert "has been suspended" in clean
    assert len(re.findall(r"[A-Za-z0-9]", rest)) < len("error message Consumer has been suspended") + 24


SOME_KEYS = some.one_of(
    some.sampled_from([*FORMS.values()]),
    some.text("abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ0123456789", min_size=20, max_size=60),
    some.uuids().map(str),
).filter(lambda key: len(set(key)) > 8)


def left(clean, written, key):
    """Return what is left of a key: a piece of what was written that is long enough for ten of its letters."""
    size = 18 * len(written) // len(undone(key)) + 8
    pieces = (written[at : at + size] for at in range(max(len(written) - size, 0) + 1))
    return [piece for piece in pieces if piece in clean]


@settings(max_examples=4 * settings.default.max_examples)
@given(SOME_KEYS, some.sampled_from(sorted(WRITTEN)), some.sampled_from(sorted(WRITTEN)))
@example(FORMS["digits"], "base64", "base64-2")
@example(FORMS["letters"], "percent", "line")
@example(FORMS["uuid"], "zero-width", "base64-1")
@example(FORMS["issued"], "wide", "digits")
@example(FORMS["issued"], "json", "base64-bearer")
def test_nor_is_anything_left_of_one_that_is_written_in_something_within_something(key, first, then):
    written = WRITTEN[then](WRITTEN[first](key))
    clean = redact(around(written), [key])

    assert not left(clean, written, key)
    assert not holds(clean, key)
    assert redact(clean, [key]) == clean


WORDS = some.text(max_size=400) | some.text('abc .:%&=\\u0123456789{}[]"+/-_\n', max_size=400)


@given(WORDS, some.lists(SOME_KEYS, max_size=3))
def test_a_text_without_secrets_is_not_changed(text, keys):
    text = "".join(letter for letter in text if letter.isprintable() and letter not in "@")
    if redact(text, []) == text and not any(holds(text, key) for key in keys):
        assert redact(text, keys) == text


@given(WORDS, SOME_KEYS, WORDS)
def test_what_was_redacted_once_is_redacted(before, key, after):
    once = redact(before + key + after, [key])

    assert redact(once, [key]) == once
    assert not holds(once, key)


HOSTILE = {
    "backslashes": "\\", "percent": "%25", "entities": "&#x0", "ends": "=\n", "quotes": '"+"', "halves": "\\ud8",
    "digits": "73", "letters": "sk-ab sk_", "wide": "\uff21", "long": "\ufdfa", "key": FORMS["issued"],
    "packed": packed()(FORMS["issued"] + "xx") + " ", "twice": packed()(packed()(FORMS["issued"] * 2)),
    "torn": FORMS["issued"][:9] + " ", "marks": "\u200b".join(FORMS["issued"]),
}  # fmt: skip


def takes_s(text):
    def once():
        _without.cache_clear()
        began = time.process_time()
        redact(text, [FORMS["issued"]])
        return time.process_time() - began

    return min(once() for _ in range(5))


@pytest.mark.slow
@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE)
def test_it_takes_twice_as_long_for_a_text_of_twice_the_length_and_no_longer(piece):
    text = piece * (8_000 // len(piece))

    assert takes_s(text * 4) < 4 * 2 * takes_s(text) + 0.005
