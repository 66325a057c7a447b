"""The platforms' words → ours, mapped once."""

import re

from probes.notice import Impact, Phase

PHASES = {
    "investigating": Phase.INVESTIGATING,
    "ongoing": Phase.INVESTIGATING,
    "active": Phase.INVESTIGATING,
    "identified": Phase.IDENTIFIED,
    "monitoring": Phase.MONITORING,
    "resolved": Phase.RESOLVED,
    "recovered": Phase.RESOLVED,
    "postmortem": Phase.RESOLVED,
    "cancelled": Phase.RESOLVED,
    "canceled": Phase.RESOLVED,
    "available": Phase.RESOLVED,
    "scheduled": Phase.SCHEDULED,
    "planned": Phase.SCHEDULED,
    "notstartedyet": Phase.SCHEDULED,
    "maintenancescheduled": Phase.SCHEDULED,
    "inprogress": Phase.IN_PROGRESS,
    "verifying": Phase.IN_PROGRESS,
    "maintenanceinprogress": Phase.IN_PROGRESS,
    "completed": Phase.COMPLETED,
    "maintenancecomplete": Phase.COMPLETED,
}

IMPACTS = {
    "none": Impact.NONE,
    "operational": Impact.NONE,
    "available": Impact.NONE,
    "up": Impact.NONE,
    "resolved": Impact.NONE,
    "maintenance": Impact.MAINTENANCE,
    "undermaintenance": Impact.MAINTENANCE,
    "minor": Impact.MINOR,
    "low": Impact.MINOR,
    "degraded": Impact.MINOR,
    "degradedperformance": Impact.MINOR,
    "hasissues": Impact.MINOR,
    "serviceinformation": Impact.MINOR,
    "major": Impact.MAJOR,
    "medium": Impact.MAJOR,
    "partialoutage": Impact.MAJOR,
    "minoroutage": Impact.MAJOR,
    "outage": Impact.MAJOR,
    "downtime": Impact.MAJOR,
    "down": Impact.MAJOR,
    "servicedisruption": Impact.MAJOR,
    "critical": Impact.CRITICAL,
    "high": Impact.CRITICAL,
    "fulloutage": Impact.CRITICAL,
    "majoroutage": Impact.CRITICAL,
    "serviceoutage": Impact.CRITICAL,
}

MAINTENANCE = (Phase.SCHEDULED, Phase.IN_PROGRESS, Phase.COMPLETED)
"""Phases in which only a maintenance can be."""

PLANNED = re.compile(r"\b(scheduled|planned|upcoming) (maintenance|upgrade)\b|^\W*maintenance\b", re.IGNORECASE)
BAD = re.compile(r"\b(outage|down|downtime|unavailable|disruption|disrupted)\b", re.IGNORECASE)
POOR = re.compile(
    r"\b(degraded|degradation|elevated|increased|latency|late|errors?|fail(s|ed|ing|ures?)?|slow|intermittent|delay(s|ed)?)\b",
    re.IGNORECASE,
)


def phase(word: object) -> Phase:
    return PHASES.get(_letters(word), Phase.UNKNOWN)


def impact(word: object) -> Impact | None:
    """Return None for a word that is not known (or none at all)."""
    return IMPACTS.get(_letters(word))


def impact_of_title(title: str) -> Impact | None:
    if BAD.search(title):
        return Impact.MAJOR
    return Impact.MINOR if POOR.search(title) else None


def is_planned(phase: Phase, title: str) -> bool:
    return phase in MAINTENANCE or bool(PLANNED.search(title))


def _letters(word: object) -> str:
    """`Degraded performance`, `degraded_performance` and `DEGRADEDPERFORMANCE` are one word."""
    return re.sub(r"[\W_\d]+", "", str(word or "")[:60]).lower()
