"""Diagnoses and open incidents → changes: what opens, widens, narrows, and ends; pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from monitor.detect.health import Health, is_returning
from monitor.diagnose.diagnosis import ACCOUNT_WIDE, Diagnosis
from monitor.diagnose.incident import Change, ChangeKind, Incident, incident_key, is_flap, open_incident, severity_of
from monitor.diagnose.reason import NeutralHosts, NoLongerWatched
from monitor.diagnose.subject import Scope, Subject
from monitor.diagnose.target_state import UNREACHABLE
from probes.model import Blame
from probes.target_id import account_of, answerer_id, provider_of

WIDTH = tuple(Scope)
"""From narrow to wide; see Scope."""
REACH = {
    Scope.LOCATION: -1,
    Scope.TARGET: 0,
    Scope.MODEL: 0,
    Scope.CAPABILITY: 0,
    Scope.ACCOUNT: 1,
    Scope.ORGANIZATION: 2,
    Scope.PROVIDER: 2,
    Scope.EGRESS: 3,
    Scope.MONITOR: 3,
    Scope.SOURCE: 0,
    Scope.REMINDER: 0,
    Scope.OBJECTIVE: 0,
    Scope.STAGE: 0,
}
"""Reach of a scope as it matters to who acts: some places, part of an account, all of it, several ones, the road."""
UNWATCHED = NoLongerWatched()
NOWHERE: Mapping[str, str] = MappingProxyType({})
PATIENCE = timedelta(seconds=45)
"""Time after the latest recovery in which what is still down may yet recover with it."""


class Watched(Struct, frozen=True):
    """What is watched: the ids of targets; those of status sources, objectives and places; the accounts' addresses."""

    targets: Collection[str]
    named: Collection[str]
    hosts: Mapping[str, str]

    def has_of(self, sign: Incident) -> bool:
        return any(self.is_of(sign, target) for target in self.targets)

    def is_of(self, sign: Incident, target: str) -> bool:
        """Whether a sign concerns a target: its account, all that its answerer answers, or where it was seen."""
        if sign.is_flap:
            return target in _seen(sign)
        account = account_of(target)
        answerer = answerer_id(provider_of(account), self.hosts.get(account))
        return sign.about.is_of(account, answerer) or target in _seen(sign)


class IncidentUpdate(Struct, frozen=True):
    """What becomes of the open incidents: their changes, and the present state of those that need no row."""

    changes: tuple[Change, ...]
    refreshed: tuple[Incident, ...]


def advance_incidents(
    open_incidents: Iterable[Incident],
    diagnoses: Sequence[Diagnosis],
    well_since: Mapping[str, datetime | None],
    now: datetime,
    settled: Iterable[Diagnosis] = (),
    named: Collection[str] = (),
    location: str = "",
    hosts: Mapping[str, str] = NOWHERE,
) -> IncidentUpdate:
    """Return what opens, changes and ends; drills, and incidents of our own failing stages, are not touched.

    `well_since` has an entry for every watched target: since when it is up, None if it is not. `settled` are signs that
    ended without everything being as before, each dated by its end. `named` are the ids of the status sources,
    objectives and places in the configuration; `location` is where we probe from; `hosts` are the own addresses of the
    accounts that have one.
    """
    standing = [one for one in open_incidents if not one.drill and one.scope is not Scope.STAGE]
    watched = Watched(well_since.keys(), named, hosts)
    signs = _advance_signs([one for one in standing if _is_sign(one)], diagnoses, watched, now, settled, location)
    troubles = [one for one in standing if not _is_sign(one)]
    rest = _advance_troubles(troubles, [one for one in diagnoses if not _is_sign(one)], well_since, now, location)
    return IncidentUpdate((*signs.changes, *rest.changes), (*signs.refreshed, *rest.refreshed))


def _is_sign(one: Incident | Diagnosis) -> bool:
    """Whether its name alone identifies it: no target of it fails."""
    return one.signal or not one.targets


