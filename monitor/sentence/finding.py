"""What the detectors found, in sentences."""

from datetime import date, datetime
from typing import assert_never

from monitor.detect.measure import STREAMED, Measure
from monitor.detect.reason import (
    AllSlow,
    AtUsualPace,
    CeilingAnswers,
    CeilingFell,
    CeilingNow,
    CeilingStays,
    CeilingUnit,
    CreditEnds,
    CreditFloor,
    CreditLeft,
    CreditPace,
    DateEntered,
    FindingReason,
    FlapCalm,
    FlapHeld,
    FlapTurns,
    HardlyLeft,
    LateAnswers,
    LessLeft,
    LimitsWithheld,
    ModelGone,
    NotListed,
    PaceRose,
    PaceStays,
    PoolRose,
    PoolShare,
    PoolSlow,
    PoolStays,
    ProviderWarns,
    RefusedBetween,
    RemarkOn,
    ReminderDue,
    RoseSlowly,
    SlowerThanUsual,
    UnderReview,
    UsedByOthers,
    Withheld,
)
from monitor.diagnose.reason import AnswerWords, DrillOnly
from monitor.words import ENGLISH, MONTHS, Language, clock, limit_name, moment

MEASURED = {
    Measure.TOTAL: "time to the whole answer",
    Measure.FIRST: "time to the first piece of the answer",
    Measure.TOKEN: "output tokens after the first",
}

WITHHELD = {
    Withheld.VANISHED: "a refusal came without the limits that every answer used to carry",
    Withheld.ZERO: "a refusal gives a limit of 0",
    Withheld.SAID: "the provider says so in its refusal",
}


def describe_finding(it: FindingReason, language: Language) -> str:  # noqa: C901 - a line or two for each kind
    say = language.say
    match it:
        case CreditLeft() | PaceStays() | PoolStays() | CeilingStays():
            return describe_answer(it, language)
        case CreditFloor():
            return say("the warning is set at {least} {unit}", least=_amount(it.least, language), unit=it.unit)
        case CreditPace():
            return say(
                "at {pace} {unit} a day, the pace of the last few days, it will last {days} days",
                pace=_amount(it.per_day, language),
                unit=it.unit,
                days=language.number(f"{it.days:.1f}"),
            )
        case CreditEnds():
            return say("it expires on {time}", time=_time(it.at, language))
        case FlapHeld():
            return _flap_held(it, language)
        case FlapCalm():
            return say(
                "calm means {calm} without an outage; one that lasts {stayed} is reported anyway",
                calm=_min(it.calm_min, language),
                stayed=_min(it.stayed_min, language),
            )
        case RefusedBetween():
            return say(
                "{n} answers since {time} were refusals, with good ones in between",
                n=it.refusals,
                time=_time(it.since, language),
            )
        case UnderReview():
            return say("a sign that the account may be under review, not that it is lost")
        case SlowerThanUsual():
            return _slower_than_usual(it, language)
        case LateAnswers():
            return _late_answers(it, language)
        case RoseSlowly():
            return say("it rose slowly: the last hour compared with the last day")
        case PoolSlow():
            return _pool_slow(it, language)
        case PoolShare():
            return say("{share} of the latest answers were slower than usual", share=_percent(it.share, language))
        case LimitsWithheld():
            return say(WITHHELD[it.how])
        case CeilingFell():
            return say(
                "the limit on {limit} fell from {before} to {now} on {time}",
                time=_time(it.since, language),
                **_ceiling(it, language),
            )
        case CeilingAnswers():
            return say("{n} of the last {latest} answers say so", n=it.low, latest=it.latest)
        case CeilingUnit():
            part = language.number(f"{it.part:,.0f}")
            return say("it is exactly 1/{part} of what it was: perhaps the unit has changed", part=part)
        case LessLeft():
            return say(
                "less than {least} of the {limit} are left; usually {usual} are",
                least=_percent(it.least, language),
                limit=_limit(it, language),
                usual=_percent(it.usual, language),
            )
        case UsedByOthers():
            return say("the canaries use no more than before: what you run uses more, or somebody else uses this key")
        case ModelGone():
            return say(
                "it is missing from the provider's list of {n} models; it was there until {time}",
                n=it.models,
                time=_time(it.until, language),
            )
        case ReminderDue():
            return say(
                "{name} expires on {day}: this date comes from the configuration, not from anything observed",
                name=it.name,
                day=_date(it.on, language),
            )
        case ProviderWarns():
            return say("the provider says so alongside its answers: {words}", words=it.words)
        case AllSlow():
            return say(
                "everything probed since then answers slowly, at providers that share nothing but the network path to "
                "them"
            )
        case RemarkOn():
            return language.about(it.who, describe_answer(it.words, language))
        case AtUsualPace():
            return language.many(
                it.accounts,
                "{n} other account of this provider answers at the usual pace",
                "{n} other accounts of this provider answer at the usual pace",
            )
    assert_never(it)


