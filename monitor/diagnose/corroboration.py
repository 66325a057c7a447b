"""Witnesses besides the canaries: control probes, status pages, our own connection, and who belongs together."""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace

from probes.model import ControlAnswer
from probes.notice import Impact, Notice, NoticePhase

MIN_IMPACT = Impact.MINOR
"""Least impact at which an open notice counts as trouble; so does one without a stated impact."""


class Level(StrEnum):
    """What accounts can share, the narrowest first."""

    PROJECT = "project"
    ORGANIZATION = "organization"
    BILLING = "billing"
    LOGIN = "login"


class AccountGroup(Struct, frozen=True):
    """Accounts of one company that are lost together: a project, an organization, one payer, or one login."""

    level: Level
    name: str

    def __str__(self) -> str:
        return f"{self.level} {self.name}"


class StatusPage(Struct, frozen=True):
    """What a provider's status sources say. Not `readable`: nothing can be concluded from their silence.

    Not `is_whole`: some of it cannot be read.
    """

    readable: bool
    notices: tuple[Notice, ...] = ()
    is_whole: bool = True

    @property
    def trouble(self) -> Notice | None:
        """The gravest open notice of trouble; None if there is none."""
        open_notices = [one for one in self.notices if is_trouble(one)]
        return max(open_notices, key=lambda one: one.impact.rank, default=None)

    @property
    def maintenance(self) -> Notice | None:
        """A maintenance under way; None if there is none."""
        return next((one for one in self.notices if one.planned and one.phase is NoticePhase.IN_PROGRESS), None)


def is_trouble(notice: Notice) -> bool:
    """Whether a notice reports trouble now: not over, not planned, and with an impact."""
    counts = notice.impact is Impact.UNKNOWN or notice.impact >= MIN_IMPACT
    return counts and notice.is_open and not notice.planned


class LocalWitness(Struct, frozen=True):
    """What one place of several found besides the health of its targets: its `controls`, and whether it is `online`.

    `muted`: its looks count for nothing, as it is not heard of or its clock is wrong. `silent_since`: since when
    nothing was heard of it; None: it is heard of. `awaited`: so soon after we began to listen that it may yet come.
    `clock_off_s`: the seconds by which its clock is ahead, at least; negative: behind.
    """

    controls: Mapping[str, ControlAnswer] = field(default_factory=dict)
    online: bool | None = None
    muted: bool = False
    silent_since: datetime | None = None
    awaited: bool = False
    clock_off_s: float = 0.0


class Corroboration(Struct, frozen=True):
    """All that is known besides the health of the targets.

    `controls` and `pages` by who answers, `groups` by account (the narrowest first). `online` is whether this machine
    reaches anything at all; None: not probed. `companies` are by provider, where its name is not the company's.
    `places` are by location, where several watch.
    """

    controls: Mapping[str, ControlAnswer] = field(default_factory=dict)
    pages: Mapping[str, StatusPage] = field(default_factory=dict)
    groups: Mapping[str, Collection[AccountGroup]] = field(default_factory=dict)
    online: bool | None = None
    companies: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, LocalWitness] = field(default_factory=dict)

    def seen_from(self, place: str) -> "Corroboration":
        """Return what is known at one place of several."""
        its = self.places.get(place, LocalWitness())
        return replace(self, controls=its.controls, online=its.online)

    def seen_from_all(self) -> "Corroboration":
        """Return what the places know together: whatever one of them reaches can be reached."""
        if not self.places:
            return self
        said = [one.online for one in self.places.values() if one.online is not None]
        calls = [call for one in self.places.values() for call in one.controls.items()]
        calls.sort(key=lambda call: (call[1].fault is None, call[1].at))  # the last of each answerer is kept
        return replace(self, controls=dict(calls), online=any(said) if said else None)


NO_CORROBORATION = Corroboration()