def _advance_troubles(
    standing: Sequence[Incident],
    diagnoses: Sequence[Diagnosis],
    well_since: Mapping[str, datetime | None],
    now: datetime,
    location: str,
) -> IncidentUpdate:
    offline = next((one for one in standing if one.is_offline), None)
    back_at = reconnected_at(offline, diagnoses, well_since) if offline else None
    waited = _awaited(offline, diagnoses, back_at, now) if offline else []
    diagnoses = [one for one in diagnoses if one not in waited]
    pairs = _pair(standing, diagnoses)
    matched = {id(diagnosis): incident for incident, diagnosis in pairs}
    parts = _parts_by_incident(standing, [one for one in diagnoses if id(one) not in matched])
    ends, changes, refreshed = list[Change](), list[Change](), list[Incident]()
    for diagnosis in diagnoses:
        if id(diagnosis) not in matched and not any(diagnosis in its for its in parts.values()) and diagnosis.settled:
            changes.append(Change(open_incident(diagnosis, now, location=location), ChangeKind.OPENED, now))
    for incident, diagnosis in pairs:
        after = _followed(incident, diagnosis, parts.get(incident.id, ()), well_since, now)
        kind = _kind_of_change(incident, after)
        if kind is None:
            refreshed.append(after)
        else:
            changes.append(Change(_as_reported(after) if kind is ChangeKind.CHANGED else after, kind, now))
    paired = {incident.id for incident, _ in pairs}
    here = [*(change.incident for change in changes), *refreshed]
    for incident in standing:
        if incident.id in paired or (waited and incident is offline):
            continue
        if its := parts.get(incident.id):
            after = _followed(incident, None, its, well_since, now)
            kind = _kind_of_change(incident, after)
            changes += [Change(after, kind, now)] if kind else []
            refreshed += [] if kind else [after]
        else:
            ends += _unmatched(incident, here, well_since, back_at, now)
    return IncidentUpdate((*ends, *changes), tuple(refreshed))


def _pair(standing: Sequence[Incident], diagnoses: Sequence[Diagnosis]) -> list[tuple[Incident, Diagnosis]]:
    """Return each diagnosis with the incident that it continues: the one it shares most with, the oldest first."""
    candidates = [
        (
            incident_key(incident) == incident_key(diagnosis),
            len(_own_targets(incident) & set(diagnosis.targets)),
            incident,
            diagnosis,
        )
        for incident in standing
        for diagnosis in diagnoses
        if _is_same_cause(incident, diagnosis)
    ]
    # What became part of a wider one stays part of it while that goes on.
    candidates.sort(key=lambda one: (one[2].parent is not None, not one[0], -one[1], one[2].opened_at, one[2].id))
    pairs: list[tuple[Incident, Diagnosis]] = []
    for _, _, incident, diagnosis in candidates:
        if all(incident is not one and diagnosis is not other for one, other in pairs):
            pairs.append((incident, diagnosis))
    return pairs


def _is_same_cause(incident: Incident, diagnosis: Diagnosis) -> bool:
    """Whether it can be the same trouble: of the same name, or of the same kind with a target in common.

    What an account is refused has another cause than what its provider or the road suffers. An unreachable provider may
    turn out to be one case of nothing being reachable.
    """
    if incident.parent is not None and _own_targets(incident).isdisjoint(diagnosis.targets):
        return False
    if incident_key(incident) == incident_key(diagnosis):
        return True
    if _own_targets(incident).isdisjoint(diagnosis.targets) or incident.scope is Scope.MONITOR:
        return False  # what is still unreachable once all else is back is another trouble
    if diagnosis.scope is Scope.MONITOR:
        return incident.fault in UNREACHABLE
    return (incident.fault.blame is Blame.ACCOUNT) is (diagnosis.fault.blame is Blame.ACCOUNT)


def _own_targets(incident: Incident) -> frozenset[str]:
    """Return the targets by which an open incident is known again.

    Of a part of a wider one these are only those that failed when it became so: what was back by then, and fails again
    while the wider one goes on, is another trouble.
    """
    return incident.members if incident.parent is None else frozenset(incident.targets)


def _parts_by_incident(standing: Sequence[Incident], rest: Sequence[Diagnosis]) -> dict[str, tuple[Diagnosis, ...]]:
    """Return, by incident, the diagnoses of what remains of it in parts."""
    parts: dict[str, tuple[Diagnosis, ...]] = {}
    for diagnosis in rest:
        for incident in standing:
            if _is_same_cause(incident, diagnosis) and set(diagnosis.targets) <= _own_targets(incident):
                parts[incident.id] = (*parts.get(incident.id, ()), diagnosis)
                break
    return parts


