"""What the database holds about incidents, and what people said of them → their views."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import assert_never

from msgspec import Struct

from monitor.alert.incident_note import IncidentNote
from monitor.alert.reply import Reply, ReplyKind
from monitor.alert.rule import matches_whole
from monitor.config.config import Config
from monitor.diagnose.incident import Incident
from monitor.publish.advice import advice_for
from monitor.publish.paths import incident_page
from monitor.publish.snapshot import IncidentView
from monitor.store.reader import Reader

RECENT = 200
"""Number of past incidents whose pages are made each time; older ones only if missing, or if there is news."""
NEWS = timedelta(days=1)
"""Time for which the end of an incident is news, however long ago it began: its page was made while it was open."""


class SpokenRecord(Struct, frozen=True):
    """What people said: `replies` and `notes` by incident, silences, and by whom each of these was ended early."""

    replies: Mapping[str, Sequence[Reply]]
    silences: Sequence[Reply]
    lifts: Mapping[str, Reply]
    notes: Mapping[str, tuple[IncidentNote, ...]]


def incident_views(
    stored: Reader,
    config: Config,
    standing: Iterable[Incident],
    past: Iterable[Incident],
    now: datetime,
    existing: Collection[str] | None,
) -> tuple[tuple[IncidentView, ...], tuple[IncidentView, ...]]:
    """Return the views of the open and of the past incidents, the latter newest first, as `past` is.

    `existing`: the pages that are there; None: none is made, so that the steps of older incidents are not needed.
    """
    spoken = _read_spoken(stored)

    def is_due(number: int, incident: Incident) -> bool:
        missing = existing is not None and incident_page(incident.id) not in existing
        has_news = incident.id in spoken.notes or incident.closed_at is None or now - incident.closed_at < NEWS
        return number < RECENT or missing or has_news

    return (
        tuple(_view(stored, config, one, spoken, now, is_due=True) for one in standing),
        tuple(_view(stored, config, one, spoken, now, is_due=is_due(number, one)) for number, one in enumerate(past)),
    )


def _read_spoken(stored: Reader) -> SpokenRecord:
    replies: dict[str, list[Reply]] = defaultdict(list)
    silences, lifts = list[Reply](), dict[str, Reply]()
    for one in stored.messages.replies():
        match one.kind:
            case ReplyKind.SILENCE:
                silences.append(one)
            case ReplyKind.LIFT:
                lifts[one.subject] = one
            case ReplyKind.ACKNOWLEDGE | ReplyKind.SNOOZE:
                replies[one.subject].append(one)
            case _:
                assert_never(one.kind)
    return SpokenRecord(replies, silences, lifts, stored.incidents.notes())


def _view(
    stored: Reader, config: Config, incident: Incident, spoken: SpokenRecord, now: datetime, *, is_due: bool
) -> IncidentView:
    held = [one for one in spoken.silences if _holds(one, incident, spoken, config, now)]
    ended = [lift for one in held if (lift := spoken.lifts.get(one.id))]
    is_read = is_due or (config.services and config.public_folder)  # what a service lost when, only the steps tell
    return IncidentView(
        incident,
        advice_for(incident, config),
        stored.messages.of(incident.id),
        replies=tuple(sorted([*spoken.replies.get(incident.id, ()), *held, *ended], key=lambda one: one.at)),
        notes=spoken.notes.get(incident.id, ()),
        steps=stored.incidents.steps(incident.id) if is_read else (),
        is_due=is_due,
    )


def _holds(silence: Reply, incident: Incident, spoken: SpokenRecord, config: Config, now: datetime) -> bool:
    """Whether a silence held messages of an incident at any time."""
    if silence.match is None or silence.at > (incident.closed_at or now):
        return False
    lift = spoken.lifts.get(silence.id)
    ends = [at for at in (silence.until, lift and lift.at) if at]
    if ends and min(ends) < incident.opened_at:
        return False
    return not incident.drill and matches_whole(silence.match, incident, config.rules.tags)
