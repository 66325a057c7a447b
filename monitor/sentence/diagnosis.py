"""What the diagnosis found, in sentences."""

from datetime import datetime, timedelta
from typing import assert_never

from monitor.diagnose.incident import Incident
from monitor.diagnose.network_trouble import STOPPED_ROADS
from monitor.diagnose.reason import (
    AccountsRefused,
    BudgetBurnt,
    BudgetLasts,
    CanaryFailure,
    ClockOff,
    ControlAnswered,
    DiagnosisReason,
    DrillWanted,
    FailingShare,
    NeutralHosts,
    NobodyWatched,
    NoLongerWatched,
    NoOtherAccount,
    NotHeard,
    NothingAnswers,
    OneModelFails,
    OnlyFrom,
    OthersShaken,
    PageReports,
    PageSilent,
    ProvidersUnreachable,
    RoadFails,
    SeenFrom,
    Siblings,
    SourceDoubted,
    StageFailed,
    StillAnswering,
    Symptom,
    Undecided,
    WholeErrorLogged,
)
from monitor.diagnose.subject import Scope
from monitor.sentence.doubt import describe_doubt
from monitor.stage import Stage
from monitor.words import ENGLISH, FAULTS, Language, duration, instant, moment, notice_title
from probes.model import Blame

STAGE_WORK = {
    Stage.PROBE: "probing the accounts",
    Stage.EVALUATE: "evaluating and storing results",
    Stage.POLL_STATUS: "polling the status pages",
    Stage.CONTROL_PROBE: "probing without a key",
    Stage.NOTIFY: "deciding whom to notify",
    Stage.DELIVER: "sending messages",
    Stage.PUBLISH: "publishing the page",
    Stage.EXPORT: "sending the metrics",
    Stage.RETENTION: "rolling up old results",
    Stage.OBJECTIVES: "checking the objectives",
    Stage.DRILL: "running drills",
    Stage.HEARTBEAT: "pinging the heartbeat",
    Stage.WATCHDOG: "feeding the service manager's watchdog",
    Stage.RELOAD: "reloading the configuration",
    Stage.SHIP: "shipping results to the shared store",
    Stage.RECEIVE: "receiving the results of the places",
    Stage.HEED: "heeding what the places tell of themselves",
    Stage.RELAY: "asking the places for probes",
}


def describe_diagnosis(it: DiagnosisReason, now: datetime, language: Language) -> str:  # noqa: C901 - a line or two for each kind
    say, many = language.say, language.many
    match it:
        case Symptom():
            return language.clauses(_met(one, language) for one in it.met)
        case FailingShare():
            return many(
                it.failing, "{n} of {seen} accounts fails", "{n} of {seen} accounts fail the same way", seen=it.seen
            )
        case NoOtherAccount():
            return _alone(it, language)
        case OthersShaken():
            return many(
                it.accounts,
                "{n} other account has failed the same way since it began, and answered in between",
                "{n} other accounts have failed the same way since it began, and answered in between",
            )
        case Siblings():
            return many(
                it.well,
                "{n} other account of this provider has answered since it began (probed at {time})",
                "{n} other accounts of this provider have answered since it began (probed at {time})",
                time=_clock(it.seen_at, now, language),
            )
        case StillAnswering():
            return _answering(it, now, language)
        case ControlAnswered():
            return _answered(it, now, language) if it.fault is None else _unanswered(it, now, language)
        case PageReports():
            return _posted(it, now, language)
        case PageSilent():
            return _unposted(it, language)
        case AccountsRefused():
            return _refused(it, language)
        case Undecided():
            return say(
                "either the provider's key service is failing, or everything you have there is lost: its status "
                "page, a call without a key and other customers will tell"
            )
        case OneModelFails():
            return many(
                it.accounts,
                "it fails while another model answers",
                "all {n} accounts that have asked for it since fail the same way, while another model answers",
            )
        case NothingAnswers():
            return many(
                it.providers,
                "nothing answers: {targets} targets of the only provider fail before any answer",
                "nothing answers: {targets} targets of {n} unrelated providers fail before any answer",
                targets=it.targets,
            )
        case ProvidersUnreachable():
            return say("{out} of {n} unrelated providers cannot be reached from here", out=it.out, n=it.providers)
        case NeutralHosts():
            if it.reached:
                return say("this machine can reach other hosts")
            return say("nothing else can be reached from this machine either")
        case SeenFrom():
            return say("seen from {places}", places=language.items(it.places))
        case OnlyFrom():
            return _only_from(it, now, language)
        case RoadFails():
            return say("{out} of {n} unrelated providers fail from {place}", out=it.out, n=it.providers, place=it.place)
        case NotHeard():
            return say(
                "nothing was heard of {place} since {time}", place=it.place, time=_clock(it.since, now, language)
            )
        case ClockOff():
            return _clock_off(it, language)
        case SourceDoubted():
            return _source_doubted(it, language)
        case BudgetBurnt():
            return _budget_burnt(it, language)
        case BudgetLasts():
            return _budget_lasts(it, language)
        case StageFailed():
            return describe_stage_failure(it, language)
        case WholeErrorLogged():
            return say("the full error is in its log; everything else goes on")
        case NobodyWatched():
            return say("nothing was probed and nothing was written in this time")
        case NoLongerWatched():
            return say("it is no longer watched: the configuration no longer names it")
        case DrillWanted():
            return say("somebody started a drill with `provider-monitor drill`")
    assert_never(it)


