"""Reasons and remarks → sentences, in English or in the language that is given.

Each English sentence is whole, with named places, so that a language can order it as it must. A `str` is quoted.
"""

from datetime import date, datetime, timedelta
from typing import assert_never

from msgspec.structs import replace

from monitor.detect.measure import STREAMED, Kind
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
    Detected,
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
    ReminderDue,
    RoseSlowly,
    SaidOf,
    SlowerThanUsual,
    UnderReview,
    UsedByOthers,
    Withheld,
)
from monitor.diagnose.diagnosis import Scope
from monitor.diagnose.incident import Incident
from monitor.diagnose.reason import (
    Alone,
    Answering,
    AnswerWords,
    BudgetBurnt,
    BudgetLasts,
    DrillOnly,
    DrillWanted,
    Elsewhere,
    Found,
    Knocked,
    Lone,
    Met,
    NobodyWatched,
    NoLongerWatched,
    Posted,
    Reason,
    Refused,
    Shaken,
    Share,
    Siblings,
    SourceDoubted,
    StageFailed,
    Symptom,
    Unanswered,
    Undecided,
    Unposted,
    Unreached,
    WholeErrorLogged,
)
from monitor.diagnose.road_trouble import STOPPED_ROADS
from monitor.diagnose.stage import Stage
from monitor.words import ENGLISH, FAULTS, MONTHS, Language, clock, duration, limit_name, moment
from probes.model import Blame

FRESH = timedelta(seconds=30)
"""What was seen so little ago is told as of now."""

MEASURED = {
    Kind.TOTAL: "until the whole answer",
    Kind.FIRST: "until the first piece of the answer",
    Kind.TOKEN: "output tokens after the first",
}
WITHHELD = {
    Withheld.VANISHED: "a refusal came without the limits that every answer told of before",
    Withheld.ZERO: "a refusal tells of a ceiling of 0",
    Withheld.SAID: "the provider says so in its refusal",
}
DOES = {
    Stage.LOOK: "asking the accounts",
    Stage.REMEMBER: "judging and keeping what was seen",
    Stage.LISTEN: "reading the status pages",
    Stage.ENQUIRE: "asking without a key",
    Stage.HERALD: "deciding who is told",
    Stage.DELIVER: "sending messages",
    Stage.PUBLISH: "making the page",
    Stage.TIDY: "rolling up old results",
    Stage.WEIGH: "weighing the objectives",
    Stage.DRILL: "holding drills",
    Stage.HEARTBEAT: "pinging the heartbeat's address",
    Stage.REASSURE: "answering the service manager",
    Stage.CONFIGURATION: "taking up a changed configuration",
}


def reasons(incident: Incident, language: Language = ENGLISH) -> list[str]:
    """Say what an incident rests on, a sentence for each; how old a look is, it was when the reasons were found."""
    at = incident.reasoned_at or incident.detected_at or incident.opened_at
    return [
        _knocked(one, incident, at, language) if isinstance(one, Knocked) else reason(one, at, language)
        for one in incident.reasons
    ]


def spelled(incident: Incident) -> Incident:
    """Return an incident with all that it says in English sentences, for whoever reads its fields."""
    return replace(
        incident,
        reasons=tuple(reasons(incident)),
        ending=ending(incident),
        evidence=tuple(replace(one, words=remark(one.words)) for one in incident.evidence),
    )


def ending(incident: Incident, language: Language = ENGLISH) -> str:
    """Say how an incident ended where not all is as before; empty where all is."""
    it = incident.ending
    return reason(it, incident.closed_at or incident.opened_at, language) if it else ""


def reason(it: Reason, now: datetime, language: Language = ENGLISH) -> str:
    """Say one reason; what was seen some time ago says when."""
    if isinstance(it, str):
        return it
    return _found(it, now, language) if isinstance(it, Found) else _detected(it, language)


def remark(it: AnswerWords, language: Language = ENGLISH) -> str:  # noqa: C901 - a line for each kind
    """Say what came back: an answer in its own words, or what stands in their place."""
    match it:
        case str():
            return it
        case CreditLeft():
            return credit_left(it, language)
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


