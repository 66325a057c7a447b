"""A snapshot → what the templates show: finished words, in order; pure. Templates only place them."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from msgspec import Struct
from msgspec.structs import replace

from monitor import words
from monitor.detect.health import State
from monitor.detect.limits import Moved
from monitor.diagnose.diagnosis import Evidence, Scope
from monitor.diagnose.incident import Incident, Severity, Told
from monitor.publish.ability import is_late
from monitor.publish.chart import Chart, chart
from monitor.publish.headline import Headline, headline
from monitor.publish.history_bar import EMPTY, Strip, ninety, strip, together
from monitor.publish.paths import account_page, incident_page, month_page, provider_page
from monitor.publish.rotation import at_length
from monitor.publish.snapshot import (
    CROWD,
    AccountView,
    IncidentView,
    Measure,
    ObjectiveView,
    Pace,
    ProviderView,
    PurseView,
    Snapshot,
    SourceView,
    TargetView,
)
from monitor.publish.status import Mark, Standing, mark_ability, mark_target
from monitor.publish.translation import ENGLISH, Speech
from monitor.publish.uptime import (
    BUDGET_D,
    BUDGET_FEWEST_D,
    WINDOWS_D,
    Shares,
    counting,
    seen_days,
    shares,
    worst_shares,
)
from monitor.slo.indicator import budget_left
from monitor.slo.objective import PAIRS, Goal, Reserve
from monitor.words import Moment
from probes.model import Limit
from probes.notice import Impact, Notice

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
    Scope.STAGE: "a stage of this monitor",
}
KINDS = {
    "opened": "first message",
    "changed": "news",
    "resolved": "all-clear",
    "escalated": "escalation",
    "missed": "word after quiet hours",
}

Leads = Mapping[tuple[str, str], Incident]
"""By the source and the id of a notice, the incident that it speaks of."""

ADDRESS = re.compile(r"https?://[^\s<>\"')\]]+[^\s<>\"')\].,;:!?]")


class Frame(Struct, frozen=True):
    """What is the same on every page. `made` is None on a page that no longer changes: it cannot grow old."""

    site: str
    location: str
    simulated: bool
    made: Moment | None
    due: Moment | None
    fresh_s: int
    up: str = ""
    public: bool = False


class Piece(Struct, frozen=True):
    """A stretch of advice; `href` where it is an address."""

    text: str
    href: str | None = None


class Row(Struct, frozen=True):
    """An incident as a card or as a line of a list."""

    id: str
    href: str
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


class Event(Struct, frozen=True):
    at: Moment
    words: str
    error: str | None = None


class Proof(Struct, frozen=True):
    """One failing answer."""

    target: str
    at: Moment
    fault: str
    status: str
    request_id: str | None
    rule: str
    words: str
    phase: str = ""


class Story(Struct, frozen=True):
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


class Figure(Struct, frozen=True):
    """A duration now and usually; `slower` says how many times, where it is worth saying."""

    now: str
    usual: str | None
    slower: str | None
    slow: str | None = None


class Share(Struct, frozen=True):
    """The share of good answers over one window; `missed`: it is below what the account is held to."""

    window: str
    words: str
    missed: bool


class Pledge(Struct, frozen=True):
    """One promise of an objective and how it stands. `left` is of its error budget, `burns` how fast that is used."""

    name: str
    promise: str
    left: str
    overspent: bool
    burns: str


class Drawing(Struct, frozen=True):
    """Durations of the last 30 days: a chart, and all it says in words; None and "" where the days are too few."""

    name: str
    figure: Figure
    chart: Chart | None
    words: str


class LimitRow(Struct, frozen=True):
    """A rate limit, since when its ceiling stands, and how it moved for good: `60 → 30 on 12 Nov`."""

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
    strip: Strip
    limits: tuple[LimitRow, ...]
    ninety: Strip
    shares: tuple[Share, ...]
    charts: tuple[Drawing, ...]
    asks: str


class Ability(Struct, frozen=True):
    """One cell of the matrix: what an account can do, as far as its canaries tell."""

    name: str
    mark: Mark
    state: str


class AccountCard(Struct, frozen=True):
    """One account: as a card of the first page, and with its targets as a page of its own.

    `short`: of so many a page of all names it and no more. `stands`: its own page stays as it is. `href` is "" where
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
    advice: tuple[Piece, ...] = ()
    spent: str | None = None
    credits: tuple[str, ...] = ()
    ninety: Strip = EMPTY
    shares: tuple[Share, ...] = ()
    budget: str = ""
    overspent: bool = False
    pledges: tuple[Pledge, ...] = ()
    tempo: tuple[Drawing, ...] = ()
    limits: tuple[str, ...] = ()
    targets: tuple[TargetRow, ...] = ()
    short: bool = False
    stands: bool = False