def describe_answer(it: AnswerWords, language: Language = ENGLISH) -> str:  # noqa: C901 - a line for each kind
    """Say what came back: an answer in its own words, or what replaces them."""
    match it:
        case str():
            return it
        case CreditLeft():
            return describe_credit(it, language)
        case FlapTurns():
            return language.say(
                "{n} changes between up and down in {passed}", n=it.turns, passed=_min(it.minutes, language)
            )
        case PaceRose():
            return _pace_rose(it, language)
        case PaceStays():
            return _pace_stays(it, language)
        case PoolRose():
            return _pool_rose(it, language)
        case PoolStays():
            return _pool_stays(it, language)
        case CeilingNow():
            return language.say("{limit}: {now} instead of {before}", **_ceiling(it, language))
        case CeilingStays():
            return _ceiling_stays(it, language)
        case HardlyLeft():
            return language.say("{limit}: hardly anything is left", limit=_limit(it, language))
        case NotListed():
            return language.say("no {name} among {n} models", name=it.name, n=it.models)
        case DateEntered():
            return _date(it.on, language)
        case DrillOnly():
            return language.say("This is a drill. No provider said this, and nothing is wrong with the account.")
    assert_never(it)


def describe_credit(it: CreditLeft, language: Language = ENGLISH) -> str:
    """Say what is left: `4.20 of 50.00 USD left`."""
    say, unit = language.say, it.unit
    if it.unlimited:
        return say("no limit in {unit}", unit=unit)
    if it.left is None:
        if it.used is None:
            return say("{unit}: not given", unit=unit)
        return say("{used} {unit} used", used=_amount(it.used, language), unit=unit)
    left = _amount(it.left, language)
    if it.most is None:
        return say("{left} {unit} left", left=left, unit=unit)
    return say("{left} of {most} {unit} left", left=left, most=_amount(it.most, language), unit=unit)


def _flap_held(it: FlapHeld, language: Language) -> str:
    passed = _min(it.minutes, language)
    if it.is_down:
        return language.say(
            "{n} changes in {passed}, down now; further changes are held until it is calm", n=it.turns, passed=passed
        )
    return language.say(
        "{n} changes in {passed}, up now; further changes are held until it is calm", n=it.turns, passed=passed
    )


def _pace_rose(it: PaceRose, language: Language) -> str:
    return language.say(
        "usual {usual}, now {now} since {time}",
        usual=_pace(it.kind, it.usual_s, language),
        now=_pace(it.kind, it.now_s, language),
        time=clock(it.since, language),
    )


def _slower_than_usual(it: SlowerThanUsual, language: Language) -> str:
    facts: dict[str, object] = {
        "what": language.say(MEASURED[it.kind]),
        "usual": _pace(it.kind, it.usual_s, language),
        "now": _pace(it.kind, it.now_s, language),
        "times": language.number(f"{it.now_s / it.usual_s:.1f}"),
        "time": _time(it.since, language),
    }
    if it.kind is Measure.TOKEN:
        return language.say("{what}: usual {usual}, now {now} ({times} times as slow) since {time}", **facts)
    return language.say("{what}: usual {usual}, now {now} ({times} times) since {time}", **facts)


