"""Words of the user's own for the public page: a text for all of its languages, or a table of texts by language."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from probes.document import Problem

OwnWords = str | Mapping[str, str]
"""Texts by the code of their language; the first of them stands where a language has none."""


def in_language(words: OwnWords, code: str) -> str:
    return words if isinstance(words, str) else words.get(code) or first_words(words)


def first_words(words: OwnWords) -> str:
    return words if isinstance(words, str) else next(iter(words.values()), "")


def check_words(named: Iterable[tuple[str, OwnWords]], codes: Collection[str], file: str) -> Iterator[Problem]:
    """Yield what is wrong with words, by their place in the file. `codes`: the languages of the public page."""
    for key, words in named:
        if isinstance(words, str):
            continue
        if not words:
            yield Problem(file, key, "has no text", f'write one for each language: {{ {next(iter(codes))} = "..." }}')
        for code in (one for one in words if one not in codes):
            what = f"is for a language that the public page is not made in: it is in {', '.join(codes)}"
            yield Problem(file, f"{key}.{code}", what, f'add "{code}" to languages in [public], or take it out')