def _awaited(
    offline: Incident, diagnoses: Sequence[Diagnosis], back_at: datetime | None, now: datetime
) -> list[Diagnosis]:
    """Return what is still unreachable although the road is back: not probed since, or about to follow."""
    early = back_at is None or now - back_at < PATIENCE
    return [
        one
        for one in diagnoses
        if one.scope is not Scope.MONITOR and one.fault in UNREACHABLE and set(one.targets) <= offline.members
        if early or not any(evidence.at >= back_at for evidence in one.evidence if back_at)
    ]


def reconnected_at(
    offline: Incident, diagnoses: Sequence[Diagnosis], well_since: Mapping[str, datetime | None]
) -> datetime | None:
    """Return when the road was seen to be open again: by an answer, good or bad, or by what else is reached."""
    well = (since for target in offline.members if (since := well_since.get(target)))
    seen_at = {one.target: one.at for one in offline.evidence}
    its = [one for diagnosis in diagnoses for one in diagnosis.evidence if one.at > seen_at.get(one.target, one.at)]
    refused = (one.at for one in its if one.status or one.fault not in UNREACHABLE)
    elsewhere = [offline.reasoned_at] if any(NeutralHosts(reached=True) in one.reasons for one in diagnoses) else []
    return min((at for at in (*well, *refused, *elsewhere) if at and at > offline.opened_at), default=None)


def _followed(
    incident: Incident,
    diagnosis: Diagnosis | None,
    parts: Sequence[Diagnosis],
    well_since: Mapping[str, datetime | None],
    now: datetime,
) -> Incident:
    """Return an incident in the state that its diagnosis, and those of its parts, describe."""
    all_of_it = [*([diagnosis] if diagnosis else []), *parts]
    targets = tuple(sorted({target for one in all_of_it for target in one.targets}))
    after = replace(
        incident,
        opened_at=min([incident.opened_at, *(one.since for one in all_of_it)]),
        targets=targets,
        covered=tuple(sorted(incident.members | set(targets))),
        evidence=tuple(evidence for one in all_of_it for evidence in one.evidence),
        reasons=(diagnosis or all_of_it[0]).reasons,
        reasoned_at=now,
    )
    if diagnosis is None or parts or not diagnosis.settled or _is_recovering(incident, diagnosis, well_since, now):
        return after  # its width is known once the rest has followed, or has not
    return replace(
        after,
        about=diagnosis.about,
        fault=diagnosis.fault,
        severity=severity_of(diagnosis),
        confidence=diagnosis.confidence,
        blamed=diagnosis.blamed,
        parent=None,
    )


def _is_recovering(
    incident: Incident, diagnosis: Diagnosis, well_since: Mapping[str, datetime | None], now: datetime
) -> bool:
    """Whether part of it has just recovered, and the rest may follow, or was not probed since."""
    rest = incident.members - set(diagnosis.targets)
    if not rest or not incident.members.issuperset(diagnosis.targets):
        return False
    if any(target in well_since and well_since[target] is None for target in rest):
        return True  # it has answered once: not decided yet
    recovered_at = _recovered_at(incident.members, well_since)
    if recovered_at is None:
        return False
    return now - recovered_at < PATIENCE or any(one.at < recovered_at for one in diagnosis.evidence)


def _kind_of_change(before: Incident, after: Incident) -> ChangeKind | None:
    """Return whether a change is worth a message, only a record, or nothing (None).

    Faults of one blame and severity alternate in any outage (503, timeout, 503): not worth a message. What was part of
    a wider trouble and outlasts it is, and so is what somebody would act on differently. What spreads from one place to
    all is news, and what is left of it in one place is not. An account's fault is recorded in any case: a page, which
    is made from the records, must not call it suspended when messages no longer do.
    """
    if before.parent is not None and after.parent is None:
        return ChangeKind.CHANGED
    if (before.scope is Scope.LOCATION) is not (after.scope is Scope.LOCATION):
        return ChangeKind.CHANGED if _changes_the_action(before, after) else ChangeKind.UPDATED
    if (before.blame, before.severity) != (after.blame, after.severity) or _changes_the_action(before, after):
        return ChangeKind.CHANGED
    if _width(before) != _width(after) or before.confidence is not after.confidence:
        return ChangeKind.UPDATED
    if after.blame is Blame.ACCOUNT and after.fault is not before.fault:
        return ChangeKind.UPDATED
    return None


def _width(incident: Incident) -> tuple[Subject, tuple[str, ...]]:
    return incident.about.identity, incident.targets


