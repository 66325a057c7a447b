"""Slower than usual: how long one target's good answers take, against its usual; pure.

Everything is on the natural logarithm of seconds: twice as slow is the same step for a fast and a slow model. Two
one-sided CUSUMs look for a rise to 1.8 and to 2.5 times the usual level; a comparison of the last hour with the last
day finds slow rises. The daily swing is learnt and taken out first. Level and scale are running estimates that an
outlier hardly moves, and that freeze while it is slow.

What makes one answer slow often makes the next ones slow: a mood that passes by itself. A Kalman filter follows it, and
the CUSUMs weigh only what each answer says beyond it, so that each probe counts for what it is worth, however soon
after the last one.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from math import copysign, exp, inf, log, sqrt
from statistics import median

from msgspec import Struct
from msgspec.structs import replace

from monitor.detect import seasonality
from monitor.detect.finding import Finding
from monitor.detect.measure import STREAMED, Measure
from monitor.detect.reason import FindingReason, LateAnswers, PaceRose, PaceStays, RoseSlowly, SlowerThanUsual
from monitor.detect.seasonality import DailySwing, HourlyResidue
from probes.model import Fault, Observation, Outcome, Target

SMALL, LARGE = log(1.8), log(2.5)
"""Log rises that the CUSUMs are tuned to."""
SLOW_RISE = log(1.65)
"""Log rise of the last hour over the last day that counts as slow."""
MIN_RISE_S = 0.2
"""Seconds of the smallest rise that a person would notice."""
LEAST_LIFT = log(1.2)
"""Log rise over the day's level that answers must also show: a quick hour that fails to come leaves them as usual."""
SMALL_BOUND, LARGE_BOUND = 2.5, 3.0
"""Nats that one answer says at most: three that are slow by chance, in a row, are no rise."""
FAR, SEEN_FAR = log(1.7), 0.7
"""Log rise from which an answer is far, and the share of such answers while it is slow: where many usual answers take
1.7 times the level (a cache that misses), one that does says less."""
SHARE_STEP, SHARE_KNOWN, SHARE_PRIOR = 0.002, 450, 50
"""A share is an average over the latest 500 answers; at first its prior counts as SHARE_PRIOR of them."""
LEAST_FAR, MOST_FAR, LEAST_OUTLYING = 0.02, 0.5, 0.001
OUTLIER, LEAST_SAID = log(4.8), 0.5
"""Log rise above which an answer is rather an outlier, and the nats it says at least: how much it says depends on how
often outliers come there, and on how often one follows another."""
FIRST_LEAST, FIRST_MOST, FIRST_SEEN = 0.75, 2.5, 0.054
"""Nats of a first outlier: least where outliers are common, most where they are rare. FIRST_SEEN is no probability, but
keeps the sum of three to five that come by chance in a month below the threshold."""
FOLLOWED, FOLLOWED_PRIOR, MEMORABLE = 0.1, 3.0, 200.0
"""Share of outliers that another one follows, until more than a few were seen; the latest MEMORABLE count."""

MINUTE_S = 60.0
LEVEL_S, HOUR_S, DAY_S = 6000.0, 2400.0, 86400.0
"""Seconds that the level, and the two sides of the slow comparison, reach back."""
SLOW_ANSWER, HOUR_ANSWER = 1.5, 2.5
"""Scales by which one answer moves a level, and what is known of an hour, at most."""
QUARTILE = 0.6745
LEAST_SCALE, MOST_SCALE, FIRST_SCALE = 0.12, 0.6, 0.3
TO_START = 10
TO_ARM = 30
TO_TRUST = 240
"""Answers until a level, an alarm, and a scale below FIRST_SCALE are trusted."""

EXTRA_S = 15.0
"""Seconds before an extra probe of a target that may be slow."""
REGULAR = 0.9
"""Share of the interval; what comes sooner is an extra probe."""
EXTRAS_IN_A_ROW = 3
MAX_EXTRAS = 200.0
"""Extra probes at once, at most, and as many more per day."""
SUSPICION, MOST_SUSPICION = 0.11, 0.25
"""Share of the threshold from which extra probes are wanted: SUSPICION over the square root of the scale, as an answer
says less in wide noise, and more where part of the noise is a mood, as a probe soon after another says little there;
never more than a first outlier may say. Simulated, it is 0.19 in middling noise, 0.23 if 30 % of it is a mood."""
CAP = 1.1
"""Most a CUSUM rises to, as a share of the threshold."""

