"""An account's durations, ceilings and credit over time → charts, and what each shows in words; pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from math import ceil

from msgspec import Struct
from msgspec.structs import replace

from monitor import words
from monitor.diagnose.incident import Incident
from monitor.publish.chart import (
    Period,
    Usual,
    draw_chart,
    draw_paces,
    draw_readings,
    draw_steps,
    last_day,
    level,
    lines_at,
    scale,
    slope,
    stretches,
)
from monitor.publish.paths import incident_page
from monitor.publish.snapshot import (
    PACE_STEP,
    AccountView,
    CreditView,
    DayDurations,
    DurationView,
    Paces,
    TargetView,
)
from monitor.publish.status import Mark
from monitor.publish.view_model import AccountCard, Axes, Drawing, Figure, LinkedText, SiblingPace
from monitor.sentence.translation import PageLanguage
from monitor.slo.indicator import Reading
from probes.model import Limit

DAY = timedelta(days=1)
MONTH = timedelta(days=30)
SOON = timedelta(days=14)
"""Time ahead that a chart of credit shows at most, or as much as it shows of the past."""
ROOM = 1.05
"""Share of a scale that is left above the highest figure."""
SLOWER = 1.5
"""Multiple of the usual duration from which the page states the multiple."""
MOST_SIBLINGS = 12
"""Most accounts of a provider whose durations its page draws."""
MOST_NAMED = 3
"""Most incidents named below a chart."""
DAY_PARTS, MONTH_PARTS = 4, 2
"""Number of parts into which times below a chart divide it."""
FAR_DAYS = 3650.0
"""Days from which the end of a credit is no date."""
MOST_CEILINGS = 2
"""Most ceilings drawn of an account; its canaries name all of their limits."""


class Scene(Struct, frozen=True):
    """What stands around a chart: the time of the page, its language, and the incidents about the account."""

    now: datetime
    speech: PageLanguage
    incidents: tuple[Incident, ...] = ()


def figure(measure: DurationView, mark: Mark, speech: PageLanguage) -> Figure | None:
    """Put a duration in words. A target that is down has no present one: its last good answers are old."""
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


def month_drawing(name: str, shown: Figure, paces: Sequence[DayDurations], speech: PageLanguage) -> Drawing:
    """Draw the durations of the last 30 days."""
    drawn = draw_chart(paces)
    if drawn is None:
        return Drawing(name, shown, None, "")
    top = speech.seconds(drawn.top)
    said = speech.say("{name} in the last 30 days: median {p50}, 95% within {p95}, the slowest day {top}",
        name=name, p50=shown.usual or "?", p95=shown.slow or "?", top=top)  # fmt: skip
    labels = (speech.day(drawn.period.first), speech.day(drawn.period.last))
    return Drawing(name, shown, drawn, said, Axes(_ticks_s(drawn.scale, speech), labels))


class Measured(Struct, frozen=True):
    """One duration of a target: its name, what it is now and usually, and in the last 24 hours.

    `since`: its first answer, if that is recent.
    """

    name: str
    view: DurationView
    paces: Paces
    interval_s: float
    since: datetime | None

    @property
    def known(self) -> list[float]:
        return [one for one in self.paces if one is not None]

    @property
    def top_s(self) -> float:
        """The longest duration for which a chart has room."""
        return max((self.view.slow_s or self.view.usual_s or 0.0, *self.known))

    @property
    def usual(self) -> Usual | None:
        quick_s, slow_s = self.view.quick_s, self.view.slow_s
        return None if quick_s is None or slow_s is None else Usual(quick_s, slow_s, self.since)


def day_drawings(target: TargetView, mark: Mark, it: Scene) -> Iterator[Drawing]:
    """Draw the durations of the last 24 hours: to the first token where it streams, and of the whole answer."""
    for one in _measured(target):
        if shown := figure(one.view, mark, it.speech):
            yield _day_drawing(one, shown, scale(one.top_s), it)


def sibling_paces(
    cards: Sequence[AccountCard], known: Mapping[str, AccountView], scene_of: Callable[[str], Scene]
) -> tuple[tuple[SiblingPace, ...], int]:
    """Draw the durations of the last 24 hours of the first MOST_SIBLINGS accounts that have any, on one scale.

    Where one streams it is the time to the first token, of those that do. Also return how many more have any.
    """
    timed = [(card, _measured(target)) for card in cards if (target := known[card.id].timed)]
    which = 0 if any(first.known for _, (first, _) in timed) else 1
    every = [(card, one) for card, both in timed if (one := both[which]).known]
    upper_s = scale(max((one.top_s for _, one in every[:MOST_SIBLINGS]), default=0.0))
    drawn = tuple(
        SiblingPace(card.id, card.name, card.href, card.mark, _day_drawing(one, shown, upper_s, scene))
        for card, one in every[:MOST_SIBLINGS]
        if (shown := figure(one.view, card.mark, (scene := scene_of(card.id)).speech))
    )
    return drawn, max(len(every) - MOST_SIBLINGS, 0)


def _measured(target: TargetView) -> tuple[Measured, Measured]:
    return (
        Measured("First token", target.ttft, target.ttfts, target.interval_s, target.watched_since),
        Measured("Whole answer", target.latency, target.latencies, target.interval_s, target.watched_since),
    )


def _day_drawing(one: Measured, shown: Figure, upper_s: float, it: Scene) -> Drawing:
    period = last_day(it.now)
    gap = max(2, 1 + ceil(2 * one.interval_s / PACE_STEP.total_seconds()))
    drawn = draw_paces(one.paces, period, upper_s, gap, one.usual)
    marked = [Period(its.opened_at, its.closed_at or it.now) for its in it.incidents if _is_within(its, period)]
    return Drawing(
        name=it.speech.say(one.name),
        figure=shown,
        chart=replace(drawn, grid=_grid(period, DAY_PARTS), marked=stretches(marked, period)),
        words=_range_of_day(one.known, it.speech),
        axes=_day_axes(upper_s, period, it.speech),
        marked=_named(period, it) if marked else (),
    )


def _is_within(incident: Incident, period: Period) -> bool:
    return incident.opened_at < period.last and (incident.closed_at is None or incident.closed_at > period.first)


def _range_of_day(known_s: Sequence[float], speech: PageLanguage) -> str:
    if not known_s:
        return speech.say("no answer in the last 24 hours")
    least, most = speech.seconds(min(known_s)), speech.seconds(max(known_s))
    return speech.say("{least} to {most} in the last 24 hours", least=least, most=most)


def _named(period: Period, it: Scene) -> tuple[LinkedText, ...]:
    """Name the incidents that a chart marks, the latest first, and lead to each."""
    its = sorted((one for one in it.incidents if _is_within(one, period)), key=lambda one: one.opened_at, reverse=True)
    named = [LinkedText(_story(one, it), incident_page(one.id), is_own=True) for one in its[:MOST_NAMED]]
    rest = len(its) - len(named)
    return (*named, LinkedText(it.speech.say("{n} more", n=rest))) if rest else tuple(named)


def _story(incident: Incident, it: Scene) -> str:
    """Say when an incident was and what: `10:11 to 10:25 UTC: timeouts`."""
    speech, began = it.speech, it.speech.moment(incident.opened_at, it.now).words
    when = speech.say("since {time}", time=began)
    if incident.closed_at:
        when = speech.say("{first} to {last}", first=began, last=speech.moment(incident.closed_at, it.now).words)
    return speech.about(when, speech.subject_and_what(incident)[1])


def ceiling_drawings(account: AccountView, it: Scene) -> Iterator[Drawing]:
    """Draw the ceilings of an account's rate limits over 30 days: those of the target that stands for it first."""
    its: dict[tuple[str, int], tuple[Limit, Sequence[Reading]]] = {}
    for target in sorted(account.targets, key=lambda one: one is not account.timed):
        for limit, readings in zip(target.limits, target.ceilings, strict=False):
            if readings and limit.limit is not None:
                its.setdefault(limit.key, (limit, readings))
    return (_ceiling_drawing(limit, readings, it) for limit, readings in list(its.values())[:MOST_CEILINGS])


