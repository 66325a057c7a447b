"""Hold what was told of a world against its truth."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property

from msgspec import Struct, field

from benchmarks.diagnosis_play import NOON, Look, Part, Played, Sent
from benchmarks.diagnosis_world import Cause, Course, Hit, Reading, Setting
from monitor.alert.case import END_STEPS, Step
from monitor.diagnose.incident import Incident, accounts_of_targets
from monitor.diagnose.subject import Scope
from monitor.sentence.reason import describe_reasons
from probes.model import Blame, Confidence, Target

TELLING = (Step.OPENED, Step.CHANGED)
AGAIN = (Step.REMINDER, Step.ESCALATED)
WELL_S = 60.0
"""So long after the last trouble a message may still be on its way."""
BLIP_S = 120.0
"""What lasts no longer need not be told."""
UNDER_WAY_S = 5.0
"""So long it takes from a look to the message that comes of it."""
SLACK_S = 5.0
"""So much do answer times add to an interval."""


class First(StrEnum):
    """How the first message of a cause was. OPEN: undecided, and nobody could decide it. UNSEEN: no look could tell."""

    RIGHT = "right"
    OPEN = "undecided"
    UNDECIDED = "undecided, though it can be decided"
    SCOPE = "wrong scope"
    BLAME = "wrong blame"
    MISSED = "not told"
    UNSEEN = "not seen"


class AlertState(Struct, frozen=True):
    """What became of one cause. Delays are in seconds, None where nothing was told.

    `downtime`: whether the recorded one is right within the intervals then in force; None where that cannot be said.
    """

    cause: int
    hit: Hit
    first: First
    words: str
    delay_s: float | None
    look_delay_s: float | None
    messages: int
    account_blamed: bool
    downtime: bool | None
    downtime_words: str = ""


class Marks(Struct, frozen=True):
    """What one world came to. Sentences are counted where they were sent, not where they were thought."""

    kind: str
    seed: int
    siblings: int
    told: tuple[AlertState, ...]
    needless: tuple[str, ...]
    blamed_offline: bool
    sentences: int
    untrue_by_looks: tuple[str, ...]
    untrue: tuple[str, ...]
    unread: tuple[str, ...]
    after: tuple[str, ...]
    backwards: tuple[str, ...]


def score(made: Setting, played: Played) -> Marks:
    sight = Sight(made, played)
    verdicts = [verdict for sent in played.sent for verdict in sentences(sent, sight)]
    over_s = max((one.end_s for one in made.causes), default=0.0)
    told = [_told(number, sight) for number in range(len(made.causes))] if made.told else []
    strays = [part for sent in played.sent for part in sent.parts if sight.cause_of(part.incident) is None]
    needless = strays if made.told else [part for sent in played.sent for part in sent.parts]
    late = [one for one in played.sent if made.causes and one.at_s > over_s + WELL_S and _is_telling(one)]
    return Marks(
        kind=made.kind,
        seed=made.seed,
        siblings=made.siblings,
        told=tuple(told),
        needless=tuple(map(_words, needless)),
        blamed_offline=any(_blames_offline(part.incident, sight) for sent in played.sent for part in sent.parts),
        sentences=len(verdicts),
        untrue_by_looks=tuple(one.sentence for one in verdicts if one.by_looks is False),
        untrue=tuple(one.sentence for one in verdicts if one.by_truth is False),
        unread=tuple(one.sentence for one in verdicts if one.by_truth is None),
        after=tuple(one.text.title for one in late),
        backwards=tuple(
            str(one.scope) for one in _incidents(played) if one.closed_at and one.closed_at < one.opened_at
        ),
    )


def _incidents(played: Played) -> list[Incident]:
    return [case.incident for case in played.cases.values()]


def _is_telling(sent: Sent) -> bool:
    return any(part.step in TELLING for part in sent.parts)


def _words(part: Part) -> str:
    one = part.incident
    return f"{part.step} {one.scope} of {one.blame}: {one.fault}{' (flap)' if one.is_flap else ''}"


class Sight(Struct, dict=True):
    """A played world, seen at any instant: by its truth, and by the looks that were taken until then."""

    made: Setting
    played: Played
    _at: dict[float, dict[str, Look]] = field(default_factory=dict)

    @cached_property
    def targets(self) -> Mapping[str, Target]:
        return {id: watch.target for id, watch in self.made.config.watches.items()}

    def latest(self, at_s: float) -> Mapping[str, Look]:
        """Return the latest look at each target that had its answer by then."""
        if at_s not in self._at:
            self._at[at_s] = {one.target: one for one in self.played.looks if one.ended_s <= at_s}
        return self._at[at_s]

    def fails(self, target: str, at_s: float) -> bool | None:
        """Return whether a target fails by the truth; None where some looks at it fail and some do not."""
        chance = max((one.chance(target, at_s) for one in self.made.causes), default=0.0)
        return None if 0 < chance < 1 else chance == 1

    def cause_of(self, incident: Incident) -> int | None:
        """Return the cause that an incident tells of: the one whose targets are the most alike."""
        its, shares = set(incident.targets) or {one.target for one in incident.evidence}, {}
        for number, cause in enumerate(self.made.causes):
            hit = cause.spells.keys() & its
            offline = incident.scope is Scope.MONITOR and cause.hit is Hit.OFFLINE
            if self._meets(incident, cause) and (hit or offline):
                share = len(hit) / len(cause.spells.keys() | its)
                shares[number] = (offline or incident.fault is cause.fault, share)
        return max(shares, key=shares.__getitem__, default=None)

    def _meets(self, incident: Incident, cause: Cause) -> bool:
        """Whether an incident was open, as far as it is known, while the cause was there."""
        slack_s = SLACK_S + abs(self.made.jump[1] if self.made.jump else 0.0)
        until = incident.closed_at or incident.detected_at or incident.opened_at
        return seconds(incident.opened_at) <= cause.end_s + slack_s and seconds(until) >= cause.begin_s - slack_s

    def page_told(self, answerer: str, at_s: float) -> bool:
        """Return whether a page of the provider had told of trouble by then, as far as it was read."""
        provider = answerer.partition("@")[0]
        return any(one.trouble and one.provider == provider and one.at_s <= at_s for one in self.played.polls)

    def accounts(self, answerer: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for id, target in self.targets.items():
            if target.answerer == answerer:
                found.setdefault(target.account, []).append(id)
        return found

    def answerer(self, incident: Incident) -> str:
        known = [self.targets[id].answerer for id in incident.targets if id in self.targets]
        return known[0] if known else incident.subject.partition("/")[0]


def seconds(at: datetime) -> float:
    return (at - NOON).total_seconds()


def _blames_offline(incident: Incident, sight: Sight) -> bool:
    number = sight.cause_of(incident)
    offline = number is not None and sight.made.causes[number].hit is Hit.OFFLINE
    return offline and incident.blame is not Blame.UNKNOWN


# What became of a cause


def _told(number: int, sight: Sight) -> AlertState:
    cause = sight.made.causes[number]
    its = [(sent, parts) for sent in sight.played.sent if (parts := _parts_of(number, sent, sight))]
    first, words, at_s = _first(cause, its, sight)
    looked_s = next((one.ended_s for one in sight.played.looks if one.cause == number), None)
    told = [part.incident for _, parts in its for part in parts]
    downtime, error = _downtime(number, sight)
    return AlertState(
        cause=number,
        hit=cause.hit,
        first=first,
        words=words,
        delay_s=None if at_s is None else at_s - max(cause.begin_s, 0.0),
        look_delay_s=None if at_s is None or looked_s is None else at_s - looked_s,
        messages=sum(any(part.step not in AGAIN for part in parts) for _, parts in its),
        account_blamed=any(one.blame is Blame.ACCOUNT and not _is_fair(cause, one) for one in told),
        downtime=downtime,
        downtime_words=error,
    )


def _parts_of(number: int, sent: Sent, sight: Sight) -> list[Part]:
    return [part for part in sent.parts if sight.cause_of(part.incident) == number]


def _first(cause: Cause, its: Sequence[tuple[Sent, Sequence[Part]]], sight: Sight) -> tuple[First, str, float | None]:
    for sent, parts in its:
        if telling := [part for part in parts if part.step not in END_STEPS] or list(parts):
            ways = [_way(cause, part.incident, sent.at_s, sight) for part in telling]
            worst = max(ways, key=list(First).index)
            told = telling[ways.index(worst)].incident
            return worst, _difference(cause, told, worst), sent.at_s
    return (First.MISSED if _is_seen(cause, sight) else First.UNSEEN), "", None


def _is_seen(cause: Cause, sight: Sight) -> bool:
    """Whether the looks were enough to tell it: what may pass by itself must have lasted for two minutes."""
    lasts_s = SLACK_S if cause.fault.blame is Blame.ACCOUNT else BLIP_S
    number = sight.made.causes.index(cause)
    met = _by_target([one for one in sight.played.looks if one.cause == number])
    return any(len(its) >= 3 and its[-1].at_s - its[0].at_s >= lasts_s for its in met.values())


def _way(cause: Cause, incident: Incident, at_s: float, sight: Sight) -> First:
    if _is_as_far_as_it_came(cause, incident, at_s):
        return First.RIGHT
    placed = [one for one in cause.readings if (one.scope, one.subject) == (incident.scope, incident.subject)]
    if incident.blame is Blame.UNKNOWN and cause.blame is not Blame.UNKNOWN:
        fair = cause.open and not sight.page_told(sight.answerer(incident), at_s)
        return First.OPEN if fair and placed else First.UNDECIDED
    if any(incident.blame in one.blames and _is_modest(incident, one) for one in placed):
        return First.RIGHT
    blamed = not placed and any(incident.blame in one.blames for one in cause.readings)
    return First.SCOPE if blamed else First.BLAME


def _is_modest(incident: Incident, reading: Reading) -> bool:
    return reading.sure or incident.confidence is not Confidence.HIGH


def _is_fair(cause: Cause, incident: Incident) -> bool:
    """Whether somebody may be blamed so for this cause, whatever its scope."""
    return any(incident.blame in one.blames and _is_modest(incident, one) for one in cause.readings)


def _is_as_far_as_it_came(cause: Cause, incident: Incident, at_s: float) -> bool:
    """Whether it tells of one account at an instant at which none that falls with it had fallen yet."""
    if cause.hit is not Hit.GROUP:
        return False
    fallen = {id for id in cause.spells if cause.chance(id, at_s - UNDER_WAY_S)}
    narrow = incident.scope is Scope.ACCOUNT and incident.blame is cause.fault.blame
    return (
        narrow
        and bool(fallen)
        and accounts_of_targets(fallen) == {incident.subject}
        and len(accounts_of_targets(cause.spells)) > 1
    )


def _difference(cause: Cause, incident: Incident, way: First) -> str:
    if way in (First.RIGHT, First.OPEN):
        return ""
    reading = cause.readings[0]
    wanted = f"{reading.scope} of {'/'.join(sorted(reading.blames))}"
    named = " (another subject)" if incident.scope is reading.scope and incident.subject != reading.subject else ""
    return f"{incident.scope} of {incident.blame}, {incident.confidence} ({incident.fault}){named} for {wanted}"


def _downtime(number: int, sight: Sight) -> tuple[bool | None, str]:
    """Return whether one incident holds all of a cause, from its begin to its end, and else what is wrong."""
    cause = sight.made.causes[number]
    if cause.course is not Course.STEADY or sight.made.jump or _is_tangled(number, sight):
        return None, ""
    spans = sorted(
        (seconds(one.opened_at), seconds(one.closed_at) if one.closed_at else sight.made.ends_s)
        for one in _incidents(sight.played)
        if not (one.signal or one.is_absence) and sight.cause_of(one) == number
    )
    begin, end = _bounds(number, sight)
    if not spans or begin is None or end is None:
        return None, ""
    errors = [_error(span, begin, end) for span in spans]
    if "" in errors:
        return True, ""
    return False, f"recorded as {len(spans)}" if len(spans) > 1 else errors[0]


Window = tuple[float, float]
"""From when to when, in seconds, an instant may be recorded: what the looks around it leave open."""


def _error(span: tuple[float, float], begin: Window, end: Window) -> str:
    """Say by how much one incident misses the begin or the end; empty where it does not."""
    for name, at_s, (least_s, most_s) in (("begin", span[0], begin), ("end", span[1], end)):
        if not least_s - SLACK_S <= at_s <= most_s + SLACK_S:
            return f"{name} off by {at_s - (least_s if at_s < least_s else most_s):.0f} s"
    return ""


def _is_tangled(number: int, sight: Sight) -> bool:
    """Whether what it hits was down by another cause when it came or went: nothing was seen of its begin or its end."""
    cause = sight.made.causes[number]
    others = [one for place, one in enumerate(sight.made.causes) if place != number]
    bounds = (cause.begin_s, cause.end_s)
    return any(one.is_on(at_s) and cause.spells.keys() & one.spells.keys() for one in others for at_s in bounds)


def _bounds(number: int, sight: Sight) -> tuple[Window | None, Window | None]:
    """Return where begin and end of a cause may lie by the looks; None where nobody looked afterwards.

    It begins at its first bad look at the latest, and is not over before the last one.
    """
    cause, looks = sight.made.causes[number], _by_target(sight.played.looks)
    bad = [one.at_s for one in sight.played.looks if one.cause == number]
    if not bad:
        return None, None
    good = list(_first_good(number, cause, looks))
    return (max(cause.begin_s, 0.0), min(bad)), (max(bad), max(good)) if good else None


def _first_good(number: int, cause: Cause, looks: Mapping[str, Sequence[Look]]) -> Iterator[float]:
    """Yield when each target was first seen well again; infinite where it never was."""
    for target in cause.spells:
        bad = [one.at_s for one in looks.get(target, ()) if one.cause == number]
        if bad:
            yield next((one.at_s for one in looks[target] if one.at_s > bad[-1]), float("inf"))


def _by_target(looks: Sequence[Look]) -> dict[str, list[Look]]:
    found: dict[str, list[Look]] = {}
    for look in looks:
        found.setdefault(look.target, []).append(look)
    return found


# Whether a sentence is true


class Claim(Struct, frozen=True):
    """A sentence that was sent, and whether it fits our own looks and the truth; None: nobody knows to read it."""

    sentence: str
    by_looks: bool | None
    by_truth: bool | None


def sentences(sent: Sent, sight: Sight) -> Iterator[Claim]:
    """Yield each reason of a message with what is to be said of it as it left. A list of several shows none."""
    if len(sent.parts) != 1 or sent.parts[0].step in END_STEPS:
        return
    incident = sent.parts[0].incident
    if incident.signal:
        return
    left_s = sent.at_s if sent.left_s is None else sent.left_s
    for sentence in describe_reasons(incident):
        yield _claim(sentence, incident, left_s, sight)


def _claim(sentence: str, incident: Incident, at_s: float, sight: Sight) -> Claim:
    for pattern, check in CHECKS:
        if match := re.fullmatch(pattern, sentence):
            return Claim(sentence, *check(match, incident, at_s, sight))
    return Claim(sentence, None, None)


Truth = tuple[bool, bool]
"""Whether it fits the looks, and the truth."""


def _failing_accounts(incident: Incident, at_s: float, sight: Sight) -> tuple[set[str], set[str], set[str]]:
    """Return the accounts there that share its cause: by the latest looks, by the truth, and perhaps.

    What fails by another cause may be counted or not.
    """
    latest, accounts, number = sight.latest(at_s), sight.accounts(sight.answerer(incident)), sight.cause_of(incident)
    if number is None:
        return set(), set(), set()
    cause = sight.made.causes[number]
    hit = {name: [id for id in its if cause.chance(id, at_s)] for name, its in accounts.items()}
    looks = {name for name, its in accounts.items() if any(id in latest and latest[id].cause == number for id in its)}
    perhaps = {name for name, its in hit.items() if its}
    truth = {
        name
        for name, its in hit.items()
        if any(cause.chance(id, at_s) == 1 and sight.made.hits(id, at_s) is cause for id in its)
    }
    return looks, truth, perhaps


def _siblings(match: re.Match[str], incident: Incident, at_s: float, sight: Sight) -> Truth:
    others = sight.accounts(sight.answerer(incident)).keys() - accounts_of_targets(incident.targets)
    looks, _, _ = _failing_accounts(incident, at_s, sight)
    claimed, seen_s = int(match[1]), _seen_s(match[2], incident, at_s)
    _, truth, _ = _failing_accounts(incident, seen_s, sight)
    return claimed <= len(others - looks), claimed <= len(others - truth)


def _seen_s(clock: str | None, incident: Incident, at_s: float) -> float:
    """Return when a look was made that a sentence dates by the monitor's own clock; a second early, as that is cut."""
    if clock is None:
        return at_s
    now = incident.reasoned_at or NOON + timedelta(seconds=at_s)
    then = datetime.combine(now, time.fromisoformat(clock.rpartition(", ")[2]), UTC)
    return at_s - ((now - then) % timedelta(days=1)).total_seconds()