def _found(it: Found, now: datetime, language: Language) -> str:  # noqa: C901 - a line or two for each kind
    say, many = language.say, language.many
    match it:
        case Symptom():
            return "; ".join(_met(one, language) for one in it.met)
        case Share():
            return many(it.failing, "{n} of {seen} accounts fails", "{n} of {seen} accounts fail alike", seen=it.seen)
        case Alone():
            return _alone(it, language)
        case Shaken():
            return many(
                it.accounts,
                "{n} other account has failed alike since it began, and answered in between",
                "{n} other accounts have failed alike since it began, and answered in between",
            )
        case Siblings():
            return many(
                it.well,
                "{n} other account of this provider answers since it began (looked at {passed} ago)",
                "{n} other accounts of this provider answer since it began (looked at {passed} ago)",
                passed=_since(it.seen_at, now, language),
            )
        case Answering():
            return _answering(it, now, language)
        case Knocked():
            return _answered(it, now, language) if it.fault is None else _unanswered(it, now, language)
        case Posted():
            return _posted(it, now, language)
        case Unposted():
            return _unposted(it, language)
        case Refused():
            return _refused(it, language)
        case Undecided():
            return say(
                "either the provider's key service fails, or all that you have there is lost: its status page, a call "
                "without a key and other customers will tell"
            )
        case Lone():
            return many(
                it.accounts,
                "it fails while another model answers",
                "all {n} accounts that asked for it since fail alike, and another model is answered",
            )
        case Unanswered():
            return many(
                it.providers,
                "nothing answers: {targets} targets of the one provider fail before any answer",
                "nothing answers: {targets} targets of {n} unrelated providers fail before any answer",
                targets=it.targets,
            )
        case Unreached():
            return say("{out} of {n} unrelated providers are out of reach from here", out=it.out, n=it.providers)
        case Elsewhere():
            if it.reached:
                return say("this machine does reach other hosts")
            return say("nothing else can be reached from this machine either")
        case SourceDoubted():
            return say("it {problem}", problem=it.problem)
        case BudgetBurnt():
            return _budget_burnt(it, language)
        case BudgetLasts():
            return _budget_lasts(it, language)
        case StageFailed():
            return stage_failed(it, language)
        case WholeErrorLogged():
            return say("its log holds the whole error; all else goes on")
        case NobodyWatched():
            return say("no look was taken and nothing was written in this time")
        case NoLongerWatched():
            return say("it is no longer watched: the configuration does not name it any more")
        case DrillWanted():
            return say("somebody asked for a drill with `provider-monitor drill`")
    assert_never(it)


