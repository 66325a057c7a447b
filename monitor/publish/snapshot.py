"""Everything the page shows, as one immutable value that no longer needs the database."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from msgspec import Struct

from monitor.alert.case import Delivery
from monitor.alert.incident_note import IncidentNote
from monitor.alert.reply import Reply
from monitor.config.own_words import OwnWords
from monitor.config.public_page import PublicSection, PublicService
from monitor.detect.health import State
from monitor.detect.limits import CeilingMove
from monitor.detect.reason import CreditLeft
from monitor.diagnose.incident import Incident
from monitor.diagnose.incident_step import IncidentStep
from monitor.diagnose.reason import StageFailed, Unread
from monitor.slo.indicator import Cell, Reading
from monitor.slo.objective import ErrorBudget, Objective
from monitor.store.overlap import Overlap
from monitor.tally import TallyPart
from probes.model import Fault, Limit, Phase
from probes.notice import Notice
from probes.phrase import Phrase, Sentences
from probes.target_id import answerer_id, location_of, provider_of

USUAL_IMPORTANCE = 3
"""Of an account without a priority, and of what no account stands for."""
PRODUCTION = frozenset({"production", "prod"})
"""Tags of accounts that are shown before others."""

CROWD = 40
"""Number of accounts above which a page shows in full only those that do not simply work."""


PACE_STEP = timedelta(minutes=20)
"""Time whose answers are one point of a chart: their median."""
PACE_STEPS = 72
"""Number of them in a chart: 24 hours."""
Paces = tuple[float | None, ...]
"""Seconds of each PACE_STEP, the last of which is the present one; None: no good answer. Empty: not read."""


class DurationView(Struct, frozen=True):
    """A duration now (median of the last ten good answers) against the usual one (median of a week).

    For a stream it is the time per output token after the first, as the detectors measure it: of the latest five, and
    as usual at that time of day. `quick_s` and `slow_s`: p5 and p95 of the week, None while its answers are too few for
    an alarm. Seconds; None without data.
    """

    now_s: float | None = None
    usual_s: float | None = None
    slow_s: float | None = None
    quick_s: float | None = None


class DayDurations(Struct, frozen=True):
    """Durations of one day's good answers: median and p95 in seconds, None if there was none."""

    at: datetime
    p50_s: float | None
    p95_s: float | None


