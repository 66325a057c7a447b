"""What the page shows, as one immutable value; nothing in it needs the database any more."""

from dataclasses import dataclass
from datetime import datetime

from monitor.detect.health import State
from monitor.incident import Incident, Told
from monitor.sli import Cell
from probes.model import Fault, Limit
from probes.notice import Notice


@dataclass(frozen=True, slots=True)
class Measure:
    """A duration now (median of the last ten good answers) against the usual one (median of a week).

    Seconds; None where there is nothing to say it from.
    """

    now_s: float | None = None
    usual_s: float | None = None


@dataclass(frozen=True, slots=True)
class TargetView:
    """One canary of one account. `availability` is good / valid over 24 h in [0, 1]; None: nothing valid.

    `aside`: it tells of more than whether the account works, such as its credit.
    """

    id: str
    canary: str
    model: str | None
    state: State
    fault: Fault | None
    reason: str | None
    since: datetime | None
    seen_at: datetime | None
    interval_s: float
    latency: Measure
    ttft: Measure
    availability: float | None
    cells: tuple[Cell, ...]
    limits: tuple[Limit, ...] = ()
    aside: bool = False

    @property
    def counts(self) -> bool:
        """Whether its state is the account's: credit that cannot be read is no loss."""
        return not self.aside or self.state is State.DOWN


@dataclass(frozen=True, slots=True)
class PurseView:
    """Credit left in one unit, as told at `at`. `days_left` is at the pace of the last days; None: cannot be said."""

    unit: str
    at: datetime
    words: str
    left: float | None
    most: float | None
    days_left: float | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account; `state` is that of its worst target, `spent_usd` what its canaries cost today (UTC)."""

    id: str
    name: str
    note: str
    tags: tuple[str, ...]
    state: State
    fault: Fault | None
    since: datetime | None
    advice: str | None
    spent_usd: float | None
    targets: tuple[TargetView, ...]
    purses: tuple[PurseView, ...] = ()


@dataclass(frozen=True, slots=True)
class ProviderView:
    id: str
    name: str
    accounts: tuple[AccountView, ...]


@dataclass(frozen=True, slots=True)
class SourceView:
    """One status source of a provider. Not `readable`: `problem` says why, None: it was not read yet.

    `notices` are those that are open or planned, as last read.
    """

    id: str
    provider: str
    page: str
    readable: bool
    read_at: datetime | None
    problem: str | None
    notices: tuple[Notice, ...]


@dataclass(frozen=True, slots=True)
class IncidentView:
    incident: Incident
    title: str
    advice: str
    told: tuple[Told, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything at one instant. `fresh_s`: after so many seconds without a newer one, it is stale."""

    made_at: datetime
    fresh_s: float
    title: str
    location: str
    simulated: bool
    warnings: tuple[str, ...]
    providers: tuple[ProviderView, ...]
    open_incidents: tuple[IncidentView, ...]
    past_incidents: tuple[IncidentView, ...]
    sources: tuple[SourceView, ...] = ()
