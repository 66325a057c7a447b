"""A snapshot → what the templates show: finished words, in order; pure. Templates only place them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from monitor import words
from monitor.detect.health import State
from monitor.diagnose import Evidence, Scope
from monitor.incident import Incident, Severity, Told
from monitor.publish.headline import Headline, headline
from monitor.publish.mark import Mark, Standing, is_late, mark_account, mark_target, standing
from monitor.publish.snapshot import AccountView, IncidentView, Measure, PurseView, Snapshot, SourceView, TargetView
from monitor.publish.strip import Strip, strip, together
from monitor.words import Moment, instant, moment
from probes.notice import Impact, Notice

ROOMY = 8
"""A page of so many accounts shows all of each; a longer one folds the accounts that simply work."""

RECENT = 5
"""So many past incidents stand on the first page."""

SLOWER = 1.5
"""From so many times the usual duration on the page says how many times."""

MARKS = {
    Mark.UP: "Works",
    Mark.SUSPECTED: "Rechecking",
    Mark.PARTLY: "Trouble",
    Mark.DOWN: "Down",
    Mark.UNKNOWN: "Not known",
}
SCOPES = {
    Scope.TARGET: "one canary",
    Scope.MODEL: "one model",
    Scope.CAPABILITY: "one ability of an account",
    Scope.ACCOUNT: "the whole account",
    Scope.ORGANIZATION: "several accounts that belong together",
    Scope.PROVIDER: "the provider, across accounts",
    Scope.EGRESS: "the road out from this monitor",
    Scope.MONITOR: "this monitor",
    Scope.SOURCE: "a status page that we read",
    Scope.REMINDER: "a date that you entered",
    Scope.OBJECTIVE: "an objective that you set",
}
KINDS = {"opened": "first message", "changed": "news", "resolved": "all-clear"}

ADDRESS = re.compile(r"https?://[^\s<>\"')\]]+[^\s<>\"')\].,;:!?]")


@dataclass(frozen=True, slots=True)
class Frame:
    """What is the same on every page. `made` is None on a page that no longer changes: it cannot grow old."""

    site: str
    location: str
    simulated: bool
    made: Moment | None
    due: Moment | None
    fresh_s: int
    up: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of advice; `href` where it is an address."""

    text: str
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """An incident as a card or as a line of a list."""

    id: str
    title: str
    mark: Mark
    drill: bool
    blame: str
    certainty: str
    began: Moment
    lasted: str
    advice: tuple[Piece, ...]
    reasons: tuple[str, ...]
    told: str
    undelivered: bool
    lead: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class Event:
    at: Moment
    words: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """One failing answer."""

    target: str
    at: Moment
    fault: str
    status: str
    request_id: str | None
    rule: str
    words: str