class ProviderGroup(Struct, frozen=True):
    """A provider with the accounts that are shown; of the others `more` simply work, and `worse` do not."""

    id: str
    name: str
    href: str
    accounts: tuple[AccountCard, ...]
    pledges: tuple[Pledge, ...]
    more: int = 0
    worse: int = 0


class NoticeRow(Struct, frozen=True):
    """What a provider's own page says of one trouble or maintenance."""

    provider: str
    title: str
    href: str | None
    phase: str
    impact: str
    began: Moment | None
    planned: bool
    lead: str


class Pages(Struct, frozen=True):
    """What the providers' own pages say, which of them are quiet, and which cannot be believed now."""

    notices: tuple[NoticeRow, ...]
    quiet: tuple[str, ...]
    dark: tuple[str, ...]


class Month(Struct, frozen=True):
    name: str
    href: str
    rows: tuple[Row, ...]


class Front(Struct, frozen=True):
    """The first page."""

    headline: Headline
    slo: str
    open: tuple[Row, ...]
    warnings: tuple[str, ...]
    providers: tuple[ProviderGroup, ...]
    recent: tuple[Row, ...]
    past: int
    pages: Pages


def frame(snapshot: Snapshot, speech: Speech = ENGLISH) -> Frame:
    due = snapshot.made_at + timedelta(seconds=snapshot.fresh_s)
    return Frame(
        site=snapshot.title,
        location=snapshot.location,
        simulated=snapshot.simulated,
        made=speech.moment(snapshot.made_at),
        due=speech.moment(due, snapshot.made_at),
        fresh_s=int(snapshot.fresh_s),
    )


def front(
    snapshot: Snapshot, now: Standing, speech: Speech = ENGLISH, every: tuple[ProviderGroup, ...] | None = None
) -> Front:
    """Return the first page. `every` is what `groups` returns, where that is known already."""
    return Front(
        headline=headline(snapshot, now, speech),
        slo=speech.percent(snapshot.manner.slo),
        open=tuple(row(view, snapshot.made_at, snapshot.made_at, speech) for view in _gravest_first(_wholes(snapshot))),
        warnings=snapshot.warnings,
        providers=_few_of_many(groups(snapshot, now, speech) if every is None else every),
        recent=tuple(
            row(view, snapshot.made_at, None, speech) for view in newest_first(snapshot.past_incidents)[:RECENT]
        ),
        past=len(snapshot.past_incidents),
        pages=pages(
            snapshot.sources, snapshot.made_at, speech, leads(view.incident for view in snapshot.open_incidents)
        ),
    )


def groups(
    snapshot: Snapshot, now: Standing, speech: Speech = ENGLISH, existing: Collection[str] = ()
) -> tuple[ProviderGroup, ...]:
    """Return every provider that has accounts, with all of them; no link to a page that is not among the `existing`."""
    promised: dict[str, tuple[Pledge, ...]] = {}
    for view in snapshot.objectives:
        promised[view.objective.subject] = (*promised.get(view.objective.subject, ()), *_pledges(view, speech))
    context = Context(now, snapshot.manner.slo, speech, promised)
    return tuple(
        ProviderGroup(
            provider.id,
            provider.name,
            provider_page(provider.id),
            tuple(_cards(provider, context, existing)),
            promised.get(provider.id, ()),
        )
        for provider in snapshot.providers
        if provider.accounts
    )


def _few_of_many(all_groups: tuple[ProviderGroup, ...]) -> tuple[ProviderGroup, ...]:
    """Leave out what simply works where there are too many accounts for one page."""
    if sum(len(group.accounts) for group in all_groups) <= CROWD:
        return all_groups
    shown = [tuple(card for card in group.accounts if card.mark is not Mark.UP) for group in all_groups]
    return tuple(
        replace(group, accounts=cards[:CROWD], more=len(group.accounts) - len(cards), worse=len(cards[CROWD:]))
        for group, cards in zip(all_groups, shown, strict=True)
    )


