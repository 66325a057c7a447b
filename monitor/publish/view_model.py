"""The values of the templates: finished words, in order. Templates only place them."""

from typing import ClassVar

from msgspec import Struct

from monitor.publish.chart import Chart
from monitor.publish.headline import Headline
from monitor.publish.history_bar import EMPTY, HistoryBar
from monitor.publish.status import Mark, Place
from monitor.slo.indicator import Cell
from monitor.words import Moment


class PageFrame(Struct, frozen=True):
    """What is the same on every page. `made`: None on a page that never changes again, so is never stale.

    `span`: the time after which a newer one is due, in words.
    """

    site: str
    location: str
    simulated: bool
    made: Moment | None
    due: Moment | None
    fresh_s: int
    span: str
    up: str = ""

    public: ClassVar[bool] = False


class LinkedText(Struct, frozen=True):
    """A piece of a sentence; `href`: set if it is a link. `is_own`: to a page of this site, from its root."""

    text: str
    href: str | None = None
    is_own: bool = False


class IncidentRow(Struct, frozen=True):
    """An incident as a line of a list. `title` is `subject` and `what` in one; `subject` may be empty.

    `whose`: in two words; `blame`: in full. `use`: what works instead, "" if that is no question. `priority`: of the
    account, "" if not told. `replies`: who is on it, and what holds its messages now.
    """

    id: str
    href: str
    title: str
    subject: str
    what: str
    mark: Mark
    state: str
    drill: bool
    whose: str
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
    use: str = ""
    priority: str = ""
    replies: tuple[str, ...] = ()


class Lane(Struct, frozen=True):
    """Since when somebody knew of a trouble, in words, and as SVG paths: of what began, and of what was known.

    All "" for who has said nothing of it.
    """

    name: str
    since: str
    sensed: str
    known: str

    @property
    def paths(self) -> str:
        """Return the lane as SVG; only numbers and our own words, so it needs no escaping."""
        drawn = (("sensed", self.sensed), ("known", self.known))
        return "".join(f'<path class="{kind}" d="{path}"/>' for kind, path in drawn if path)


class Lanes(Struct, frozen=True):
    """Who knew first of an incident: what we saw above what its provider said, on one axis of time.

    `times`: below the axis; `words`: who was earlier, by how much.
    """

    title: str
    href: str
    width: int
    lanes: tuple[Lane, ...]
    times: tuple[str, ...]
    words: str


class TimelineRow(Struct, frozen=True):
    """One event of an incident. `icon`: the name of a symbol of the page."""

    at: Moment
    words: str
    icon: str
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


class AccountProofs(Struct, frozen=True):
    """The failing answers of one account, as a sentence counts them."""

    account: str
    words: str
    proofs: tuple[ProofRow, ...]


class SubstituteRow(Struct, frozen=True):
    """An account to use instead, when it was seen to work, and its caution."""

    account: str
    href: str
    seen: Moment
    caution: str


class IncidentStory(Struct, frozen=True):
    """One incident in full. `instead`: None if no substitute is needed. `answers`: the proofs by account."""

    row: IncidentRow
    is_open: bool
    ended: Moment | None
    severity: str
    scope: str
    blame_at_length: str
    targets: tuple[str, ...]
    events: tuple[TimelineRow, ...]
    proofs: tuple[ProofRow, ...]
    instead: tuple[SubstituteRow, ...] | None
    answers: tuple[AccountProofs, ...] = ()
    lanes: Lanes | None = None


class Figure(Struct, frozen=True):
    """A duration now and usually; `slower`: the multiple, if it is worth showing.

    Of another figure than a duration, `aside` says what else there is to say.
    """

    now: str
    usual: str | None = None
    slower: str | None = None
    slow: str | None = None
    aside: str = ""


class UptimeShare(Struct, frozen=True):
    """The share of good answers over one window; `missed`: below the target."""

    window: str
    words: str
    missed: bool


class PromiseRow(Struct, frozen=True):
    """One promise of an objective and its state. `left`: of its error budget; `burns`: how fast that is used."""

    name: str
    promise: str
    left: str
    overspent: bool
    burns: str


class Axes(Struct, frozen=True):
    """The words beside a chart: its ticks from the top down to zero, its times from the first to the last."""

    ticks: tuple[str, ...]
    times: tuple[str, ...]


class Drawing(Struct, frozen=True):
    """A figure over time: a chart, and the same in words; None and "" if too little is known of it.

    `marked`: the incidents that the chart marks, with links.
    """

    name: str
    figure: Figure
    chart: Chart | None
    words: str
    axes: Axes | None = None
    marked: tuple[LinkedText, ...] = ()


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


class AbilityCell(Struct, frozen=True):
    """One cell of the matrix: what an account can do, as far as its canaries show."""

    name: str
    mark: Mark
    state: str


class AccountCard(Struct, frozen=True):
    """One account: as a card on the front page, and with its targets as a page of its own.

    `short`: one of so many that a page of all only names it. `stands`: its own page is kept as it is. `href`: "" if
    there is none yet. `paces`: its durations of the last 24 hours; `ceilings` and `balances`: its rate limits and its
    credit over weeks. `uptime`: over 30 days, or what of them was watched; `pace`: how long an answer takes now;
    `pace_s`: usually, None without data. `place`: among all accounts.
    """

    id: str
    href: str
    provider: str
    provider_href: str
    name: str
    mark: Mark
    state: str
    abilities: tuple[AbilityCell, ...]
    place: Place
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
    pledges: tuple[PromiseRow, ...] = ()
    paces: tuple[Drawing, ...] = ()
    ceilings: tuple[Drawing, ...] = ()
    balances: tuple[Drawing, ...] = ()
    limits: tuple[str, ...] = ()
    targets: tuple[TargetRow, ...] = ()
    short: bool = False
    stands: bool = False
    priority: str = ""
    uptime: str = ""
    pace: str = ""
    pace_s: float | None = None
    day_cells: tuple[Cell, ...] = ()


