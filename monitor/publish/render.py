"""Templates → bytes: the user's own files go before ours, and every text is escaped."""

import re
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from functools import cache, cached_property, lru_cache
from os.path import isfile
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.runtime import Macro
from markupsafe import escape

from monitor.deadline import within
from monitor.publish.quick_escape import QuickTemplate
from monitor.publish.translation import Speech, load_speech
from probes.redact import CONTROLS

TEMPLATES = Path(__file__).parents[2] / "templates" / "page"
LANGUAGES = "language"
ADDED = ("own.css", "logo.svg", "logo.png")
"""What the user's folder may add to every page: a style sheet after ours, and a picture before the site's name."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self' data:",
        "script-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
"""Content Security Policy: nothing from elsewhere, nothing inline."""

LONGEST_S = 5.0
"""A page from a template of the user's own that takes longer is made from the shipped one."""

REPEATED = 256
"""So many of the pieces that pages share are kept: what is around them all, shares of accounts that are all well."""

CLEAN = re.compile(
    "[ -~\t\n\xa0-\xac\xae-\u061b\u061d-\u180d\u180f-\u200a\u2010-\u2029\u202f-\u205f\u206a-\ud7ff"
    "\ue000-\ufefe\uff00-\ufff8\ufffc-\U000dffff\U000e0080-\U0010ffff]*"
)
"""All but CONTROLS, what is frequent first: that nearly every text is so is seen in half of the time."""

PLAIN = re.compile(r'{{ _\("([^"{\\]*)"\) }}')


def _reason(error: Exception) -> str:
    """Name what is wrong with a template, where, and in which file: it may be one that it includes."""
    line, file = getattr(error, "lineno", None), getattr(error, "name", None)
    where = ", ".join(filter(None, (str(file) if file else "", f"line {line}" if line else "")))
    return f"{type(error).__name__}: {error}" + (f" ({where})" if where else "")


def _fill(value: object, macro: Macro, *more: object) -> str:
    """Fill a macro. What is kept of it is as good as new: equal values give equal text."""
    return macro(value, *more)


class Spoken(FileSystemLoader):
    """Templates in which all that is said without a value stands already, so that it is said once and not each time."""

    def __init__(self, folders: Sequence[Path], speech: Speech) -> None:
        super().__init__(folders)
        self._speech = speech

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        source, file, is_fresh = super().get_source(environment, template)
        return PLAIN.sub(self._say, source), file, is_fresh

    def _say(self, found: re.Match[str]) -> str:
        return str(escape(self._speech.say(found[1]))).replace("{", "&#123;")


class PageTemplates(Environment):
    """Its templates begin with a plain dict of what all of them know: they copy it each time they are filled."""

    template_class = QuickTemplate

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return {**self.globals, **(d or {})}


def _no_files(own: Path) -> list[str]:
    """Return what lies in the user's folder under a name of ours, and is no file: it is not used, and not an error."""
    with suppress(OSError):
        names = {*ADDED, *(one.name for one in TEMPLATES.iterdir() if one.is_file())}
        return sorted(one.name for one in own.iterdir() if one.name in names and not isfile(one))
    return []


def _passed_over(name: str, own: Path) -> str:
    return f"the template {name} of {own} is not used: it is a folder, a pipe or a link that leads nowhere, and no file"


class SiteTemplates:
    """The templates of one site in one language. What is wrong with one of the user's own is kept in `warnings`."""

    def __init__(self, language: str, own: Path | None) -> None:
        self.folders = tuple(folder for folder in (own, TEMPLATES) if folder)
        self.speech: Speech = load_speech(language, tuple(folder / LANGUAGES for folder in self.folders))
        self.added = tuple(name for name in ADDED if own and isfile(own / name))
        self.warnings = {} if own is None else {name: _passed_over(name, own) for name in _no_files(own)}
        self._own = own
        self._environment = self._made(self.folders)

    def _made(self, folders: Sequence[Path]) -> PageTemplates:
        made = PageTemplates(
            loader=Spoken(folders, self.speech),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        made.filters["once"] = lru_cache(REPEATED)(_fill)
        made.globals.update(
            _=self.speech.say,
            policy=POLICY,
            language=self.speech.code,
            own_style=next((name for name in self.added if name.endswith(".css")), None),
            logo=next((name for name in self.added if not name.endswith(".css")), None),
        )
        return made

    @cached_property
    def _shipped(self) -> PageTemplates:
        return self._made((TEMPLATES,))

    def fill(self, template: str, **values: object) -> bytes:
        """Fill a template, the shipped one where the user's own fails.

        What could turn the reading direction or break the encoding does not pass.
        """
        text = self._filled(template, values)
        plain = text if CLEAN.fullmatch(text) else CONTROLS.sub("", text)
        return plain.encode(errors="replace")

    def _filled(self, template: str, values: Mapping[str, object]) -> str:
        if self._own is None:
            return self._environment.get_template(template).render(values)
        if template not in self.warnings:
            try:
                return within(LONGEST_S, lambda: self._environment.get_template(template).render(values))
            except Exception as error:  # noqa: BLE001 - a template may raise anything, and the page must be made
                self.warnings[template] = f"the template {template} of {self._own} is not used: {_reason(error)}"
        return self._shipped.get_template(template).render(values)

    def copy(self, name: str) -> bytes:
        """Return a file that is no template. Raises OSError."""
        own = (file for folder in self.folders[:-1] if isfile(file := folder / name))
        return next(own, self.folders[-1] / name).read_bytes()


@cache
def press(language: str, own: Path | None) -> SiteTemplates:
    """Return the press of a site. It is made once: its templates are compiled only when they are first used."""
    return SiteTemplates(language, own)
