"""The reasons of an incident, and how it ended, in sentences."""

from datetime import datetime

from msgspec.structs import replace

from monitor.diagnose.incident import Incident
from monitor.diagnose.reason import ControlAnswered, DiagnosisReason, Reason
from monitor.sentence.diagnosis import describe_control, describe_diagnosis
from monitor.sentence.finding import describe_answer, describe_finding
from monitor.words import ENGLISH, Language


def describe_reasons(incident: Incident, language: Language = ENGLISH) -> list[str]:
    """Say what an incident rests on, one sentence per reason; ages are as of when the reasons were found."""
    at = incident.reasoned_at or incident.detected_at or incident.opened_at
    return [
        describe_control(one, incident, at, language)
        if isinstance(one, ControlAnswered)
        else describe_reason(one, at, language)
        for one in incident.reasons
    ]


def with_sentences(incident: Incident, language: Language = ENGLISH) -> Incident:
    """Return an incident with all its values as sentences, for readers of its fields."""
    return replace(
        incident,
        reasons=tuple(describe_reasons(incident, language)),
        ending=describe_ending(incident, language),
        evidence=tuple(replace(one, words=describe_answer(one.words, language)) for one in incident.evidence),
    )


def describe_ending(incident: Incident, language: Language = ENGLISH) -> str:
    """Say how an incident ended if not all is as before; empty if it is."""
    it = incident.ending
    return describe_reason(it, incident.closed_at or incident.opened_at, language) if it else ""


def describe_reason(it: Reason, now: datetime, language: Language = ENGLISH) -> str:
    """Say one reason; an older observation says its age."""
    if isinstance(it, str):
        return it
    return describe_diagnosis(it, now, language) if isinstance(it, DiagnosisReason) else describe_finding(it, language)
