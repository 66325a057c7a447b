"""Dates that the user entered (a key's end, a card's) and that come near; pure. Shown as dates, never as forecasts."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from msgspec import Struct

from monitor.detect.finding import Finding
from monitor.detect.reason import DateEntered, ReminderDue
from probes.model import Fault

RULE = "reminder/date"
"""The rule of these findings: no observation starts or ends them."""


class Reminder(Struct, frozen=True):
    """Something ends `on` a day (UTC), shown from `warn_days` before. `account` is None if it is of no single one."""

    name: str
    on: date
    account: str | None = None
    warn_days: int = 14
    note: str = ""

    @property
    def since(self) -> datetime:
        return _midnight(self.on - timedelta(days=self.warn_days))

    @property
    def until(self) -> datetime:
        """Return when it is over: the day itself and the one after it have passed."""
        return _midnight(self.on + timedelta(days=2))

    def is_near(self, now: datetime) -> bool:
        return self.since <= now < self.until


def findings(reminder: Reminder, now: datetime) -> Iterator[Finding]:
    """Yield the finding while the day is near."""
    if reminder.is_near(now):
        yield Finding(
            account=reminder.account or "",
            fault=Fault.EXPIRES_SOON,
            since=reminder.since,
            seen_at=now,
            target="",
            rule=RULE,
            words=DateEntered(reminder.on),
            reasons=(ReminderDue(reminder.name, reminder.on), *filter(None, (reminder.note,))),
            topic=reminder.name,
        )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
