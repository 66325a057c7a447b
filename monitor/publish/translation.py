"""The language of the page: each English sentence is looked up in a translation file; missing ones stay English."""

import tomllib
from datetime import datetime, timedelta
from pathlib import Path

from monitor import words
from monitor.diagnose.incident import Incident
from monitor.diagnose.reason import AnswerWords, StageFailed, Unread
from monitor.sentence import reason
from monitor.sentence.diagnosis import describe_stage_failure
from monitor.sentence.doubt import describe_doubt
from monitor.sentence.finding import describe_answer
from monitor.words import Language, Moment
from probes.model import Blame, Fault, Limit
from probes.notice import Notice

SUFFIX = ".toml"


class PageLanguage(Language, frozen=True, eq=False):
    """A language, with the phrases of the pages."""

    def fault(self, fault: Fault) -> str:
        return self.say(words.FAULTS[fault])

    def blame(self, blame: Blame) -> str:
        return self.say(words.BLAMES[blame])

    def whose(self, incident: Incident) -> str:
        return self.say(words.whose_fault(incident))

    def owner(self, incident: Incident) -> str:
        """Say whose fault it is in two words."""
        return self.say(words.owner(incident))

    def whose_hedged(self, incident: Incident) -> str:
        """Say whose fault it is and how certain: `probably your account`."""
        if not words.is_blamed(incident):
            return self.whose(incident)
        return self.say(words.HEDGES[incident.confidence] + "{who}", who=self.whose(incident))

    def title(self, incident: Incident) -> str:
        return words.title(incident, self.say)

    def subject(self, incident: Incident) -> str:
        return words.subject(incident, self.say)

    def subject_and_what(self, incident: Incident) -> tuple[str, str]:
        return words.subject_and_what(incident, self.say)

    def moment(self, at: datetime, today: datetime | None = None) -> Moment:
        """Format a time. With `today`, the parts of the date equal to it are left out."""
        return words.moment(at, today, self.say)

    def instant(self, at: datetime) -> Moment:
        return words.instant(at, self.say)

    def day(self, at: datetime) -> str:
        return words.day(at, self.say)

    def month(self, at: datetime) -> str:
        return words.month(at, self.say)

    def duration(self, seconds: float) -> str:
        return words.duration(seconds, self.say)

    def seconds(self, value: float) -> str:
        return self.number(words.seconds(value))

    def percent(self, share: float) -> str:
        return self.number(words.percent(share))

    def money(self, usd: float) -> str:
        return self.say("less than $0.01") if 0 < usd < 0.01 else self.number(words.money(usd))

    def reasons(self, incident: Incident) -> list[str]:
        return reason.describe_reasons(incident, self)

    def ending(self, incident: Incident) -> str:
        return reason.describe_ending(incident, self)

    def remark(self, it: AnswerWords) -> str:
        return describe_answer(it, self)

    def stage_failed(self, it: StageFailed) -> str:
        return describe_stage_failure(it, self)

    def notice_title(self, it: Notice) -> str:
        return words.notice_title(it.title, it.claim, self.say)

    def doubt(self, it: Unread) -> str:
        return describe_doubt(it, self)

    def limit(self, it: Limit) -> str:
        return words.describe_limit(it, self.say, self.number)

    def lead(self, by: timedelta | None) -> str:
        """Say who knew first, we or the provider's page; empty while that says nothing."""
        return words.describe_lead(by, self.say)


ENGLISH = PageLanguage()


def load_language(code: str, folders: tuple[Path, ...]) -> PageLanguage:
    """Return the language from the first folder that has its file; English if none has, or the file is unusable."""
    for folder in folders:
        try:
            document = tomllib.loads((folder / f"{code}{SUFFIX}").read_text("utf-8"))
        except (OSError, ValueError):
            continue
        told = document.get("phrases")
        phrases = {text: said for text, said in told.items() if isinstance(said, str)} if isinstance(told, dict) else {}
        direction = "rtl" if document.get("direction") == "rtl" else "ltr"
        return PageLanguage(code, phrases, str(document.get("decimal", ".")), direction)
    return ENGLISH
