"""The language of pages and messages: each English sentence is looked up in a file; missing ones stay English."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from pathlib import Path

from monitor import words
from monitor.diagnose.incident import Incident
from monitor.diagnose.reason import AnswerWords, StageFailed, Unread
from monitor.sentence import reason
from monitor.sentence.diagnosis import describe_stage_failure
from monitor.sentence.doubt import describe_doubt
from monitor.sentence.finding import describe_answer
from monitor.sentence.language_file import LanguageFile, plural_rule, read_language_file
from monitor.words import Language, Moment
from probes.document import Problem
from probes.model import Blame, Fault, Limit
from probes.notice import Notice

SUFFIX = ".toml"
LANGUAGES = "language"
"""The folder of the language files, in a folder of templates."""
SHIPPED = Path(__file__).parents[2] / "templates" / "page"


class PageLanguage(Language, frozen=True, eq=False):
    """A language, with the phrases of pages and messages."""

    def fault(self, fault: Fault) -> str:
        return self.say(words.FAULTS[fault])

    def blame(self, blame: Blame) -> str:
        return self.say(words.BLAMES[blame])

    def whose(self, incident: Incident) -> str:
        return self.say(words.whose_fault(incident))

    def owner(self, incident: Incident) -> str:
        """Say whose fault it is in two words."""
        return self.say(words.owner(incident))

    def certainty(self, incident: Incident) -> str:
        return self.say(words.CERTAINTIES[incident.confidence])

    def whose_hedged(self, incident: Incident) -> str:
        """Say whose fault it is and how certain: `probably your account`."""
        if not words.is_blamed(incident):
            return self.whose(incident)
        return self.say(words.HEDGES[incident.confidence] + "{who}", who=self.whose(incident))

    def title(self, incident: Incident) -> str:
        return words.title(incident, self)

    def subject(self, incident: Incident) -> str:
        return words.subject(incident, self)

    def subject_and_what(self, incident: Incident) -> tuple[str, str]:
        return words.subject_and_what(incident, self)

    def moment(self, at: datetime, today: datetime | None = None) -> Moment:
        """Format a time. With `today`, the parts of the date equal to it are left out."""
        return words.moment(at, today, self)

    def instant(self, at: datetime, today: datetime | None = None) -> Moment:
        return words.instant(at, today, self)

    def day(self, at: datetime) -> str:
        return words.day(at, self)

    def month(self, at: datetime) -> str:
        return words.month(at, self)

    def duration(self, seconds: float) -> str:
        return words.duration(seconds, self)

    def seconds(self, value: float) -> str:
        return words.seconds(value, self)

    def percent(self, share: float) -> str:
        return words.percent(share, self)

    def money(self, usd: float) -> str:
        return words.money(usd, self)

    def reasons(self, incident: Incident) -> list[str]:
        return reason.describe_reasons(incident, self)

    def ending(self, incident: Incident) -> str:
        return reason.describe_ending(incident, self)

    def remark(self, it: AnswerWords) -> str:
        return describe_answer(it, self)

    def stage_failed(self, it: StageFailed) -> str:
        return describe_stage_failure(it, self)

    def notice_title(self, it: Notice) -> str:
        return words.notice_title(it.title, it.claim, self)

    def doubt(self, it: Unread) -> str:
        return describe_doubt(it, self)

    def limit(self, it: Limit) -> str:
        return words.describe_limit(it, self)

    def lead(self, by: timedelta | None) -> str:
        """Say who knew first, we or the provider's page; empty while that says nothing."""
        return words.describe_lead(by, self)


ENGLISH = PageLanguage()


@cache
def load_language(code: str, own: tuple[Path, ...] = (), shipped: Path = SHIPPED, zone: tzinfo = UTC) -> PageLanguage:
    """Return a language, cached: what the user's `own` folders of templates say of it goes before what we ship.

    It tells times in `zone`. It is English if nobody says anything of it. What cannot be used of a file says nothing.
    """
    documents = _read(code, (shipped, *reversed(own)))
    if not documents:
        return ENGLISH if zone is UTC else PageLanguage(zone=zone)
    phrases: dict[str, str | Sequence[str]] = {}
    settings: dict[str, str] = {}
    for one in documents:
        phrases |= {**one.phrases, **one.forms}
        settings |= one.settings
    return PageLanguage(
        code,
        {text: said for text, said in phrases.items() if isinstance(said, str)},
        settings.get("decimal", "."),
        settings.get("direction", "ltr"),
        {text: said for text, said in phrases.items() if not isinstance(said, str)},
        plural_rule(settings.get("plural")),
        zone,
    )


def language_problems(code: str, own: Sequence[Path]) -> list[Problem]:
    """Return what is wrong with the user's own files of a language."""
    return [problem for one in _read(code, own) for problem in one.problems]


def _read(code: str, folders: Sequence[Path]) -> list[LanguageFile]:
    files = (read_language_file(folder / LANGUAGES / f"{code}{SUFFIX}") for folder in folders)
    return [one for one in files if one]
