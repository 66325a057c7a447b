"""Who is told what, and when: what is, what each channel was told, the rules and `now` → messages; pure.

Nothing is queued here. At any instant each channel is compared with each incident: what it does not know yet
and nothing holds back is told. So what was held back for a while is told as it then is, or not at all.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property

from msgspec import Struct

from monitor.alert.case import Case, Cases, Message, Step, Telling
from monitor.alert.reply import Reply, ReplyKind, standing
from monitor.alert.rule import Channel, Escalation, Maintenance, Route, Rules, fits_some, fits_whole, named
from monitor.alert.window import Span
from monitor.diagnose import Scope
from monitor.incident import WIDTH, ChangeKind, Incident, Severity
from probes.model import Blame

DAY = timedelta(days=1)
EVERYTHING = ""
"""What a monitor that is offline has lost."""


class Verdict(Struct, frozen=True):
    """What a channel is to be told of an incident now; None: nothing, and `why` says what holds it."""

    step: Step | None
    why: str
    number: int = 0


class Scene(Struct, frozen=True, dict=True):
    """All that is looked at to decide, at one instant; the cases in the order in which they came."""

    cases: Cases
    channels: Sequence[Channel]
    rules: Rules
    replies: Sequence[Reply]
    now: datetime

    @cached_property
    def standing(self) -> list[Reply]:
        return standing(self.replies, self.now)

    @cached_property
    def answers(self) -> Mapping[str, list[Reply]]:
        """What people answered to each incident, by its id."""
        found: dict[str, list[Reply]] = defaultdict(list)
        for reply in self.standing:
            found[reply.subject].append(reply)
        return found

    @cached_property
    def silences(self) -> list[Reply]:
        return [reply for reply in self.standing if reply.kind is ReplyKind.SILENCE]

    @cached_property
    def maintenance(self) -> list[tuple[Maintenance, Span]]:
        found = [(one, one.window.span_at(self.now)) for one in self.rules.maintenance]
        return [(one, span) for one, span in found if span]

    @cached_property
    def wide(self) -> Mapping[str, list[Incident]]:
        """The open incidents that can hold others down: by each of their targets, their own id, their subject."""
        found: dict[str, list[Incident]] = defaultdict(list)
        for case in self.cases.values():
            one = case.incident
            if one.closed_at is None and not one.signal and not one.drill:
                for name in {one.id, one.subject, *one.targets} if one.scope is not Scope.MONITOR else {EVERYTHING}:
                    found[name].append(one)
        return found

    @cached_property
    def families(self) -> Mapping[object, list[Case]]:
        """The cases of one trouble that came again, oldest first."""
        found: dict[object, list[Case]] = defaultdict(list)
        for case in self.cases.values():
            found[case.key].append(case)
        return found

    @cached_property
    def flaps(self) -> list[Case]:
        """The open incidents that say what comes and goes."""
        return [one for one in self.cases.values() if one.incident.closed_at is None and one.incident.is_flap]

    @cached_property
    def told_at(self) -> Mapping[str, set[datetime]]:
        """When each channel was lately told anything. What lies ahead was written before the clock was set back."""
        found: dict[str, set[datetime]] = defaultdict(set)
        since = self.now - self.rules.patience.storm_for
        for case in self.cases.values():
            for channel, tellings in case.told.items():
                if tellings[-1].at > since:
                    found[channel] |= {one.at for one in tellings if since < one.at <= self.now}
        return found


def decide(scene: Scene, only: Collection[str] | None = None) -> list[Message]:
    """Return what is to be sent now; of these incidents only, where some are named."""
    missing = frozenset(channel.name for channel in scene.channels if channel.quiet)
    ids = scene.cases.keys() if only is None else only
    cases = [scene.cases[id] for id in ids if _is_unfinished(scene.cases[id], missing)]
    return [message for channel in scene.channels for message in _for_channel(channel, cases, scene)]


def _is_unfinished(case: Case, quiet: frozenset[str]) -> bool:
    """Whether anybody may yet hear of it. Most of what is kept is over, and told; `quiet` may have missed it."""
    return case.incident.closed_at is None or bool(case.owed) or _is_hindsight(case) or not quiet <= case.told.keys()


def _for_channel(channel: Channel, cases: Sequence[Case], scene: Scene) -> Iterator[Message]:
    for case in cases:
        verdict = judge(case, channel, scene)
        if verdict.step:
            yield Message(case.last.id, channel.name, verdict.step, verdict.number, case.incident.id)


def judge(case: Case, channel: Channel, scene: Scene) -> Verdict:
    """Return what one channel is to be told of one incident, or why nothing: the first reason that holds."""
    wish = _wish(case, channel, scene)
    if wish.step is None:
        return wish
    for hold in HOLDS:
        if why := hold(case, channel, wish.step, scene):
            return Verdict(None, why)
    return wish


# What a channel does not know yet


def _wish(case: Case, channel: Channel, scene: Scene) -> Verdict:
    heard = case.told.get(channel.name, ())
    if case.is_silently_over():
        return Verdict(None, f"it was {case.last.kind}: no end that anybody hears of")
    if case.incident.closed_at:
        return _wish_at_end(case, channel, heard, scene)
    if step := _escalation(case, channel, heard, scene):
        return step
    if not heard:
        return _wish_at_opening(case, channel, scene)
    if _is_news(case, heard):
        return Verdict(Step.CHANGED, "its cause is another one now")
    return _reminder(case, heard, scene)


def _wish_at_opening(case: Case, channel: Channel, scene: Scene) -> Verdict:
    if not _is_hearer(case.incident, channel, scene.rules):
        return Verdict(None, "no route that fits leads to this channel")
    if case.incident.severity.rank < channel.severity.rank:
        return Verdict(None, f"it is {case.incident.severity}, and the channel wants {channel.severity} at least")
    return Verdict(Step.OPENED, "it is open and was not told yet")


def _wish_at_end(case: Case, channel: Channel, heard: Sequence[Telling], scene: Scene) -> Verdict:
    if heard and channel.name not in case.owed:
        return Verdict(None, "its end was told")
    if heard and _is_superseded(case, channel, scene):
        return Verdict(None, "it came again since, and that was told")
    if heard:
        return Verdict(Step.RESOLVED, "it is over, and its opening was told")
    if case.last.kind is ChangeKind.WITHDRAWN:
        return Verdict(None, "it is no longer watched, and its opening was not told")
    if _was_missed(case, channel, scene):
        return Verdict(Step.MISSED, "it came and went during quiet hours")
    if _is_hindsight(case) and _wish_at_opening(case, channel, scene).step:
        return Verdict(Step.MISSED, "it was known only when it was over")
    return Verdict(None, "its opening was not told, so its end is not")


def _is_superseded(case: Case, channel: Channel, scene: Scene) -> bool:
    """Whether the same trouble came again and is open, or was told: then this end is no news any more."""
    its = scene.families[case.key]
    later = its[its.index(case) + 1 :]
    return any(one.incident.closed_at is None or channel.name in one.told for one in later)


def _is_hindsight(case: Case) -> bool:
    return case.opened.kind is ChangeKind.RESOLVED


def _was_missed(case: Case, channel: Channel, scene: Scene) -> bool:
    wanted = _wish_at_opening(case, channel, scene).step is not None
    spans = channel.quiet.spans(scene.now) if channel.quiet else ()
    both = (case.opened.at, case.last.at)
    return wanted and any(span.end <= scene.now and all(at in span for at in both) for span in spans)


def _is_news(case: Case, heard: Sequence[Telling]) -> bool:
    known = {one.change_id for one in heard}
    return case.last.kind is ChangeKind.CHANGED and case.last.id not in known


def _reminder(case: Case, heard: Sequence[Telling], scene: Scene) -> Verdict:
    pauses = scene.rules.patience.remind
    if case.incident.severity is not Severity.CRITICAL or not pauses:
        return Verdict(None, "it was told, and there is nothing new")
    if case.incident.drill:
        return Verdict(None, "a drill reminds nobody")
    if case.incident.is_flap:
        return Verdict(None, "that it comes and goes is told once")
    if why := _acknowledged(case, scene):
        return Verdict(None, why)
    number = 1 + sum(one.step is Step.REMINDER for one in heard)
    pause = pauses[min(number, len(pauses)) - 1]
    if scene.now - heard[-1].at < pause:
        return Verdict(None, f"it was told; a reminder follows at {heard[-1].at + pause:%Y-%m-%d %H:%M} UTC")
    return Verdict(Step.REMINDER, "it is critical, and nobody has acknowledged it", number)


def _escalation(case: Case, channel: Channel, heard: Sequence[Telling], scene: Scene) -> Verdict | None:
    """Return the step that is due now, counted from when anybody was first told, else from the opening.

    All steps of all routes that fit are numbered through.
    """
    if _acknowledged(case, scene) or case.incident.drill:
        return None
    if not case.told and any(_wish_at_opening(case, one, scene).step for one in scene.channels):
        return None  # whoever hears first is held back, so nobody could have acknowledged it
    done = {one.number for one in heard if one.step is Step.ESCALATED}
    since = min((its[0].at for its in case.told.values()), default=case.opened.at)
    for number, step in enumerate(_escalations(case.incident, scene.rules), 1):
        due = scene.now - since >= step.after and named(channel, step.channels)
        if due and number not in done and case.incident.severity.rank >= channel.severity.rank:
            return Verdict(Step.ESCALATED, f"nobody has acknowledged it for {step.after}", number)
    return None


def _acknowledged(case: Case, scene: Scene) -> str | None:
    for reply in scene.answers.get(case.incident.id, ()):
        if reply.kind is ReplyKind.ACKNOWLEDGE:
            return f"acknowledged by {reply.by or 'somebody'}"
    return None


def _is_hearer(incident: Incident, channel: Channel, rules: Rules) -> bool:
    """Whether a route that fits leads here. What no route fits is told to everybody, rather than to nobody."""
    routes = _routes(incident, rules)
    return not routes or any(named(channel, route.channels) for route in routes)


def _routes(incident: Incident, rules: Rules) -> list[Route]:
    return [route for route in rules.routes if fits_some(route.match, incident, rules.tags)]


def _escalations(incident: Incident, rules: Rules) -> list[Escalation]:
    return [step for route in _routes(incident, rules) for step in route.escalate]


# What holds it back


def _snoozed(case: Case, _: Channel, step: Step, scene: Scene) -> str | None:
    for reply in scene.answers.get(case.incident.id, ()):
        if reply.kind is ReplyKind.SNOOZE and step is not Step.RESOLVED and reply.until:
            return f"snoozed until {reply.until:%Y-%m-%d %H:%M} UTC by {reply.by or 'somebody'}"
    return None


def _silenced(case: Case, _: Channel, step: Step, scene: Scene) -> str | None:
    """An end is told to whoever heard of the beginning, also during a silence."""
    if step is Step.RESOLVED or case.incident.drill:
        return None
    for reply in scene.silences:
        if reply.match and fits_whole(reply.match, case.incident, scene.rules.tags):
            until = f" until {reply.until:%Y-%m-%d %H:%M} UTC" if reply.until else ""
            return f"silence {reply.id}{until}: {reply.reason}"
    return None


def _maintained(case: Case, _: Channel, step: Step, scene: Scene) -> str | None:
    if step is Step.RESOLVED or case.incident.drill:
        return None
    for one, span in scene.maintenance:
        if fits_whole(one.match, case.incident, scene.rules.tags):
            return f"maintenance {one.name} until {span.end:%Y-%m-%d %H:%M} UTC"
    return None


def _covered(case: Case, channel: Channel, step: Step, scene: Scene) -> str | None:
    """One cause, one message: what is part of a wider trouble is told with that, if that is told here and as grave."""
    if case.incident.drill or step is Step.RESOLVED:
        return None
    one = case.incident
    account = "/".join(one.subject.split("/")[:2])
    for name in (EVERYTHING, one.parent or EVERYTHING, account, *one.targets[:1], *_restless_targets(one)):
        for wider in scene.wide.get(name, ()):
            if (
                covers(wider, one)
                and wider.severity.rank >= one.severity.rank
                and _is_hearer(wider, channel, scene.rules)
                and not _restless(scene.cases[wider.id], channel, step, scene)
            ):
                return f"it is part of {wider.id} ({wider.scope} {wider.subject})"
    return None


def _restless(case: Case, channel: Channel, _: Step, scene: Scene) -> str | None:
    """What comes and goes is named once; each single time is not told there, nor is each end."""
    one = case.incident
    if one.signal or one.drill or not one.targets:
        return None
    named = [flap for flap in scene.flaps if _names(flap, one) and _wish_at_opening(flap, channel, scene).step]
    if {*one.targets} <= {target for flap in named for target in _restless_targets(flap.incident)}:
        return f"it comes and goes, which {named[0].incident.id} says; held until it is calm"
    return None


def _names(flap: Case, one: Incident) -> bool:
    """Whether it is of one cause: what is refused to an account is news also while its provider comes and goes."""
    return (flap.incident.blame is Blame.ACCOUNT) is (one.blame is Blame.ACCOUNT)


def _restless_targets(flap: Incident) -> set[str]:
    """Return what an incident says comes and goes; of any that says no such thing, nothing."""
    return {one.target for one in flap.evidence} if flap.is_flap else set()


def _quiet(case: Case, channel: Channel, _: Step, scene: Scene) -> str | None:
    if case.incident.severity is Severity.CRITICAL or case.incident.drill or not channel.quiet:
        return None
    spans = (span for span in channel.quiet.spans(scene.now) if scene.now in span)
    return next((f"quiet hours until {span.end:%Y-%m-%d %H:%M} UTC" for span in spans), None)


def _stormy(case: Case, channel: Channel, _: Step, scene: Scene) -> str | None:
    patience = scene.rules.patience
    if len(scene.told_at.get(channel.name, ())) < patience.storm:
        return None
    return f"{patience.storm} messages in {patience.storm_for.total_seconds():g} s: the next one is a list of all since"


HOLDS = (_snoozed, _silenced, _maintained, _covered, _restless, _quiet, _stormy)


# Wider and narrower


def covers(wider: Incident, narrower: Incident) -> bool:
    """Whether a trouble is a part of a wider one: said so by the diagnosis, or by what the two are about."""
    if narrower.parent == wider.id:
        return True
    if WIDTH.index(wider.scope) <= WIDTH.index(narrower.scope):
        return False
    if wider.scope is Scope.MONITOR:
        return True
    if restless := _restless_targets(narrower):
        return restless <= {*wider.targets}
    if narrower.signal:
        return wider.scope is Scope.ACCOUNT and f"{narrower.subject}/".startswith(f"{wider.subject}/")
    return bool(narrower.targets) and {*narrower.targets} <= {*wider.targets}


# The same once more


def past(case: Case, scene: Scene) -> list[Incident]:
    """Return the times within a day that this trouble was there, up to this one; what was only merged left out."""
    its = scene.families.get(case.key, [case])
    until_now = [one for one in its[: its.index(case) + 1] if not one.is_silently_over()]
    return [one.incident for one in until_now if scene.now - (one.incident.closed_at or scene.now) < DAY]
