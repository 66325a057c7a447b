"""Configuration and database → Snapshot, for the page, `status` and `usable`."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from msgspec import Struct, field
from msgspec.structs import replace

from monitor.alert.rule import Maintenance
from monitor.config.config import Config
from monitor.config.cost import is_priced
from monitor.config.public_page import PublicService
from monitor.detect.account_memory import EMPTY, AccountMemory
from monitor.detect.credit import CreditHistory, CreditThreshold, days_left, reported_credit
from monitor.detect.health import Health, State
from monitor.detect.latency import TO_ARM, Series, stream_s
from monitor.detect.limits import CeilingMove
from monitor.diagnose.diagnosis import GRAVITY
from monitor.diagnose.incident import Incident, accounts_of_targets
from monitor.diagnose.status_source import StatusSource, why_unread
from monitor.diagnose.target_state import is_down, is_suspected, is_unreachable
from monitor.publish.ability import is_stale
from monitor.publish.advice import (
    Glance,
    advice_for,
    advice_of,
    find_substitutes,
    glance_of_snapshot,
    needs_substitute,
    setup_fix,
)
from monitor.publish.chart import last_day
from monitor.publish.incident_record import incident_views
from monitor.publish.refresh_order import DuePages, RenderedPage, Rotation, due_pages
from monitor.publish.snapshot import (
    PACE_STEP,
    PACE_STEPS,
    AccountView,
    CreditView,
    DayDurations,
    DurationView,
    Freshness,
    IncidentView,
    ObjectiveView,
    PlannedWindow,
    ProviderView,
    ServiceView,
    SiteSettings,
    Snapshot,
    SourceView,
    Substitute,
    TargetView,
)
from monitor.publish.status import CurrentState, current_state
from monitor.publish.uptime import WINDOWS_D, first_seen
from monitor.schedule import Watch
from monitor.sentence.diagnosis import describe_stage_failure
from monitor.slo.indicator import Cell, Reading, Sketch, add_cells, availability, quantile
from monitor.slo.objective import Objective, error_budgets
from monitor.storage_refusal import StorageRefusal
from monitor.store.history import Cells, DailyCeilings, DailyCredits, History, LimitSince, SeriesGroups
from monitor.store.key_value import KeyValues
from monitor.store.overlap import Overlap
from monitor.store.reader import Reader
from probes.catalog import SHIPPED_FILES, provider_ids
from probes.model import Account
from probes.notice import NoticePhase
from probes.phrase import Sentences
from probes.target_id import provider_of

HOURS = 24
DAYS = WINDOWS_D[-1]
DAY = timedelta(days=1)
MONTH_DAYS = 30
AHEAD = timedelta(days=30)
"""How far ahead the public page tells of maintenances."""
PAST = 1000
FRESH_AT_LEAST_S = 120.0
OVERDUE = timedelta(seconds=90)
"""Delay after which a due probe counts as not made: the monitor was not running."""
UNSEEN = "the monitor was not watching"

WORST = (State.DOWN, State.SUSPECTED, State.UNKNOWN, State.UP)


class TargetRecords(Struct, frozen=True):
    """What one snapshot reads about all targets."""

    healths: Mapping[str, Health]
    plans: Mapping[str, datetime] = field(default_factory=dict)
    spent_usd: Mapping[str, float] = field(default_factory=dict)
    spent_month_usd: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, AccountMemory] = field(default_factory=dict)
    series: Mapping[str, int] = field(default_factory=dict)
    ceilings: Mapping[int, tuple[LimitSince, ...]] = field(default_factory=dict)
    moves: Mapping[int, Mapping[tuple[str, int], CeilingMove]] = field(default_factory=dict)


def build_snapshot(
    stored: Reader,
    config: Config,
    now: datetime,
    warnings: Sequence[str] = (),
    rotation: Rotation | None = None,
    existing: Collection[str] | None = None,
) -> Snapshot:
    """Return everything at `now`, read as of one instant; with a rotation, the past only where a page is due.

    `existing`: the pages that are there, so that those of old incidents are made once; None: no pages are made of it.
    """
    with stored.snapshot():
        return _take(stored, config, now, tuple(warnings), rotation, existing)


def _take(
    stored: Reader,
    config: Config,
    now: datetime,
    warnings: tuple[str, ...],
    rotation: Rotation | None,
    existing: Collection[str] | None,
) -> Snapshot:
    remembered, history, marks = stored.resumption.resume(), stored.history, stored.marks
    memory = TargetRecords(
        healths=remembered.healths,
        plans=remembered.plans,
        spent_usd={account: spent.usd for account, spent in remembered.spendings.items() if spent.day == now.date()},
        spent_month_usd=history.spent((now - (MONTH_DAYS - 1) * DAY).date()),
        notes=remembered.notes,
        series=history.series_ids(),
        ceilings=history.ceilings(),
        moves=history.moves(),
    )
    by_provider = _account_views(config, memory, now)
    failing_channels = stored.messages.failing_channels()
    unsent = tuple(f"messages to {name} are not getting through: {why}" for name, why in failing_channels)
    every = (remembered.incidents.values(), stored.incidents.closed(PAST))
    standing, past = incident_views(stored, config, *every, now, existing)
    public = _public_past(history, config, by_provider, memory.series, now)
    refused = tuple(unsaved_notice(config, one) for one in filter(None, [marks.refusal()]))
    now_only = Snapshot(
        made_at=now,
        fresh_s=fresh_s(config),
        title=config.site.title,
        location=config.location,
        simulated=config.simulated,
        warnings=tuple(dict.fromkeys((*refused, *warnings, *unsent))),
        unwritten=bool(refused),
        faults=tuple(one.reason for one in marks.failing()),
        providers=tuple(
            _provider_view(config, id, by_provider.get(id, []), public, memory.series, now)
            for id in sorted(config.providers)
        ),
        open_incidents=standing,
        past_incidents=past,
        sources=tuple(_source_view(id, remembered.sources.get(id), config, now) for id in sorted(config.feeds)),
        manner=_manner(config),
        incident_ids=frozenset(stored.incidents.ids()),
        objectives=tuple(_objective_view(stored, memory.series, one, now) for one in config.objectives),
        overlap=_recent_overlap(marks.overlap(), now),
        services=tuple(_service_view(one, public, memory.series, now) for one in config.services),
        tally={} if existing is None else marks.tally(),
        planned=tuple(sorted(_planned(config.rules.maintenance, now), key=lambda one: one.begins_at)),
    )
    return _with_pasts(history, _with_advice(now_only, config, memory), memory.series, rotation)


def _recent_overlap(found: Overlap | None, now: datetime) -> Overlap | None:
    return found if found and found.is_recent(now) else None


def _account_views(config: Config, memory: TargetRecords, now: datetime) -> Mapping[str, list[AccountView]]:
    """Return the accounts by provider."""
    watches: dict[str, list[Watch]] = defaultdict(list)
    for watch in config.watches.values():
        watches[watch.target.account].append(watch)
    views: dict[str, list[AccountView]] = defaultdict(list)
    for id, its in watches.items():
        account = config.accounts[id]
        views[account.provider].append(_account_view(config, account, its, memory, now))
    return views


def _with_pasts(history: History, shown: Snapshot, numbers: Mapping[str, int], rotation: Rotation | None) -> Snapshot:
    """Return the snapshot with the past of each account, or of those whose page is due in the rotation."""
    every = frozenset(account.id for provider in shown.providers for account in provider.accounts)
    this_time = DuePages(every, more=False) if rotation is None else due_pages(rotation, shown, current_state(shown))
    targets = (one for provider in shown.providers for account in provider.accounts for one in account.targets
               if account.id in this_time.accounts)  # fmt: skip
    past = _past(history, [numbers.get(one.id, 0) for one in targets], shown.made_at)

    def with_past(view: AccountView) -> AccountView:
        if view.id in this_time.accounts:
            return _at_length(history, view, numbers, past, shown.made_at)
        return _at_a_glance(view, rotation.get(view.id) if rotation else None)

    providers = (replace(one, accounts=tuple(map(with_past, one.accounts))) for one in shown.providers)
    return replace(shown, providers=tuple(providers), more=this_time.more)


class Past(Struct, frozen=True):
    """What is read of the past of many series at once."""

    seen: "SeriesHistory"
    ceilings: DailyCeilings
    credits: DailyCredits


def _past(history: History, series: Collection[int], now: datetime) -> Past:
    month = _month_start(now)
    return Past(
        _seen(history, {one: (one,) for one in series}, now),
        history.earlier_ceilings(series, month),
        history.daily_credits(series, month),
    )


def _objective_view(stored: Reader, numbers: Mapping[str, int], one: Objective, now: datetime) -> ObjectiveView:
    counts = stored.objectives.probe_counts(numbers, one, now, one.window_days * DAY)
    return ObjectiveView(one, tuple(error_budgets(one, counts, now)))


def _manner(config: Config) -> SiteSettings:
    site = config.site
    return SiteSettings(
        slo=site.slo,
        language=site.language,
        url=site.url,
        public_title=site.public_title,
        public_url=site.public_url,
        own=config.page_templates,
        public=config.public,
        logo=config.logo,
    )


class PublicPast(Struct, frozen=True):
    """The past of what the public site shows, added up. `numbers`: of each group of series in it."""

    seen: "SeriesHistory"
    numbers: Mapping[frozenset[int], int] = field(default_factory=dict)
    firsts: Mapping[int, datetime] = field(default_factory=dict)

    def of(self, asked: frozenset[int], now: datetime) -> tuple[tuple[Cell, ...], tuple[Cell, ...], datetime | None]:
        """Return the hours, the days, and the first valid result if it is recent; nothing of what is not public."""
        if asked not in self.numbers:
            return (), (), None
        number = self.numbers[asked]
        return (*self.seen.of(number, now), self.firsts.get(number))


def _public_past(
    history: History,
    config: Config,
    by_provider: Mapping[str, Sequence[AccountView]],
    series: Mapping[str, int],
    now: datetime,
) -> PublicPast:
    """Read the past of all providers and services at once: each by itself would cost a reading."""
    if not config.public_folder:
        return PublicPast(NOTHING_SEEN)
    shown = [_asked_at(its, series) for id, its in by_provider.items() if id in provider_ids(SHIPPED_FILES)]
    shown += [_asked_of(one, series) for one in config.services]
    numbers = {asked: number for number, asked in enumerate(dict.fromkeys(filter(None, shown)))}
    seen = _seen(history, {number: asked for asked, number in numbers.items()}, now)
    young = {number: asked for asked, number in numbers.items() if _is_young(seen.of(number, now)[1], now)}
    return PublicPast(seen, numbers, history.first_results(young) if young else {})


def _asked_at(accounts: Sequence[AccountView], series: Mapping[str, int]) -> frozenset[int]:
    """Return the series at the provider's own base URL: what is asked elsewhere is not public."""
    return frozenset(series.get(target.id, 0) for one in accounts if not one.own_host for target in one.targets)


