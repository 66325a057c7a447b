"""Accounts and their targets → the texts that the templates show; pure."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from msgspec import Struct, field

from monitor import words
from monitor.detect.health import State
from monitor.detect.limits import CeilingMove
from monitor.diagnose.incident import Incident
from monitor.publish.ability import is_overdue
from monitor.publish.account_chart import (
    SLOWER,
    Scene,
    balance_drawings,
    ceiling_drawings,
    day_drawings,
    figure,
    month_drawing,
)
from monitor.publish.history_bar import add_hours, draw_days, draw_hours
from monitor.publish.incident_text import split_links
from monitor.publish.paths import account_page, incident_page, provider_page
from monitor.publish.refresh_order import shown_in_full
from monitor.publish.snapshot import AccountView, CreditView, DurationView, ProviderView, TargetView
from monitor.publish.status import MARKS, CurrentState, Mark, mark_ability, mark_target, place_account
from monitor.publish.uptime import (
    BUDGET_D,
    BUDGET_FEWEST_D,
    WINDOWS_D,
    Shares,
    counted_targets,
    target_since,
    uptime_shares,
    watched_days,
    watched_since,
    whole_windows,
    worst_shares,
)
from monitor.publish.uptime_text import describe_shares, since_words
from monitor.publish.view_model import (
    AbilityCell,
    AccountCard,
    Drawing,
    Figure,
    LimitRow,
    PromiseRow,
    TargetRow,
    UptimeShare,
)
from monitor.sentence.translation import PageLanguage
from monitor.slo.indicator import error_budget_left
from monitor.words import Moment
from probes.model import Limit

UPTIME_D = 30
"""Days of the one figure that stands for an account's past."""


class Context(Struct, frozen=True):
    """The inputs for putting an account in words. `incidents`: those that charts mark, by account."""

    now: CurrentState
    slo: float
    speech: PageLanguage
    pledges: Mapping[str, tuple[PromiseRow, ...]]
    incidents: Mapping[str, tuple[Incident, ...]] = field(default_factory=dict)


def build_cards(provider: ProviderView, context: Context, existing: Collection[str]) -> Iterator[AccountCard]:
    long = set(shown_in_full(provider, context.now))
    for account in provider.accounts:
        if account.stands:
            yield _name(account, provider, context, existing)
        else:
            yield _account(account, provider, context, short=provider.is_crowded and account.id not in long)


def _account(account: AccountView, provider: ProviderView, context: Context, *, short: bool) -> AccountCard:
    now, speech = context.now, context.speech
    mark = now.marks[account.id]
    cause, blame, incident = _trouble(account, mark, context)
    each = {target.id: uptime_shares(target.cells, target.days) for target in account.targets}
    whole = worst_shares(each[target.id] for target in counted_targets(account))
    left = _budget(whole, account, context.slo)
    targets = tuple(_target(target, each[target.id], context) for target in account.targets)
    only = targets[0] if len(targets) == 1 else None
    days = add_hours([it.days for it in counted_targets(account)])
    scene = Scene(now.at, speech, context.incidents.get(account.id, ()))
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
        advice=split_links(speech.sentences(account.advice)) if mark.is_trouble and not incident else (),
        spent=_spent(account, speech),
        credits=tuple(_credit(credit, now.at, speech) for credit in account.credits),
        abilities=_abilities(account, now, speech),
        ninety=only.ninety if only else draw_days(days, speech),
        shares=only.shares if only else _shares(whole, account, context),
        budget="" if left is None else error_budget_words(left, speech),
        overspent=left is not None and left < 0,
        pledges=context.pledges.get(account.id, ()),
        paces=tuple(_paces(account, context, scene)),
        ceilings=tuple(ceiling_drawings(account, scene)),
        balances=tuple(balance_drawings(account.credits, scene)),
        limits=tuple(
            dict.fromkeys(speech.aside(limit.words, limit.moved) for target in targets for limit in target.limits)
        ),
        targets=targets,
        short=short,
        priority=_priority(account),
        place=place_account(account, now),
        uptime=_uptime(account, whole, now.at, speech),
        pace=_pace(account, mark, speech),
        pace_s=_pace_s(account),
        day_cells=tuple(days),
    )


def _priority(account: AccountView) -> str:
    return "" if account.priority is None else f"P{account.priority}"


