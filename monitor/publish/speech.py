"""The language of the page: every English sentence is looked up in a file of words, and stays where it has none."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from monitor import words
from monitor.diagnose import Scope
from monitor.incident import Incident
from monitor.publish.snapshot import IncidentView
from monitor.words import MONTHS, Moment
from probes.model import Blame, Fault, Limit

ENGLISH_NAME = "en"
SUFFIX = ".toml"


@dataclass(frozen=True, slots=True)
class Speech:
    """One language: its code for `lang`, the translation of each English text, and its decimal mark."""

    code: str = ENGLISH_NAME
    phrases: Mapping[str, str] = field(default_factory=dict)
    decimal: str = "."

    @property
    def is_english(self) -> bool:
        return self.code == ENGLISH_NAME

    def say(self, text: str, **values: object) -> str:
        """Say an English text in this language; `{name}` in it is replaced by the value of that name."""
        said = self.phrases.get(text, text)
        return said.format(**values) if values else said

    def many(self, number: int, one: str, more: str, **values: object) -> str:
        return self.say(one if number == 1 else more, n=number, **values)

    def fault(self, fault: Fault) -> str:
        return self.say(words.FAULTS[fault])

    def blame(self, blame: Blame) -> str:
        return self.say(words.BLAMES[blame])

    def whose(self, incident: Incident) -> str:
        return self.say(words.whose(incident))

    def whose_hedged(self, incident: Incident) -> str:
        """Say whose trouble it is and how sure that is: `probably your account`."""
        if not words.is_blamed(incident):
            return self.whose(incident)
        return self.say(words.HEDGES[incident.confidence] + "{who}", who=self.whose(incident))

    def title(self, view: IncidentView) -> str:
        incident = view.incident
        if self.is_english:
            return view.title
        if incident.scope is Scope.MONITOR:
            return self.say("the monitor is offline: nothing answers")
        if incident.scope is Scope.SOURCE:
            return self.say("the status source {source} cannot be read", source=incident.subject)
        subject = incident.subject or self.say("the road out from here")
        return f"{subject}: {self.fault(incident.fault)}"

    def moment(self, at: datetime, today: datetime | None = None) -> Moment:
        """Name an instant. With `today`, the parts of the date that are the same are left out."""
        at = at.astimezone(UTC)
        iso, clock = f"{at:%Y-%m-%dT%H:%M:%SZ}", self.say("{clock} UTC", clock=f"{at:%H:%M}")
        today = today.astimezone(UTC) if today else None
        if today is None or at.year != today.year:
            return Moment(iso, f"{self.day(at, with_year=True)}, {clock}")
        return Moment(iso, clock if at.date() == today.date() else f"{self.day(at)}, {clock}")

    def instant(self, at: datetime) -> Moment:
        """Name an instant to the second, as evidence needs it."""
        at = at.astimezone(UTC)
        clock = self.say("{clock} UTC", clock=f"{at:%H:%M:%S}")
        return Moment(f"{at:%Y-%m-%dT%H:%M:%SZ}", f"{self.day(at, with_year=True)}, {clock}")

    def day(self, at: datetime, *, with_year: bool = False) -> str:
        short = self.say(MONTHS[at.month - 1][:3])
        if with_year:
            return self.say("{day} {month} {year}", day=at.day, month=short, year=at.year)
        return self.say("{day} {month}", day=at.day, month=short)

    def month(self, at: datetime) -> str:
        at = at.astimezone(UTC)
        return self.say("{month} {year}", month=self.say(MONTHS[at.month - 1]), year=at.year)

    def duration(self, seconds: float) -> str:
        """Say a duration in its two largest units: `3 h 20 min`."""
        whole = max(0, int(seconds))
        if whole < 60:
            return self.say("{n} s", n=whole)
        minutes = self.say("{n} min", n=whole % 3600 // 60)
        if whole < 3600:
            return minutes
        hours = self.say("{n} h", n=whole % 86400 // 3600)
        if whole < 86400:
            return f"{hours} {minutes}" if whole % 3600 >= 60 else hours
        days = self.many(whole // 86400, "{n} day", "{n} days")
        return f"{days} {hours}" if whole % 86400 >= 3600 else days

    def seconds(self, value: float) -> str:
        return self.number(words.seconds(value))

    def percent(self, share: float) -> str:
        return self.number(words.percent(share))

    def money(self, usd: float) -> str:
        return self.say("less than $0.01") if 0 < usd < 0.01 else words.money(usd)

    def number(self, text: str) -> str:
        """Write an English number as this language does."""
        if self.decimal == ".":
            return text
        return text.replace(",", "\0").replace(".", self.decimal).replace("\0", ".")

    def limit(self, it: Limit) -> str:
        """Say a rate limit: `480 of 500 requests per minute left`."""
        if self.is_english:
            return words.limit(it)
        unit = " ".join(
            filter(None, (self.say(it.unit.replace("_", " ").replace("-", " ")), self._window(it.window_s)))
        )
        left, most = (None if it is None else self.number(f"{it:,.0f}") for it in (it.remaining, it.limit))
        if left is None:
            return self.say("at most {most} {unit}" if most else "{unit}: not told", most=most, unit=unit)
        return self.say(
            "{left} of {most} {unit} left" if most else "{left} {unit} left", left=left, most=most, unit=unit
        )

    def _window(self, window_s: float | None) -> str:
        if window_s is None:
            return ""
        known = words.WINDOWS.get(round(window_s))
        return self.say(known) if known else self.say("in {duration}", duration=self.duration(window_s))

    def lead(self, incident: Incident) -> str:
        """Say who knew first; empty while the provider's page says nothing."""
        if incident.lead is None:
            return ""
        passed = self.duration(abs(incident.lead.total_seconds()))
        if incident.lead.total_seconds() >= 0:
            return self.say("we knew {passed} before the provider's page", passed=passed)
        return self.say("the provider's page knew {passed} before us", passed=passed)


ENGLISH = Speech()


def load_speech(code: str, folders: tuple[Path, ...]) -> Speech:
    """Return the language whose file the first of the folders holds; English where none does or it is no use."""
    for folder in folders:
        try:
            document = tomllib.loads((folder / f"{code}{SUFFIX}").read_text("utf-8"))
        except (OSError, ValueError):
            continue
        phrases = {text: said for text, said in document.get("phrases", {}).items() if isinstance(said, str)}
        return Speech(code, phrases, str(document.get("decimal", ".")))
    return ENGLISH
