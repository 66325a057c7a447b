"""A language file → its phrases and settings that can be used without fail, and what is wrong with the rest."""

import gettext
from collections.abc import Callable, Iterator, Mapping, Sequence
from os.path import isfile
from pathlib import Path
from string import Formatter

from msgspec import Struct

from monitor.words import singular_or_plural
from probes.document import DocumentError, Problem, read_toml

TRIED = range(201)
"""Numbers with which a plural rule is tried: the rules of all languages repeat within 100."""
SHOWN = 60
"""Most characters of a phrase in an error."""
DECIMALS = (".", ",", "\u066b")
DIRECTIONS = ("ltr", "rtl")
COUNTED = "n"
"""The place of the number in a text that has a form for each plural."""


class LanguageFile(Struct, frozen=True):
    """What of a language file can be used; the rest is in `problems`. `forms`: the texts with one for each plural."""

    phrases: Mapping[str, str] = {}
    forms: Mapping[str, Sequence[str]] = {}
    settings: Mapping[str, str] = {}
    problems: Sequence[Problem] = ()


def read_language_file(file: Path) -> LanguageFile | None:
    """Read a language file; None: there is none."""
    if not isfile(file):
        return None
    try:
        told = read_toml(file, str(file))
    except DocumentError as error:
        return LanguageFile(problems=error.problems)
    phrases = told.get("phrases", {})
    if not isinstance(phrases, dict):
        return LanguageFile(problems=[Problem(str(file), "phrases", "is no table", "begin it with [phrases]")])
    problems = [*_wrong_settings(told, str(file)), *_wrong_phrases(phrases, str(file))]
    wrong = {one.key for one in problems}
    sound = {text: said for text, said in phrases.items() if _key(text) not in wrong}
    return LanguageFile(
        {text: said for text, said in sound.items() if isinstance(said, str)},
        {text: said for text, said in sound.items() if isinstance(said, list)},
        {name: told[name] for name in ("decimal", "direction", "plural") if name in told and name not in wrong},
        problems,
    )


def _key(text: str) -> str:
    return f'phrases."{text}"'


def _wrong_settings(told: Mapping[str, object], file: str) -> Iterator[Problem]:
    for name, known in (("decimal", DECIMALS), ("direction", DIRECTIONS)):
        if told.get(name, known[0]) not in known:
            yield Problem(file, name, f"= {_cut(told[name])}", f"give one of: {' '.join(known)}")
    if "plural" in told and (wrong := _why_no_rule(told["plural"])):
        yield Problem(file, "plural", f"= {_cut(told['plural'])} {wrong}", 'write it as gettext does: "n != 1"')


def _why_no_rule(rule: object) -> str | None:
    """Return why a plural rule cannot be used; None if it can."""
    if not isinstance(rule, str):
        return "is no rule"
    try:
        form = gettext.c2py(rule)
        lost = next((number for number in TRIED if form(number) < 0), None)
    except ValueError:
        return "is no rule"
    except ArithmeticError:
        return "divides by zero"
    return None if lost is None else f"is below zero for n = {lost}"


def plural_rule(rule: str | None) -> Callable[[int], int]:
    """Return the function of a rule written as gettext's Plural-Forms are: `n == 1 ? 0 : n == 2 ? 1 : 2`."""
    if rule is None:
        return singular_or_plural
    form = gettext.c2py(rule)

    def choose(number: int) -> int:
        try:
            return form(number)
        except ArithmeticError:  # with a number larger than those tried
            return singular_or_plural(number)

    return choose


def _wrong_phrases(phrases: Mapping[str, object], file: str) -> Iterator[Problem]:
    for text, said in phrases.items():
        forms = [one for one in (said if isinstance(said, list) else [said]) if isinstance(one, str)]
        if not forms or (isinstance(said, list) and len(forms) < len(said)):
            yield Problem(file, _key(text), f"= {_cut(said)}", "give a text in quotes, or a list of them")
            continue
        known = _places(text) | ({COUNTED} if isinstance(said, list) else set())
        wrong = next((one for one in forms if not _fits(one, known)), None)
        if known and wrong is not None:  # without a place nothing is filled, and braces are letters
            repair = f"in braces write only {', '.join(f'{{{name}}}' for name in sorted(known))}"
            yield Problem(file, _key(text), f"= {_cut(wrong)} cannot be filled", repair)


def _fits(said: str, known: set[str]) -> bool:
    """Whether all that is in braces are plain names of values that there are: {n}, but not {n[0]}, {n!r} or {n:9}."""
    try:
        return all(
            name is None or (name in known and not form and not conversion)
            for _, name, form, conversion in Formatter().parse(said)
        )
    except ValueError:  # a brace without its other one
        return False


def _places(text: str) -> set[str]:
    try:
        return {name for _, name, _, _ in Formatter().parse(text) if name and name.isidentifier()}
    except ValueError:
        return set()


def _cut(said: object) -> str:
    text = f'"{said}"' if isinstance(said, str) else str(said)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