def _detected(it: Detected, language: Language) -> str:  # noqa: C901 - a line or two for each kind
    say = language.say
    match it:
        case CreditLeft() | PaceStays() | PoolStays() | CeilingStays():
            return remark(it, language)
        case CreditFloor():
            return say("the warning is set at {least} {unit}", least=_amount(it.least, language), unit=it.unit)
        case CreditPace():
            return say(
                "at {pace} {unit} a day, the pace of the last days, it lasts {days} days",
                pace=_amount(it.per_day, language),
                unit=it.unit,
                days=language.number(f"{it.days:.1f}"),
            )
        case CreditEnds():
            return say("it ends by itself on {time}", time=_time(it.at, language))
        case FlapHeld():
            return _flap_held(it, language)
        case FlapCalm():
            return say(
                "that is {calm} without an outage; one that lasts {stayed} is told",
                calm=_min(it.calm_min, language),
                stayed=_min(it.stayed_min, language),
            )
        case RefusedBetween():
            return say(
                "{n} answers were refusals since {time}, with good ones in between",
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
            return say("it rose slowly: the last hour against the last day")
        case PoolSlow():
            return _pool_slow(it, language)
        case PoolShare():
            return say("{share} of the latest answers were slower than usual", share=_percent(it.share, language))
        case LimitsWithheld():
            return say(WITHHELD[it.how])
        case CeilingFell():
            return say(
                "the ceiling of {limit} fell from {before} to {now} on {time}",
                time=_time(it.since, language),
                **_ceiling(it, language),
            )
        case CeilingAnswers():
            return say("{n} of the last {latest} answers say so", n=it.low, latest=it.latest)
        case CeilingUnit():
            part = language.number(f"{it.part:,.0f}")
            return say("it is just 1/{part} of what it was: perhaps it is told in another unit now", part=part)
        case LessLeft():
            return say(
                "less than {least} of the {limit} is left, where usually {usual} is",
                least=_percent(it.least, language),
                limit=_limit(it, language),
                usual=_percent(it.usual, language),
            )
        case UsedByOthers():
            return say("the canaries use no more than before: what you run uses more, or somebody else uses this key")
        case ModelGone():
            return say(
                "the provider's list of {n} models lacks it; it was there until {time}",
                n=it.models,
                time=_time(it.until, language),
            )
        case ReminderDue():
            return say(
                "{name} ends on {day}: a date that stands in the configuration, nothing that was seen",
                name=it.name,
                day=_date(it.on, language),
            )
        case ProviderWarns():
            return say("the provider says so beside its answers: {words}", words=it.words)
        case AllSlow():
            return say(
                "whoever was asked since answers slowly, at providers that have nothing in common but the road to them"
            )
        case SaidOf():
            return f"{it.who}: {remark(it.words, language)}"
        case AtUsualPace():
            return language.many(
                it.accounts,
                "{n} other account of this provider answers at the usual pace",
                "{n} other accounts of this provider answer at the usual pace",
            )
    assert_never(it)


def credit_left(it: CreditLeft, language: Language = ENGLISH) -> str:
    """Say what is left: `4.20 of 50.00 USD left`."""
    say, unit = language.say, it.unit
    if it.unlimited:
        return say("no limit in {unit}", unit=unit)
    if it.left is None:
        if it.used is None:
            return say("{unit}: not told", unit=unit)
        return say("{used} {unit} used", used=_amount(it.used, language), unit=unit)
    left = _amount(it.left, language)
    if it.most is None:
        return say("{left} {unit} left", left=left, unit=unit)
    return say("{left} of {most} {unit} left", left=left, most=_amount(it.most, language), unit=unit)


def stage_failed(it: StageFailed, language: Language = ENGLISH) -> str:
    does = language.say(DOES[it.stage])
    if it.lasting:
        return language.say("the monitor's own fault: {does} keeps failing ({error})", does=does, error=it.error)
    return language.say(
        "the monitor's own fault: {does} failed, and was begun anew ({error})", does=does, error=it.error
    )


def _met(it: Met, language: Language) -> str:
    status = f"HTTP {it.status}" if it.status else language.say("no answer")
    return f"{', '.join(it.canaries)}: {status}, {language.say(it.fault)}"


def _alone(it: Alone, language: Language) -> str:
    if it.watched == 1:
        return language.say("only one account is watched here: whether others have it too cannot be said")
    return language.say("no other account was asked the same since: whether others have it too cannot be said")


def _answering(it: Answering, now: datetime, language: Language) -> str:
    names = ", ".join(it.names)
    if it.seen_at is None or now - it.seen_at < FRESH:
        return language.say("still answers: {names}", names=names)
    passed = _since(it.seen_at, now, language)
    return language.say("still answers: {names} (looked at {passed} ago)", names=names, passed=passed)


def _knocked(it: Knocked, incident: Incident, now: datetime, language: Language) -> str:
    """Say what a call without a key met, and what that shows of this trouble."""
    call, say = reason(it, now, language), language.say
    if it.fault in STOPPED_ROADS:
        return say("{call}: so it is not the key, but where we call from", call=call)
    if it.fault is not None and it.status:
        return say("{call}: so it is not the account", call=call)
    if it.fault is not None:
        return say("{call}: so it is not the account, but the provider or the road to it", call=call)
    if incident.scope is Scope.ACCOUNT and incident.blame is Blame.ACCOUNT:
        return say(
            "{call}: the API is up and within reach from here, so it is this account's matter",
            call=call,
        )
    return say("{call}: the API is within reach from here, so the road is not the cause", call=call)


def _answered(it: Knocked, now: datetime, language: Language) -> str:
    return language.say(
        "a call without a key is answered ({ms} ms, {passed} ago)",
        ms=f"{(it.latency_s or 0) * 1000:.0f}",
        passed=_since(it.at, now, language),
    )


def _unanswered(it: Knocked, now: datetime, language: Language) -> str:
    fault = language.say(FAULTS[it.fault]) if it.fault else ""
    met, passed = f"HTTP {it.status}, {fault}" if it.status else fault, _since(it.at, now, language)
    if it.fault in STOPPED_ROADS:
        return language.say("a call without a key is refused too ({met}, {passed} ago)", met=met, passed=passed)
    if it.status:
        return language.say("a call without a key fails too ({met}, {passed} ago)", met=met, passed=passed)
    return language.say("a call without a key gets no answer either ({met}, {passed} ago)", met=met, passed=passed)


def _posted(it: Posted, now: datetime, language: Language) -> str:
    stage = language.say(it.stage)
    if it.since is None:
        return language.say("the provider's page tells of trouble: {title} ({stage})", title=it.title, stage=stage)
    return language.say(
        "the provider's page tells of trouble: {title} ({stage}, since {time}, {passed} ago)",
        title=it.title,
        stage=stage,
        time=moment(it.since, now, language.say).words,
        passed=_since(it.since, now, language),
    )


def _unposted(it: Unposted, language: Language) -> str:
    if not it.readable:
        return language.say("the provider's page cannot be read now, so it says neither yes nor no")
    if not it.whole:
        return language.say("the provider's page reports no trouble in the part of it that can be read")
    return language.say("the provider's page reports no trouble")


def _refused(it: Refused, language: Language) -> str:
    say, n, of, group = language.say, it.accounts, it.of, _group(it.group, language)
    if n == of:
        return (
            say("all {n} accounts of {group} are refused", n=n, group=group)
            if group
            else say("all {n} accounts here are refused", n=n)
        )
    if group:
        return say("{n} of {of} accounts of {group} are refused", n=n, of=of, group=group)
    return say("{n} of {of} accounts here are refused", n=n, of=of)


def _group(group: str, language: Language) -> str:
    """Say what accounts share; its level is a word of ours, its name is not."""
    level, space, name = group.partition(" ")
    return f"{language.say(level)}{space}{name}"


def _budget_burnt(it: BudgetBurnt, language: Language) -> str:
    say, number = language.say, language.number
    facts: dict[str, object] = {
        "window": _window(it, language),
        "share": number(f"{it.share:.1%}"),
        "allowed": number(f"{it.allowed:.2%}"),
    }
    if it.latency_s is not None:
        facts["limit"] = say("{n} s", n=number(f"{it.latency_s:g}"))
    if it.short_share is None:
        if it.latency_s is None:
            return say("in {window} {share} failed; {allowed} may", **facts)
        return say("in {window} {share} took longer than {limit}; {allowed} may", **facts)
    facts |= {"short": _latest(it.short_window, language), "now": number(f"{it.short_share:.1%}")}
    if it.latency_s is None:
        return say("in {window} {share} failed, in {short} {now}; {allowed} may", **facts)
    return say("in {window} {share} took longer than {limit}, in {short} {now}; {allowed} may", **facts)


def _window(it: BudgetBurnt, language: Language) -> str:
    window = _latest(it.window, language)
    if it.watched is None:
        return window
    minutes = round(it.watched / timedelta(minutes=1))
    watched = _min(minutes, language) if minutes < 120 else _hours(it.watched / timedelta(hours=1), language)
    return language.say("{window} (of which {watched} were watched)", window=window, watched=watched)


def _latest(window: timedelta, language: Language) -> str:
    """Say a window that ends now; one of an hour, whole minutes, hours, or days."""
    minutes, many = round(window / timedelta(minutes=1)), language.many
    if minutes < 60:
        return many(minutes, "the last minute", "the last {n} minutes")
    if minutes < 24 * 60:
        return many(minutes // 60, "the last hour", "the last {n} hours")
    return many(minutes // 1440, "the last day", "the last {n} days")


def _budget_lasts(it: BudgetLasts, language: Language) -> str:
    hours = it.lasts_h
    days = language.number(f"{hours / 24:.1f}")
    return language.say(
        "{times} times what is allowed: the budget of {n} days would last {lasts}",
        times=language.number(f"{it.times:.1f}"),
        n=it.window_days,
        lasts=language.say("{n} days", n=days) if hours >= 48 else _hours(hours, language),
    )


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
        time=clock(it.since, language.say),
    )


def _slower_than_usual(it: SlowerThanUsual, language: Language) -> str:
    facts: dict[str, object] = {
        "what": language.say(MEASURED[it.kind]),
        "usual": _pace(it.kind, it.usual_s, language),
        "now": _pace(it.kind, it.now_s, language),
        "times": language.number(f"{it.now_s / it.usual_s:.1f}"),
        "time": _time(it.since, language),
    }
    if it.kind is Kind.TOKEN:
        return language.say("{what}: usual {usual}, now {now} ({times} times as slow) since {time}", **facts)
    return language.say("{what}: usual {usual}, now {now} ({times} times) since {time}", **facts)


def _late_answers(it: LateAnswers, language: Language) -> str:
    facts: dict[str, object] = {"n": it.late, "latest": it.latest, "most": _pace(it.kind, it.most_s, language)}
    if it.kind is Kind.TOKEN:
        return language.say("{n} of the last {latest} answers came slower than {most}, as 95 % usually do not", **facts)
    return language.say("{n} of the last {latest} answers took longer than {most}, as 95 % usually do not", **facts)


def _pace_stays(it: PaceStays, language: Language) -> str:
    return language.say(
        "{what}: {now} instead of {before}; it stays so, and is taken for usual from now on",
        what=language.say(MEASURED[it.kind]),
        now=_pace(it.kind, it.now_s, language),
        before=_pace(it.kind, it.before_s, language),
    )


def _pace(kind: Kind, seconds: float, language: Language) -> str:
    """Say how long it takes, of a stream how many tokens a second come."""
    if kind is not Kind.TOKEN:
        return language.say("{n} s", n=language.number(f"{seconds:.2f}"))
    rate = STREAMED / seconds
    return language.say("{n} tokens/s", n=language.number(f"{rate:.{0 if rate >= 10 else 1}f}"))


def _pool_rose(it: PoolRose, language: Language) -> str:
    times, time = language.number(f"{it.times:.1f}"), clock(it.since, language.say)
    if it.model is None:
        return language.say("{times} times as slow as usual since {time}", times=times, time=time)
    return language.say(
        "output tokens of {model} come {times} times as slowly as usual since {time}",
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
            "at least {n} of those watched here take {times} times as long as each usually does, since {time}", **facts
        )
    return language.say(
        "output tokens of {model} come {times} times as slowly as each usually gets them, to at least {n} of those "
        "watched here, since {time}",
        **facts,
    )


def _pool_stays(it: PoolStays, language: Language) -> str:
    times = language.number(f"{it.times:.1f}")
    if it.model is None:
        return language.say(
            "those watched here stayed {times} times as slow as before, and that is taken for usual from now on",
            times=times,
        )
    return language.say(
        "the streams of {model} stayed {times} times as slow as before, and that is taken for usual from now on",
        model=it.model,
        times=times,
    )


def _ceiling_stays(it: CeilingStays, language: Language) -> str:
    if it.told_at is None:
        return language.say(
            "{limit}: {now} instead of {before}; it stays so, and is taken for usual from now on",
            **_ceiling(it, language),
        )
    return language.say(
        "{limit}: {now} instead of {before}; not told any more since {time}, so that nobody knows",
        time=_time(it.told_at, language),
        **_ceiling(it, language),
    )


def _ceiling(it: CeilingNow | CeilingFell | CeilingStays, language: Language) -> dict[str, object]:
    now, before = (language.number(f"{one:,.0f}") for one in (it.now, it.before))
    return {"limit": _limit(it, language), "now": now, "before": before}


def _limit(it: CeilingNow | CeilingFell | CeilingStays | HardlyLeft | LessLeft, language: Language) -> str:
    return limit_name(it.unit, it.window_s, language.say, language.number)


def _amount(number: float, language: Language) -> str:
    return language.number(f"{number:,.2f}")


def _percent(share: float, language: Language) -> str:
    return language.number(f"{share:.0%}")


def _min(minutes: int, language: Language) -> str:
    return language.say("{n} min", n=minutes)


def _hours(hours: float, language: Language) -> str:
    return language.say("{n} hours", n=f"{hours:.0f}")


def _time(at: datetime, language: Language) -> str:
    return moment(at, say=language.say).words


def _date(on: date, language: Language) -> str:
    month = language.say(MONTHS[on.month - 1])
    return language.say("{day} {month} {year}", day=on.day, month=month, year=on.year)


def _since(at: datetime, now: datetime, language: Language) -> str:
    return duration((now - at).total_seconds(), language.say)
