"""Who is notified of what, and when: incidents, past notifications, the rules and `now` → messages; pure.

Nothing is queued here. At any instant each channel is compared with each incident, and gets what it does not know yet
unless something holds that back. So what was held back for a while is sent in its present state, or not at all.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from monitor.alert.case import Case, Cases, Message, Notification, Step
from monitor.alert.channel import Channel, is_named
from monitor.alert.grouping import (
    can_be_part_of,
    can_end_in,
    covers_fully,
    flapping_targets,
    has_same_cause,
    is_open_at,
    is_remainder_of,
    is_same_signal,
    is_shared,
    is_wider_signal,
    is_within,
    outlasts_flap,
    overlap,
)
from monitor.alert.reply import Reply, ReplyKind, active_replies
from monitor.alert.rule import Escalation, Maintenance, Route, Rules, matches_part, matches_whole
from monitor.alert.window import Span
from monitor.detect.flap import CALM, MINUTE, STAYED
from monitor.detect.health import TERMINAL
from monitor.diagnose.incident import Change, ChangeKind, Incident, Severity
from monitor.diagnose.subject import Scope
from monitor.words import stamp

DAY = timedelta(days=1)
EVERYTHING = ""
"""The subject of an offline incident: it covers everything."""
OPEN_STEPS = frozenset({Step.OPENED, Step.REMINDER, Step.ESCALATED})
"""Steps that say that an incident is still open."""
OUTLASTS = timedelta(minutes=1)
"""Time after the end of a wider trouble in which a remaining part may still recover with it."""


class Decision(Struct, frozen=True):
    """What to send one channel about an incident now; None: nothing, and `why` says what holds it back."""

    step: Step | None
    why: str
    number: int = 0


class TimedHold(Struct, frozen=True):
    """What holds back messages about an incident now, and until when; None: until somebody ends it."""

    why: str
    until: datetime | None


class RoutingInput(Struct, frozen=True, dict=True):
    """All that a decision needs, at one instant; the cases in the order in which they came.

    `fading` are the ids of incidents that may be over: nothing of theirs has failed since a good probe.
    """

    cases: Cases
    channels: Sequence[Channel]
    rules: Rules
    replies: Sequence[Reply]
    now: datetime
    fading: Collection[str] = frozenset()

    @cached_property
    def standing(self) -> list[Reply]:
        return active_replies(self.replies, self.now)

    @cached_property
    def answers(self) -> Mapping[str, list[Reply]]:
        """What people replied to each incident, by its id."""
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
        """The open incidents that can suppress others: by each of their targets, their id, their subject."""
        found: dict[str, list[Incident]] = defaultdict(list)
        for case in self.cases.values():
            one = case.incident
            if one.closed_at is None and not one.signal and not one.drill:
                for name in {one.id, one.subject, *one.targets} if one.scope is not Scope.MONITOR else {EVERYTHING}:
                    found[name].append(one)
        return found

    @cached_property
    def families(self) -> Mapping[object, list[Case]]:
        """The cases of one recurring trouble, oldest first."""
        found: dict[object, list[Case]] = defaultdict(list)
        for case in self.cases.values():
            found[case.key].append(case)
        return found

    @cached_property
    def recent(self) -> list[Case]:
        """The troubles that have just ended."""
        return [
            one
            for one in self.cases.values()
            if one.last.kind is ChangeKind.RESOLVED and timedelta(0) <= self.now - one.last.at < OUTLASTS
        ]

    @cached_property
    def signs(self) -> list[Case]:
        """The signs that may be one with another; closed ones, too."""
        return [one for one in self.cases.values() if is_shared(one.incident)]

    @cached_property
    def flaps(self) -> list[Case]:
        """The flapping incidents; closed ones, too."""
        return [one for one in self.cases.values() if one.incident.is_flap]

    @cached_property
    def told_at(self) -> Mapping[str, set[datetime]]:
        """When each channel was lately notified. A time in the future was written before the clock was set back."""
        found: dict[str, set[datetime]] = defaultdict(set)
        since = self.now - self.rules.patience.storm_for
        for case in self.cases.values():
            for channel, tellings in case.told.items():
                if tellings[-1].at > since:
                    found[channel] |= {one.at for one in tellings if since < one.at <= self.now}
        return found


def decide(scene: RoutingInput, only: Collection[str] | None = None) -> list[Message]:
    """Return what is to be sent now; about the incidents in `only`, if given."""
    missing = frozenset(channel.name for channel in scene.channels if channel.quiet)
    ids = scene.cases.keys() if only is None else only
    cases = [scene.cases[id] for id in ids if _is_unfinished(scene.cases[id], missing)]
    return [message for channel in scene.channels for message in _for_channel(channel, cases, scene)]


def _is_unfinished(case: Case, quiet: frozenset[str]) -> bool:
    """Whether anybody may yet be notified. Most cases are closed and reported; `quiet` channels may have missed it."""
    return case.incident.closed_at is None or bool(case.owed) or _is_hindsight(case) or not quiet <= case.told.keys()


def _for_channel(channel: Channel, cases: Sequence[Case], scene: RoutingInput) -> Iterator[Message]:
    for case in cases:
        verdict = decide_for(case, channel, scene)
        if verdict.step:
            yield Message(case.last.id, channel.name, verdict.step, verdict.number, case.incident.id)


def decide_for(case: Case, channel: Channel, scene: RoutingInput) -> Decision:
    """Return what one channel gets about one incident, or why nothing: the first reason that holds."""
    decision = _decision(case, channel, scene)
    if decision.step is None:
        return decision
    for hold in HOLDS:
        if why := hold(case, channel, decision.step, scene):
            return Decision(None, why)
    return decision


def explain_for(case: Case, channel: Channel, scene: RoutingInput) -> Decision:
    """Return what `decide_for` does; about an end it also says which hold does not keep it, or kept its opening."""
    verdict, heard = decide_for(case, channel, scene), case.told.get(channel.name)
    if verdict.step is Step.RESOLVED and (why := _timed(case, channel, Step.OPENED, scene)):
        return replace(verdict, why=f"{verdict.why}, so this does not hold it: {why}")
    if verdict.step is None and not heard and case.incident.closed_at and (why := _held_at_end(case, channel, scene)):
        return replace(verdict, why=f"{verdict.why}; until it was over this held it: {why}")
    return verdict


def why_not_real(drill: Incident, channel: Channel, scene: RoutingInput) -> str | None:
    """Return what would hold the opening of a real incident like this drill, which nothing holds; None: nothing."""
    real = replace(drill, drill=False)
    case = Case(real, (Change(real, ChangeKind.OPENED, scene.now),))
    return next((why for hold in (_timed, _quiet) if (why := hold(case, channel, Step.OPENED, scene))), None)


# What a channel does not know yet


def _decision(case: Case, channel: Channel, scene: RoutingInput) -> Decision:
    heard = case.told.get(channel.name, ())
    if case.is_silently_over() and not (heard and _is_merged_flap(case)):
        return Decision(None, f"it was {case.last.kind}: no end that anybody hears of")
    if case.incident.closed_at:
        return _decision_at_end(case, channel, heard, scene)
    if step := _escalation(case, channel, heard, scene):
        return step
    if not heard:
        return _decision_at_opening(case, channel, scene)
    if _is_news(case, heard):
        return Decision(Step.CHANGED, "its cause is another one now")
    return _reminder(case, channel, heard, scene)


def _decision_at_opening(case: Case, channel: Channel, scene: RoutingInput) -> Decision:
    if not _is_routed(case.incident, channel, scene.rules):
        return Decision(None, "no route that fits leads to this channel")
    if case.incident.severity.rank < channel.severity.rank:
        return Decision(None, f"it is {case.incident.severity}, and the channel wants {channel.severity} at least")
    return Decision(Step.OPENED, "it is open and was not told yet")


def _decision_at_end(case: Case, channel: Channel, heard: Sequence[Notification], scene: RoutingInput) -> Decision:
    if not heard:
        return _decision_in_hindsight(case, channel, scene)
    if channel.name not in case.owed:
        return Decision(None, "its end was told")
    if _ends_with_wider(case, channel, scene):
        return Decision(None, f"it became a part of {case.incident.parent}, whose end is told")
    if _is_superseded(case, channel, scene):
        return Decision(None, "it came again since, and that was told")
    if case.incident.is_flap and _is_taken_over(case, channel, scene):
        return Decision(None, "it comes and goes no more: what stays was told")
    if case.incident.is_flap and not _has_turned(case, channel, heard, scene):
        return Decision(None, "it was told to be up, and has not turned since")
    if _is_one_of_many(case, channel, heard, scene):
        return Decision(None, "that it comes and goes was told since: its calm ends both")
    if _is_wider_now(case, channel, scene):
        return Decision(None, "a wider sign of the same goes on, and that was told")
    return Decision(Step.RESOLVED, "it is over, and its opening was told")


def _decision_in_hindsight(case: Case, channel: Channel, scene: RoutingInput) -> Decision:
    """Return whether a channel that was not notified of the opening is notified of the end."""
    if case.last.kind is ChangeKind.WITHDRAWN:
        return Decision(None, "it is no longer watched, and its opening was not told")
    if _is_hindsight(case) and _held_at_end(case, channel, scene):
        return Decision(None, "it was silenced when it ended")
    if _was_missed(case, channel, scene):
        return Decision(Step.MISSED, "it came and went during quiet hours")
    if _is_hindsight(case) and _decision_at_opening(case, channel, scene).step:
        return Decision(Step.MISSED, "it is told when it is over")
    return Decision(None, "its opening was not told, so its end is not")


def _ends_with_wider(case: Case, channel: Channel, scene: RoutingInput) -> bool:
    """Whether it became part of a wider incident that the channel was notified of: one cause has one end.

    A wider one that is no longer known ended long ago.
    """
    wider = scene.cases.get(case.incident.parent or "")
    return case.incident.parent is not None and (wider is None or channel.name in wider.told)


def _is_superseded(case: Case, channel: Channel, scene: RoutingInput) -> bool:
    """Whether the same trouble came again and is open, or was reported: then this end is no news."""
    its = scene.families[case.key]
    later = its[its.index(case) + 1 :]
    return any(one.incident.closed_at is None or channel.name in one.told for one in later)


def _is_hindsight(case: Case) -> bool:
    """Whether its end is reported even where its beginning was not: nobody was watching."""
    return case.opened.kind is ChangeKind.RESOLVED or case.incident.is_offline


def _held_at_end(case: Case, channel: Channel, scene: RoutingInput) -> str | None:
    """Return the silence or maintenance that kept it from the channel when it ended."""
    at = case.last.at
    then = replace(scene, now=at, replies=[one for one in scene.replies if one.at <= at])
    holds = (hold(case, channel, Step.MISSED, then) for hold in (_silenced, _maintained))
    return next((one.why for one in holds if one), None)


def _was_missed(case: Case, channel: Channel, scene: RoutingInput) -> bool:
    wanted = _decision_at_opening(case, channel, scene).step is not None
    spans = channel.quiet.spans(scene.now) if channel.quiet else ()
    both = (case.opened.at, case.last.at)
    missed = wanted and any(span.end <= scene.now and all(at in span for at in both) for span in spans)
    return missed and not _was_part(case, channel, scene)


def _was_part(case: Case, channel: Channel, scene: RoutingInput) -> bool:
    """Whether it came and went as part of an incident that this channel is notified of."""
    one = case.incident
    return any(
        overlap(it.incident, one) and _includes(it.incident, one) and _decision_at_opening(it, channel, scene).step
        for it in scene.cases.values()
        if it is not case and not it.is_silently_over()
    )


def _includes(wider: Incident, one: Incident) -> bool:
    """Whether the one incident tells a channel of the other: as a part of it, or as one turn of a flapping."""
    return covers_fully(wider, one) or (wider.is_flap and not one.is_flap and is_within(one, [wider]))


def _is_news(case: Case, heard: Sequence[Notification]) -> bool:
    """Whether it has changed since this channel was last notified, in a way that changes what to do."""
    known = {one.change_id for one in heard}
    last = max((number for number, change in enumerate(case.changes) if change.id in known), default=-1)
    return any(change.kind is ChangeKind.CHANGED for change in case.changes[last + 1 :])


def _reminder(case: Case, channel: Channel, heard: Sequence[Notification], scene: RoutingInput) -> Decision:
    pauses = scene.rules.patience.remind
    if case.incident.severity is not Severity.CRITICAL or not pauses:
        return Decision(None, "it was told, and there is nothing new")
    if case.incident.drill:
        return Decision(None, "a drill reminds nobody")
    if case.incident.is_flap:
        return Decision(None, "that it comes and goes is told once")
    if why := _acknowledged(case, scene):
        return Decision(None, why)
    number = _next_reminder(heard)
    pause = pauses[min(number, len(pauses)) - 1]
    if scene.now - heard[-1].at < pause:
        return Decision(None, f"it was told; {_when_reminded(heard[-1].at + pause, case, channel, scene)}")
    return Decision(Step.REMINDER, "it is critical, and nobody has acknowledged it", number)


def _when_reminded(due: datetime, case: Case, channel: Channel, scene: RoutingInput) -> str:
    """Say when a reminder can come, by what is known now: what holds it back now may outlast the time it is due."""
    found = (hold(case, channel, Step.REMINDER, scene) for hold in TIMED_HOLDS)
    holds = [one for one in found if one]
    if endless := next((one for one in holds if one.until is None), None):
        return f"only its end can come while this lasts: {endless.why}"
    ends = [(one.until, one.why) for one in holds if one.until and one.until > due]
    if not ends:
        return f"a reminder follows at {stamp(due, scene.rules.zone)}"
    until, why = max(ends)
    return f"only its end can come before {stamp(until, scene.rules.zone)}: {why}"


def _next_reminder(heard: Sequence[Notification]) -> int:
    return 1 + sum(one.step is Step.REMINDER for one in heard)


def _escalation(case: Case, channel: Channel, heard: Sequence[Notification], scene: RoutingInput) -> Decision | None:
    """Return the escalation step that is due, counted from the first notification, else from the opening.

    The steps of all matching routes are numbered in one sequence.
    """
    if _acknowledged(case, scene) or case.incident.drill:
        return None
    if not case.told and any(_decision_at_opening(case, one, scene).step for one in scene.channels):
        return None  # the first channels are held back, so nobody could have acknowledged it
    done = {one.number for one in heard if one.step is Step.ESCALATED}
    since = min((its[0].at for its in case.told.values()), default=case.opened.at)
    for number, step in enumerate(_escalations(case.incident, scene.rules), 1):
        due = scene.now - since >= step.after and is_named(channel, step.channels)
        if due and number not in done and case.incident.severity.rank >= channel.severity.rank:
            return Decision(Step.ESCALATED, f"nobody has acknowledged it for {step.after}", number)
    return None


def _acknowledged(case: Case, scene: RoutingInput) -> str | None:
    for reply in scene.answers.get(case.incident.id, ()):
        if reply.kind is ReplyKind.ACKNOWLEDGE:
            return f"acknowledged by {reply.by or 'somebody'}"
    return None


def _is_routed(incident: Incident, channel: Channel, rules: Rules) -> bool:
    """Whether a matching route leads here. An incident that no route matches goes to everybody rather than nobody."""
    routes = _routes(incident, rules)
    return not routes or any(is_named(channel, route.channels) for route in routes)


def _routes(incident: Incident, rules: Rules) -> list[Route]:
    return [route for route in rules.routes if matches_part(route.match, incident, rules.tags)]


def _escalations(incident: Incident, rules: Rules) -> list[Escalation]:
    return [step for route in _routes(incident, rules) for step in route.escalate]


# What holds it back


def _timed(case: Case, channel: Channel, step: Step, scene: RoutingInput) -> str | None:
    return next((found.why for hold in TIMED_HOLDS if (found := hold(case, channel, step, scene))), None)


def _snoozed(case: Case, _: Channel, step: Step, scene: RoutingInput) -> TimedHold | None:
    for reply in scene.answers.get(case.incident.id, ()):
        if reply.kind is ReplyKind.SNOOZE and step is not Step.RESOLVED and reply.until:
            said = f"snoozed until {stamp(reply.until, scene.rules.zone)} by {reply.by or 'somebody'}"
            return TimedHold(said, reply.until)
    return None


def _silenced(case: Case, _: Channel, step: Step, scene: RoutingInput) -> TimedHold | None:
    """A channel that was notified of the opening gets the end also during a silence."""
    if step is Step.RESOLVED or case.incident.drill:
        return None
    for reply in scene.silences:
        if reply.match and matches_whole(reply.match, case.incident, scene.rules.tags):
            until = f" until {stamp(reply.until, scene.rules.zone)}" if reply.until else ""
            return TimedHold(f"silence {reply.id}{until}: {reply.reason}", reply.until)
    return None


def _maintained(case: Case, _: Channel, step: Step, scene: RoutingInput) -> TimedHold | None:
    if step is Step.RESOLVED or case.incident.drill:
        return None
    for one, span in scene.maintenance:
        if matches_whole(one.match, case.incident, scene.rules.tags):
            return TimedHold(f"maintenance {one.name} until {stamp(span.end, scene.rules.zone)}", span.end)
    return None


def _offline(case: Case, _: Channel, step: Step, scene: RoutingInput) -> str | None:
    """Nobody can act on being offline: it is reported once it is over, or lasts."""
    blind = scene.rules.patience.offline
    if step is Step.OPENED and case.incident.is_offline and scene.now - case.incident.opened_at < blind:
        return f"nothing can be reached from here: told when that is over, or has lasted {blind // MINUTE} min"
    return None


def _covered(case: Case, channel: Channel, step: Step, scene: RoutingInput) -> str | None:
    """One cause, one message: a part of a wider trouble is reported with it, if that goes here and is as grave."""
    if case.incident.drill or step is Step.RESOLVED:
        return None
    one = case.incident
    for name in (EVERYTHING, one.parent or EVERYTHING, one.about.holder, *one.targets[:1], *flapping_targets(one)):
        for wider in scene.wide.get(name, ()):
            if (
                covers_fully(wider, one)
                and _is_routed(wider, channel, scene.rules)
                and not _flapping(scene.cases[wider.id], channel, step, scene)
            ):
                return f"it is part of {wider.id} ({wider.scope} {wider.subject})"
    return None


def _fading(case: Case, _: Channel, step: Step, scene: RoutingInput) -> str | None:
    """No late notification, or reminder, of what may be over by now: a message claims that it is so now."""
    if step in OPEN_STEPS and case.incident.id in scene.fading:
        return "its latest probe was good: it is told when one fails, and else as over"
    return None


def _flapping(case: Case, channel: Channel, step: Step, scene: RoutingInput) -> str | None:
    """A flapping is reported once; its turns and their ends are not, nor is the flapping again."""
    one = case.incident
    if one.drill or outlasts_flap(one, scene.now) or (one.is_flap and step is not Step.OPENED):
        return None
    flaps = [flap.incident for flap in scene.flaps if _is_held_by(flap, case, channel, scene)]
    if is_within(one, flaps):
        return f"it comes and goes, which {flaps[0].id} says; held until it is calm"
    return None


def _is_held_by(flap: Case, case: Case, channel: Channel, scene: RoutingInput) -> bool:
    """Whether the flapping tells the channel what it would get; an end follows a beginning that was sent since.

    The outage that makes it flapping is reported with it: that it is down is news.
    """
    if flap is case or not can_be_part_of(flap.incident, case.incident):
        return False
    known, heard = flap.told.get(channel.name), case.told.get(channel.name)
    if not (known or heard or case.incident.is_flap or case.incident.closed_at):
        return _widens_known(flap, case, channel, scene)
    if (case.incident.is_flap and not known) or (known and heard and heard[-1].at > known[0].at):
        return False
    return _is_promised(flap, channel, scene)


def _recovering(case: Case, channel: Channel, step: Step, scene: RoutingInput) -> str | None:
    """What is left of a wider trouble that has just ended may yet end with it; what is lost for good may not."""
    one = case.incident
    if step is not Step.OPENED or one.signal or one.drill or one.fault in TERMINAL:
        return None
    for other in scene.recent:
        if channel.name in other.told and is_remainder_of(one, other.incident):
            return f"it may be a part of {other.incident.id}, which has just ended, and yet recover with it"
    return None


def _not_calm(case: Case, _: Channel, step: Step, scene: RoutingInput) -> str | None:
    """Calm is reported once it is calm: an outage counts even if it had no name, or nobody was notified of it."""
    if step is not Step.RESOLVED or not case.incident.is_flap:
        return None
    ended = case.incident.closed_at
    if ended and _is_merged_flap(case) and scene.now - ended < CALM:
        return f"nobody counts its turns any more: it is calm {CALM // MINUTE} min after the last that may have been"
    for other in scene.cases.values():
        one = other.incident
        if other is not case and _disturbs(one, scene.now) and can_be_part_of(case.incident, one):
            return f"{one.id} is a part of it: it is calm after {CALM // MINUTE} min without an outage"
    return None


def _disturbs(one: Incident, now: datetime) -> bool:
    if one.drill or (one.signal and not one.is_flap):
        return False
    return one.closed_at is None or (not one.signal and now - one.closed_at < CALM)


def _quiet(case: Case, channel: Channel, step: Step, scene: RoutingInput) -> str | None:
    """A critical incident is sent at night, too; one that is reported in hindsight wakes nobody."""
    critical = case.incident.severity is Severity.CRITICAL and step is not Step.MISSED
    if critical or case.incident.drill or not channel.quiet:
        return None
    spans = (span for span in channel.quiet.spans(scene.now) if scene.now in span)
    return next((f"quiet hours until {stamp(span.end, scene.rules.zone)}" for span in spans), None)


def _storming(case: Case, channel: Channel, _: Step, scene: RoutingInput) -> str | None:
    patience = scene.rules.patience
    if len(scene.told_at.get(channel.name, ())) < patience.storm:
        return None
    return f"{patience.storm} messages in {patience.storm_for.total_seconds():g} s: the next one is a list of all since"


# Flapping


def _is_promised(flap: Case, channel: Channel, scene: RoutingInput) -> bool:
    """Whether the channel was notified of the flapping, or is now, and not yet of how that ended."""
    if channel.name in flap.told:
        over = flap.last.kind is ChangeKind.WITHDRAWN or channel.name not in flap.owed
        return not over and not _is_taken_over(flap, channel, scene)
    return _is_told_now(flap, channel, scene)


def _widens_known(flap: Case, case: Case, channel: Channel, scene: RoutingInput) -> bool:
    """Whether it is the wider form of a flapping that already holds this back: then another outage is no news."""
    its = [one for one in scene.flaps if one.told.get(channel.name) and _is_wider_row(flap.incident, one.incident)]
    held = [one.incident for one in its if channel.name in one.owed and one.last.kind is not ChangeKind.WITHDRAWN]
    return is_within(case.incident, held)


def _has_turned(flap: Case, channel: Channel, heard: Sequence[Notification], scene: RoutingInput) -> bool:
    """Whether it went down and came back since the channel was last notified that it is up."""
    its = [
        one for one in scene.cases.values() if not one.incident.signal and can_be_part_of(flap.incident, one.incident)
    ]
    ends = [it.at for one in its for it in one.told.get(channel.name, ()) if it.step is Step.RESOLVED]
    turned_at = max((one.at for one in flap.incident.evidence), default=scene.now)
    return turned_at > max([heard[0].at, *ends])


def _is_told_now(case: Case, channel: Channel, scene: RoutingInput) -> bool:
    """Whether no reply, maintenance or quiet hours keep its opening from the channel."""
    if case.incident.closed_at or not _decision_at_opening(case, channel, scene).step:
        return False
    return not any(hold(case, channel, Step.OPENED, scene) for hold in (_timed, _quiet))


def _is_merged_flap(case: Case) -> bool:
    return case.incident.is_flap and case.last.kind is ChangeKind.MERGED


def _became(flap: Case, one: Incident, scene: RoutingInput) -> bool:
    """Whether the flapping ended in this one: no other part of the flapping, and no other flapping goes on."""
    ended = flap.incident.closed_at
    if ended is None or not _is_merged_flap(flap) or (one.is_flap and is_within(one, [flap.incident])):
        return False
    return (
        is_open_at(one, ended) and can_end_in(flap.incident, one) and (one.is_flap or not _goes_on(flap, ended, scene))
    )


def _goes_on(flap: Case, ended: datetime, scene: RoutingInput) -> bool:
    rows = (other.incident for other in scene.flaps if other is not flap)
    return any(is_open_at(row, ended) and can_be_part_of(flap.incident, row) for row in rows)


def _is_taken_over(flap: Case, channel: Channel, scene: RoutingInput) -> bool:
    """Whether it became a lasting trouble, or a wider flapping, that the channel is notified of."""
    return any(
        (_became(flap, one.incident, scene) or _is_wider_row(one.incident, flap.incident))
        and _is_told_after(one, flap, channel, scene)
        for one in scene.cases.values()
        if one is not flap
    )


def _is_wider_row(one: Incident, flap: Incident) -> bool:
    return one.is_flap and is_within(flap, [one]) and not is_within(one, [flap])


def _is_told_after(case: Case, flap: Case, channel: Channel, scene: RoutingInput) -> bool:
    if heard := case.told.get(channel.name):
        return heard[-1].at > flap.told[channel.name][0].at
    return _is_told_now(case, channel, scene)


def _flap_told_at(case: Case, channel: Channel, heard: Sequence[Notification], scene: RoutingInput) -> datetime | None:
    """Return when the channel was notified of the flapping, if that was the latest it got about this; else None."""
    if case.incident.is_flap:
        return None
    told = [(flap.incident, flap.told[channel.name][0].at) for flap in scene.flaps if channel.name in flap.told]
    since = [(flap, at) for flap, at in told if at >= heard[-1].at and has_same_cause(flap, case.incident)]
    return max(at for _, at in since) if is_within(case.incident, [flap for flap, _ in since]) else None


def _is_one_of_many(case: Case, channel: Channel, heard: Sequence[Notification], scene: RoutingInput) -> bool:
    """Whether it ended before it had lasted, while the channel only knows of the flapping."""
    since, ended = _flap_told_at(case, channel, heard, scene), case.incident.closed_at
    return since is not None and ended is not None and ended - since < STAYED


# Signs of one thing


def _same_sign(case: Case, channel: Channel, step: Step, scene: RoutingInput) -> str | None:
    """What several models or canaries of one account show alike is one sign: reported once, and over with the last."""
    if not is_shared(case.incident):
        return None
    for other in scene.signs:
        if other is case:
            continue
        if step is Step.RESOLVED and _is_still_open(other, case, channel):
            return f"{other.incident.id} shows the same and goes on"
        if step is not Step.RESOLVED and _reports_same(other, case, channel, scene):
            return f"{other.incident.id} says the same"
    return None


def _is_still_open(other: Case, case: Case, channel: Channel) -> bool:
    """Whether a sign that was held back for this one is still open: nothing is over yet."""
    untold = other.incident.closed_at is None and channel.name not in other.told
    return untold and is_same_signal(other.incident, case.incident)


def _reports_same(other: Case, case: Case, channel: Channel, scene: RoutingInput) -> bool:
    """Whether the channel knows this sign from another one, or is notified of that one now."""
    it, one = other.incident, case.incident
    wider = is_wider_signal(it, one)
    if channel.name in case.told or not (wider or is_same_signal(it, one)):
        return False
    if channel.name in other.told:
        return channel.name in other.owed and not other.is_silently_over()
    first = wider or (not is_wider_signal(one, it) and (it.opened_at, it.id) < (one.opened_at, one.id))
    return first and _is_told_now(other, channel, scene)


def _is_wider_now(case: Case, channel: Channel, scene: RoutingInput) -> bool:
    """Whether only this sign is over: the channel has since been notified of a wider one, which goes on."""
    one, ended = case.incident, case.incident.closed_at or scene.now
    wider = (it for it in scene.signs if channel.name in it.told and is_wider_signal(it.incident, one))
    return is_shared(one) and any(is_open_at(it.incident, ended) for it in wider)


TIMED_HOLDS = (_snoozed, _silenced, _maintained)
HOLDS = (
    *(_timed, _offline, _covered, _recovering),
    *(_fading, _flapping, _not_calm, _same_sign, _quiet, _storming),
)


# The same trouble again


def past_incidents(case: Case, scene: RoutingInput) -> list[Incident]:
    """Return the incidents of this trouble within a day, up to this one, without those that were only merged.

    In a drill nothing was down: it counts by itself.
    """
    if case.incident.drill:
        return [case.incident]
    its = scene.families.get(case.key, [case])
    until_now = [one for one in its[: its.index(case) + 1] if not one.is_silently_over()]
    return [one.incident for one in until_now if scene.now - (one.incident.closed_at or scene.now) < DAY]