def _shared(match: re.Match[str], incident: Incident, at_s: float, sight: Sight) -> Truth:
    """So many fail, and the others that were asked since do not."""
    accounts = sight.accounts(sight.answerer(incident))
    looks, truth, perhaps = _failing_accounts(incident, at_s, sight)
    claimed, well = int(match[1]), int(match[2]) - int(match[1])
    by_looks = claimed <= len(looks) and well <= len(accounts.keys() - _failing_alike(incident, at_s, sight))
    return by_looks, claimed <= len(truth | perhaps) and well <= len(accounts.keys() - truth)


def _failing_alike(incident: Incident, at_s: float, sight: Sight) -> set[str]:
    """Return the accounts whose latest looks at the same canaries all failed."""
    latest, ours = sight.latest(at_s), {sight.targets[id].canary for id in incident.targets if id in sight.targets}
    found: set[str] = set()
    for name, its in sight.accounts(sight.answerer(incident)).items():
        same = [latest[id] for id in its if id in latest and sight.targets[id].canary in ours]
        if same and all(one.fault for one in same):
            found.add(name)
    return found


def _all_refused(match: re.Match[str], incident: Incident, at_s: float, sight: Sight) -> Truth:
    looks, truth, perhaps = _failing_accounts(incident, at_s, sight)
    named = accounts_of_targets(incident.targets)
    return named <= looks, named <= truth | perhaps