ACCEPTED_AFTER = timedelta(hours=12)
STALE_S = 3600.0
"""Seconds of a pause after which what was seen before it is no evidence of now."""
RECENT = 10
TO_JUDGE = 5
"""Answers that are kept, and answers that say how slow it is now."""
ABOVE = 1.645
"""Scales above the level: 95 % of the usual answers are faster."""
QUARTILE_STEP, MEMORY_STEP = 0.002, 0.001
MOOD_S, MOOD_WEIGHT = 120.0, 0.15
"""Seconds that a mood lasts where nothing was learnt of it, and the weight of that against three covariances."""
SHORTEST, LONGEST, MOST_LASTING = 0.5, 0.97, 0.9
"""Share of the expected mood that is left after an interval at least, share that is left at most, and the largest share
of the noise that is mood."""
SURPRISE = 2.5
"""Standard deviations by which one answer moves the estimate of the mood, at most."""
LEAST_S, MOST_S = 1e-3, 1e5

MIN_TOKENS = 8
"""Tokens of the shortest stream that is measured: a chunk holds one to four tokens, or ten, and nobody reports when the
first of those came. Simulated (chunks of four, 50 tokens/s, a load of σ 0.15), σ is 0.9 with 4 tokens, 0.5 with 6, 0.35
with 8."""
LONG = 32
"""Tokens from which one account's streams are judged by themselves. Simulated, at half the pace: with 32 tokens it is
reported as soon as with 100, also in chunks of ten at 200 tokens/s (5 min at one probe a minute, 20 min at one every 5
minutes); with 16 in such chunks after 17 and 88 min, with 8 never and with 2.7 false alarms a month. A pool of accounts
has more to go by."""
MIN_STREAM_S = 0.005
"""Seconds from the first chunk to the last: a quicker stream was buffered by a proxy or gateway: no pace."""

Memory = tuple[float, float, float, float, float, float, float]
"""Variance and the three covariances of successive regular answers, and the latest three, in scales."""

SPEAKING = (Measure.FIRST, Measure.TOKEN, Measure.TOTAL)
"""Which kind is reported if several are slow: the whole answer is late because its parts are."""


class Sensitivity(Struct, frozen=True):
    """What follows from the interval between regular probes. `threshold` of both CUSUMs, in nats.

    Until more is known, at least `lasting` of the noise is a mood, and `kept` of a mood is left after one interval.
    """

    interval_s: float
    threshold: float
    lasting: float
    kept: float
    level_s: float
    hour_s: float


class Alarm(Struct, frozen=True):
    """It is slower than usual: `since` when, decided `at`. `slowly`: it crept up."""

    since: datetime
    at: datetime
    slowly: bool = False


class AcceptedRise(Struct, frozen=True):
    """A rise that stayed and became the new usual."""

    at: datetime
    from_s: float
    to_s: float


class Baseline(Struct, frozen=True):
    """What `count` answers taught: logarithms of seconds without the `swing`, and the quartiles around `level`.

    `memory` says how much an answer resembles those before it, around the level. `far` is the share that took at least
    1.7 times the level, outliers excluded; their share is `outlying`. Of `outliers` that came after a usual answer,
    `followed` were followed by another one.
    """

    count: int
    level: float
    hour: float
    day: float
    low: float = -FIRST_SCALE * QUARTILE
    high: float = FIRST_SCALE * QUARTILE
    memory: Memory = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    far: float = LEAST_FAR
    outlying: float = LEAST_FAR
    outliers: float = 0.0
    followed: float = 0.0
    swing: DailySwing = seasonality.NONE

    @property
    def scale(self) -> float:
        least = LEAST_SCALE if self.count >= TO_TRUST else FIRST_SCALE
        return min(max(self.high / QUARTILE, -self.low / QUARTILE, least), MOST_SCALE)

    def mood(self, pace: Sensitivity) -> tuple[float, float]:
        """Return which share of the noise is mood, and how much of a mood is left after one interval."""
        variance, one, two, three = self.memory[:4]
        weight = MOOD_WEIGHT * variance
        kept = (max(two + three, 0.0) + weight * pace.kept) / (max(one + two, 0.0) + weight)
        kept = min(max(kept, SHORTEST * pace.kept), LONGEST)
        share = (one + two + three) / (variance * kept * (1.0 + kept * (1.0 + kept)))
        return min(max(share, pace.lasting), MOST_LASTING), kept