@dataclass(frozen=True, slots=True)
class Story:
    """One incident at full length."""

    row: Row
    is_open: bool
    ended: Moment | None
    severity: str
    scope: str
    blame_at_length: str
    targets: tuple[str, ...]
    events: tuple[Event, ...]
    proofs: tuple[Proof, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A duration now and usually; `slower` says how many times, where it is worth saying."""

    now: str
    usual: str | None
    slower: str | None


@dataclass(frozen=True, slots=True)
class TargetRow:
    canary: str
    model: str | None
    mark: Mark
    state: str
    cause: str
    since: Moment | None
    seen: Moment | None
    late: bool
    every: str
    latency: Figure | None
    ttft: Figure | None
    good: str
    strip: Strip
    limits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AccountCard:
    """`folded` is the day in one strip, where the targets are folded away."""

    name: str
    note: str
    tags: tuple[str, ...]
    mark: Mark
    state: str
    cause: str
    blame: str
    since: Moment | None
    incident: str | None
    advice: tuple[Piece, ...]
    spent: str | None
    credits: tuple[str, ...]
    folded: Strip | None
    targets: tuple[TargetRow, ...]


@dataclass(frozen=True, slots=True)
class ProviderGroup:
    name: str
    accounts: tuple[AccountCard, ...]


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """What a provider's own page says of one trouble or maintenance."""

    provider: str
    title: str
    href: str | None
    phase: str
    impact: str
    began: Moment | None
    planned: bool


@dataclass(frozen=True, slots=True)
class Pages:
    """What the providers' own pages say, which of them are quiet, and which cannot be believed now."""

    notices: tuple[NoticeRow, ...]
    quiet: tuple[str, ...]
    dark: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Month:
    name: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Front:
    """The first page."""

    headline: Headline
    open: tuple[Row, ...]
    warnings: tuple[str, ...]
    providers: tuple[ProviderGroup, ...]
    recent: tuple[Row, ...]
    past: int
    pages: Pages


def frame(snapshot: Snapshot) -> Frame:
    due = snapshot.made_at + timedelta(seconds=snapshot.fresh_s)
    return Frame(
        site=snapshot.title,
        location=snapshot.location,
        simulated=snapshot.simulated,
        made=moment(snapshot.made_at),
        due=moment(due, snapshot.made_at),
        fresh_s=int(snapshot.fresh_s),
    )


def front(snapshot: Snapshot) -> Front:
    now = standing(snapshot)
    roomy = sum(len(provider.accounts) for provider in snapshot.providers) <= ROOMY
    groups = (
        ProviderGroup(provider.name, tuple(_account(account, now, roomy) for account in provider.accounts))
        for provider in snapshot.providers
    )
    return Front(
        headline=headline(snapshot),
        open=tuple(_row(view, snapshot.made_at, snapshot.made_at) for view in _gravest_first(_wholes(snapshot))),
        warnings=snapshot.warnings,
        providers=tuple(group for group in groups if group.accounts),
        recent=tuple(_row(view, snapshot.made_at) for view in _newest_first(snapshot.past_incidents)[:RECENT]),
        past=len(snapshot.past_incidents),
        pages=_pages(snapshot.sources, snapshot.made_at),
    )


def _pages(sources: Sequence[SourceView], now: datetime) -> Pages:
    telling = [source for source in sources if source.readable and source.notices]
    quiet = dict.fromkeys(source.provider for source in sources if source.readable)
    return Pages(
        notices=tuple(_notice(source, one, now) for source in telling for one in source.notices),
        quiet=tuple(name for name in quiet if name not in {source.provider for source in telling}),
        dark=tuple(
            f"{source.provider}: {source.problem or 'not read yet'}" for source in sources if not source.readable
        ),
    )


def _notice(source: SourceView, notice: Notice, now: datetime) -> NoticeRow:
    return NoticeRow(
        provider=source.provider,
        title=notice.title,
        href=notice.url or source.page,
        phase=notice.phase.replace("_", " "),
        impact="" if notice.planned or notice.impact is Impact.UNKNOWN else str(notice.impact),
        began=moment(notice.began_at, now) if notice.began_at else None,
        planned=notice.planned,
    )


def months(snapshot: Snapshot) -> tuple[Month, ...]:
    by_month = groupby(_newest_first(snapshot.past_incidents), key=lambda view: words.month(view.incident.opened_at))
    return tuple(Month(name, tuple(_row(view, snapshot.made_at) for view in its)) for name, its in by_month)


def story(view: IncidentView, made_at: datetime) -> Story:
    """Tell one incident. Of an ended one nothing depends on `made_at`, so that its page stays byte for byte."""
    incident = view.incident
    offline = incident.scope is Scope.MONITOR
    return Story(
        row=_row(view, made_at),
        is_open=incident.closed_at is None,
        ended=moment(incident.closed_at) if incident.closed_at else None,
        severity=incident.severity,
        scope=SCOPES[incident.scope],
        blame_at_length=words.OFFLINE_AT_LENGTH if offline else words.BLAMES_AT_LENGTH[incident.blame],
        targets=incident.targets,
        events=_events(view),
        proofs=tuple(_proof(evidence, incident.signal) for evidence in incident.evidence),
    )


def pieces(text: str) -> tuple[Piece, ...]:
    """Cut a text so that its http(s) addresses can be links."""
    found: list[Piece] = []
    end = 0
    for address in ADDRESS.finditer(text):
        found += [Piece(text[end : address.start()]), Piece(address[0], address[0])]
        end = address.end()
    return tuple(piece for piece in (*found, Piece(text[end:])) if piece.text)


def _gravest_first(views: Sequence[IncidentView]) -> list[IncidentView]:
    """Order by what a reader must know first: real before drill, grave before mild, then the oldest."""
    return sorted(views, key=lambda v: (v.incident.drill, -v.incident.severity.rank, v.incident.opened_at))


def _wholes(snapshot: Snapshot) -> list[IncidentView]:
    """Return the open incidents that are no part of another open one."""
    ids = {view.incident.id for view in snapshot.open_incidents}
    return [view for view in snapshot.open_incidents if view.incident.parent not in ids]


def _newest_first(views: Sequence[IncidentView]) -> list[IncidentView]:
    return sorted(views, key=lambda view: (view.incident.opened_at, view.incident.id), reverse=True)


def _row(view: IncidentView, made_at: datetime, today: datetime | None = None) -> Row:
    incident = view.incident
    until = incident.closed_at or made_at
    return Row(
        id=incident.id,
        title=view.title,
        mark=Mark.DOWN if incident.severity is Severity.CRITICAL else Mark.PARTLY,
        drill=incident.drill,
        blame=words.capital(words.whose(incident)),
        certainty=words.CERTAINTIES[incident.confidence] if words.is_blamed(incident) else "",
        began=moment(incident.opened_at, today),
        lasted=words.duration((until - incident.opened_at).total_seconds()),
        advice=pieces(view.advice),
        reasons=incident.reasons,
        told=_told_words(view.told),
        undelivered=any(map(_is_stuck, view.told)),
        lead=words.capital(words.lead(incident)),
        parent=incident.parent,
    )


def _told_words(told: Sequence[Told]) -> str:
    """Say how the messages of an incident went, the worst first."""
    stuck = sum(map(_is_stuck, told))
    waiting = sum(it.state != "sent" for it in told) - stuck
    if not told:
        return "no message was due"
    if stuck:
        return f"{stuck} of {words.count(len(told), 'message')} not delivered"
    if waiting:
        return f"{words.count(waiting, 'message')} on the way"
    return f"{words.count(len(told), 'message')} delivered"


def _is_stuck(told: Told) -> bool:
    return told.state != "sent" and told.tries > 0


def _events(view: IncidentView) -> tuple[Event, ...]:
    incident = view.incident
    steps = [(incident.opened_at, 0, Event(instant(incident.opened_at), _beginning(incident)))]
    steps += [(told.at, 1, _message(told)) for told in view.told]
    if incident.announcement:
        said = f"The provider's page says: {incident.announcement.title}"
        steps.append((incident.announcement.at, 1, Event(instant(incident.announcement.at), said)))
    if incident.closed_at:
        steps.append((incident.closed_at, 2, Event(instant(incident.closed_at), "Ended")))
    return tuple(event for _, _, event in sorted(steps, key=lambda step: step[:2]))


def _beginning(incident: Incident) -> str:
    return "First sign seen" if incident.signal else "First failure seen: the incident begins here"


def _message(told: Told) -> Event:
    kind = words.capital(KINDS.get(told.kind, told.kind))
    return Event(instant(told.at), f"{kind} to {told.channel}: {_fate(told)}", told.error)


def _fate(told: Told) -> str:
    tries = "one try" if told.tries == 1 else f"{told.tries} tries"
    match told.state:
        case "sent":
            return "delivered" if told.tries <= 1 else f"delivered after {tries}"
        case "waiting":
            return f"to be tried again after {tries}" if told.tries else "on the way"
        case state:
            return f"{state} after {tries}"


def _status(evidence: Evidence, signal: bool) -> str:
    if signal:
        return "a good answer that tells of it"
    return f"HTTP {evidence.status}" if evidence.status else "no HTTP answer"


def _proof(evidence: Evidence, signal: bool) -> Proof:
    return Proof(
        target=evidence.target,
        at=instant(evidence.at),
        fault=words.FAULTS[evidence.fault],
        status=_status(evidence, signal),
        request_id=evidence.request_id,
        rule=evidence.rule,
        words=evidence.words,
    )


def _account(account: AccountView, now: Standing, roomy: bool) -> AccountCard:
    mark = mark_account(account, now)
    incidents = [it for it in map(now.incident_of, (target.id for target in account.targets)) if it]
    fault = account.fault if mark.is_trouble or mark is Mark.SUSPECTED else None
    return AccountCard(
        name=account.name,
        note=account.note,
        tags=account.tags,
        mark=mark,
        state=_account_state(account, mark),
        cause=words.FAULTS[fault] if fault else "",
        blame=words.whose_hedged(incidents[0]) if incidents else words.BLAMES[fault.blame] if fault else "",
        since=moment(account.since, now.at) if account.since and not now.offline else None,
        incident=incidents[0].id if incidents else None,
        advice=pieces(account.advice or "") if mark.is_trouble and not incidents else (),
        spent=None if account.spent_usd is None else words.money(account.spent_usd),
        credits=tuple(_credit(purse, now.at) for purse in account.purses),
        folded=None if roomy or mark is not Mark.UP else strip(together([it.cells for it in account.targets])),
        targets=tuple(_target(target, now) for target in account.targets),
    )


def _credit(purse: PurseView, now: datetime) -> str:
    """Say what is left and for how long: `4.20 of 50.00 USD left, about 6 days at this pace`."""
    said = purse.words
    if purse.days_left is not None:
        said += f", about {words.duration(purse.days_left * 86_400)} at this pace"
    if purse.expires_at:
        said += f", until {moment(purse.expires_at, now).words}"
    return f"{said} (as of {moment(purse.at, now).words})"


def _account_state(account: AccountView, mark: Mark) -> str:
    """Say PARTLY and UNKNOWN more exactly where only some of its targets are so."""
    states = {target.state for target in account.targets}
    if mark is Mark.PARTLY and State.UP in states:
        return "Partly down"
    if mark is Mark.UNKNOWN and State.UP in states:
        return "Not fully known"
    return MARKS[mark]


def _target(target: TargetView, now: Standing) -> TargetRow:
    mark = mark_target(target, now)
    late = is_late(target, now.at)
    return TargetRow(
        canary=target.canary,
        model=target.model,
        mark=mark,
        state="Not seen lately" if mark is Mark.UNKNOWN and target.state is State.UP and late else MARKS[mark],
        cause=_target_cause(target, mark),
        since=_since(target, mark, now),
        seen=moment(target.seen_at, now.at) if target.seen_at else None,
        late=late,
        every=words.duration(target.interval_s),
        latency=_figure(target.latency, mark),
        ttft=_figure(target.ttft, mark),
        good=words.percent(target.availability) if target.availability is not None else "no data",
        strip=strip(target.cells),
        limits=tuple(map(words.limit, target.limits)),
    )


def _since(target: TargetView, mark: Mark, now: Standing) -> Moment | None:
    """Date what is wrong; of what works the account's own date is enough."""
    if target.since is None or mark is Mark.UP or now.offline or target.state is State.UP:
        return None
    return moment(target.since, now.at)


def _target_cause(target: TargetView, mark: Mark) -> str:
    if mark is Mark.UP:
        return ""
    return words.FAULTS[target.fault] if target.fault and mark is not Mark.UNKNOWN else target.reason or ""


def _figure(measure: Measure, mark: Mark) -> Figure | None:
    """Put a duration in words. What is down has none now: the last good answers are of another time."""
    if measure.now_s is None and measure.usual_s is None:
        return None
    now, usual = None if mark is Mark.DOWN else measure.now_s, measure.usual_s
    times = now / usual if now and usual else 0
    return Figure(
        now="none" if now is None else words.seconds(now),
        usual=None if usual is None else words.seconds(usual),
        slower=f"{times:.1f} × usual" if times >= SLOWER else None,
    )