def _asked_of(one: PublicService, series: Mapping[str, int]) -> frozenset[int]:
    return frozenset(series.get(id, 0) for id in one.targets)


def _provider_view(
    config: Config, id: str, accounts: Sequence[AccountView], past: PublicPast, series: Mapping[str, int], now: datetime
) -> ProviderView:
    shipped = id in provider_ids(SHIPPED_FILES)
    hours, days, since = past.of(_asked_at(accounts, series), now) if shipped else ((), (), None)
    return ProviderView(id, config.providers[id].name, tuple(accounts), shipped, hours, days, since)


def _service_view(one: PublicService, past: PublicPast, series: Mapping[str, int], now: datetime) -> ServiceView:
    return ServiceView(one, *past.of(_asked_of(one, series), now))


def _planned(windows: Iterable[Maintenance], now: datetime) -> Iterator[PlannedWindow]:
    """Yield the maintenances of the next weeks, and those under way, that the public page tells of."""
    for one in windows:
        if one.public:
            for span in one.window.spans(now - one.window.lasts, now + AHEAD):
                if span.end > now:
                    yield PlannedWindow(one.public, span.start, span.end)


def _watched_since(history: History, series: int, days: Sequence[Cell], now: datetime) -> datetime | None:
    """Return the first valid result if it is recent; of an older one the day is enough, which the cells tell."""
    return history.first_results({0: [series]}).get(0) if _is_young(days, now) else None