def _late_answers(it: LateAnswers, language: Language) -> str:
    facts: dict[str, object] = {"n": it.late, "latest": it.latest, "most": _pace(it.kind, it.most_s, language)}
    if it.kind is Measure.TOKEN:
        return language.say("{n} of the last {latest} answers came slower than {most}; usually only 5 % do", **facts)
    return language.say("{n} of the last {latest} answers took longer than {most}; usually only 5 % do", **facts)


def _pace_stays(it: PaceStays, language: Language) -> str:
    return language.say(
        "{what}: {now} instead of {before}; it has stayed that way and is the new baseline",
        what=language.say(MEASURED[it.kind]),
        now=_pace(it.kind, it.now_s, language),
        before=_pace(it.kind, it.before_s, language),
    )


def _pace(kind: Measure, seconds: float, language: Language) -> str:
    """Say how long it takes; for a stream, its tokens per second."""
    if kind is not Measure.TOKEN:
        return language.say("{n} s", n=language.number(f"{seconds:.2f}"))
    rate = STREAMED / seconds
    return language.say("{n} tokens/s", n=language.number(f"{rate:.{0 if rate >= 10 else 1}f}"))


def _pool_rose(it: PoolRose, language: Language) -> str:
    times, time = language.number(f"{it.times:.1f}"), clock(it.since, language)
    if it.model is None:
        return language.say("{times} times as slow as usual since {time}", times=times, time=time)
    return language.say(
        "output tokens of {model} have come {times} times as slowly as usual since {time}",
        model=it.model,
        times=times,
        time=time,
    )


def _pool_slow(it: PoolSlow, language: Language) -> str:
    facts: dict[str, object] = {
        "n": it.members,
        "times": language.number(f"{it.times:.1f}"),
        "time": _time(it.since, language),
        "model": it.model,
    }
    if it.model is None:
        return language.say(
            "at least {n} of those watched here have taken {times} times as long as usual since {time}", **facts
        )
    return language.say(
        "output tokens of {model} have come {times} times as slowly as usual to at least {n} of those watched here "
        "since {time}",
        **facts,
    )


def _pool_stays(it: PoolStays, language: Language) -> str:
    times = language.number(f"{it.times:.1f}")
    if it.model is None:
        return language.say(
            "those watched here have stayed {times} times as slow as before; that is the new baseline",
            times=times,
        )
    return language.say(
        "the streams of {model} have stayed {times} times as slow as before; that is the new baseline",
        model=it.model,
        times=times,
    )


def _ceiling_stays(it: CeilingStays, language: Language) -> str:
    if it.told_at is None:
        return language.say(
            "{limit}: {now} instead of {before}; it has stayed that way and is the new baseline",
            **_ceiling(it, language),
        )
    return language.say(
        "{limit}: {now} instead of {before}; not given since {time}, so nobody knows",
        time=_time(it.told_at, language),
        **_ceiling(it, language),
    )


def _ceiling(it: CeilingNow | CeilingFell | CeilingStays, language: Language) -> dict[str, object]:
    now, before = (language.number(f"{one:,.0f}") for one in (it.now, it.before))
    return {"limit": _limit(it, language), "now": now, "before": before}


def _limit(it: CeilingNow | CeilingFell | CeilingStays | HardlyLeft | LessLeft, language: Language) -> str:
    return limit_name(it.unit, it.window_s, language)


def _amount(number: float, language: Language) -> str:
    return language.number(f"{number:,.2f}")


def _percent(share: float, language: Language) -> str:
    return language.say("{n}%", n=f"{100 * share:.0f}")


def _min(minutes: int, language: Language) -> str:
    return language.say("{n} min", n=minutes)


def _time(at: datetime, language: Language) -> str:
    return moment(at, language=language).words


def _date(on: date, language: Language) -> str:
    month = language.say(MONTHS[on.month - 1])
    return language.say("{day} {month} {year}", day=on.day, month=month, year=on.year)