def _uptime(account: AccountView, whole: Shares, now: datetime, speech: PageLanguage) -> str:
    """Say the share of good answers over 30 days, or over that part of them in which it was watched."""
    share = whole[WINDOWS_D.index(UPTIME_D)]
    if share is None:
        return speech.say("no data")
    since, days = watched_since(account), counted_targets(account)[0].days
    said = speech.percent(share)
    if since is None or whole_windows(since, (), days) > WINDOWS_D.index(UPTIME_D):
        return said
    return speech.say("{share} since {time}", share=said, time=since_words(since, now, speech))


def _pace(account: AccountView, mark: Mark, speech: PageLanguage) -> str:
    """Say how long an answer takes now: to its first token, or the whole of it where nothing streams."""
    now_s = _pace_s(account)
    if mark is Mark.DOWN:
        return speech.say("none")
    return "" if now_s is None else speech.seconds(now_s)


def _pace_s(account: AccountView) -> float | None:
    its = counted_targets(account)
    every = (*(one.ttft.now_s for one in its), *(one.latency.now_s for one in its))
    return next((one for one in every if one is not None), None)


def _name(account: AccountView, provider: ProviderView, context: Context, existing: Collection[str]) -> AccountCard:
    """Return the short card, for an account whose own page is unchanged or still to come."""
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
        pace=_pace(account, mark, context.speech),
        pace_s=_pace_s(account),
        priority=_priority(account),
        place=place_account(account, context.now),
    )


def _trouble(account: AccountView, mark: Mark, context: Context) -> tuple[str, str, Incident | None]:
    """Return what is wrong with an account, whose fault it is, and the incident with more about it."""
    speech, incident = context.speech, context.now.told_of(account)
    fault = account.fault if mark.is_trouble or mark is Mark.SUSPECTED else None
    if mark is Mark.AT_RISK and incident and incident.signal:
        fault = incident.fault
    blame = speech.whose_hedged(incident) if incident else speech.blame(fault.blame) if fault else ""
    return speech.fault(fault) if fault else "", blame, incident


def _paces(account: AccountView, context: Context, scene: Scene) -> Iterator[Drawing]:
    if timed := account.timed:
        yield from day_drawings(timed, mark_target(timed, context.now), scene)


def _abilities(account: AccountView, now: CurrentState, speech: PageLanguage) -> tuple[AbilityCell, ...]:
    """Return each kind of canary with the worst of its targets."""
    kinds: dict[str, list[TargetView]] = {}
    for target in account.targets:
        kinds.setdefault(target.canary, []).append(target)
    marks = {kind: mark_ability(its, now) for kind, its in kinds.items()}
    return tuple(AbilityCell(kind, mark, speech.say(MARKS[mark])) for kind, mark in marks.items())


def _shares(every: Shares, account: AccountView, context: Context) -> tuple[UptimeShare, ...]:
    """Return the shares of an account: of its worst canary, since the first of them was watched."""
    since, first = watched_since(account), next(iter(counted_targets(account)), None)
    whole = whole_windows(since, first.cells, first.days) if first else 0
    return describe_shares(every, whole, since, context.slo, context.now.at, context.speech)


def _budget(every: Shares, account: AccountView, slo: float) -> float | None:
    """Return the budget left; None before a week was observed: one failure would overspend that of a day or two."""
    share = every[WINDOWS_D.index(BUDGET_D)]
    is_early = max((watched_days(target.days) for target in counted_targets(account)), default=0) < BUDGET_FEWEST_D
    return None if share is None or is_early else error_budget_left(share, slo)


def error_budget_words(left: float, speech: PageLanguage) -> str:
    if left < 0:
        return speech.say("spent {times} times", times=speech.number(f"{1 - left:.1f}"))
    return speech.say("{share} left", share=speech.percent(left))


def _spent(account: AccountView, speech: PageLanguage) -> str:
    if account.spent_usd is None:
        return speech.say("What its canaries cost is not known")
    today = speech.say("Canaries cost {money} today", money=speech.money(account.spent_usd))
    month = None if account.spent_month_usd is None else speech.money(account.spent_month_usd)
    if month in (None, speech.money(account.spent_usd)):
        return today
    return today + speech.say(", {money} in 30 days", money=month)


def _credit(credit: CreditView, now: datetime, speech: PageLanguage) -> str:
    """Say what is left and for how long: `4.20 of 50.00 USD left, about 6 days at this pace`."""
    said = _left(credit, speech)
    if credit.days_left is not None:
        said += speech.say(", about {duration} at this pace", duration=speech.duration(credit.days_left * 86_400))
    if credit.expires_at:
        said += speech.say(", until {time}", time=speech.moment(credit.expires_at, now).words)
    return said + speech.say(" (as of {time})", time=speech.moment(credit.at, now).words)