def leads(incidents: Iterable[Incident]) -> Leads:
    """Of several that one notice speaks of it is the one that we were sure of first."""
    known = [one for one in incidents if one.announcement and one.lead is not None and not one.drill]
    known.sort(key=lambda one: one.lead or timedelta())
    return {(one.announcement.source, one.announcement.notice): one for one in known if one.announcement}


def pages(sources: Sequence[SourceView], now: datetime, speech: Speech, known: Leads) -> Pages:
    telling = [source for source in sources if source.readable and source.notices]
    quiet = dict.fromkeys(source.provider for source in sources if source.readable)
    loud = {source.provider for source in sources if source.readable and (source.notices or source.unread)}
    return Pages(
        notices=tuple(_notice(source, one, now, speech, known) for source in telling for one in source.notices),
        quiet=tuple(name for name in quiet if name not in loud),
        dark=tuple(
            f"{source.provider}: {_why_dark(source, speech)}"
            for source in sources
            if not source.readable or source.unread
        ),
    )


def _why_dark(source: SourceView, speech: Speech) -> str:
    if source.readable:
        return speech.many(source.unread, "{n} item could not be read", "{n} items could not be read")
    return speech.say(source.problem or "not read yet")


def _notice(source: SourceView, notice: Notice, now: datetime, speech: Speech, known: Leads) -> NoticeRow:
    incident = known.get((source.id, notice.id))
    is_graded = not notice.planned and notice.impact is not Impact.UNKNOWN
    return NoticeRow(
        provider=source.provider,
        title=notice.title,
        href=notice.url or source.page,
        phase=", ".join(map(speech.say, notice.stage)),
        impact=speech.say(str(notice.impact)) if is_graded else "",
        began=speech.moment(notice.began_at, now) if notice.began_at else None,
        planned=notice.planned,
        lead=speech.lead(incident.lead) if incident else "",
    )


def months(snapshot: Snapshot, speech: Speech = ENGLISH) -> tuple[Month, ...]:
    by_month = groupby(newest_first(snapshot.past_incidents), key=lambda view: month_page(view.incident.opened_at))
    return tuple(_month(href, list(its), snapshot.made_at, speech) for href, its in by_month)


def _month(href: str, views: Sequence[IncidentView], made_at: datetime, speech: Speech) -> Month:
    name = speech.month(views[0].incident.opened_at)
    return Month(name, href, tuple(row(view, made_at, None, speech) for view in views))