def describe_control(it: ControlAnswered, incident: Incident, now: datetime, language: Language) -> str:
    """Say what a control probe met, and what that shows of this trouble."""
    call, say = describe_diagnosis(it, now, language), language.say
    if it.fault in STOPPED_ROADS:
        return say("{call}: so it is not the key, but where we call from", call=call)
    if it.fault is not None and it.status:
        return say("{call}: so it is not the account", call=call)
    if it.fault is not None:
        return say("{call}: so it is not the account, but the provider or the network path to it", call=call)
    if incident.scope is Scope.ACCOUNT and incident.blame is Blame.ACCOUNT:
        return say(
            "{call}: the API is up and reachable from here, so the problem is this account",
            call=call,
        )
    return say("{call}: the API is reachable from here, so the network path is not the cause", call=call)


def describe_stage_failure(it: StageFailed, language: Language = ENGLISH) -> str:
    does = language.say(STAGE_WORK[it.stage])
    if it.lasting:
        return language.say("the monitor's own fault: {does} keeps failing ({error})", does=does, error=it.error)
    return language.say("the monitor's own fault: {does} failed and was restarted ({error})", does=does, error=it.error)


def _met(it: CanaryFailure, language: Language) -> str:
    status = f"HTTP {it.status}" if it.status else language.say("no answer")
    return language.about(language.items(it.canaries), language.items((status, language.say(it.fault))))


def _alone(it: NoOtherAccount, language: Language) -> str:
    if it.watched == 1:
        return language.say("only one account is watched here, so we cannot say whether others are affected")
    return language.say("no other account has been asked the same since, so we cannot say whether others are affected")


def _answering(it: StillAnswering, now: datetime, language: Language) -> str:
    names = language.items(it.names)
    if it.seen_at is None:
        return language.say("still answers: {names}", names=names)
    time = _clock(it.seen_at, now, language)
    return language.say("still answers: {names} (probed at {time})", names=names, time=time)


def _answered(it: ControlAnswered, now: datetime, language: Language) -> str:
    return language.say(
        "a call without a key was answered ({ms} ms, at {time})",
        ms=f"{(it.latency_s or 0) * 1000:.0f}",
        time=_clock(it.at, now, language),
    )