def _shaken(match: re.Match[str], incident: Incident, at_s: float, sight: Sight) -> Truth:
    """So many others have met the same since it began, whatever they meet now."""
    number, since_s = sight.cause_of(incident), seconds(incident.opened_at)
    if number is None:
        return False, False
    ours, cause = accounts_of_targets(incident.targets), sight.made.causes[number]
    met = {one.target for one in sight.played.looks if one.cause == number and since_s <= one.at_s <= at_s}
    hit = {id for id, its in cause.spells.items() if any(one.begin_s < at_s and one.end_s > since_s for one in its)}
    claimed = int(match[1])
    return claimed <= len(accounts_of_targets(met) - ours), claimed <= len(accounts_of_targets(hit) - ours)


def _still(match: re.Match[str], incident: Incident, at_s: float, sight: Sight) -> Truth:
    """What was looked at some time ago is claimed as of then."""
    answerer, latest = sight.answerer(incident), sight.latest(at_s)
    wide = incident.scope in (Scope.PROVIDER, Scope.ORGANIZATION, Scope.EGRESS)
    names = set(sight.accounts(answerer)) if wide else accounts_of_targets(incident.targets)
    its = [one for one in sight.targets.values() if one.account in names]
    by_looks, by_truth = True, True
    seen_s = _seen_s(match[2], incident, at_s)
    for name in match[1].split(", "):
        same = [one.id for one in its if name in (one.canary, one.model)]
        by_looks &= any(id in latest and latest[id].fault is None for id in same)
        by_truth &= any(sight.fails(id, seen_s) is not True for id in same)
    return by_looks, by_truth