def _is_young(days: Sequence[Cell], now: datetime) -> bool:
    first = first_seen(days)
    return first is not None and first >= _midnight(now) - DAY


Strips = tuple[tuple[Cell, ...], tuple[Cell, ...]]
"""The last hours and the last days."""


class SeriesHistory(Struct, frozen=True):
    """The results of several series in the last hours and days."""

    hours: Cells
    days: Cells

    def of(self, series: int, now: datetime) -> Strips:
        """Return the hours and days of one series, with an empty cell where there are no observations."""
        return (
            _strip(self.hours.get(series, {}), _first_hour(now), timedelta(hours=1), HOURS),
            _strip(self.days.get(series, {}), _midnight(now) - (DAYS - 1) * DAY, DAY, DAYS),
        )


NOTHING_SEEN = SeriesHistory({}, {})


def _seen(history: History, groups: SeriesGroups, now: datetime) -> SeriesHistory:
    """Read the past of these series, added up by group; days not rolled up yet are added up from the hours."""
    first_day = _midnight(now) - (DAYS - 1) * DAY
    rolled = history.rolled_until("daily")
    hours = history.cells(max(first_day, min(_first_hour(now), rolled)), groups)
    days = history.days(first_day, groups)
    for one, cells in hours.items():
        unrolled: dict[datetime, list[Cell]] = defaultdict(list)
        for at, cell in cells.items():
            if at >= rolled:
                unrolled[_midnight(at)].append(cell)
        days.setdefault(one, {}).update({day: add_cells(day, its) for day, its in unrolled.items()})
    return SeriesHistory(hours, days)