class Rise(Struct, frozen=True):
    """The evidence for a rise: two CUSUMs in nats, above zero since `since`.

    Of a rise since then, the filter would by now take `small_taken` and `large_taken`, in scales, for the mood.
    """

    small: float = 0.0
    large: float = 0.0
    since: datetime | None = None
    small_taken: float = 0.0
    large_taken: float = 0.0


class Drift(Struct, frozen=True):
    """How many scales the present mood slows the answers, as estimated, and the variance of that estimate."""

    mean: float = 0.0
    variance: float = 0.0


class Innovation(Struct, frozen=True):
    """What one answer says beyond the mood, in noise of `scale`, on the logarithm.

    It came `news` scales later than expected, with variance `variance`; `left` of the mood before it remained, and
    `taken` of the news goes to the mood.
    """

    scale: float
    news: float
    variance: float
    left: float
    taken: float


class Series(Struct, frozen=True):
    """All that is remembered of one measure of one target; small, so that a restart resumes it.

    `at` and `regular_at` are the latest answer and the latest regular one, `in_a_row` the extra probes since. `recent`
    holds the latest logarithms of seconds without the swing; `left` is the sum that it leaves in the `of_hour` answers
    of this hour.
    """

    at: datetime
    regular_at: datetime
    usual: Baseline
    rise: Rise = Rise()
    mood: Drift = Drift()
    extras: float = MAX_EXTRAS
    in_a_row: int = 0
    recent: tuple[float, ...] = ()
    alarm: Alarm | None = None
    accepted: AcceptedRise | None = None
    hours: HourlyResidue = seasonality.UNKNOWN
    left: float = 0.0
    of_hour: int = 0


STILL = Rise()


@lru_cache(256)
def sensitivity_for(interval_s: float) -> Sensitivity:
    """Return what suits an interval: fewer answers a month allow lower thresholds at the same rate of false alarms.

    Regular probes far apart do not show how long a mood lasts, so that is assumed. Simulated, hourly probes are wrong
    0.2 times a month in independent noise, 0.5 where outliers come in rows, up to 0.9 where a mood lasts.
    """
    fewer = log(min(max(interval_s / MINUTE_S, 1.0), 7.0))
    rare = log(min(max(interval_s / MINUTE_S, 7.0), 60.0) / 7.0)
    return Sensitivity(
        interval_s,
        threshold=9.6 - 1.7 * fewer - 0.6 * rare,
        lasting=0.19 * fewer,
        kept=exp(-interval_s / MOOD_S),
        level_s=max(LEVEL_S, 20 * interval_s),
        hour_s=max(HOUR_S, 12 * interval_s),
    )


def measures(observation: Observation) -> Iterator[tuple[Measure, float]]:
    """Yield what a good answer measures, in seconds. A failure says nothing of how long an answer takes."""
    if observation.outcome is Outcome.OK:
        for kind, seconds in ((Measure.TOTAL, observation.latency_s), (Measure.FIRST, observation.ttft_s)):
            if seconds is not None and 0 <= seconds < inf:
                yield kind, seconds
        if observation.ttft_s is not None and (seconds := token_s(observation)) is not None:
            yield Measure.TOKEN, STREAMED * seconds


def token_s(observation: Observation) -> float | None:
    """Return the seconds per output token of a stream, without the first; None where that cannot be said.

    Reasoning tokens are counted and may come before the first chunk, so such an answer is left out. Source: time per
    output token, https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/
    """
    usage, first_s, total_s = observation.usage, observation.ttft_s, observation.latency_s
    if first_s is None or total_s is None or usage.tokens_out < MIN_TOKENS or usage.tokens_reasoning:
        return None
    after_s = total_s - first_s
    return after_s / (usage.tokens_out - 1) if first_s >= 0 and MIN_STREAM_S <= after_s < inf else None