def _control_answered(match: re.Match[str], incident: Incident, at_s: float, sight: Sight) -> Truth:
    answerer, good = sight.answerer(incident), "answered" in match[0]
    last = [fault for when_s, fault in sight.played.controls.get(answerer, ()) if when_s <= at_s]
    standing = [one for one in sight.made.causes if answerer in one.answerers and one.is_on(at_s)]
    perhaps = any(0 < one.chance(id, at_s) < 1 for one in standing for id in one.spells)
    truth = perhaps or sight.made.deaf or good is not bool(standing)
    return bool(last) and (last[-1] is None) is good, truth


def _nothing_answers(match: re.Match[str], incident: Incident, at_s: float, sight: Sight) -> Truth:
    latest = sight.latest(at_s)
    return all(latest[id].fault for id in incident.targets if id in latest), sight.made.is_offline(at_s)


def _unreachable(match: re.Match[str], incident: Incident, at_s: float, sight: Sight) -> Truth:
    return True, sight.made.is_offline(at_s)


def _reachable(match: re.Match[str], incident: Incident, at_s: float, sight: Sight) -> Truth:
    return True, not sight.made.is_offline(at_s)


def _cut_off(match: re.Match[str], incident: Incident, at_s: float, sight: Sight) -> Truth:
    latest, answerers = sight.latest(at_s), {one.answerer for one in sight.targets.values()}
    its = {name: [id for names in sight.accounts(name).values() for id in names] for name in answerers}
    looks = sum(all(id in latest and latest[id].fault for id in ids) for ids in its.values())
    truth = sum(all(sight.fails(id, at_s) for id in ids) for ids in its.values())
    return int(match[1]) == looks, int(match[1]) == truth