def fresh_s(config: Config) -> float:
    """Return the seconds without a probe after which the page is stale: two intervals, at least two minutes."""
    shortest_s = min((watch.interval_s for watch in config.watches.values()), default=0.0)
    return max(FRESH_AT_LEAST_S, 2 * shortest_s)


def unsaved_notice(config: Config, refused: StorageRefusal) -> str:
    """Return in words that the monitor probes but cannot save the results."""
    return f"results cannot be written to {config.store.name}: {refused.words}"


def read_freshness(marks: KeyValues, config: Config, now: datetime) -> Freshness:
    """Return whether the monitor is probing, whatever the results."""
    if refused := marks.refusal():
        return Freshness(None, fresh_s(config), unsaved_notice(config, refused))
    beat, failing = marks.last_beat(), marks.failing()
    return Freshness(
        (now - beat).total_seconds() if beat else None,
        fresh_s(config),
        faults=tuple(describe_stage_failure(one.reason) for one in failing),
        lasting=any(one.is_lasting for one in failing),
    )


def _account_view(
    config: Config, account: Account, watches: Sequence[Watch], memory: TargetRecords, now: datetime
) -> AccountView:
    """Return the present state of an account, without its past."""
    targets = tuple(_target_view(watch, memory, now) for watch in watches)
    worst, floor = _worst(targets), config.attention(account.id).floor
    priced = all(is_priced(watch, config.providers[account.provider]) for watch in watches)
    return AccountView(
        id=account.id,
        name=account.name,
        note=account.note,
        tags=account.tags,
        state=worst.state,
        fault=worst.fault,
        since=_since(worst, targets),
        advice=(),
        spent_usd=memory.spent_usd.get(account.id, 0.0) if priced else None,
        spent_month_usd=memory.spent_month_usd.get(account.id, 0.0) if priced else None,
        own_host=config.is_elsewhere(account) and not config.simulated,  # all count in the demonstration
        targets=targets,
        credits=tuple(_credit_view(one, floor) for one in memory.notes.get(account.id, EMPTY).credits.values()),
        company=config.company(account.id),
        ties=tuple(map(str, config.groups.get(account.id, ()))),
        host=watches[0].target.host,
        priority=account.priority,
    )


