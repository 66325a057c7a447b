"""The reasons of an incident, and how it ended, in sentences."""

from datetime import datetime

from msgspec.structs import replace

from monitor.diagnose.incident import Incident
from monitor.diagnose.reason import ControlAnswered, Found, Reason
from monitor.sentence.detected import detected, remark
from monitor.sentence.found import found, knocked
from monitor.words import ENGLISH, Language


def reasons(incident: Incident, language: Language = ENGLISH) -> list[str]:
    """Say what an incident rests on, one sentence per reason; ages are as of when the reasons were found."""
    at = incident.reasoned_at or incident.detected_at or incident.opened_at
    return [
        knocked(one, incident, at, language) if isinstance(one, ControlAnswered) else reason(one, at, language)
        for one in incident.reasons
    ]


def spelled(incident: Incident) -> Incident:
    """Return an incident with all its values as English sentences, for readers of its fields."""
    return replace(
        incident,
        reasons=tuple(reasons(incident)),
        ending=ending(incident),
        evidence=tuple(replace(one, words=remark(one.words)) for one in incident.evidence),
    )


def ending(incident: Incident, language: Language = ENGLISH) -> str:
    """Say how an incident ended if not all is as before; empty if it is."""
    it = incident.ending
    return reason(it, incident.closed_at or incident.opened_at, language) if it else ""


def reason(it: Reason, now: datetime, language: Language = ENGLISH) -> str:
    """Say one reason; an older observation says its age."""
    if isinstance(it, str):
        return it
    return found(it, now, language) if isinstance(it, Found) else detected(it, language)