def _model_fails(match: re.Match[str], incident: Incident, at_s: float, sight: Sight) -> Truth:
    latest, answerer = sight.latest(at_s), sight.answerer(incident)
    models = {sight.targets[id].model for id in incident.targets if id in sight.targets}
    chats = [one for one in sight.targets.values() if one.answerer == answerer and one.canary == "chat"]
    asking, others = (
        [one.id for one in chats if one.model in models],
        [one.id for one in chats if one.model not in models],
    )
    since = [id for id in asking if id in latest and latest[id].at_s >= seconds(incident.opened_at)]
    looks = all(latest[id].fault for id in since)
    looks &= any(id in latest and latest[id].fault is None for id in others)
    truth = all(sight.fails(id, at_s) is not False for id in asking)
    return looks, truth and any(sight.fails(id, at_s) is not True for id in others)


def _page(match: re.Match[str], incident: Incident, at_s: float, sight: Sight) -> Truth:
    """What a page says is told as it was read last: the truth of it is what was there then."""
    provider, trouble = sight.answerer(incident).partition("@")[0], "reports trouble" in match[0]
    last = [one.trouble for one in sight.played.polls if one.provider == provider and one.at_s <= at_s]
    fits = bool(last) and trouble is any(last[-2:])
    return fits, fits