def _worst(targets: Sequence[TargetView]) -> TargetView:
    return min([target for target in targets if target.counts] or targets, key=_badness)


def _since(worst: TargetView, targets: Sequence[TargetView]) -> datetime | None:
    """Return since when an account is as its worst target: in trouble since the first of those that are, as one is."""
    if worst.state is not State.DOWN:
        return worst.since
    its = [one for one in targets if one.state is State.DOWN and one.counts is worst.counts]
    return min((one.since for one in its if one.since), default=None)


def _with_advice(shown: Snapshot, config: Config, memory: TargetRecords) -> Snapshot:
    """Return the snapshot with advice for each account with a fault and each open incident."""
    round_about = glance_of_snapshot(shown)

    def advised(view: AccountView) -> AccountView:
        its_own = round_about.now.marks[view.id].is_trouble and not round_about.now.incident_at(view.targets)
        view = replace(view, since=_began(view, round_about.now))
        return replace(view, advice=_advice(config, view, memory, round_about)) if view.fault and its_own else view

    return replace(
        shown,
        providers=tuple(replace(one, accounts=tuple(map(advised, one.accounts))) for one in shown.providers),
        open_incidents=tuple(
            replace(
                one,
                advice=advice_for(one.incident, config, round_about),
                instead=_instead(one.incident, config, round_about),
            )
            for one in shown.open_incidents
        ),
    )


def _began(view: AccountView, now: CurrentState) -> datetime | None:
    """Return since when it is as it is: in an incident of its own, since that began, also with what is well by now."""
    incident = now.incident_at(view.targets) if now.marks[view.id].is_trouble else None
    return incident.opened_at if incident and accounts_of_targets(incident.targets) == {view.id} else view.since


def _instead(incident: Incident, config: Config, round_about: Glance) -> tuple[Substitute, ...] | None:
    found = tuple(
        Substitute(one.account, one.well_at or round_about.now.at, one.doubt)
        for one in find_substitutes(incident, config, round_about)
    )
    return found if found or needs_substitute(incident) else None


def _advice(config: Config, view: AccountView, memory: TargetRecords, round_about: Glance) -> Sentences:
    worst = _worst(view.targets)
    health = memory.healths.get(worst.id)
    met = health.answer if health and worst.fault is health.fault else None
    answers = (memory.healths[one.id].answer for one in view.targets if one.fault and one.fault is worst.fault)
    said = [answer.words for answer in answers if answer]
    return setup_fix(config, worst.id, met, round_about) or advice_of(view, worst, said, config, round_about)


def _credit_view(credit: CreditHistory, floor: CreditThreshold) -> CreditView:
    return CreditView(
        unit=credit.unit,
        at=credit.at,
        words=reported_credit(credit),
        left=credit.left,
        most=credit.most,
        days_left=days_left(credit),
        expires_at=credit.expires_at,
        floor=floor.low.get(credit.unit),
        told_by=credit.target,
        readings=tuple(Reading(at, left) for at, left in credit.points),
    )


def _badness(target: TargetView) -> tuple[int, int]:
    return WORST.index(target.state), GRAVITY.index(target.fault) if target.fault else len(GRAVITY)


def _at_a_glance(view: AccountView, entry: RenderedPage | None) -> AccountView:
    """Return the account with the past last read, if any; its page is kept as it is."""
    if entry is None:
        return replace(view, stands=True)
    past_measures = zip(view.targets, entry.past_measures, strict=True)
    targets = tuple(
        _without_past_pace(
            replace(target, latency=one.latency, ttft=one.ttft, token=one.token, availability=one.availability)
        )
        for target, one in past_measures
    )
    return replace(view, targets=targets, stands=True)


def _at_length(
    history: History, view: AccountView, numbers: Mapping[str, int], past: Past, now: datetime
) -> AccountView:
    targets = tuple(_with_past(history, target, numbers.get(target.id, 0), past, now) for target in view.targets)
    credits = tuple(_with_days(one, past.credits.get(numbers.get(one.told_by, 0), {})) for one in view.credits)
    whole = replace(view, targets=targets, credits=credits)
    if not (timed := whole.timed):
        return whole
    latencies, ttfts = history.paces(numbers.get(timed.id, 0), last_day(now).first, PACE_STEP, PACE_STEPS)
    drawn = replace(timed, latencies=latencies, ttfts=ttfts)
    return replace(whole, targets=tuple(drawn if one is timed else one for one in targets))


