"""A text → every reading of it once its encodings are undone, with the original position of each letter."""

import re
from binascii import a2b_base64, a2b_hex
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import accumulate
from unicodedata import category, normalize

from msgspec import Struct

Span = tuple[int, int]

ROUNDS = 4
"""Most times that nested escapes are undone: `%252573` is an `s`."""
DEPTH = 2
"""Most levels of nested base64 or hexadecimal that are decoded."""
LEAST = 12
"""Fewest consecutive text bytes that count as text; random bytes rarely give as many."""


def _utf8_after(mark: str) -> str:
    """Return the pattern for one multi-byte UTF-8 letter, written as two hex digits after a mark per byte."""
    more = f"{mark}[89ab][0-9a-f]"
    return f"(?:[cd][0-9a-f]{more}|e[0-9a-f](?:{more}){{2}}|f[0-7](?:{more}){{3}})"


BEHIND_X, BEHIND_PERCENT, BEHIND_EQUALS = map(_utf8_after, (r"\\{1,9}x", "%", "="))
ESCAPE = re.compile(
    rf"""
    [\\%=&](?:                                # tried first, since most letters fail here
      (?<=\\)\\{{0,9}}(?:                      # JSON, JavaScript, Python, shells; also within another of them
          u(?P<pair>d[89ab][0-9a-f]{{2}}\\{{1,9}}ud[c-f][0-9a-f]{{2}})
        | (?-i:U)00(?P<long>(?:0[0-9a-f]|10)[0-9a-f]{{4}})
        | u(?P<four>[0-9a-f]{{4}})
        | u\{{(?P<braced>[0-9a-f]{{1,6}})\}}
        | x(?P<two>[0-7][0-9a-f])
        | x(?P<several>{BEHIND_X})
        | (?P<octal>[01][0-7]{{2}})
        | (?P<blank>[nrtbfv])
      )
    | (?<=%)(?:                               # addresses, and escape()
          u(?P<percent_four>[0-9a-f]{{4}})
        | (?P<percent_two>[0-7][0-9a-f])
        | (?P<percent_several>{BEHIND_PERCENT})
      )
    | (?<==)(?:                               # mail: quoted-printable
          (?P<mail_two>[0-7][0-9a-f])
        | (?P<mail_several>{BEHIND_EQUALS})
      )
    | (?<=&)(?:                               # HTML, XML
          \#x0*(?P<hexadecimal>[0-9a-f]{{1,5}})(?![0-9a-f]);?
        | \#0*(?P<decimal>[0-9]{{1,6}})(?![0-9]);?
        | (?P<named>[a-z][a-z0-9]{{1,31}};)
      )
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Ignores case, since a text may come back in the other one."""
BASES = {
    **dict.fromkeys(("long", "four", "braced", "two", "percent_four", "percent_two", "mail_two", "hexadecimal"), 16),
    "octal": 8,
    "decimal": 10,
}
JUNCTION = re.compile(r"""["'`][+.&,\\]{0,2}["'`]""")
"""What joins the parts of a split string: the end of one literal and the beginning of the next."""
SOFT_BREAK = re.compile(r"[=\\]\r?\n")
"""A soft line break, as in mail (RFC 2045, 6.7) or a shell."""
BLANKS = re.compile(r"\s+")
MARKUP = re.compile(
    r"""
      <[^<>]{0,400}>                          # a tag: `<wbr>` or `<b>` between two letters is invisible
    | \x1b?\[[0-9;:?]{0,20}[A-Za-z]           # a terminal sequence: a colour, even without its escape character
    | ^data:                                  # the start of each line of an event
    """,
    re.VERBOSE | re.MULTILINE,
)
"""Markup within a text, which a reader does not see."""
CODE = "(?:3[2-9]|[4-9][0-9]|1[01][0-9]|12[0-6])"
CODES = re.compile(rf"(?<![\w.-])(?:{CODE}(?:\s{{0,9}},\s{{0,9}}|\s{{1,9}})){{9,}}{CODE}(?![\w.])")
"""Bytes printed as numbers, as Go and Python do with what is not text to them: `[115 107 45 ...]`."""
VALUE = re.compile(r"""(\w{1,40})\\{0,9}"\s{0,9}:\s{0,9}\\{0,9}"([^"]*)""")
"""A text field of JSON, even nested as a string in JSON: a stream splits one text over many of one name."""
UTF8 = re.compile(r"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
RUN = re.compile(rf"(?:[\t\n\r -~]|{UTF8.pattern}){{{LEAST},}}")
WIDE = (b"\xef\xbc", b"\xef\xbd", b"\xf0\x9d")
"""First bytes in UTF-8 of full-width and mathematical letters."""
FEW = 5

SIX_BITS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
STANDARD = bytes.maketrans(b"-_", b"+/")
DIGITS = b"0123456789abcdefABCDEF"
LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789\x7f"
FOLDED = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz")


def _all_but(kept: bytes) -> bytes:
    return bytes(code for code in range(256) if code not in kept)


NO_SIX_BITS, NO_DIGITS, NO_LETTERS = map(_all_but, (SIX_BITS, DIGITS, LETTERS))
BREAK = "\x7f"
"""Counts as a letter, but occurs in no secret."""
BROKEN = re.compile("[\udc80-\udcff]")
SHOWN = bytes(97 if code in b"\t\n\r" or 32 <= code < 127 else 32 for code in range(256))
"""Per byte, an `a` if it is visible ASCII."""


class DecodedText(Struct, frozen=True):
    """A text and the one it was derived from: `spans` gives the position there of each letter.

    A `rough` one is decoded bytes, most of which were never text.
    """

    text: str
    source: "DecodedText | None" = None
    spans: Callable[[], Sequence[Span]] = tuple
    rough: bool = False

    @property
    def letters(self) -> bytes:
        return _fold(self.text)

    def locate(self, found: Sequence[Span]) -> list[Span]:
        """Map spans of its letters to spans in the original text."""
        layer = DecodedText("", self, lambda: _single_spans(_places(self.text, LETTERS)))
        while found and layer.source is not None:
            spans, layer = layer.spans(), layer.source
            found = [(spans[start][0], spans[end - 1][1]) for start, end in found]
        return list(found)

    def smooth(self) -> "DecodedText":
        """Return a rough one with a break at each byte that is no text, so letters on both sides are not adjacent.

        Slow, so only for those that seem to contain something.
        """
        text = self.text.replace(BREAK, "\0").encode("latin-1").decode("utf-8", "surrogateescape")

        def spans() -> list[Span]:
            sizes = (1 if BROKEN.match(letter) else len(letter.encode()) for letter in text)
            ends = list(accumulate(sizes))
            return list(zip([0, *ends], ends, strict=False))

        return _plain(DecodedText(BROKEN.sub(BREAK, text), self, spans))


def decodings(text: str) -> Iterator[DecodedText]:
    """Yield a text and every other way to read it.

    Invisible marks are dropped, and letters of another width, typeface or with an accent become plain ones. Takes time
    linear in the text's length.
    """
    return _readings(DecodedText(text), DEPTH)


def fold_letters(text: str) -> bytes:
    """Return the letters and digits of a text in lower case, in the form that readings have them."""
    return _fold(text if text.isascii() else text.translate(PLAIN))


def _fold(text: str) -> bytes:
    return text.encode("latin-1", "ignore").translate(FOLDED, NO_LETTERS)


def _readings(whole: DecodedText, depth: int) -> Iterator[DecodedText]:
    plain = _plain(whole)
    yield plain
    yield from _without_markup(plain)
    if ESCAPE.search(plain.text):
        for layer in _unescaped(plain):
            yield layer
            yield from _without_markup(layer)
    for joined in _joins(plain):
        yield from _unpacked(joined, depth)
        if ESCAPE.search(joined.text):
            last = joined
            for last in _unescaped(joined):
                yield last
            yield from _unpacked(_joined(last), depth)


def _without_markup(layer: DecodedText) -> Iterator[DecodedText]:
    """Yield a text with byte numbers as letters, then without markup, then with fields of one name joined."""
    listed = _substituted(layer, CODES, _listed)
    if listed is not layer:
        yield listed
    bare = _substituted(layer, MARKUP, _nothing)
    if bare is not layer:
        yield bare
    named = defaultdict(list)
    for found in VALUE.finditer(layer.text):
        named[found[1]].append(found.span(2))
    parts = [part for several in named.values() if len(several) > 1 for part in (*several, None)]
    if parts:
        yield _concatenated(layer, parts)


def _listed(found: re.Match[str]) -> str:
    return "".join(chr(int(code)) for code in re.findall("[0-9]+", found[0]))


def _concatenated(layer: DecodedText, parts: Sequence[Span | None]) -> DecodedText:
    """Return parts of a text as one; None stands for a break."""

    def spans() -> list[Span]:
        return [one for part in parts for one in (_single_spans(range(*part)) if part else [(0, 0)])]

    return DecodedText("".join(layer.text[slice(*part)] if part else BREAK for part in parts), layer, spans)


def _plain(layer: DecodedText) -> DecodedText:
    if layer.text.isascii():
        return layer

    def spans() -> list[Span]:
        return _single_spans([at for at, letter in enumerate(layer.text) for _ in PLAIN[ord(letter)]])

    return DecodedText(layer.text.translate(PLAIN), layer, spans)


class Plain(dict[int, str]):
    """Maps a code point to its plain form: nothing for a mark, its NFKD base for anything else."""

    def __missing__(self, code: int) -> str:
        made_of = normalize("NFKD", chr(code)) if code not in UNSEEN else ""
        self[code] = "".join(one for one in made_of if category(one) not in MARKS or one.isspace() or one == BREAK)
        return self[code]


MARKS = frozenset({"Mn", "Me", "Mc", "Cf", "Cc", "Cs", "Co", "Cn"})
UNSEEN = frozenset({0x115F, 0x1160, 0x3164, 0xFFA0, 0x2800})
"""Letters by category, but invisible."""
PLAIN = Plain()


def _joins(layer: DecodedText) -> Iterator[DecodedText]:
    """Yield a text as `_joined` does, twice where a line end may be a soft break, or half of an escape."""
    if SOFT_BREAK.search(layer.text):
        yield _joined(_substituted(layer, SOFT_BREAK, _nothing))
    yield _joined(layer)


def _joined(layer: DecodedText) -> DecodedText:
    """Return a text without whitespace, and with the parts of split strings joined."""
    text = "".join(layer.text.split())
    if len(text) < len(layer.text):
        layer = DecodedText(text, layer, partial(_spans_left, layer.text, BLANKS, _nothing))
    return _substituted(layer, JUNCTION, _nothing)


def _unescaped(layer: DecodedText) -> Iterator[DecodedText]:
    """Yield a text with its escapes undone, again and again while nested ones remain."""
    for _ in range(ROUNDS):
        before, layer = layer, _plain(_substituted(layer, ESCAPE, _decoded_escape))
        if layer is before:
            return
        yield layer


def _decoded_escape(found: re.Match[str]) -> str:
    kind = str(found.lastgroup)
    if base := BASES.get(kind):
        code = int(found[kind], base)
        return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 and code != ord(BREAK) else ""
    return OTHERS[kind](found[kind])


def _named(entity: str) -> str:
    import html  # its table is large, and few texts need it

    letter = html.unescape(f"&{entity}")
    return letter if len(letter) < len(entity) else html.unescape(f"&{entity.lower()}")


def _of_pair(halves: str) -> str:
    high, low = (int(half, 16) & 0x3FF for half in (halves[:4], halves[-4:]))
    return chr(0x10000 + (high << 10) + low)


def _of_several(units: str) -> str:
    return bytes.fromhex("".join(re.findall(r"[89a-f][0-9a-f]", units, re.IGNORECASE))).decode("utf-8", "ignore")


OTHERS: dict[str, Callable[[str], str]] = {
    "pair": _of_pair,
    "several": _of_several,
    "percent_several": _of_several,
    "mail_several": _of_several,
    "named": _named,
    "blank": lambda _: " ",
}


def _unpacked(layer: DecodedText, depth: int) -> Iterator[DecodedText]:
    """Yield what a text decodes to as base64 and as hexadecimal, and the readings of that where it is text."""
    for packed in (_from_base64(layer), _from_digits(layer)):
        if packed is not None:
            yield packed
            if depth and _is_text(packed.text.encode("latin-1")):
                yield from _readings(_substituted(_picked(packed), UTF8, _utf8), depth - 1)


def _from_base64(layer: DecodedText) -> DecodedText | None:
    """Return a text decoded as base64 at each of the four possible offsets, one after another."""
    packed = layer.text.encode("latin-1", "ignore").translate(STANDARD, NO_SIX_BITS)
    if len(packed) < LEAST:
        return None
    unpacked = [a2b_base64(packed[shift:] + b"A" * ((shift - len(packed)) % 4)) for shift in range(4)]

    def spans() -> list[Span]:
        pairs = _pairs(_places(layer.text, SIX_BITS))
        # The first two of four letters hold the first byte; the next byte begins in the second letter.
        firsts = (shift + 4 * (at // 3) + at % 3 for shift, one in enumerate(unpacked) for at in range(len(one)))
        return [pairs[first] for first in firsts]

    return DecodedText(b"".join(unpacked).decode("latin-1"), layer, spans, rough=True)


def _from_digits(layer: DecodedText) -> DecodedText | None:
    """Return the hexadecimal digits of a text decoded from the first and from the second digit on."""
    layer = _substituted(layer, PREFIX, _nothing) if "0x" in layer.text or "0X" in layer.text else layer
    packed = layer.text.encode("latin-1", "ignore").translate(None, NO_DIGITS)
    if len(packed) < LEAST:
        return None
    unpacked = [a2b_hex(packed[shift : len(packed) - (len(packed) - shift) % 2]) for shift in range(2)]

    def spans() -> list[Span]:
        pairs = _pairs(_places(layer.text, DIGITS))
        firsts = (shift + 2 * at for shift, one in enumerate(unpacked) for at in range(len(one)))
        return [pairs[first] for first in firsts]

    return DecodedText(b"".join(unpacked).decode("latin-1"), layer, spans, rough=True)


PREFIX = re.compile(r"0x", re.IGNORECASE)


def _is_text(content: bytes) -> bool:
    return b"a" * LEAST in content.translate(SHOWN) or sum(map(content.count, WIDE)) >= FEW


def _picked(layer: DecodedText) -> DecodedText:
    """Return the runs of text among some bytes, each followed by a zero."""

    def spans() -> list[Span]:
        parts = (found.span() for found in RUN.finditer(layer.text))
        return _single_spans([at for start, end in parts for at in (*range(start, end), end - 1)])

    return DecodedText("".join(f"{found[0]}\0" for found in RUN.finditer(layer.text)), layer, spans)


def _utf8(found: re.Match[str]) -> str:
    return found[0].encode("latin-1").decode("utf-8", "ignore")


def _nothing(_: re.Match[str]) -> str:
    return ""


Meant = Callable[[re.Match[str]], str]


def _substituted(layer: DecodedText, pattern: re.Pattern[str], meant: Meant) -> DecodedText:
    text = pattern.sub("" if meant is _nothing else meant, layer.text)
    return layer if text is layer.text else DecodedText(text, layer, partial(_spans_left, layer.text, pattern, meant))


def _spans_left(text: str, pattern: re.Pattern[str], meant: Meant) -> list[Span]:
    """Return the original position of each letter that a substitution leaves."""
    spans: list[Span] = []
    done = 0
    for found in pattern.finditer(text):
        spans += _single_spans(range(done, found.start()))
        spans += [found.span()] * len(meant(found))
        done = found.end()
    return spans + _single_spans(range(done, len(text)))


def _places(text: str, kept: bytes) -> list[int]:
    alphabet = frozenset(kept.decode())
    return [at for at, letter in enumerate(text) if letter in alphabet]


def _single_spans(places: Iterable[int]) -> list[Span]:
    return [(at, at + 1) for at in places]


def _pairs(places: Sequence[int]) -> list[Span]:
    """Return the span of each letter and its successor; padding at the end maps to the last one."""
    pairs = [(first, second + 1) for first, second in zip(places, [*places[1:], places[-1]], strict=True)]
    return pairs + [pairs[-1]] * 4