def story(view: IncidentView, made_at: datetime, speech: Speech = ENGLISH) -> Story:
    """Tell one incident. Of an ended one nothing depends on `made_at`, so that its page stays byte for byte."""
    incident = view.incident
    return Story(
        row=row(view, made_at, None, speech),
        is_open=incident.closed_at is None,
        ended=speech.moment(incident.closed_at) if incident.closed_at else None,
        severity=speech.say(incident.severity),
        scope=speech.say(SCOPES[incident.scope]),
        blame_at_length=speech.say(words.whose_at_length(incident)),
        targets=incident.targets,
        events=_events(view, speech),
        proofs=tuple(_proof(evidence, incident.signal, speech) for evidence in incident.evidence),
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


def newest_first(views: Sequence[IncidentView]) -> list[IncidentView]:
    return sorted(views, key=lambda view: (view.incident.opened_at, view.incident.id), reverse=True)


def row(view: IncidentView, made_at: datetime, today: datetime | None, speech: Speech) -> Row:
    incident = view.incident
    until = incident.closed_at or made_at
    return Row(
        id=incident.id,
        href=incident_page(incident.id),
        title=speech.title(incident),
        mark=Mark.DOWN if incident.severity is Severity.CRITICAL else Mark.PARTLY,
        drill=incident.drill,
        blame=words.capital(speech.whose(incident)),
        certainty=speech.say(words.CERTAINTIES[incident.confidence]) if words.is_blamed(incident) else "",
        began=speech.moment(incident.opened_at, today),
        lasted=speech.duration((until - incident.opened_at).total_seconds()),
        advice=pieces(view.advice),
        reasons=(*words.reasons(incident), *filter(None, [incident.ending])),
        told=_told_words(view.told, speech),
        undelivered=any(map(_is_stuck, view.told)),
        lead=words.capital(speech.lead(incident.lead)),
        parent=incident.parent,
    )


def _told_words(told: Sequence[Told], speech: Speech) -> str:
    """Say how the messages of an incident went, the worst first."""
    told = [it for it in told if it.state != "replaced"]
    stuck = sum(map(_is_stuck, told))
    waiting = sum(it.state != "sent" for it in told) - stuck
    if not told:
        return speech.say("no message was due")
    if stuck:
        return speech.many(
            len(told), "{stuck} of {n} message not delivered", "{stuck} of {n} messages not delivered", stuck=stuck
        )
    if waiting:
        return speech.many(waiting, "{n} message on the way", "{n} messages on the way")
    return speech.many(len(told), "{n} message delivered", "{n} messages delivered")


def _is_stuck(told: Told) -> bool:
    return told.state not in ("sent", "replaced") and told.tries > 0


def _events(view: IncidentView, speech: Speech) -> tuple[Event, ...]:
    incident = view.incident
    began = "First sign seen" if incident.signal else "First failure seen: the incident begins here"
    steps = [(incident.opened_at, 0, Event(speech.instant(incident.opened_at), speech.say(began)))]
    steps += [(told.at, 1, _message(told, speech)) for told in view.told]
    if incident.announcement:
        said = speech.say("The provider's page says: {title}", title=incident.announcement.title)
        steps.append((incident.announcement.at, 1, Event(speech.instant(incident.announcement.at), said)))
    if incident.closed_at:
        steps.append((incident.closed_at, 2, Event(speech.instant(incident.closed_at), speech.say("Ended"))))
    return tuple(event for _, _, event in sorted(steps, key=lambda step: step[:2]))


def _message(told: Told, speech: Speech) -> Event:
    kind = words.capital(speech.say(KINDS.get(told.kind, told.kind)))
    said = speech.say("{kind} to {channel}: {fate}", kind=kind, channel=told.channel, fate=_fate(told, speech))
    return Event(speech.instant(told.at), said, told.error)


def _fate(told: Told, speech: Speech) -> str:
    tries = speech.many(told.tries, "one try", "{n} tries")
    match told.state:
        case "sent":
            return speech.say("delivered") if told.tries <= 1 else speech.say("delivered after {tries}", tries=tries)
        case "waiting":
            return (
                speech.say("to be tried again after {tries}", tries=tries) if told.tries else speech.say("on the way")
            )
        case "replaced":
            return speech.say("gave way to the next one after {tries}", tries=tries)
        case state:
            return speech.say("{state} after {tries}", state=speech.say(state), tries=tries)


def _status(evidence: Evidence, signal: bool, speech: Speech) -> str:
    if signal:
        return speech.say("a look that tells of it")
    return f"HTTP {evidence.status}" if evidence.status else speech.say("no HTTP answer")


def _proof(evidence: Evidence, signal: bool, speech: Speech) -> Proof:
    return Proof(
        target=evidence.target,
        at=speech.instant(evidence.at),
        fault=speech.fault(evidence.fault),
        status=_status(evidence, signal, speech),
        request_id=evidence.request_id,
        rule=evidence.rule,
        words=evidence.words,
        phase=speech.say(words.PHASES[evidence.phase]) if evidence.phase else "",
    )


class Context(Struct, frozen=True):
    """What it takes to put an account in words."""

    now: Standing
    slo: float
    speech: Speech
    pledges: Mapping[str, tuple[Pledge, ...]]


def _cards(provider: ProviderView, context: Context, existing: Collection[str]) -> Iterator[AccountCard]:
    long = set(at_length(provider, context.now))
    for account in provider.accounts:
        if account.stands:
            yield _name(account, provider, context, existing)
        else:
            yield _account(account, provider, context, short=provider.is_crowded and account.id not in long)


def _account(account: AccountView, provider: ProviderView, context: Context, *, short: bool) -> AccountCard:
    now, speech = context.now, context.speech
    mark = now.marks[account.id]
    cause, blame, incident = _trouble(account, mark, context)
    each = {target.id: shares(target.cells, target.days) for target in account.targets}
    whole = worst_shares(each[target.id] for target in counting(account))
    left = _budget(whole, account, context.slo)
    targets = tuple(_target(target, each[target.id], context) for target in account.targets)
    only = targets[0] if len(targets) == 1 else None
    return AccountCard(
        id=account.id,
        href=account_page(account.id),
        provider=provider.name,
        provider_href=provider_page(provider.id),
        name=account.name,
        note=account.note,
        tags=account.tags,
        mark=mark,
        state=_account_state(account, mark, speech),
        cause=cause,
        blame=blame,
        since=speech.moment(account.since, now.at) if account.since and not now.offline else None,
        incident=incident_page(incident.id) if incident else None,
        advice=pieces(account.advice or "") if mark.is_trouble and not incident else (),
        spent=_spent(account, speech),
        credits=tuple(_credit(purse, now.at, speech) for purse in account.purses),
        abilities=_abilities(account, now, speech),
        ninety=only.ninety if only else ninety(together([it.days for it in counting(account)]), speech),
        shares=only.shares if only else _shares(whole, context.slo, speech),
        budget="" if left is None else _budget_words(left, speech),
        overspent=left is not None and left < 0,
        pledges=context.pledges.get(account.id, ()),
        tempo=_tempo(targets),
        limits=tuple(dict.fromkeys(_with_move(limit) for target in targets for limit in target.limits)),
        targets=targets,
        short=short,
    )


def _name(account: AccountView, provider: ProviderView, context: Context, existing: Collection[str]) -> AccountCard:
    """Return what the others' pages say of one whose own page stays, or is still to come."""
    mark, href = context.now.marks[account.id], account_page(account.id)
    cause, blame, _ = _trouble(account, mark, context)
    return AccountCard(
        id=account.id,
        href=href if href in existing else "",
        provider=provider.name,
        provider_href=provider_page(provider.id),
        name=account.name,
        mark=mark,
        state=_account_state(account, mark, context.speech),
        cause=cause,
        blame=blame,
        abilities=_abilities(account, context.now, context.speech),
        short=True,
        stands=True,
    )


def _trouble(account: AccountView, mark: Mark, context: Context) -> tuple[str, str, Incident | None]:
    """Return what is wrong with an account, whose fault that is, and the incident that tells more."""
    now, speech = context.now, context.speech
    incident = next((it for it in map(now.incident_of, (target.id for target in account.targets)) if it), None)
    fault = account.fault if mark.is_trouble or mark is Mark.SUSPECTED else None
    blame = speech.whose_hedged(incident) if incident else speech.blame(fault.blame) if fault else ""
    return speech.fault(fault) if fault else "", blame, incident


def _tempo(targets: Sequence[TargetRow]) -> tuple[Drawing, ...]:
    """Return the durations that stand for an account: those of a canary that streams, where there is one."""
    return next((it.charts for it in targets if it.ttft), next((it.charts for it in targets if it.charts), ()))


def _with_move(limit: LimitRow) -> str:
    return f"{limit.words} ({limit.moved})" if limit.moved else limit.words


def _abilities(account: AccountView, now: Standing, speech: Speech) -> tuple[Ability, ...]:
    """Return each kind of canary with the worst of its targets."""
    kinds: dict[str, list[TargetView]] = {}
    for target in account.targets:
        kinds.setdefault(target.canary, []).append(target)
    marks = {kind: mark_ability(its, now) for kind, its in kinds.items()}
    return tuple(Ability(kind, mark, speech.say(MARKS[mark])) for kind, mark in marks.items())


def _shares(every: Shares, slo: float, speech: Speech) -> tuple[Share, ...]:
    return tuple(
        Share(
            speech.say("24 h") if length == 1 else speech.say("{n} d", n=length),
            speech.say("no data") if share is None else speech.percent(share),
            share is not None and share < slo,
        )
        for length, share in zip(WINDOWS_D, every, strict=True)
    )


def _budget(every: Shares, account: AccountView, slo: float) -> float | None:
    """Return what is left; None before a week was looked at: of a day or two any failure is many times all of it."""
    share = every[WINDOWS_D.index(BUDGET_D)]
    is_early = max((seen_days(target.days) for target in counting(account)), default=0) < BUDGET_FEWEST_D
    return None if share is None or is_early else budget_left(share, slo)


def _budget_words(left: float, speech: Speech) -> str:
    if left < 0:
        return speech.say("spent {times} times", times=speech.number(f"{1 - left:.1f}"))
    return speech.say("{share} left", share=speech.percent(left))


def _pledges(view: ObjectiveView, speech: Speech) -> Iterator[Pledge]:
    """Yield how each promise of an objective stands; what nothing was seen of has no budget to speak of."""
    objective = view.objective
    known = {one.goal: one for one in view.reserves}
    for goal, promised in objective.promises.items():
        share = speech.number(f"{100 * promised:.6g}%")
        if goal is Goal.LATENCY:
            seconds = speech.number(f"{objective.latency_s:g} s")
            share = speech.say("{share} within {seconds}", share=share, seconds=seconds)
        promise = speech.say("{promise} in {n} days", promise=share, n=objective.window_days)
        one = known.get(goal)
        left, burns = (_budget_words(one.left, speech), _burns(one, speech)) if one else (speech.say("no data"), "")
        yield Pledge(objective.name, promise, left, one is not None and one.left < 0, burns)


def _burns(reserve: Reserve, speech: Speech) -> str:
    """Say how fast a budget is used where enough was seen: `× 3.1 in 1 h, × 1.2 in 6 h`."""
    pairs = zip(PAIRS, reserve.burns, strict=True)
    known = [(speech.number(f"{burn:.1f}"), pair.long) for pair, burn in pairs if burn is not None]
    said = (
        speech.say("× {times} in {duration}", times=times, duration=speech.duration(long.total_seconds()))
        for times, long in known
    )
    return ", ".join(said)


def _spent(account: AccountView, speech: Speech) -> str | None:
    if account.spent_usd is None:
        return None
    today = speech.say("Canaries cost {money} today", money=speech.money(account.spent_usd))
    month = None if account.spent_month_usd is None else speech.money(account.spent_month_usd)
    if month in (None, speech.money(account.spent_usd)):
        return today
    return today + speech.say(", {money} in 30 days", money=month)


def _credit(purse: PurseView, now: datetime, speech: Speech) -> str:
    """Say what is left and for how long: `4.20 of 50.00 USD left, about 6 days at this pace`."""
    said = _left(purse, speech)
    if purse.days_left is not None:
        said += speech.say(", about {duration} at this pace", duration=speech.duration(purse.days_left * 86_400))
    if purse.expires_at:
        said += speech.say(", until {time}", time=speech.moment(purse.expires_at, now).words)
    return said + speech.say(" (as of {time})", time=speech.moment(purse.at, now).words)


def _left(purse: PurseView, speech: Speech) -> str:
    if purse.left is None:
        return purse.words
    left = speech.number(f"{purse.left:,.2f}")
    if purse.most is None:
        return speech.say("{left} {unit} left", left=left, unit=purse.unit)
    most = speech.number(f"{purse.most:,.2f}")
    return speech.say("{left} of {most} {unit} left", left=left, most=most, unit=purse.unit)


def _account_state(account: AccountView, mark: Mark, speech: Speech) -> str:
    """Say PARTLY and UNKNOWN more exactly where only some of its targets are so."""
    states = {target.state for target in account.targets}
    if mark is Mark.PARTLY and State.UP in states:
        return speech.say("Partly down")
    if mark is Mark.UNKNOWN and State.UP in states:
        return speech.say("Not fully known")
    return speech.say(MARKS[mark])


def _target(target: TargetView, its_shares: Shares, context: Context) -> TargetRow:
    now, speech = context.now, context.speech
    mark = mark_target(target, now)
    late = is_late(target, now.at)
    every = speech.duration(target.interval_s)
    latency, ttft = _figure(target.latency, mark, speech), _figure(target.ttft, mark, speech)
    lost = mark is Mark.UNKNOWN and target.state is State.UP and late
    since = target.limited_since or (None,) * len(target.limits)
    moves = target.moves or (None,) * len(target.limits)
    return TargetRow(
        canary=target.canary,
        model=target.model,
        mark=mark,
        state=speech.say("Not seen lately" if lost else MARKS[mark]),
        cause=_target_cause(target, mark, speech),
        since=_since(target, mark, now, speech),
        seen=speech.moment(target.seen_at, now.at) if target.seen_at else None,
        late=late,
        latency=latency,
        ttft=ttft,
        good=speech.percent(target.availability) if target.availability is not None else speech.say("no data"),
        strip=strip(target.cells, speech),
        limits=tuple(
            _limit(limit, at, moved, context) for limit, at, moved in zip(target.limits, since, moves, strict=True)
        ),
        ninety=ninety(target.days, speech),
        shares=_shares(its_shares, context.slo, speech),
        charts=tuple(_drawings(target, latency, ttft, mark, speech)),
        asks=speech.say("every {duration}", duration=every),
    )


def _limit(limit: Limit, since: datetime | None, moved: Moved | None, context: Context) -> LimitRow:
    speech = context.speech
    stands = speech.moment(since, context.now.at) if since and limit.limit is not None else None
    return LimitRow(speech.limit(limit), stands, _moved(moved, speech) if moved else "")


def _moved(it: Moved, speech: Speech) -> str:
    before, after = (speech.number(f"{ceiling:,.0f}") for ceiling in (it.before, it.after))
    if it.told_at:
        silent = speech.day(it.told_at)
        return speech.say("{before} → {after}, not told since {day}", before=before, after=after, day=silent)
    return speech.say("{before} → {after} on {day}", before=before, after=after, day=speech.day(it.at))


def _drawings(
    target: TargetView, latency: Figure | None, ttft: Figure | None, mark: Mark, speech: Speech
) -> Iterator[Drawing]:
    if ttft:
        yield _drawing(speech.say("First token"), ttft, target.ttft_days, speech)
    if stream := _throughput(target.token, mark, speech):
        yield Drawing(speech.say("Throughput"), stream, None, "")
    if latency:
        yield _drawing(speech.say("Whole answer"), latency, target.latency_days, speech)


def _drawing(name: str, figure: Figure, paces: Sequence[Pace], speech: Speech) -> Drawing:
    drawn = chart(paces)
    if drawn is None:
        return Drawing(name, figure, None, "")
    top = speech.seconds(drawn.top_s)
    said = speech.say("{name} in the last 30 days: median {p50}, 95% within {p95}, the slowest day {top}",
        name=name, p50=figure.usual or "?", p95=figure.slow or "?", top=top)  # fmt: skip
    return Drawing(name, figure, drawn, said)


def _since(target: TargetView, mark: Mark, now: Standing, speech: Speech) -> Moment | None:
    """Date what is wrong; of what works the account's own date is enough."""
    if target.since is None or mark is Mark.UP or now.offline or target.state is State.UP:
        return None
    return speech.moment(target.since, now.at)


def _target_cause(target: TargetView, mark: Mark, speech: Speech) -> str:
    if mark is Mark.UP:
        return ""
    return speech.fault(target.fault) if target.fault and mark is not Mark.UNKNOWN else speech.say(target.reason or "")


def _throughput(measure: Measure, mark: Mark, speech: Speech) -> Figure | None:
    """Put the pace of streams in words; None where none was long enough to tell it."""
    if not (measure.now_s and measure.usual_s):
        return None
    now, usual = (
        speech.say("{n} tokens/s", n=speech.number(words.rate(one))) for one in (measure.now_s, measure.usual_s)
    )
    slower = mark is not Mark.DOWN and measure.now_s / measure.usual_s >= SLOWER
    shown = speech.say("none") if mark is Mark.DOWN else now
    return Figure(shown, usual, speech.say("slower than usual") if slower else None)


def _figure(measure: Measure, mark: Mark, speech: Speech) -> Figure | None:
    """Put a duration in words. What is down has none now: the last good answers are of another time."""
    if measure.now_s is None and measure.usual_s is None:
        return None
    now, usual = None if mark is Mark.DOWN else measure.now_s, measure.usual_s
    times = now / usual if now and usual else 0
    return Figure(
        now=speech.say("none") if now is None else speech.seconds(now),
        usual=None if usual is None else speech.seconds(usual),
        slower=speech.say("{times} × usual", times=speech.number(f"{times:.1f}")) if times >= SLOWER else None,
        slow=None if measure.slow_s is None else speech.seconds(measure.slow_s),
    )
