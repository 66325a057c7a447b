"""Bytes → text: by byte order mark, then the declared charset if allowed, else UTF-8; no byte is lost."""

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from collections.abc import Iterator

MARKS = (
    (BOM_UTF8, "utf-8"),
    (BOM_UTF32_LE, "utf-32-le"),  # starts with UTF-16's, so it comes first
    (BOM_UTF32_BE, "utf-32-be"),
    (BOM_UTF16_LE, "utf-16-le"),
    (BOM_UTF16_BE, "utf-16-be"),
)
BARE = re.compile(rb"(?P<le>[<{\[]\0)|\0[<{\[]")
"""UTF-16 without a byte order mark: the first character of XML or JSON, and a zero."""
XML = re.compile(rb"\s*<\?xml[^<>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})[\"']")
META = re.compile(rb"<meta[^<>]{0,200}?charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
SEARCHED_BYTES = 2000
"""Bytes searched for a page's declaration, which must be in its first 1024 (WHATWG HTML, 4.2.5.4)."""

SINGLE = {
    **{f"iso-8859-{part}": f"iso8859-{part}" for part in (*range(2, 12), *range(13, 17)) if part != 9},
    **{f"windows-125{part}": f"cp125{part}" for part in range(9)},
    **{f"cp125{part}": f"cp125{part}" for part in range(9)},
    **dict.fromkeys(("iso-8859-1", "iso8859-1", "latin-1", "latin1", "us-ascii", "ascii"), "cp1252"),
    **dict.fromkeys(("iso-8859-9", "latin5"), "cp1254"),
    **{"koi8-r": "koi8-r", "koi8-u": "koi8-u", "ibm866": "cp866", "cp866": "cp866", "tis-620": "cp874"},
}
MULTIPLE = {
    **dict.fromkeys(("gb2312", "gbk", "gb18030", "gb-2312", "x-gbk", "cp936"), "gb18030"),
    **dict.fromkeys(("big5", "big5-hkscs", "cp950"), "big5hkscs"),
    **dict.fromkeys(("shift-jis", "sjis", "x-sjis", "windows-31j", "cp932"), "cp932"),
    **{"euc-jp": "euc-jp", "euc-kr": "cp949", "ks-c-5601-1987": "cp949", "cp949": "cp949"},
}
"""Charset names → Python codecs, the widest of each family as in WHATWG's Encoding.

No others are allowed: Python has codecs that take quadratic time, some that are no charsets, and utf-7, in which markup
hides. UTF-16 is detected from the bytes.
"""

STRAY = re.compile("[\udc80-\udcff]")
BROKEN = {
    0xDC00 + byte: bytes([byte]).decode("cp1252", "ignore") or chr(byte)  # cp1252 leaves five bytes undefined
    for byte in range(0x80, 0x100)
}


def decode_bytes(data: bytes, declared: str | None = None) -> str:
    """Return the text of some bytes; `declared` is the charset of the HTTP header."""
    for mark, codec in MARKS:
        if data.startswith(mark):
            return _whole(data[len(mark) :], codec)
    if bare := BARE.match(data):
        return _whole(data, "utf-16-le" if bare["le"] else "utf-16-be")
    for name in _declared(data, declared):
        if (text := _by_name(data, _plain(name))) is not None:
            return text
    return _whole(data, "utf-8")


def _declared(data: bytes, header: str | None) -> Iterator[str]:
    """Yield the charset of the HTTP header, then the document's own, in the order of RFC 7303."""
    if header:
        yield header
    for found in (XML.match(data), META.search(data, 0, SEARCHED_BYTES)):
        if found:
            yield found[1].decode("ascii", "replace")


def _plain(name: str) -> str:
    return name.strip(" \t\"'")[:40].lower().replace("_", "-")


def _by_name(data: bytes, name: str) -> str | None:
    """Return the text; None where the charset is not allowed, or wrong."""
    if codec := SINGLE.get(name):
        return _single(data, codec)
    codec = "utf-8" if name in ("utf-8", "utf8") else MULTIPLE.get(name)
    try:
        return data.decode(codec) if codec else None
    except UnicodeDecodeError:
        return None


def _single(data: bytes, codec: str) -> str | None:
    """Return the text; None for what is really UTF-8.

    Servers declare one single-byte charset for everything they send, and non-ASCII text is rarely valid UTF-8 by
    chance.
    """
    if data.isascii():
        return data.decode("ascii")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return _whole(data, codec)
    return None


def _whole(data: bytes, codec: str) -> str:
    """Return all the text: an invalid byte is read as Windows-1252, so one bad byte spoils no other."""
    if codec.startswith("utf-16") or codec.startswith("utf-32"):
        return data.decode(codec, "replace")
    text = data.decode(codec, "surrogateescape")
    return text.translate(BROKEN) if STRAY.search(text) else text
