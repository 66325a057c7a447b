"""Templates → bytes: the user's own files go before ours, and every text is escaped."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from monitor.publish.speech import Speech, load_speech
from probes.redact import CONTROLS

TEMPLATES = Path(__file__).parents[2] / "templates" / "page"
LANGUAGES = "language"

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


class Press:
    """The templates of one site in one language."""

    def __init__(self, language: str, own: Path | None) -> None:
        self.folders = tuple(folder for folder in (own, TEMPLATES) if folder)
        self.speech: Speech = load_speech(language, tuple(folder / LANGUAGES for folder in self.folders))
        self._environment = Environment(
            loader=FileSystemLoader(self.folders),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals.update(_=self.speech.say, policy=POLICY, language=self.speech.code)

    def fill(self, template: str, **values: object) -> bytes:
        """Fill a template; what could turn the reading direction or break the encoding does not pass."""
        text = self._environment.get_template(template).render(**values)
        return CONTROLS.sub("", text).encode(errors="replace")

    def copy(self, name: str) -> bytes:
        """Return a file that is no template."""
        return next(file for folder in self.folders if (file := folder / name).is_file()).read_bytes()


@cache
def press(language: str, own: Path | None) -> Press:
    """Return the press of a site. It is made once: its templates are compiled only when they are first used."""
    return Press(language, own)
