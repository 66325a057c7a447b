r"""Pure: a rule's regular expression + a text → whether it is found there; most are passed over without a search.

Whatever `quota (has been )?exceeded` finds holds "exceeded", in lower case: to look for a word is some fifty times
quicker than to search. An expression that is never searched is never compiled, which takes a millisecond each.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from typing import TypeAlias

Words: TypeAlias = frozenset[str]
Token: TypeAlias = tuple[str, str]

SHORTEST = 2
"""Characters of the shortest word worth looking for."""

TOKEN = re.compile(
    r"(?P<group>\((?:\?(?:P<\w+>|[aims]*:))?(?!\?))"
    r"|(?P<around>\(\?<?[=!])"
    r"|(?P<end>\))"
    r"|(?P<either>\|)"
    r"|(?P<optional>(?:[*?]|\{0?,\d*\}|\{0\})[?+]?)"
    r"|(?P<repeated>(?:\+|\{[1-9]\d*(?:,\d*)?\})[?+]?)"
    r"|(?P<kind>\[\^?\]?(?:[^\]\\]|\\.)*\]|\\x[0-9a-fA-F]{2}|\\[bBAZdDsSwWnrt]|[.^$])"
    r"|(?P<literal>\\[^\w\s]|[^\\()\[\]{}|*+?.^$]+(?![*+?{])|[^\\()\[\]{}|*+?.^$])",
    re.DOTALL,
)


def is_found(expression: str, text: str, lowered: str) -> bool:
    """Return whether `expression` is found in `text`, whatever the case. `lowered`: the text in lower case."""
    words = words_of(expression)
    if words is None:
        return compiled(expression).search(text) is not None
    for word in words:  # a loop: some hundred expressions are asked of each answer, and `any` takes twice as long
        if word in lowered:
            return compiled(expression).search(text) is not None
    return False


@cache
def compiled(expression: str) -> re.Pattern[str]:
    """Compile it. An ASCII one matches as ASCII, so that Chinese right next to an English word ends that word."""
    return re.compile(f"(?{'a' if expression.isascii() else ''}:{expression})", re.IGNORECASE)


@cache
def words_of(expression: str) -> Words | None:
    """Return words in lower case of which any text that matches holds one; None where none are known."""
    try:
        return _words_of_branches(_tokens(expression))
    except ValueError:
        return None


def _tokens(expression: str) -> Iterator[Token]:
    """Yield the kind and the text of each part. Raises ValueError at one that only `re` understands."""
    end = 0
    while end < len(expression):
        found = TOKEN.match(expression, end)
        if found is None or found.lastgroup is None:
            raise ValueError(expression[end:])
        kind, text, end = found.lastgroup, found[0], found.end()
        if kind == "literal":
            yield from _letters(text.removeprefix("\\"), expression.isascii())
        else:
            yield kind, text


def _letters(text: str, is_ascii: bool) -> Iterator[Token]:
    """Yield what stands for itself; beyond ASCII a letter may match more, so that each of them is looked at."""
    if is_ascii:
        yield "literal", text
    else:
        yield from (("kind" if _has_more_cases(letter) else "literal", letter) for letter in text)


def _has_more_cases(letter: str) -> bool:
    """Whether it may match beyond ASCII what is not it in lower case, as `s` matches `ſ` and `i` matches `İ`."""
    return letter.lower() in "is" if letter.isascii() else letter.lower() != letter.upper()


def _words_of_branches(tokens: Iterator[Token]) -> Words | None:
    """Read to the end of a group: a text that matches holds a word of one of its branches."""
    branches: list[list[str | Words | None]] = [[]]
    for kind, text in tokens:
        match kind:
            case "end":
                break
            case "either":
                branches.append([])
            case "literal":
                branches[-1].append(text.lower())
            case "group":
                branches[-1].append(_words_of_branches(tokens))
            case "optional":
                branches[-1][-1:] = [None]
            case "around":
                _words_of_branches(tokens)
                branches[-1].append(None)
            case _:
                branches[-1].append(None)
    found = [_best_of(branch) for branch in branches]
    return frozenset[str]().union(*(words for words in found if words)) if all(found) else None


def _best_of(parts: list[str | Words | None]) -> Words | None:
    """Return what tells most of the parts that follow each other: the longest literal, or the words of a group."""
    literals = ("".join(map(str, run)) for is_text, run in groupby(parts, lambda one: isinstance(one, str)) if is_text)
    known = [frozenset({one}) for one in literals] + [one for one in parts if isinstance(one, frozenset)]
    telling = [words for words in known if min(map(len, words)) >= SHORTEST]
    return max(telling, key=lambda words: (min(map(len, words)), -len(words)), default=None)
