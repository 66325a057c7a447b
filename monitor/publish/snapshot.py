"""What the page shows, as one immutable value; nothing in it needs the database any more."""

from datetime import datetime
from pathlib import Path

from msgspec import Struct

from monitor.alert.case import Delivery
from monitor.detect.health import State
from monitor.detect.limits import Moved
from monitor.detect.reason import CreditLeft
from monitor.diagnose.incident import Incident
from monitor.slo.indicator import Cell
from monitor.slo.objective import Objective, Reserve
from monitor.store.overlap import Overlap
from probes.model import Fault, Limit, Phase
from probes.notice import Notice

CROWD = 40
"""Of more accounts than these a page shows at length only those that do not simply work."""


class Measure(Struct, frozen=True):
    """A duration now (median of the last ten good answers) against the usual one (median of a week).

    Of a stream it is the time per output token after the first, as the detectors follow it: of the latest five, and as
    is usual at that time of day. `slow_s` is what one in twenty of the week exceeds (p95). Seconds; None where there is
    nothing to say it from.
    """

    now_s: float | None = None
    usual_s: float | None = None
    slow_s: float | None = None


class DayDurations(Struct, frozen=True):
    """How long the good answers of one day took: median and p95 in seconds, None where there was none."""

    at: datetime
    p50_s: float | None
    p95_s: float | None


class TargetView(Struct, frozen=True):
    """One canary of one account. `availability` is good / valid over 24 h in [0, 1]; None: nothing valid.

    `aside`: it tells of more than whether the account works, such as its credit. `cells` are the last 24
    hours, `days` the last 90 days; today is the last of them. `limited_since` says for each limit since when
    its ceiling stands, `moves` how it moved for good, None where it did not. The paces are of the last 30
    closed days. `next_at` is when it is looked at next. `well_at` is its latest good answer, however long ago.
    `phase` is the part of the road on which its latest failure ended, if that was on the road.
    `confirmed`: that it fails is sure although it is called SUSPECTED, since it may pass. `free`: it costs no tokens.
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
    latency: Measure = Measure()
    ttft: Measure = Measure()
    token: Measure = Measure()
    availability: float | None = None
    cells: tuple[Cell, ...] = ()
    limits: tuple[Limit, ...] = ()
    aside: bool = False
    days: tuple[Cell, ...] = ()
    limited_since: tuple[datetime, ...] = ()
    latency_days: tuple[DayDurations, ...] = ()
    ttft_days: tuple[DayDurations, ...] = ()
    next_at: datetime | None = None
    moves: tuple[Moved | None, ...] = ()
    well_at: datetime | None = None
    confirmed: bool = False
    free: bool = False
    phase: Phase | None = None

    @property
    def counts(self) -> bool:
        """Whether its state is the account's: credit that cannot be read is no loss."""
        return not self.aside or self.state is State.DOWN


class CreditView(Struct, frozen=True):
    """Credit left in one unit, as told at `at`. `days_left` is at the pace of the last days; None: cannot be said."""

    unit: str
    at: datetime
    words: CreditLeft | str
    left: float | None
    most: float | None
    days_left: float | None
    expires_at: datetime | None


class AccountView(Struct, frozen=True):
    """One account; `state` is that of its worst target, `spent_usd` what its canaries cost today (UTC).

    `spent_month_usd` is that of the last 30 days. `own_host`: it is asked at an address of its own, so nothing
    of it is public. `note` and the like are the user's own words. `company` is whose account it is (empty: the
    provider's), `ties` what it may share with others there. `stands`: its page stays as it was made a few pages
    ago, so what is only on it was not read: no cells, days and paces.
    """

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
    credits: tuple[CreditView, ...] = ()
    spent_month_usd: float | None = None
    own_host: bool = False
    stands: bool = False
    company: str = ""
    ties: tuple[str, ...] = ()

    @property
    def phase(self) -> Phase | None:
        """On which part of the road what it fails with ended, by the first of its targets that fails so."""
        return next((one.phase for one in self.targets if one.fault is self.fault and one.phase), None)

    @property
    def is_new(self) -> bool:
        """Whether the monitor has just begun with it: nothing was seen yet, and nothing hinders that."""
        return bool(self.targets) and not any(target.seen_at or target.reason for target in self.targets)


class ProviderView(Struct, frozen=True):
    """One provider. `shipped`: its name is known to everybody; what a user named is his own.

    `cells` and `days` are those of a target, added up over all that is asked at its own address; empty where no site
    is public.
    """

    id: str
    name: str
    accounts: tuple[AccountView, ...]
    shipped: bool = True
    cells: tuple[Cell, ...] = ()
    days: tuple[Cell, ...] = ()

    @property
    def is_crowded(self) -> bool:
        return len(self.accounts) > CROWD


class SourceView(Struct, frozen=True):
    """One status source of a provider. Not `readable`: `problem` says why, None: it was not read yet.

    `notices` are those that are open or planned, as last read; of `unread` items nothing is known.
    """

    id: str
    provider: str
    page: str
    readable: bool
    read_at: datetime | None
    problem: str | None
    notices: tuple[Notice, ...]
    unread: int = 0


class ObjectiveView(Struct, frozen=True):
    """What one objective promises, and how each promise stands; of one of which nothing was seen there is none."""

    objective: Objective
    reserves: tuple[Reserve, ...]


class Substitute(Struct, frozen=True):
    """Another account that does what is lost: when it was last seen to work, and why it may be the next to be lost."""

    account: str
    seen_at: datetime
    caution: str = ""


class IncidentView(Struct, frozen=True):
    """One incident. `instead` are the accounts to use meanwhile, the best first; None: none need be named.

    An incident that is over has no `instead`.
    """

    incident: Incident
    advice: str
    told: tuple[Delivery, ...] = ()
    instead: tuple[Substitute, ...] | None = None


class Manner(Struct, frozen=True):
    """How the sites are made: as monitor.toml's [site] says.

    `slo` is the share of good answers that an account is held to. `url` and `public_url` are where people reach
    the private and the public site, None: not told. `own` is a folder whose templates go before ours.
    """

    slo: float = 0.99
    language: str = "en"
    url: str | None = None
    public_title: str = "AI providers"
    public_url: str | None = None
    own: Path | None = None


class Pulse(Struct, frozen=True):
    """How long ago the monitor last looked, in seconds, None: never or not known; more than `most_s` is too long.

    `faults` are those of its own stages that failed lately, `lasting` whether one of them keeps failing.
    """

    age_s: float | None
    most_s: float
    problem: str = "nothing was looked at yet"
    faults: tuple[str, ...] = ()
    lasting: bool = False

    @property
    def is_steady(self) -> bool:
        return self.age_s is not None and self.age_s <= self.most_s and not self.lasting

    @property
    def words(self) -> str:
        looked = self.problem if self.age_s is None else f"last looked {self.age_s:.0f} s ago"
        return "; ".join((looked, *self.faults))


class Snapshot(Struct, frozen=True):
    """Everything at one instant. `fresh_s`: after so many seconds without a newer one, it is stale.

    `incident_ids` names every incident on record, `past_incidents` only the latest. `more`: some of a crowd have news
    that a page does not say yet. `overlap`: rounds of the last day that were left out, as another one was at work.
    `unwritten`: the database takes nothing, and this is read from what stands in for it. `faults` are the monitor's
    own, and among the warnings, too.
    """

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
    manner: Manner = Manner()
    incident_ids: frozenset[str] = frozenset()
    objectives: tuple[ObjectiveView, ...] = ()
    more: bool = False
    overlap: Overlap | None = None
    unwritten: bool = False
    faults: tuple[str, ...] = ()