def _unanswered(it: ControlAnswered, now: datetime, language: Language) -> str:
    fault = language.say(FAULTS[it.fault]) if it.fault else ""
    met, time = language.items((f"HTTP {it.status}", fault)) if it.status else fault, _clock(it.at, now, language)
    if it.fault in STOPPED_ROADS:
        return language.say("a call without a key was refused too ({met}, at {time})", met=met, time=time)
    if it.status:
        return language.say("a call without a key failed too ({met}, at {time})", met=met, time=time)
    return language.say("a call without a key got no answer either ({met}, at {time})", met=met, time=time)


def _posted(it: PageReports, now: datetime, language: Language) -> str:
    stage, title = language.say(it.stage), notice_title(it.title, it.claim, language)
    if it.since is None:
        return language.say(
            "the provider's page reports maintenance: {title} ({stage})"
            if it.planned
            else "the provider's page reports trouble: {title} ({stage})",
            title=title,
            stage=stage,
        )
    return language.say(
        "the provider's page reports maintenance: {title} ({stage}, since {time})"
        if it.planned
        else "the provider's page reports trouble: {title} ({stage}, since {time})",
        title=title,
        stage=stage,
        time=moment(it.since, now, language).words,
    )


def _unposted(it: PageSilent, language: Language) -> str:
    if not it.readable:
        return language.say("the provider's page cannot be read now, so it says neither yes nor no")
    if not it.whole:
        return language.say("the provider's page reports no trouble in the part that can be read")
    return language.say("the provider's page reports no trouble")


def _refused(it: AccountsRefused, language: Language) -> str:
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
    """Say what accounts share: its level is our word, its name is the user's."""
    level, space, name = group.partition(" ")
    return f"{language.say(level)}{space}{name}"


def _only_from(it: OnlyFrom, now: datetime, language: Language) -> str:
    return language.say(
        "it fails from {places} only: from {answered} the same was answered since it began (at {time})",
        places=language.items(it.places),
        answered=language.items(it.answered),
        time=_clock(it.seen_at, now, language),
    )


def _clock_off(it: ClockOff, language: Language) -> str:
    off = language.say(
        "the clock of {place} is {time} behind that of the shared store"
        if it.off_s < 0
        else "the clock of {place} is {time} ahead of that of the shared store",
        place=it.place,
        time=duration(abs(it.off_s), language),
    )
    if not it.voteless:
        return off
    return language.say("{off}: what that place sees counts for nothing until it is set", off=off)


def _source_doubted(it: SourceDoubted, language: Language) -> str:
    if isinstance(it.problem, str):
        return language.say("it {problem}", problem=it.problem)
    return language.say("it {does}", does=describe_doubt(it.problem, language))


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
            return say("{share} failed in {window}; {allowed} is allowed", **facts)
        return say("{share} took longer than {limit} in {window}; {allowed} is allowed", **facts)
    facts |= {"short": _latest(it.short_window, language), "now": number(f"{it.short_share:.1%}")}
    if it.latency_s is None:
        return say("{share} failed in {window}, and {now} in {short}; {allowed} is allowed", **facts)
    return say("{share} took longer than {limit} in {window}, and {now} in {short}; {allowed} is allowed", **facts)


def _window(it: BudgetBurnt, language: Language) -> str:
    window = _latest(it.window, language)
    if it.watched is None:
        return window
    minutes = round(it.watched / timedelta(minutes=1))
    watched = language.say("{n} min", n=minutes) if minutes < 120 else _hours(it.watched / timedelta(hours=1), language)
    return language.say("{window} (of which {watched} were watched)", window=window, watched=watched)


def _latest(window: timedelta, language: Language) -> str:
    """Say a window that ends now, in whole minutes, hours, or days."""
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
        "{times} times the allowed rate: the budget for {n} days would last {lasts}",
        times=language.number(f"{it.times:.1f}"),
        n=it.window_days,
        lasts=language.say("{n} days", n=days) if hours >= 48 else _hours(hours, language),
    )


def _hours(hours: float, language: Language) -> str:
    return language.say("{n} hours", n=f"{hours:.0f}")


def _clock(at: datetime, now: datetime, language: Language) -> str:
    """Name an instant to the second. A reason is read long after it was found, so it says no age."""
    return instant(at, now, language).words