def advance(series: Series | None, seconds: float, at: datetime, pace: Sensitivity, *, held: bool = False) -> Series:
    """Return the series after one more good answer. `held`: its siblings say it is slow, so it learns nothing."""
    x = log(min(max(seconds, LEAST_S), MOST_S))
    if series is None or series.usual.count < TO_START:
        return _begin(series, x, at)
    usual, alarm = series.usual, series.alarm
    if (slot := seasonality.slot_of(at)) != series.hours.slot:
        series = _turn_hour(series, slot)
    x -= seasonality.swing_at(usual.swing, at) + series.hours.edge
    since_s = max((at - series.at).total_seconds(), 0.0)
    # An answer from before the latest regular one means that the clock was set back.
    regular = not 0 <= (at - series.regular_at).total_seconds() < REGULAR * pace.interval_s
    extras = series.extras if series.extras >= MAX_EXTRAS else series.extras + MAX_EXTRAS * since_s / DAY_S
    mood, innovation = _split_news(series, x, since_s, pace)
    after = Series(
        at,
        at if regular else series.regular_at,
        usual if alarm or held else _learn(series, x, innovation.scale, at, since_s, regular, pace),
        _weigh(series, x, innovation, at, since_s, pace),
        mood,
        extras if regular else max(min(extras, MAX_EXTRAS) - 1.0, 0.0),
        0 if regular else series.in_a_row + 1,
        (*series.recent[1 - RECENT :], x),
        alarm,
        series.accepted,
        series.hours,
        series.left + _residual(series, x, innovation.scale) if regular else series.left,
        series.of_hour + regular,
    )
    if alarm:
        return _follow_alarm(after, alarm)
    return _decide(after, pace, held)


def reset(series: Series) -> Series:
    """Return the series after an outage: what was seen before it is no evidence of how long answers take now."""
    if series.usual.count < TO_START:
        return series
    usual = replace(series.usual, hour=series.usual.level) if series.alarm else series.usual
    return replace(series, usual=usual, rise=STILL, mood=Drift(), recent=series.recent[-1:], alarm=None)


def needs_extra_probe(series: Series, pace: Sensitivity) -> bool:
    """Whether a probe in EXTRA_S would help to tell a rise from chance, and is within the budget."""
    room = series.extras >= 1.0 and series.in_a_row < EXTRAS_IN_A_ROW
    return room and not series.alarm and _is_suspicious(series, pace)


def _is_suspicious(series: Series, pace: Sensitivity) -> bool:
    score = max(series.rise.small, series.rise.large)
    return score > 0.0 and score >= _suspicion(series.usual, pace) * pace.threshold


def _suspicion(usual: Baseline, pace: Sensitivity) -> float:
    mood, _ = usual.mood(pace)
    return min(SUSPICION / sqrt(usual.scale * (1.0 - mood)), MOST_SUSPICION)


def is_late(series: Series, in_a_row: int = 1) -> bool:
    """Whether the latest `in_a_row` answers all took longer than 95 % of the usual ones."""
    return min(series.recent[-in_a_row:]) > series.usual.level + ABOVE * series.usual.scale


def findings(target: Target, kind: Measure, series: Series) -> Iterator[Finding]:
    """Yield the finding while it is slow."""
    if alarm := series.alarm:
        yield Finding(
            target.account,
            Fault.SLOW,
            alarm.since,
            series.at,
            target.id,
            f"latency/{kind}",
            PaceRose(kind, usual_s(series), now_s(series), alarm.since),
            tuple(_reasons(series, alarm, kind)),
            target.model,
            of_model=kind is Measure.TOKEN,
            passing=now_s(series) < usual_s(series) * exp(SMALL / 2),
        )


def accepted_findings(target: Target, kind: Measure, series: Series) -> Iterator[Finding]:
    """Yield how the latest rise ended if it did not go back: it is usual now."""
    if it := series.accepted:
        how = PaceStays(kind, it.to_s, it.from_s)
        yield Finding(target.account, Fault.SLOW, it.at, it.at, target.id, f"latency/{kind}", how, (how,), target.model)


def stream_s(series: Series) -> tuple[float, float]:
    """Return the seconds per output token, of the latest streams and usually."""
    return now_s(series) / STREAMED, usual_s(series) / STREAMED


def usual_s(series: Series) -> float:
    """Return the seconds that are usual at the time of day of the latest answer."""
    return exp(series.usual.level + _lift(series))


def now_s(series: Series) -> float:
    """Return the median seconds of the latest answers."""
    return exp(median(series.recent[-TO_JUDGE:]) + _lift(series))


def slowness(series: Series) -> float:
    """Return how much slower than usual the median of the latest answers is, on the logarithm."""
    return median(series.recent[-TO_JUDGE:]) - series.usual.level