def _changes_the_action(before: Incident, after: Incident) -> bool:
    """Whether more is lost than was reported, or an account is lost in another way."""
    if _reach(after.about) > _reach(before.widest or before.about):
        return True
    return after.blame is Blame.ACCOUNT and after.fault is not before.fault and after.fault in ACCOUNT_WIDE


def _reach(about: Subject) -> tuple[int, int, int]:
    """Return how far a trouble reaches; of some places only: an account, who answers, or a road; how many places."""
    if about.scope is not Scope.LOCATION:
        return REACH[about.scope], 0, 0
    return REACH[about.scope], (not about.account) + (not about.provider), len(about.locations)


def _as_reported(incident: Incident) -> Incident:
    """Return the incident with its present width as the reported one."""
    return replace(incident, widest=incident.about)


def _unmatched(
    incident: Incident,
    here: Sequence[Incident],
    well_since: Mapping[str, datetime | None],
    back_at: datetime | None,
    now: datetime,
) -> list[Change]:
    """Return what becomes of an incident that no diagnosis names any more: over, or part of another one.

    What cannot be probed while nothing can be reached stays as it was.
    """
    watched = [target for target in _own_targets(incident) if target in well_since]
    if not watched:
        closed = replace(_closed(incident, well_since, now), ending=UNWATCHED)
        return [Change(closed, ChangeKind.WITHDRAWN, now)]
    failing = {target for target in watched if well_since[target] is None}
    if incident.scope is Scope.MONITOR:
        return _reconnected(incident, failing, well_since, back_at, now)
    if not failing or (len(failing) < len(watched) and failing <= _failing_otherwise(incident, here)):
        return [Change(_closed(incident, well_since, now), ChangeKind.RESOLVED, now)]
    others = (one for one in here if one.id != incident.id)
    parent = next((one for one in others if _takes_over(one, incident, failing)), None)
    if parent is None or parent.id == incident.parent or parent.is_offline:
        return []
    return [Change(replace(incident, parent=parent.id), ChangeKind.MERGED, now)]


def _takes_over(one: Incident, incident: Incident, failing: Collection[str]) -> bool:
    """Whether what fails of an incident is another one's now: a narrower one must have all of it."""
    targets = set(one.targets)
    return targets.issuperset(failing) or (REACH[one.scope] >= REACH[incident.scope] and bool(targets & set(failing)))


def _failing_otherwise(incident: Incident, here: Iterable[Incident]) -> set[str]:
    """Return what fails by another cause now: an account lost meanwhile must not keep its provider's incident open."""
    ours = incident.fault.blame is Blame.ACCOUNT
    others = (one for one in here if one.scope is not Scope.MONITOR and (one.fault.blame is Blame.ACCOUNT) is not ours)
    return {target for one in others for target in one.targets}


def _reconnected(
    incident: Incident,
    failing: Collection[str],
    well_since: Mapping[str, datetime | None],
    back_at: datetime | None,
    now: datetime,
) -> list[Change]:
    """Return the end of being offline: dated by the first answer, reported once the others had time to follow."""
    if failing and (back_at is None or now - back_at < PATIENCE):
        return []
    closed = replace(_closed(incident, well_since, now), closed_at=max(back_at or now, incident.opened_at))
    return [Change(closed, ChangeKind.RESOLVED, now)]


def _closed(incident: Incident, well_since: Mapping[str, datetime | None], now: datetime) -> Incident:
    """Return an incident that is over, as wide as it was."""
    about = incident.widest or incident.about
    closed_at = max(_recovered_at(_own_targets(incident), well_since) or now, incident.opened_at)
    return replace(incident, about=about, targets=tuple(sorted(incident.members)), closed_at=closed_at)


def _recovered_at(targets: Collection[str], well_since: Mapping[str, datetime | None]) -> datetime | None:
    """Return when the latest of these came back; None if none has."""
    return max((since for target in targets if (since := well_since.get(target))), default=None)


def fading_incidents(open_incidents: Iterable[Incident], healths: Mapping[str, Health]) -> frozenset[str]:
    """Return the ids of the incidents that may be over: nothing of theirs has failed since a good probe."""
    troubles = [one for one in open_incidents if one.targets and not (one.signal or one.drill)]
    seen = ((one, [healths[id] for id in one.members if id in healths]) for one in troubles)
    return frozenset(one.id for one, its in seen if _may_be_over(one, its))


