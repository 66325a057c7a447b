"""Templates → bytes: the user's own files take precedence over ours, and every text is escaped."""

import re
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from functools import cache, cached_property, lru_cache
from os.path import isfile
from pathlib import Path
from types import CodeType
from typing import Any

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import escape

from monitor.deadline import run_within
from monitor.publish.quick_escape import QuickTemplate
from monitor.sentence.translation import PageLanguage, load_language
from monitor.sentence.unused_template import UnusedTemplate
from probes.redact import CONTROLS

TEMPLATES = Path(__file__).parents[2] / "templates" / "page"
ADDED = ("own.css", "logo.svg", "logo.png")
"""Files in the user's folder added to every page: a style sheet after ours, and a logo before the site's name."""

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
"""Content Security Policy: nothing from other origins, nothing inline."""

LONGEST_S = 5.0
"""Seconds that a user's own template may take; beyond that the shipped one is used."""

REPEATED = 256
"""Most cached pieces of one macro that pages share: the frame around them, the days of accounts that are all well."""

CLEAN = re.compile(
    "[ -~\t\n\xa0-\xac\xae-\u061b\u061d-\u180d\u180f-\u200a\u2010-\u2029\u202f-\u205f\u206a-\ud7ff"
    "\ue000-\ufefe\uff00-\ufff8\ufffc-\U000dffff\U000e0080-\U0010ffff]*"
)
"""Everything but CONTROLS, frequent characters first: it halves the time to see that a text has none."""

PLAIN = re.compile(r'{{ _\("([^"{\\]*)"\) }}')


def _reason(error: Exception) -> str:
    """Return what is wrong with a template, where, and in which file: it may be an included one."""
    line, file = getattr(error, "lineno", None), getattr(error, "name", None)
    where = ", ".join(filter(None, (str(file) if file else "", f"line {line}" if line else "")))
    return f"{type(error).__name__}: {error}" + (f" ({where})" if where else "")


def _once() -> Callable[..., str]:
    """Return the filter that fills a macro, cached: equal values give equal text.

    Each macro has a cache of its own, so that many small pieces push out no large ones.
    """
    fills = lru_cache(REPEATED)(lambda macro: lru_cache(REPEATED)(macro))
    return lambda value, macro, *more: fills(macro)(value, *more)


class TranslatingLoader(FileSystemLoader):
    """Loads templates with their fixed sentences already translated, once instead of at each use."""

    def __init__(self, folders: Sequence[Path], speech: PageLanguage) -> None:
        super().__init__(folders)
        self._speech = speech

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        source, file, is_fresh = super().get_source(environment, template)
        return PLAIN.sub(self._say, source), file, is_fresh

    def _say(self, found: re.Match[str]) -> str:
        return str(escape(self._speech.say(found[1]))).replace("{", "&#123;")


class Compiled(BytecodeCache):
    """What each text of a template was compiled to: sites with files of their own share the shipped ones."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key, bucket.checksum] = bucket.code


@cache
def _compiled() -> Compiled:
    return Compiled()


class PageTemplates(Environment):
    """Its templates get their globals as a plain dict: it is copied each time one is filled."""

    template_class = QuickTemplate

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return {**self.globals, **(d or {})}


def _no_files(own: Path) -> list[str]:
    """Return what in the user's folder has a name of ours but is not a file: ignored, but not an error."""
    with suppress(OSError):
        names = {*ADDED, *(one.name for one in TEMPLATES.iterdir() if one.is_file())}
        return sorted(one.name for one in own.iterdir() if one.name in names and not isfile(one))
    return []


NO_FILE = "it is a folder, a pipe or a link that leads nowhere, and no file"


class SiteTemplates:
    """The templates of one site in one language. `warnings`: what is wrong with the user's own."""

    def __init__(self, language: str, own: Path | None) -> None:
        self.folders = tuple(folder for folder in (own, TEMPLATES) if folder)
        self.speech: PageLanguage = load_language(language, self.folders[:-1])
        self.added = tuple(name for name in ADDED if own and isfile(own / name))
        self.warnings = {} if own is None else {name: UnusedTemplate(own, name, NO_FILE) for name in _no_files(own)}
        self._own = own
        self._environment = self._made(self.folders)

    def _made(self, folders: Sequence[Path]) -> PageTemplates:
        made = PageTemplates(
            loader=TranslatingLoader(folders, self.speech),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            bytecode_cache=_compiled(),
        )
        made.filters["once"] = _once()
        made.globals.update(
            _=self.speech.say,
            policy=POLICY,
            language=self.speech.code,
            direction=self.speech.direction,
            own_style=next((name for name in self.added if name.endswith(".css")), None),
            logo=next((name for name in self.added if not name.endswith(".css")), None),
        )
        return made

    @cached_property
    def _shipped(self) -> PageTemplates:
        return self._made((TEMPLATES,))

    def fill(self, template: str, **values: object) -> bytes:
        """Fill a template, or the shipped one if the user's own fails.

        Characters that could change the text direction or break the encoding are removed.
        """
        text = self._filled(template, values)
        plain = text if CLEAN.fullmatch(text) else CONTROLS.sub("", text)
        return plain.encode(errors="replace")

    def _filled(self, template: str, values: Mapping[str, object]) -> str:
        if self._own is None:
            return self._environment.get_template(template).render(values)
        if template not in self.warnings:
            try:
                return run_within(LONGEST_S, lambda: self._environment.get_template(template).render(values))
            except Exception as error:  # noqa: BLE001 - a template may raise anything, and the page must be made
                self.warnings[template] = UnusedTemplate(self._own, template, _reason(error))
        return self._shipped.get_template(template).render(values)

    def copy(self, name: str) -> bytes:
        """Return a file that is not a template. Raises OSError."""
        own = (file for folder in self.folders[:-1] if isfile(file := folder / name))
        return next(own, self.folders[-1] / name).read_bytes()


@cache
def load_templates(language: str, own: Path | None) -> SiteTemplates:
    """Return the templates of a site, cached: each is compiled when it is first used."""
    return SiteTemplates(language, own)


def template_warnings(languages: Iterable[str], own: Path | None) -> dict[str, UnusedTemplate]:
    """Return which of the user's templates are not used in one of these languages."""
    warned = [load_templates(one, own).warnings for one in sorted(languages)]
    return {name: words for warnings in warned for name, words in warnings.items()}