def _left(credit: CreditView, speech: PageLanguage) -> str:
    if credit.left is None:
        return speech.remark(credit.words)
    left = speech.number(f"{credit.left:,.2f}")
    if credit.most is None:
        return speech.say("{left} {unit} left", left=left, unit=credit.unit)
    most = speech.number(f"{credit.most:,.2f}")
    return speech.say("{left} of {most} {unit} left", left=left, most=most, unit=credit.unit)


def _account_state(account: AccountView, mark: Mark, speech: PageLanguage) -> str:
    """Put an account's state in words, with PARTLY and UNKNOWN said more exactly if only some targets are so."""
    states = {target.state for target in account.targets}
    if mark is Mark.PARTLY and State.UP in states:
        return speech.say("Partly down")
    if mark is Mark.UNKNOWN and State.UP in states:
        return speech.say("Not fully known")
    return speech.say(MARKS[mark])


def _target(target: TargetView, its_shares: Shares, context: Context) -> TargetRow:
    now, speech = context.now, context.speech
    mark = mark_target(target, now)
    late = is_overdue(target, now.at)
    every = speech.duration(target.interval_s)
    latency, ttft = figure(target.latency, mark, speech), figure(target.ttft, mark, speech)
    lost = mark is Mark.UNKNOWN and target.state is State.UP and late
    since = target.limited_since or (None,) * len(target.limits)
    moves = target.moves or (None,) * len(target.limits)
    return TargetRow(
        canary=target.label,
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
        strip=draw_hours(target.cells, speech),
        limits=tuple(
            _limit(limit, at, moved, context) for limit, at, moved in zip(target.limits, since, moves, strict=True)
        ),
        ninety=draw_days(target.days, speech),
        shares=_target_shares(target, its_shares, context),
        charts=tuple(_drawings(target, latency, ttft, mark, speech)),
        asks=speech.say("every {duration}", duration=every),
    )


def _target_shares(target: TargetView, every: Shares, context: Context) -> tuple[UptimeShare, ...]:
    since = target_since(target)
    whole = whole_windows(since, target.cells, target.days)
    return describe_shares(every, whole, since, context.slo, context.now.at, context.speech)


def _limit(limit: Limit, since: datetime | None, moved: CeilingMove | None, context: Context) -> LimitRow:
    speech = context.speech
    stands = speech.moment(since, context.now.at) if since and limit.limit is not None else None
    return LimitRow(speech.limit(limit), stands, _moved(moved, speech) if moved else "")


def _moved(it: CeilingMove, speech: PageLanguage) -> str:
    before, after = (speech.number(f"{ceiling:,.0f}") for ceiling in (it.before, it.after))
    if it.told_at:
        silent = speech.day(it.told_at)
        return speech.say("{before} → {after}, not given since {day}", before=before, after=after, day=silent)
    return speech.say("{before} → {after} on {day}", before=before, after=after, day=speech.day(it.at))


def _drawings(
    target: TargetView, latency: Figure | None, ttft: Figure | None, mark: Mark, speech: PageLanguage
) -> Iterator[Drawing]:
    if ttft:
        yield month_drawing(speech.say("First token"), ttft, target.ttft_days, speech)
    if stream := _throughput(target.token, mark, speech):
        yield Drawing(speech.say("Throughput"), stream, None, "")
    if latency:
        yield month_drawing(speech.say("Whole answer"), latency, target.latency_days, speech)


def _since(target: TargetView, mark: Mark, now: CurrentState, speech: PageLanguage) -> Moment | None:
    """Return since when it is wrong; None for what works, as the account's own date is enough."""
    if target.since is None or mark is Mark.UP or now.offline or target.state is State.UP:
        return None
    return speech.moment(target.since, now.at)


def _target_cause(target: TargetView, mark: Mark, speech: PageLanguage) -> str:
    if mark is Mark.UP:
        return ""
    return speech.fault(target.fault) if target.fault and mark is not Mark.UNKNOWN else speech.say(target.reason or "")


def _throughput(measure: DurationView, mark: Mark, speech: PageLanguage) -> Figure | None:
    """Put the streaming speed in words; None if no stream was long enough to measure it."""
    if not (measure.now_s and measure.usual_s):
        return None
    now, usual = (
        speech.say("{n} tokens/s", n=speech.number(words.rate(one))) for one in (measure.now_s, measure.usual_s)
    )
    slower = mark is not Mark.DOWN and measure.now_s / measure.usual_s >= SLOWER
    shown = speech.say("none") if mark is Mark.DOWN else now
    return Figure(shown, usual, speech.say("slower than usual") if slower else None)
