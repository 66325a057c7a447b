"""Who knew first of an incident, we or the provider's page: two lanes on one axis of time; pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from monitor import words
from monitor.diagnose.announcement import ANNOUNCED
from monitor.diagnose.incident import Incident
from monitor.publish.chart import NARROWEST, WIDTH, Period
from monitor.publish.incident_timeline import clock
from monitor.publish.paths import incident_page
from monitor.publish.snapshot import IncidentView
from monitor.publish.view_model import Lane, Lanes
from monitor.sentence.translation import PageLanguage
from probes.model import Blame

MARGIN = 0.15
"""Share of the axis before the first thing that happened."""
SHORTEST = timedelta(minutes=1)


def draw_lanes(incident: Incident, made_at: datetime, speech: PageLanguage) -> Lanes | None:
    """Return the lanes of an incident; None if no status page can be expected to tell of it, or it ended untold.

    Those of a closed one do not depend on `made_at`.
    """
    told = incident.announcement
    if told is None and (incident.closed_at or not _is_telling(incident)):
        return None
    period = _period(incident, made_at)
    known_at = incident.detected_at or incident.opened_at
    ours = Lane(
        speech.say("Our view"),
        clock(known_at, incident, speech).words,
        sensed=_stroke(incident.opened_at, known_at, period) if known_at > incident.opened_at else "",
        known=_stroke(known_at, period.last, period),
    )
    theirs = Lane(
        speech.say("Its page"),
        clock(told.at, incident, speech).words if told else speech.say("nothing so far"),
        sensed="",
        known=_stroke(told.at, period.last, period) if told else "",
    )
    return Lanes(
        title=speech.title(incident),
        href=incident_page(incident.id),
        width=WIDTH,
        lanes=(ours, theirs),
        times=tuple(clock(at, incident, speech).words for at in (period.first, period.last)),
        words=words.capitalize(speech.lead(incident.lead)),
    )


def first_lanes(
    opened: Sequence[IncidentView], past: Sequence[IncidentView], made_at: datetime, speech: PageLanguage
) -> Lanes | None:
    """Return the lanes of the first open incident that has any, or else of the first past one."""
    real = (view.incident for view in (*opened, *past) if not view.incident.drill)
    return next((lanes for one in real if (lanes := draw_lanes(one, made_at, speech))), None)


def _is_telling(incident: Incident) -> bool:
    return incident.blame is Blame.PROVIDER and incident.scope in ANNOUNCED and not incident.signal


def _period(incident: Incident, made_at: datetime) -> Period:
    told = incident.announcement
    first = min(incident.opened_at, told.at) if told else incident.opened_at
    last = max(incident.closed_at or made_at, first + SHORTEST, *([told.at] if told else []))
    return Period(first - MARGIN * (last - first), last)


def _stroke(first: datetime, last: datetime, period: Period) -> str:
    """Return a stroke of a lane, long enough that what just began can be seen."""
    start = min(period.place(first), WIDTH - NARROWEST)
    return f"M{start} 8h{max(period.place(last) - start, NARROWEST)}"