def _ceiling_drawing(limit: Limit, readings: Sequence[Reading], it: Scene) -> Drawing:
    speech, period = it.speech, Period(it.now - MONTH, it.now)
    drawn = draw_steps(readings, period, scale(ROOM * max(one.value for one in readings)), pause=2 * DAY)
    return Drawing(
        name=words.capitalize(words.limit_name(limit.unit, limit.window_s, speech)),
        figure=Figure(_amount(readings[-1].value, speech), aside=_ceiling_before(readings, speech)),
        chart=replace(drawn, grid=_grid(period, MONTH_PARTS)),
        words=_range(readings, speech),
        axes=Axes(_ticks(drawn.scale, speech), _days(period, speech)),
    )


def _ceiling_before(readings: Sequence[Reading], speech: PageLanguage) -> str:
    """Say what the ceiling was before it became what it is; "" if that is not known."""
    for before, after in reversed([*pairwise(readings)]):
        if before.value != readings[-1].value:
            return speech.say(
                "was {figure} until {day}", figure=_amount(before.value, speech), day=speech.day(after.at)
            )
    return ""


def balance_drawings(credits: Sequence[CreditView], it: Scene) -> Iterator[Drawing]:
    """Draw what is left of each credit, and until when it lasts at this pace."""
    return (_balance_drawing(one, one.left, it) for one in credits if one.left is not None)


