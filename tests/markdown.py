"""The documents of the repository, and what can be checked in them: blocks of code, links, anchors."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.anchors import anchors_plugin
from msgspec import Struct

ROOT = Path(__file__).parents[1]
FOLDERS = ("docs", "deploy", "examples", "benchmarks", ".github")
READER = MarkdownIt("commonmark").enable("table").use(anchors_plugin, max_level=6)
IN_HTML = re.compile(r'(?:src|srcset|href)="([^" ]+)')


class Block(Struct, frozen=True):
    """One fenced block: what its first line says it is, and what it holds."""

    file: str
    line: int
    kind: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


def documents() -> list[Path]:
    """Return each Markdown file that people read."""
    below = (file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.md")))
    return [*sorted(ROOT.glob("*.md")), *(one for one in below if "_build" not in one.parts)]


@cache
def tokens(file: Path) -> list[Token]:
    return READER.parse(file.read_text(encoding="utf-8"))


def blocks(*kinds: str) -> list[Block]:
    """Return the blocks of these kinds, or of all."""
    found = (
        Block(str(file.relative_to(ROOT)), one.map[0] + 1, one.info.split()[0] if one.info.split() else "", one.content)
        for file in documents()
        for one in tokens(file)
        if one.type == "fence"
    )
    return [one for one in found if one.kind in kinds or not kinds]


def links(file: Path) -> Iterator[str]:
    """Yield each address that a document names in a link or a picture, also in HTML."""
    for one in (inner for outer in tokens(file) for inner in (outer, *(outer.children or ()))):
        if one.type in ("link_open", "image"):
            yield str(one.attrs["href" if one.type == "link_open" else "src"])
        elif one.type in ("html_block", "html_inline"):
            yield from IN_HTML.findall(one.content)


def anchors(file: Path) -> set[str]:
    """Return the anchors of a document's headings, as code hosts and Sphinx make them."""
    return {str(one.attrs["id"]) for one in tokens(file) if one.type == "heading_open"}


def spoken(file: Path) -> Iterator[str]:
    """Yield what stands between backticks in a text."""
    for one in (inner for outer in tokens(file) for inner in (outer.children or ())):
        if one.type == "code_inline":
            yield one.content


def commands(block: Block) -> Iterator[list[str]]:
    """Yield each simple command of a console block as its words, without variables and redirections."""
    for line in _prompted(block.text):
        yield from _simple(line)


def _prompted(text: str) -> Iterator[str]:
    """Yield what is typed after a prompt, with the lines that continue it; the rest is output."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(("$ ", "# ")):
            typed = line[2:]
            while _goes_on(typed):
                typed = f"{typed.removesuffix(chr(92))}\n{next(lines)}"
            yield typed


def _goes_on(typed: str) -> bool:
    try:
        shlex.split(typed, comments=True)
    except ValueError:
        return True
    return typed.rstrip().endswith(("|", "\\", "&&"))


def _simple(line: str) -> Iterator[list[str]]:
    words: list[str] = []
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    for word in [*lexer, ";"]:
        if set(word) <= set("|&;<>"):
            yield from _without_variables(words)
            words = [] if ">" not in word and "<" not in word else [":"]
        else:
            words.append(word)


def _without_variables(words: list[str]) -> Iterator[list[str]]:
    named = next((number for number, word in enumerate(words) if not re.match(r"\w+=", word)), len(words))
    if words[named:] and words[named] != ":":
        yield words[named:]