class TargetView(Struct, frozen=True):
    """One canary of one account. `availability`: good / valid over 24 h in [0, 1]; None: nothing valid.

    `aside`: a side target, about more than whether the account works, such as its credit. `cells`: the last 24 hours;
    `days`: the last 90 days, today last. `limited_since`: for each limit, since when it has its ceiling; `moves`: how
    that moved for good, None if it did not; `ceilings`: what it was in the last 30 days, empty if never stated: by day
    before it became what it is, then since when and until when it was stated. `latency_days` and `ttft_days`: the last
    30 closed days; `latencies` and `ttfts`: those of the last 24 hours, only of the account's `timed` target.
    `next_at`: its next probe. `well_at`: its latest good answer, however long ago. `phase`: the phase of the connection
    in which its latest failure happened, if it was one. `confirmed`: the failure is sure, though called SUSPECTED as it
    may pass.
    `free`: it costs no tokens. `watched_since`: its first valid result, if that is of today or yesterday; else None.
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
    latency: DurationView = DurationView()
    ttft: DurationView = DurationView()
    token: DurationView = DurationView()
    availability: float | None = None
    cells: tuple[Cell, ...] = ()
    limits: tuple[Limit, ...] = ()
    aside: bool = False
    days: tuple[Cell, ...] = ()
    limited_since: tuple[datetime, ...] = ()
    latency_days: tuple[DayDurations, ...] = ()
    ttft_days: tuple[DayDurations, ...] = ()
    next_at: datetime | None = None
    moves: tuple[CeilingMove | None, ...] = ()
    well_at: datetime | None = None
    confirmed: bool = False
    free: bool = False
    phase: Phase | None = None
    latencies: Paces = ()
    ttfts: Paces = ()
    ceilings: tuple[tuple[Reading, ...], ...] = ()
    watched_since: datetime | None = None

    @property
    def place(self) -> str:
        """The place that probes it; "" where only one place watches."""
        return location_of(self.id)

    @property
    def label(self) -> str:
        """The canary, with the place that probes it where there are several."""
        return f"{self.place}: {self.canary}" if self.place else self.canary

    @property
    def counts(self) -> bool:
        """Whether its state counts for the account: unreadable credit is no loss."""
        return not self.aside or self.state is State.DOWN


class CreditView(Struct, frozen=True):
    """Credit left in one unit, as stated at `at` on the target `told_by`.

    `days_left`: at the rate of the last days; None: unknown. `floor`: the amount below which it is low, None: not set.
    `readings`: what was left, in the last 30 days.
    """

    unit: str
    at: datetime
    words: CreditLeft | str
    left: float | None
    most: float | None
    days_left: float | None
    expires_at: datetime | None
    floor: float | None = None
    told_by: str = ""
    readings: tuple[Reading, ...] = ()


class AccountView(Struct, frozen=True):
    """One account; `state`: that of its worst target; `spent_usd`: what its canaries cost today (UTC).

    `spent_month_usd`: the same for the last 30 days; both are None if a price is not known. `own_host`: it uses a base
    URL of its own, so nothing of it is public; `host`: that of a base URL of its own. `note` and the like: the user's
    own words. `company`: the company behind the account (empty: the provider), `ties`: what it may share with others
    there. `priority`: 1 to 5, None: not told. `stands`: its page is kept as made earlier, so what only that shows was
    not read, such as cells and durations.
    """

    id: str
    name: str
    note: str
    tags: tuple[str, ...]
    state: State
    fault: Fault | None
    since: datetime | None
    advice: Sentences
    spent_usd: float | None
    targets: tuple[TargetView, ...]
    credits: tuple[CreditView, ...] = ()
    spent_month_usd: float | None = None
    own_host: bool = False
    stands: bool = False
    company: str = ""
    ties: tuple[str, ...] = ()
    host: str | None = None
    priority: int | None = None

    @property
    def answerer(self) -> str:
        """Who answers it, as in `Target.answerer`."""
        return answerer_id(provider_of(self.id), self.host)

    @property
    def timed(self) -> TargetView | None:
        """The target whose durations stand for the account: the first that streams, else the first with any."""
        its = [one for one in self.targets if not one.aside] or self.targets
        measured = [one for one in its if one.latency.usual_s is not None or one.latency.now_s is not None]
        return next((one for one in its if one.ttft.usual_s is not None), measured[0] if measured else None)

    @property
    def importance(self) -> int:
        """Return how early it is shown among what is as bad, lowest first: the priority, or what its tags imply."""
        return self.priority or (2 if PRODUCTION & set(self.tags) else USUAL_IMPORTANCE)

    @property
    def phase(self) -> Phase | None:
        """The phase of the connection in which it fails, by its first target with that fault."""
        return next((one.phase for one in self.targets if one.fault is self.fault and one.phase), None)

    @property
    def is_new(self) -> bool:
        """Whether the account is new: there is no observation yet, and nothing prevents one."""
        return bool(self.targets) and not any(target.seen_at or target.reason for target in self.targets)


class ProviderView(Struct, frozen=True):
    """One provider. `shipped`: its facts ship with the program; a user-defined one is private.

    `cells` and `days`: as of a target, added up over all targets at its own base URL; empty without a public site.
    `watched_since`: as of a target, the first of those.
    """

    id: str
    name: str
    accounts: tuple[AccountView, ...]
    shipped: bool = True
    cells: tuple[Cell, ...] = ()
    days: tuple[Cell, ...] = ()
    watched_since: datetime | None = None

    @property
    def is_crowded(self) -> bool:
        return len(self.accounts) > CROWD


class ServiceView(Struct, frozen=True):
    """One service of the public page; `service`: its words and targets. The rest is as of a provider."""

    service: PublicService
    cells: tuple[Cell, ...] = ()
    days: tuple[Cell, ...] = ()
    watched_since: datetime | None = None


class PlannedWindow(Struct, frozen=True):
    """A maintenance of our own in the next weeks, in `words` for the public page."""

    words: OwnWords
    begins_at: datetime
    ends_at: datetime


class SourceView(Struct, frozen=True):
    """One status source of a provider. Not `readable`: `problem` says why, None: it was not read yet.

    `notices`: the open or planned ones, as last read. `unread`: number of items that could not be read.
    """

    id: str
    provider: str
    page: str
    readable: bool
    read_at: datetime | None
    problem: Unread | None
    notices: tuple[Notice, ...]
    unread: int = 0


class ObjectiveView(Struct, frozen=True):
    """One objective and the state of each of its promises; a promise without observations has none."""

    objective: Objective
    reserves: tuple[ErrorBudget, ...]


class Substitute(Struct, frozen=True):
    """An account to use instead: when it was last seen to work, and why it may be lost next."""

    account: str
    seen_at: datetime
    caution: Phrase | None = None


class IncidentView(Struct, frozen=True):
    """One incident. `instead`: the accounts to use meanwhile, best first; None: none need be named.

    A closed incident has no `instead`. `told`: the messages about it; `replies`: what people answered, with the
    silences that held its messages and their early ends; `notes`: what they wrote; `steps`: its own changes. Each
    oldest first. `is_due`: its page is made this time. Another's steps may not be read.
    """

    incident: Incident
    advice: Sentences
    told: tuple[Delivery, ...] = ()
    instead: tuple[Substitute, ...] | None = None
    replies: tuple[Reply, ...] = ()
    notes: tuple[IncidentNote, ...] = ()
    steps: tuple[IncidentStep, ...] = ()
    is_due: bool = True


class SiteSettings(Struct, frozen=True):
    """The settings of the sites, from [site] in monitor.toml.

    `slo`: the share of good answers expected of an account. `url` and `public_url`: where people reach the private
    and the public site, None: unknown. `own`: a folder whose templates take precedence over ours. `public`: the look
    and the words of the public page; `logo`: the file of its logo.
    """

    slo: float = 0.99
    language: str = "en"
    url: str | None = None
    public_title: OwnWords = "AI providers"
    public_url: str | None = None
    own: Path | None = None
    public: PublicSection = PublicSection()
    logo: Path | None = None


class Freshness(Struct, frozen=True):
    """Seconds since the monitor last probed, None: never or unknown; more than `most_s` is too long.

    `faults`: the recent failures of its own stages; `lasting`: whether one of them keeps failing.
    """

    age_s: float | None
    most_s: float
    problem: str = "nothing was probed yet"
    faults: tuple[str, ...] = ()
    lasting: bool = False

    @property
    def is_steady(self) -> bool:
        return self.age_s is not None and self.age_s <= self.most_s and not self.lasting

    @property
    def words(self) -> str:
        looked = self.problem if self.age_s is None else f"last probe {self.age_s:.0f} s ago"
        return "; ".join((looked, *self.faults))


class Snapshot(Struct, frozen=True):
    """Everything at one instant. `fresh_s`: seconds without a newer one after which it is stale.

    `incident_ids`: every incident on record; `past_incidents`: only the latest. `more`: some of a crowd have news not
    on their page yet. `overlap`: rounds of the last day skipped because another was at work. `unwritten`: the database
    takes no writes, and this was read from its stand-in. `faults`: the recent failures of the monitor's own stages;
    `warnings`: what else of it does not work. `services`: what the public page shows instead of providers; `planned`:
    the maintenances that it tells of, the next first. `tally`: what was counted so far, by account.
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
    manner: SiteSettings = SiteSettings()
    incident_ids: frozenset[str] = frozenset()
    objectives: tuple[ObjectiveView, ...] = ()
    more: bool = False
    overlap: Overlap | None = None
    unwritten: bool = False
    faults: tuple[StageFailed, ...] = ()
    services: tuple[ServiceView, ...] = ()
    planned: tuple[PlannedWindow, ...] = ()
    tally: Mapping[str, TallyPart] = {}

    def accounts_by_id(self) -> dict[str, AccountView]:
        return {one.id: one for provider in self.providers for one in provider.accounts}
