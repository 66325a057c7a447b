"""The values of the templates: finished words, in order. Templates only place them."""

from typing import ClassVar

from msgspec import Struct

from monitor.publish.chart import Chart
from monitor.publish.headline import Headline
from monitor.publish.history_bar import EMPTY, HistoryBar
from monitor.publish.status import Mark
from monitor.words import Moment


class PageFrame(Struct, frozen=True):
    """What is the same on every page. `made`: None on a page that never changes again, so is never stale."""

    site: str
    location: str
    simulated: bool
    made: Moment | None
    due: Moment | None
    fresh_s: int
    up: str = ""

    public: ClassVar[bool] = False


class LinkedText(Struct, frozen=True):
    """A piece of advice; `href`: set if it is a URL."""

    text: str
    href: str | None = None


class Row(Struct, frozen=True):
    """An incident as a card or a line of a list."""

    id: str
    href: str
    title: str
    mark: Mark
    drill: bool
    blame: str
    certainty: str
    began: Moment
    lasted: str
    advice: tuple[LinkedText, ...]
    reasons: tuple[str, ...]
    told: str
    undelivered: bool
    lead: str
    parent: str | None


class TimelineRow(Struct, frozen=True):
    at: Moment
    words: str
    error: str | None = None


class ProofRow(Struct, frozen=True):
    """One failing answer."""

    target: str
    at: Moment
    fault: str
    status: str
    request_id: str | None
    rule: str
    words: str
    phase: str = ""


class SubstituteRow(Struct, frozen=True):
    """An account to use instead, when it was seen to work, and its caution."""

    account: str
    seen: Moment
    caution: str


class Story(Struct, frozen=True):
    """One incident in full. `instead`: None if no substitute is needed."""

    row: Row
    is_open: bool
    ended: Moment | None
    severity: str
    scope: str
    blame_at_length: str
    targets: tuple[str, ...]
    events: tuple[TimelineRow, ...]
    proofs: tuple[ProofRow, ...]
    instead: tuple[SubstituteRow, ...] | None


class Figure(Struct, frozen=True):
    """A duration now and usually; `slower`: the multiple, if it is worth showing."""

    now: str
    usual: str | None
    slower: str | None
    slow: str | None = None


class UptimeShare(Struct, frozen=True):
    """The share of good answers over one window; `missed`: below the target."""

    window: str
    words: str
    missed: bool


class Pledge(Struct, frozen=True):
    """One promise of an objective and its state. `left`: of its error budget; `burns`: how fast that is used."""

    name: str
    promise: str
    left: str
    overspent: bool
    burns: str


class Drawing(Struct, frozen=True):
    """Durations of the last 30 days: a chart, and the same in words; None and "" if the days are too few."""

    name: str
    figure: Figure
    chart: Chart | None
    words: str


class LimitRow(Struct, frozen=True):
    """A rate limit, since when it has its ceiling, and how that moved for good: `60 → 30 on 12 Nov`."""

    words: str
    since: Moment | None
    moved: str


class TargetRow(Struct, frozen=True):
    canary: str
    model: str | None
    mark: Mark
    state: str
    cause: str
    since: Moment | None
    seen: Moment | None
    late: bool
    latency: Figure | None
    ttft: Figure | None
    good: str
    strip: HistoryBar
    limits: tuple[LimitRow, ...]
    ninety: HistoryBar
    shares: tuple[UptimeShare, ...]
    charts: tuple[Drawing, ...]
    asks: str


class Ability(Struct, frozen=True):
    """One cell of the matrix: what an account can do, as far as its canaries show."""

    name: str
    mark: Mark
    state: str


class AccountCard(Struct, frozen=True):
    """One account: as a card on the front page, and with its targets as a page of its own.

    `short`: one of so many that a page of all only names it. `stands`: its own page is kept as it is. `href`: "" if
    there is none yet.
    """

    id: str
    href: str
    provider: str
    provider_href: str
    name: str
    mark: Mark
    state: str
    abilities: tuple[Ability, ...]
    note: str = ""
    tags: tuple[str, ...] = ()
    cause: str = ""
    blame: str = ""
    since: Moment | None = None
    incident: str | None = None
    advice: tuple[LinkedText, ...] = ()
    spent: str | None = None
    credits: tuple[str, ...] = ()
    ninety: HistoryBar = EMPTY
    shares: tuple[UptimeShare, ...] = ()
    budget: str = ""
    overspent: bool = False
    pledges: tuple[Pledge, ...] = ()
    tempo: tuple[Drawing, ...] = ()
    limits: tuple[str, ...] = ()
    targets: tuple[TargetRow, ...] = ()
    short: bool = False
    stands: bool = False


class ProviderGroup(Struct, frozen=True):
    """A provider with the accounts shown; of the others, `more` simply work and `worse` do not."""

    id: str
    name: str
    href: str
    accounts: tuple[AccountCard, ...]
    pledges: tuple[Pledge, ...]
    more: int = 0
    worse: int = 0


class NoticeRow(Struct, frozen=True):
    """One incident or maintenance on a provider's own status page; `is_theirs`: the title is the provider's own."""

    provider: str
    title: str
    is_theirs: bool
    href: str | None
    phase: str
    impact: str
    began: Moment | None
    planned: bool
    lead: str


class Pages(Struct, frozen=True):
    """The notices on the providers' status pages, which pages have none, and which cannot be trusted now."""

    notices: tuple[NoticeRow, ...]
    quiet: tuple[str, ...]
    dark: tuple[str, ...]


class Month(Struct, frozen=True):
    name: str
    href: str
    rows: tuple[Row, ...]


class Front(Struct, frozen=True):
    """The front page."""

    headline: Headline
    slo: str
    open: tuple[Row, ...]
    warnings: tuple[str, ...]
    providers: tuple[ProviderGroup, ...]
    recent: tuple[Row, ...]
    past: int
    pages: Pages
