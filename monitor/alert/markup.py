"""Plain text → Markdown or HTML in which nothing but our own links is markup, and text that is cut to fit; pure."""

import re
from typing import assert_never

from markupsafe import Markup, escape

from monitor.alert.channel import Format

LINK = re.compile(r"https?://[^\s<>\"'`]*[^\s<>\"'`.,;:!?)\]}]")
HOST = re.compile(r"https?://([\w.:-]+|\[[\da-fA-F:.]+\](?::\d+)?)(?=[/?#]|$)")
"""A host that can label a link. Any other, such as `a](b` or `bank.example@evil.example`, stays what it is: words."""
MEANING = re.compile(
    r"[*~`<|\\]|\]\(|\]\[|^[#>]|(?:^|\W)[@_]|_(?:\W|$)|@(?:all|channel|everyone|here|room)", re.IGNORECASE
)
"""What begins, or may begin, formatting, a link or a mention in any chat. Some call everyone in the midst of a word."""


def code(text: object) -> str:
    """Return foreign words as code, so that nothing in them becomes a link or formatting."""
    return "`" + " ".join(str(text).replace("`", "'").splitlines()) + "`"


def without_code(markdown: str) -> str:
    """Return Markdown for a chat that shows no code: what was code are plain words, in which nothing is markup."""
    return re.sub("`([^`]*)`", lambda found: EDGE.sub("\u02cd", found[1].translate(LOOK_ALIKES)), markdown)


LOOK_ALIKES = str.maketrans({"[": "\u27e6", "]": "\u27e7", "*": "\u2217", "<": "\u2039", ">": "\u203a", "\\": "\u2216"})
EDGE = re.compile(r"(?<!\w)_|_(?!\w)")


def in_markdown(text: object) -> str:
    """Return plain text as Markdown: its links work, and words that hold markup are code."""
    return "".join(one if one.isspace() else _word(one) for one in re.split(r"(\s+)", str(text)))


def _word(word: str) -> str:
    found = LINK.match(word)
    if found and (host := HOST.match(found[0])):
        return link(found[0], host[1]) + _word(word[found.end() :])
    return code(word) if found or MEANING.search(word) else word


def link(url: str, label: str) -> str:
    """Return a Markdown link, labelled as with its host: in the whole address a chat may find formatting."""
    return f"[{label}]({url.replace('(', '%28').replace(')', '%29')})"


def in_html(text: object) -> Markup:
    """Return plain text as HTML: its links work, and nothing else in it is markup."""
    shown, at = Markup(""), 0
    for found in LINK.finditer(plain := str(text)):
        shown += escape(plain[at : found.start()]) + Markup('<a href="{0}">{0}</a>').format(found[0])
        at = found.end()
    return shown + escape(plain[at:])


def as_format(plain: str, form: Format) -> str:
    """Return a few plain lines in another format; each stays a line of its own."""
    lines = [line for line in plain.splitlines() if line.strip()]
    match form:
        case Format.TEXT:
            return plain
        case Format.MARKDOWN:
            return "\n\n".join(map(in_markdown, lines)) + "\n"
        case Format.HTML:
            return "<br>\n".join(map(in_html, lines)) + "\n"
    assert_never(form)


def size(text: str) -> int:
    """Return the size in bytes, which the strictest services count."""
    return len(text.encode())


def cut(text: str, most: int) -> str:
    """Return as many whole words as fit, and "…" for the rest; a single long word is cut, unless it is a link."""
    if size(text) <= most:
        return text
    kept = text.encode()[: max(most - size(MORE), 0)].decode(errors="ignore")
    whole = kept if text[len(kept) : len(kept) + 1].isspace() else kept.rpartition(" ")[0]
    if not whole.strip() and not LINK.match(text):
        whole = kept
    return whole.rstrip() + MORE if most >= size(MORE) else ""


MORE = "…"


def fit_lines(plain: str, form: Format, most: int, last: str = "") -> str:
    """Return the first lines that fit whole; of the first that does not, the words that fit.

    The line `last` is kept whatever else is left out, if it takes at most half of the room.
    """
    lines = [line for line in plain.splitlines() if line.strip()]
    reserved = _room(last, form) if last in lines and 2 * _room(last, form) <= most else 0
    kept, room = list[str](), most - reserved
    for line in lines:
        if line == last and reserved:
            kept.append(line)
        elif part := line if _room(line, form) <= room else _words(line, form, room, is_first=not kept):
            kept.append(part)
            room -= _room(part, form)
    return as_format("\n".join(kept) + "\n", form) if kept else ""


def _room(line: str, form: Format) -> int:
    """Return the bytes that a line takes, with what separates it from the next."""
    return size(as_format(line, form).strip()) + SEPARATORS[form]


SEPARATORS = {Format.TEXT: 1, Format.MARKDOWN: 2, Format.HTML: 5}


def _words(line: str, form: Format, room: int, *, is_first: bool) -> str:
    """Return the words of a line that fit, "" if they would say nothing without the rest: a name without its link."""
    parts = (cut(line, most) for most in range(room, 8, -4))
    part = next((one for one in parts if _room(one, form) <= room), "")
    is_enough = is_first or " " in part
    return part if is_enough and not part.endswith(f":{MORE}") and part != MORE else ""