def _balance_drawing(credit: CreditView, left: float, it: Scene) -> Drawing:
    speech, readings = it.speech, (*credit.readings, Reading(credit.at, left))
    ends = None if credit.days_left is None else it.now + min(credit.days_left, FAR_DAYS) * DAY
    period = _balance_period(readings, ends, it.now)
    upper = scale(ROOM * max((credit.floor or 0.0, *(one.value for one in readings))))
    drawn = replace(
        draw_readings(readings, period, upper, pause=3 * DAY),
        grid=_grid(period, MONTH_PARTS),
        ahead=slope(readings[-1], Reading(ends, 0.0), period, upper) if ends else "",
        least="" if credit.floor is None else level(credit.floor, upper),
    )
    said = Figure(_with_unit(left, credit, speech), aside=_runway(credit, speech))
    axes = Axes(_ticks(upper, speech), _days(period, speech))
    return Drawing(
        speech.say("Credit"), said, drawn, speech.clauses(_balance_words(credit, readings, ends, speech)), axes
    )


def _balance_period(readings: Sequence[Reading], ends: datetime | None, now: datetime) -> Period:
    """Return the time from the first reading to the end of the credit, if that is not too far away to be drawn."""
    first = min(readings[0].at, now - DAY)
    if ends is None:
        return Period(first, now)
    return Period(first, min(ends, now + max(SOON, now - first)))


def _runway(credit: CreditView, speech: PageLanguage) -> str:
    """Say how long a credit lasts at this pace: in whole days, if it does for two."""
    days = _days_to_end(credit)
    if days is None:
        return ""
    shown = int(days) if days >= 2 else days
    return speech.say("{duration} at this pace", duration=speech.duration(shown * 86_400))


def _days_to_end(credit: CreditView) -> float | None:
    """Return the days until it is used up; None if that is not known, is over, or is too far away to be a date."""
    days = credit.days_left
    return days if days is not None and 0 < days <= FAR_DAYS else None


def _balance_words(
    credit: CreditView, readings: Sequence[Reading], ends: datetime | None, speech: PageLanguage
) -> Iterator[str]:
    yield _range(readings, speech)
    if ends and _days_to_end(credit) is not None:
        yield speech.say("used up about {day} at this pace", day=speech.day(ends))
    if credit.floor is not None:
        yield speech.say("low below {figure}", figure=_with_unit(credit.floor, credit, speech))


def _with_unit(value: float, credit: CreditView, speech: PageLanguage) -> str:
    return speech.say("{figure} {unit}", figure=_amount(value, speech), unit=credit.unit)


def _range(readings: Sequence[Reading], speech: PageLanguage) -> str:
    """Say between which figures it was, or since when it did not change."""
    least, most = (pick(one.value for one in readings) for pick in (min, max))
    since = speech.day(readings[0].at)
    if least == most:
        return speech.say("unchanged since {day}", day=since)
    return speech.say("{least} to {most} since {day}",
        least=_amount(least, speech), most=_amount(most, speech), day=since)  # fmt: skip


@lru_cache(8)
def _grid(period: Period, number: int) -> str:
    return lines_at([*period.parts(number)][1:-1], period)


@lru_cache(64)
def _day_axes(upper_s: float, period: Period, speech: PageLanguage) -> Axes:
    """Cached, as a site has few scales."""
    hours = (f"{at.astimezone(UTC):%H:%M}" for at in [*period.parts(DAY_PARTS)][:-1])
    return Axes(_ticks_s(upper_s, speech), (*hours, speech.say("now")))


def _days(period: Period, speech: PageLanguage) -> tuple[str, ...]:
    """Name the times below a chart of days; of one that has fewer days than times, by the clock."""
    is_short = period.last - period.first < MONTH_PARTS * DAY
    return tuple(f"{at.astimezone(UTC):%H:%M}" if is_short else speech.day(at) for at in period.parts(MONTH_PARTS))


def _ticks(upper: float, speech: PageLanguage) -> tuple[str, ...]:
    return (*(_amount(upper * third / 3, speech) for third in (3, 2, 1)), "0")


def _ticks_s(upper_s: float, speech: PageLanguage) -> tuple[str, ...]:
    first, *others = _ticks(upper_s, speech)
    return (speech.say("{n} s", n=first), *others)


def _amount(value: float, speech: PageLanguage) -> str:
    """Write a number with as many places as it needs."""
    return speech.number(f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}")