def _alone(match: re.Match[str], incident: Incident, at_s: float, sight: Sight) -> Truth:
    fits = len(sight.accounts(sight.answerer(incident))) == 1
    return fits, fits


def _always(match: re.Match[str], incident: Incident, at_s: float, sight: Sight) -> Truth:
    return True, True


def _symptom(match: re.Match[str], incident: Incident, at_s: float, sight: Sight) -> Truth:
    """`chat, list: HTTP 503, overloaded`: the latest look at some of each met that; it quotes, and claims no more."""
    latest, fits = sight.latest(at_s), True
    for part in match[0].split("; "):
        canaries, _, met = part.rpartition(": ")
        fault = met.rpartition(", ")[2]
        for canary in canaries.split(", "):
            its = [id for id in incident.targets if id in sight.targets and sight.targets[id].canary == canary]
            fits &= any(id in latest and latest[id].fault == fault for id in its)
    return fits, fits


Check = Callable[[re.Match[str], Incident, float, Sight], Truth]
CHECKS: Sequence[tuple[str, Check]] = (
    (
        r"(\d+) other accounts? of this provider ha(?:s|ve) answered since it began "
        r"\(probed at (.*) UTC\)",
        _siblings,
    ),
    (r"(\d+) of (\d+) accounts (?:fails|fail the same way)", _shared),
    (r"(?:all )?(\d+) (?:of \d+ )?accounts (?:of .*|here )are refused", _all_refused),
    (r"all (\d+) accounts that have asked for it since fail the same way, while another model answers", _model_fails),
    (r"it fails while another model answers", _model_fails),
    (r"either the provider's key service is failing, or .*", _always),
    (r"no other account has been asked the same since, .*", _always),
    (r"(\d+) other accounts? ha(?:s|ve) failed the same way since it began, and answered in between", _shaken),
    (r"still answers: (.*?)(?: \(probed at (.*) UTC\))?", _still),
    (r"a call without a key (?:was answered|failed too|was refused too|got no answer either).*", _control_answered),
    (r"nothing answers: (\d+) targets of .* fail before any answer", _nothing_answers),
    (r"nothing else can be reached from this machine either", _unreachable),
    (r"this machine can reach other hosts", _reachable),
    (r"(\d+) of (\d+) unrelated providers cannot be reached from here", _cut_off),
    (r"the provider's page (?:reports trouble: .*|reports no trouble)", _page),
    (r"the provider's page (?:reports no trouble in the part.*|cannot be read now.*)", _always),
    (r"only one account is watched here, so we cannot say whether others are affected", _alone),
    (r"(?:[a-z, -]+: (?:HTTP \d+|no answer), [a-z_]+(?:; )?)+", _symptom),
)
"""How each sentence that the diagnosis says is read, and what makes it untrue."""
