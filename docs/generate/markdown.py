"""Words as MyST Markdown that also reads well on a code host, and on a phone: lists rather than wide tables."""

import re
from collections.abc import Iterable, Iterator

SPECIAL = re.compile(r"([\\*_\[\]<>|#])")
CODE = re.compile(r"(`[^`]+`)")
LINK = re.compile(r"(?<![<(])(https?://[^\s,;)`<>\"]*[^\s,;)`<>\".])")
WORD_WITH_UNDERSCORE = re.compile(r"(?<![\w`/.-])(\w+_\w+)(?![\w`/-])")


def plain(words: str) -> str:
    """Return words of the code as they stand: only what is between backticks is set apart, and addresses are links."""
    return "".join(
        part if part.startswith("`") else _outside_code(part) for part in CODE.split(" ".join(words.split())) if part
    )


def _outside_code(words: str) -> str:
    pieces = LINK.split(words)
    texts = (SPECIAL.sub(r"\\\1", WORD_WITH_UNDERSCORE.sub(r"`\1`", one)) for one in pieces[::2])
    fenced = (CODE.sub(lambda found: found[1].replace("\\", ""), one) for one in texts)
    links = [f"<{one}>" for one in pieces[1::2]]
    return "".join(piece for pair in zip(fenced, [*links, ""], strict=True) for piece in pair)


def code(text: str) -> str:
    """Return a text as code, whatever marks it holds."""
    marks = "``" if "`" in text else "`"
    room = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{marks}{room}{text}{room}{marks}"


def codes(texts: Iterable[str]) -> str:
    return ", ".join(map(code, texts))


def either(words: Iterable[str]) -> str:
    """Return words as a choice: a, b or c."""
    *rest, last = words
    return f"{', '.join(rest)} or {last}" if rest else last


def sentence(words: str) -> str:
    """Return words as a sentence: with a capital and a full stop."""
    begun = words[:1].upper() + words[1:]
    return begun if begun.endswith((".", "!", "?", ":")) else f"{begun}."


def paragraphs(words: str) -> Iterator[str]:
    """Yield each paragraph of a text, and an empty line after it."""
    for one in re.split(r"\n\s*\n", words.strip()):
        yield from (plain(one), "")