class ProviderPage(Struct, frozen=True):
    """A provider's page: its state in a sentence, its open incidents, its accounts worst first.

    `rows`: the accounts with their past; `cells`: those of a crowd that are only named.
    """

    mark: Mark
    lead: str
    detail: tuple[LinkedText, ...]
    words: str
    open: tuple[IncidentRow, ...]
    rows: tuple[AccountCard, ...]
    cells: tuple[AccountCard, ...]


class SiblingPace(Struct, frozen=True):
    """The durations of one account among its siblings."""

    id: str
    name: str
    href: str
    mark: Mark
    drawing: Drawing


class ProviderPictures(Struct, frozen=True):
    """The drawings of a provider's page: durations of its worst accounts on one scale, and who knew first.

    `more`: says how many more accounts have durations; "" if none. `lanes`: of the gravest open incident that its
    status page may tell of, or of the latest past one that it told of.
    """

    paces: tuple[SiblingPace, ...]
    more: str
    lanes: Lanes | None


class ProviderGroup(Struct, frozen=True):
    """A provider with all its accounts."""

    id: str
    name: str
    href: str
    accounts: tuple[AccountCard, ...]
    pledges: tuple[PromiseRow, ...]


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


class StatusPages(Struct, frozen=True):
    """The notices on the providers' status pages, which pages have none, and which cannot be trusted now."""

    notices: tuple[NoticeRow, ...]
    quiet: tuple[str, ...]
    dark: tuple[str, ...]


class Month(Struct, frozen=True):
    name: str
    href: str
    rows: tuple[IncidentRow, ...]


class Count(Struct, frozen=True):
    """How many accounts have a mark."""

    mark: Mark
    number: int
    word: str


class Band(Struct, frozen=True):
    """Accounts of one mark, side by side; trouble stands taller than what is well."""

    mark: Mark
    start: float
    length: float
    top: int
    height: int


class Fleet(Struct, frozen=True):
    """All accounts as one line of bands, in `words`, and counted. `whose`: the open incidents by whose they are."""

    width: int
    bands: tuple[Band, ...]
    counts: tuple[Count, ...]
    words: str
    whose: str

    @property
    def is_mixed(self) -> bool:
        return len(self.counts) > 1

    @property
    def paths(self) -> str:
        """Return the bands as SVG; only numbers and our own words, so it needs no escaping."""
        return "".join(
            f'<rect class="{it.mark}" x="{it.start:g}" y="{it.top}" width="{it.length:g}" height="{it.height}"/>'
            for it in self.bands
        )


class Units(Struct, frozen=True):
    """The accounts of a provider as a row of marks, or as a bar of shares where they are many."""

    kind: str
    width: int
    height: int
    paths: str


class ProviderSummary(Struct, frozen=True):
    """One provider in the list of all."""

    href: str
    name: str
    is_troubled: bool
    drawing: Units
    words: str


class Ahead(Struct, frozen=True):
    """What is known to come: a maintenance, the end of credit."""

    mark: str
    when: str
    words: str


class Fold(Struct, frozen=True):
    """The working accounts of a provider that has many: in one line. `cards`: their names, empty if too many."""

    words: str
    slowest: str
    pace: str
    cards: tuple[AccountCard, ...]


class FrontGroup(Struct, frozen=True):
    """A provider on the front page: `rows` for its accounts with trouble, `cells` or a fold for what works.

    Where nothing is known of any account of any provider, they are `cells` or a fold as well.
    `worse`: says how many troubles are shown on its own page only.
    """

    anchor: str
    href: str
    name: str
    words: str
    rows: tuple[AccountCard, ...]
    cells: tuple[AccountCard, ...]
    fold: Fold | None
    worse: str
    pledges: tuple[PromiseRow, ...]


class PlateColumns(Struct, frozen=True):
    """Which figures plates have room for: those that any account has, so that all plates are alike."""

    paces: bool
    ceilings: bool
    balances: bool


class Front(Struct, frozen=True):
    """The front page. `plates`: each account in full where they are few, below the `pledges` of their providers, all
    with the same `columns`; else they are in `groups`.

    `open`: the open incidents, the gravest first; `folded`: those below the first MOST_OPEN. `later`: says how
    much more is `ahead` than the nearest MOST_AHEAD; "" if nothing.
    """

    headline: Headline
    detail: tuple[LinkedText, ...]
    fleet: Fleet
    slo: str
    open: tuple[IncidentRow, ...]
    open_words: str
    folded: tuple[IncidentRow, ...]
    are_many: bool
    warnings: tuple[str, ...]
    rail: tuple[ProviderSummary, ...]
    ahead: tuple[Ahead, ...]
    later: str
    plates: tuple[AccountCard, ...]
    columns: PlateColumns
    pledges: tuple[PromiseRow, ...]
    groups: tuple[FrontGroup, ...]
    recent: tuple[IncidentRow, ...]
    pages: StatusPages