def _with_days(credit: CreditView, days: Mapping[str, Sequence[Reading]]) -> CreditView:
    """Return the credit with the days before its remembered readings, which are of three days."""
    first = credit.readings[0].at if credit.readings else credit.at
    ends = (Reading(one.at + DAY, one.value) for one in days.get(credit.unit, ()))
    return replace(credit, readings=(*(one for one in ends if one.at <= first), *credit.readings))


def _with_past(history: History, target: TargetView, series: int, past: Past, now: datetime) -> TargetView:
    durations, (hours, days) = history.durations(series, now), past.seen.of(series, now)
    earlier = past.ceilings.get(series, {})
    whole = replace(
        target,
        watched_since=_watched_since(history, series, days, now),
        latency=_measure(durations.latency, durations.usual_latency),
        ttft=_measure(durations.ttft, durations.usual_ttft),
        token=_stream(history.stream(series)),
        availability=_availability(hours),
        cells=hours,
        days=days,
        latency_days=tuple(_pace(at, latency) for at, latency, _ in durations.days),
        ttft_days=tuple(_pace(at, ttft) for at, _, ttft in durations.days if ttft),
        ceilings=tuple(
            (*earlier.get(limit.key, ()), *present)
            for limit, present in zip(target.limits, target.ceilings, strict=True)
        ),
    )
    return _without_past_pace(whole)


def _without_past_pace(target: TargetView) -> TargetView:
    """Return a target that is down without the durations of its last good answers: they are not those of now."""
    if target.state is not State.DOWN:
        return target
    latency, ttft, token = (replace(one, now_s=None) for one in (target.latency, target.ttft, target.token))
    return replace(target, latency=latency, ttft=ttft, token=token)


def _stream(series: Series | None) -> DurationView:
    return DurationView(*stream_s(series)) if series else DurationView()


def _target_view(watch: Watch, memory: TargetRecords, now: datetime) -> TargetView:
    target = watch.target
    remembered = memory.healths.get(target.id, Health())
    health = _as_of(remembered, memory.plans.get(target.id), now, watch.interval_s)
    series = memory.series.get(target.id, 0)
    ceilings, moved = memory.ceilings.get(series, ()), memory.moves.get(series, {})
    return TargetView(
        id=target.id,
        canary=target.canary,
        model=target.model,
        state=health.state,
        fault=health.fault,
        reason=health.reason,
        since=health.since,
        seen_at=health.seen_at,
        interval_s=watch.interval_s,
        limits=tuple(ceiling.limit for ceiling in ceilings),
        aside=watch.aside,
        limited_since=tuple(ceiling.since for ceiling in ceilings),
        ceilings=tuple(_ceiling_readings(ceiling, now) for ceiling in ceilings),
        moves=tuple(moved.get(one.limit.key) for one in ceilings),
        next_at=memory.plans.get(target.id),
        well_at=health.well_at,
        confirmed=health.state is State.SUSPECTED and _is_confirmed(remembered),
        free=watch.free,
        phase=health.answer.phase if health.answer else None,
    )


def _ceiling_readings(ceiling: LimitSince, now: datetime) -> tuple[Reading, ...]:
    """Return the present ceiling since it is that, until it was last stated."""
    most, start = ceiling.limit.limit, max(ceiling.since, _month_start(now))
    if most is None or ceiling.told_at < start:
        return ()
    return Reading(start, most), Reading(ceiling.told_at, most)


def _month_start(now: datetime) -> datetime:
    return _midnight(now) - (MONTH_DAYS - 1) * DAY


def _strip(seen: Mapping[datetime, Cell], first: datetime, step: timedelta, length: int) -> tuple[Cell, ...]:
    """Return a cell for each hour or day, empty if there are no observations."""
    empty = _empty(first, step, length)
    return tuple(seen.get(cell.at, cell) for cell in empty) if seen else empty