def _lift(series: Series) -> float:
    """Return by how much, on the logarithm, it is slower at the time of day and week of the latest answer."""
    return seasonality.swing_at(series.usual.swing, series.at) + series.hours.edge


def _begin(series: Series | None, x: float, at: datetime) -> Series:
    """Only gather the first few answers: any of them may be an outlier."""
    recent = (*(series.recent if series else ()), x)
    level = median(recent)
    return Series(at, at, Baseline(len(recent), level, level, level), recent=recent)


def _split_news(series: Series, x: float, since_s: float, pace: Sensitivity) -> tuple[Drift, Innovation]:
    """Split one answer into what the mood predicted and what is news."""
    usual, mood = series.usual, series.mood
    share, kept = usual.mood(pace)
    left = kept ** (since_s / pace.interval_s)
    before = left * left * mood.variance + share * (1.0 - left * left)
    variance = before + 1.0 - share
    scale = usual.scale
    news, taken = (x - usual.level) / scale - left * mood.mean, before / variance
    most = SURPRISE * sqrt(variance)
    surprise = news if -most < news < most else copysign(most, news)
    return Drift(left * mood.mean + taken * surprise, (1.0 - taken) * before), Innovation(
        scale, news, variance, left, taken
    )


def _weigh(series: Series, x: float, innovation: Innovation, at: datetime, since_s: float, pace: Sensitivity) -> Rise:
    usual, rise = series.usual, series.rise
    if usual.count < TO_ARM:
        return rise
    if since_s > STALE_S and since_s > 5 * pace.interval_s:
        rise = STILL
    most = _most_nats(series, x)
    small, small_taken = _add_to_cusum(
        rise.small, rise.small_taken, SMALL / innovation.scale, innovation, SMALL_BOUND, most
    )
    large, large_taken = _add_to_cusum(
        rise.large, rise.large_taken, LARGE / innovation.scale, innovation, LARGE_BOUND, most
    )
    if small <= 0.0 and large <= 0.0:
        return STILL
    since = min(rise.since or at, at)
    cap = CAP * pace.threshold
    return Rise(min(small, cap), min(large, cap), since, small_taken, large_taken)


def _most_nats(series: Series, x: float) -> float:
    """Return how much an answer may say at most, in nats: less, the more often such answers come by chance."""
    usual = series.usual
    if x <= usual.level:
        return LARGE_BOUND
    if x - usual.level <= OUTLIER:
        return log(SEEN_FAR / min(max(usual.far, LEAST_FAR), MOST_FAR))
    if not _was_outlier(series):
        return min(max(log(FIRST_SEEN / max(usual.outlying, LEAST_OUTLYING)), FIRST_LEAST), FIRST_MOST)
    followed = (usual.followed + FOLLOWED * FOLLOWED_PRIOR) / (usual.outliers + FOLLOWED_PRIOR)
    return max(log(SEEN_FAR / followed), LEAST_SAID)


def _was_outlier(series: Series, back: int = 1) -> bool:
    """Whether the answer `back` places from the end was an outlier."""
    return len(series.recent) >= back and series.recent[-back] - series.usual.level > OUTLIER


def _add_to_cusum(
    score: float, taken: float, rise: float, innovation: Innovation, bound: float, most: float
) -> tuple[float, float]:
    """Return the CUSUM after one more answer, and how much of such a rise the mood would have taken by then.

    A CUSUM at zero starts over, with a mood that knows of no rise.
    """
    shows = rise - innovation.left * taken
    nats = shows * (innovation.news - shows / 2) / innovation.variance
    after = score + min(max(nats, -bound), bound, most)
    return (after, innovation.left * taken + innovation.taken * shows) if after > 0.0 else (0.0, 0.0)