def _may_be_over(incident: Incident, seen: Sequence[Health]) -> bool:
    """Whether nothing of it failed since a good probe; one answer of any kind shows that the road is back."""
    if incident.is_offline:
        return any(one.successes or one.status or one.fault not in UNREACHABLE for one in seen)
    return is_returning(seen)


def _advance_signs(
    standing: Sequence[Incident],
    diagnoses: Sequence[Diagnosis],
    watched: Watched,
    now: datetime,
    settled: Iterable[Diagnosis],
    location: str,
) -> IncidentUpdate:
    known = {incident_key(incident): incident for incident in standing}
    found = {incident_key(diagnosis): diagnosis for diagnosis in diagnoses if _is_sign(diagnosis)}
    gone = [_settled(incident, settled) for key, incident in known.items() if key not in found]
    fading = [incident for incident in gone if any(_is_within(one, incident) for one in found.values())]
    ends = [_end_of_sign(one, diagnoses, watched, now) for one in gone if one not in fading]
    changes, refreshed = list[Change](), list[Incident]()
    for key, diagnosis in found.items():
        if incident := known.get(key):
            after = _followed_sign(incident, diagnosis, now)
            if (after.blame, after.severity) != (incident.blame, incident.severity):
                changes.append(Change(after, ChangeKind.CHANGED, now))
            else:
                refreshed.append(after)
        elif diagnosis.settled and not any(_is_within(diagnosis, incident) for incident in fading):
            changes.append(Change(open_incident(diagnosis, now, location=location), ChangeKind.OPENED, now))
    return IncidentUpdate((*ends, *changes), tuple(refreshed))


def _followed_sign(incident: Incident, diagnosis: Diagnosis, now: datetime) -> Incident:
    return replace(
        incident,
        about=diagnosis.about,
        fault=diagnosis.fault,
        severity=severity_of(diagnosis),
        confidence=diagnosis.confidence,
        reasons=diagnosis.reasons,
        reasoned_at=now,
        evidence=diagnosis.evidence,
        blamed=diagnosis.blamed,
    )


def _settled(incident: Incident, settled: Iterable[Diagnosis]) -> Incident:
    how = (
        one.reasons[0]
        for one in settled
        if incident_key(one) == incident_key(incident) and one.since > incident.opened_at
    )
    return replace(incident, ending=next(how, None)) if incident.signal else incident


def _is_within(sign: Diagnosis, incident: Incident) -> bool:
    """Whether it names part of a wider flapping, which is calm once all of it is, however long that takes."""
    return incident.is_flap and sign.signal and is_flap(sign) and _seen(sign) < _seen(incident)


def _end_of_sign(incident: Incident, diagnoses: Sequence[Diagnosis], watched: Watched, now: datetime) -> Change:
    closed, end = replace(incident, closed_at=now), _end_of_signal(incident, diagnoses, watched)
    withdrawn = end is ChangeKind.WITHDRAWN and incident.scope is not Scope.REMINDER
    return Change(replace(closed, ending=UNWATCHED) if withdrawn else closed, end, now)


def _end_of_signal(incident: Incident, diagnoses: Sequence[Diagnosis], watched: Watched) -> ChangeKind:
    if incident.scope in (Scope.SOURCE, Scope.OBJECTIVE):
        return ChangeKind.RESOLVED if incident.subject in watched.named else ChangeKind.WITHDRAWN
    if incident.scope is Scope.REMINDER:  # the day has passed, or the entry changed: no message
        return ChangeKind.WITHDRAWN
    if incident.about.is_of_place:
        is_named = watched.named.__contains__
        return ChangeKind.RESOLVED if all(map(is_named, incident.about.locations)) else ChangeKind.WITHDRAWN
    if not watched.has_of(incident):
        return ChangeKind.WITHDRAWN
    came = any(watched.is_of(incident, target) for diagnosis in diagnoses for target in diagnosis.targets)
    goes_on = any(one.signal and _is_alike(one, incident) and _seen(one) & _seen(incident) for one in diagnoses)
    return ChangeKind.MERGED if came or goes_on else ChangeKind.RESOLVED


def _is_alike(sign: Diagnosis, incident: Incident) -> bool:
    return sign.fault is incident.fault or (incident.is_flap and is_flap(sign))


def _seen(one: Incident | Diagnosis) -> set[str]:
    return {evidence.target for evidence in one.evidence}