@lru_cache(4)
def _empty(first: datetime, step: timedelta, length: int) -> tuple[Cell, ...]:
    """Return empty cells, cached for all targets: for 5,000 of them they took 70 MiB."""
    return tuple(Cell(first + number * step) for number in range(length))


def _source_view(id: str, source: StatusSource | None, config: Config, now: datetime) -> SourceView:
    provider = provider_of(id)
    known = config.providers.get(provider)
    telling = tuple(one for one in source.notices if one.is_open or one.planned) if source else ()
    readable = source is not None and source.is_readable(now)
    return SourceView(
        id=id,
        provider=known.name if known else provider,
        page=config.feeds[id].page,
        readable=readable,
        read_at=source.last.at if source and source.last else None,
        problem=why_unread(source, now) if source else None,
        notices=tuple(one for one in telling if one.phase is not NoticePhase.COMPLETED),
        unread=source.unread if source else 0,
    )


def _as_of(health: Health, due_at: datetime | None, now: datetime, interval_s: float) -> Health:
    """Return the health that still holds: a long overdue probe means that the monitor was not running.

    A target that was down stays down until it is seen to work; one that was up is so while its last result is valid.
    """
    overdue = due_at is not None and now - due_at >= OVERDUE
    overdue = overdue and is_stale(health.seen_at, interval_s, now)
    if health.state is State.UNKNOWN:  # the failures before it are kept as evidence, not for display
        return _unseen_since(health, due_at) if overdue else replace(health, fault=None)
    if overdue and (is_down(health) or _is_confirmed(health)):
        return replace(health, reason=UNSEEN)
    if overdue:
        return _unseen_since(health, due_at)
    return _rechecked(health) if is_suspected(health) else health


def _rechecked(health: Health) -> Health:
    """Return a failure that may pass as what it is, dated by its own begin and not by the state before."""
    began_at = health.since if health.state is State.DOWN else health.began_at
    return replace(health, state=State.SUSPECTED, since=began_at or health.since)


def _unseen_since(health: Health, since: datetime | None) -> Health:
    return replace(health, state=State.UNKNOWN, fault=None, since=since, reason=UNSEEN)


def _is_confirmed(health: Health) -> bool:
    """Whether answers show it to be down, though it may pass. Without any answer we may be offline ourselves."""
    return health.state is State.DOWN and not is_unreachable(health)


def _availability(seen: Collection[Cell]) -> float | None:
    good = sum(cell.ok for cell in seen)
    return availability(good, good + sum(cell.degraded + cell.failed for cell in seen))


def _measure(recent: Sketch, usual: Sketch) -> DurationView:
    """Return a duration; how far it usually spreads once there are as many answers as the detector of slow ones needs.

    Of a few answers p5 and p95 are the quickest and the slowest.
    """
    now_s, usual_s = quantile(recent, 0.5), quantile(usual, 0.5)
    if sum(usual.values()) < TO_ARM:
        return DurationView(now_s, usual_s)
    return DurationView(now_s, usual_s, quantile(usual, 0.95), quantile(usual, 0.05))


def _pace(at: datetime, durations: Sketch) -> DayDurations:
    return DayDurations(at, quantile(durations, 0.5), quantile(durations, 0.95))


def glance_of_beliefs(
    config: Config, healths: Mapping[str, Health], incidents: Collection[Incident], now: datetime
) -> Glance:
    """Return the state of all accounts now, from the beliefs of the running process."""
    views = _account_views(config, TargetRecords(healths), now)
    shown = Snapshot(
        made_at=now,
        fresh_s=fresh_s(config),
        title=config.site.title,
        location=config.location,
        simulated=config.simulated,
        warnings=(),
        providers=tuple(ProviderView(id, config.providers[id].name, tuple(its)) for id, its in views.items()),
        open_incidents=tuple(IncidentView(one, ()) for one in incidents if one.closed_at is None),
        past_incidents=(),
    )
    return glance_of_snapshot(shown)


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _first_hour(now: datetime) -> datetime:
    """Return the start of the history bar, whose last hour is the present one."""
    return now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