def _learn(
    series: Series, x: float, scale: float, at: datetime, since_s: float, regular: bool, pace: Sensitivity
) -> Baseline:
    usual = series.usual
    low, high, memory, far, waves = usual.low, usual.high, usual.memory, usual.far, usual.swing
    outlying, outliers, followed = usual.outlying, usual.outliers, usual.followed
    least, most = 1.0 / usual.count, SLOW_ANSWER * scale
    passed_s = since_s if since_s < 2 * pace.interval_s else 2 * pace.interval_s
    away, of_hour, of_day = x - usual.level, x - usual.hour, x - usual.day
    of_level = away if -most < away < most else copysign(most, away)
    of_hour = of_hour if -most < of_hour < most else copysign(most, of_hour)
    of_day = of_day if -most < of_day < most else copysign(most, of_day)
    if regular:
        step = max(QUARTILE_STEP, least) * scale
        high += step * (0.75 if away > high else -0.25)
        low -= step * (0.75 if away < low else -0.25)
        memory = _add_to_memory(memory, of_level / scale)
        share = SHARE_STEP if usual.count > SHARE_KNOWN else 1.0 / (usual.count + SHARE_PRIOR)
        far += share * ((FAR < away <= OUTLIER) - far)
        outlying += share * ((away > OUTLIER) - outlying)
        waves = seasonality.update_swing(waves, of_day, at, passed_s, usual.count * pace.interval_s)
    if series.recent[-1] - usual.level > OUTLIER and not _was_outlier(series, 2):
        kept = 1.0 - 1.0 / MEMORABLE
        outliers, followed = outliers * kept + 1.0, followed * kept + (away > OUTLIER)
    return Baseline(
        usual.count + 1,
        usual.level + max(passed_s / pace.level_s, least) * of_level,
        usual.hour + max(passed_s / pace.hour_s, least) * of_hour,
        usual.day + max(passed_s / DAY_S, least) * of_day,
        low,
        high,
        memory,
        far,
        outlying,
        outliers,
        followed,
        waves,
    )


def _residual(series: Series, x: float, scale: float) -> float:
    """Return what the swing leaves in one answer; counted also while it is slow, or an hour could never be learnt."""
    most, away = HOUR_ANSWER * scale, x - series.usual.day
    return series.hours.edge + (away if -most < away < most else copysign(most, away))


def _turn_hour(series: Series, slot: int) -> Series:
    left = series.left / series.of_hour if series.of_hour else None
    return replace(series, hours=seasonality.close_hour(series.hours, slot, left), left=0.0, of_hour=0)


def _add_to_memory(memory: Memory, now: float) -> Memory:
    variance, one, two, three, last, second, third = memory
    return (
        variance + MEMORY_STEP * (now * now - variance),
        one + MEMORY_STEP * (now * last - one),
        two + MEMORY_STEP * (now * second - two),
        three + MEMORY_STEP * (now * third - three),
        now,
        last,
        second,
    )


def _decide(series: Series, pace: Sensitivity, held: bool) -> Series:
    usual, rise = series.usual, series.rise
    if max(rise.small, rise.large) > pace.threshold:
        return _raise(series, slowly=False)
    crept = usual.hour - usual.day >= SLOW_RISE and usual.count * pace.interval_s >= DAY_S
    if crept and not held:
        usual = replace(usual, level=usual.day)
        return _raise(replace(series, usual=usual, rise=Rise(pace.threshold, 0.0, rise.since)), slowly=True)
    return series


def _raise(series: Series, *, slowly: bool) -> Series:
    if now_s(series) - usual_s(series) < MIN_RISE_S or _is_swing(series):
        return series
    return replace(series, alarm=Alarm(series.rise.since or series.at, series.at, slowly))


def _is_swing(series: Series) -> bool:
    """Whether it is no slower than at other hours."""
    return now_s(series) < exp(series.usual.level + LEAST_LIFT)


def _follow_alarm(series: Series, alarm: Alarm) -> Series:
    """End an alarm once it is as fast as before, or has been slow for long enough to be usual."""
    if series.rise.small == 0.0 and series.rise.large == 0.0:
        return replace(series, usual=_relevelled(series), alarm=None)
    if series.at - alarm.at < ACCEPTED_AFTER:
        return series
    after = replace(series, usual=_relevelled(series, whole=True), rise=STILL, alarm=None)
    return replace(after, accepted=AcceptedRise(series.at, usual_s(series), usual_s(after)))


def _relevelled(series: Series, *, whole: bool = False) -> Baseline:
    level = median(series.recent)
    usual = replace(series.usual, level=level, hour=level)
    return replace(usual, day=level) if whole else usual


def _reasons(series: Series, alarm: Alarm, kind: Measure) -> Iterator[FindingReason]:
    usual, margin = usual_s(series), ABOVE * series.usual.scale
    yield SlowerThanUsual(kind, usual, now_s(series), alarm.since)
    late = sum(x > series.usual.level + margin for x in series.recent)
    yield LateAnswers(kind, late, len(series.recent), usual * exp(margin))
    if alarm.slowly:
        yield RoseSlowly()
