"""English for what people read: faults, blames, times, durations, numbers."""

from dataclasses import dataclass
from datetime import UTC, datetime
from math import floor

from monitor.diagnose import FLAP, Scope
from monitor.incident import ABSENCE, Incident
from probes.model import Blame, Confidence, Fault, Limit

FAULTS = {
    Fault.INVALID_KEY: "key rejected",
    Fault.ACCOUNT_SUSPENDED: "account suspended",
    Fault.PERMISSION_DENIED: "permission denied",
    Fault.VERIFICATION_REQUIRED: "verification required",
    Fault.QUOTA_EXHAUSTED: "credit or quota used up",
    Fault.RATE_LIMITED: "rate limit reached",
    Fault.MODEL_UNAVAILABLE: "model not available",
    Fault.CONTENT_FILTERED: "answer withheld by a content filter",
    Fault.BAD_REQUEST: "request refused as malformed",
    Fault.REGION_BLOCKED: "region blocked",
    Fault.BLOCKED_BY_EDGE: "blocked by a firewall in front of the API",
    Fault.OVERLOADED: "provider overloaded",
    Fault.SERVER_ERROR: "server errors",
    Fault.TIMEOUT: "no answer in time",
    Fault.CONNECTION_FAILED: "no connection",
    Fault.INVALID_RESPONSE: "unreadable answers",
    Fault.SLOW: "slower than usual",
    Fault.LIMIT_COLLAPSE: "rate limit cut sharply",
    Fault.LOW_BALANCE: "credit is running out",
    Fault.EXPIRES_SOON: "the key or its credit ends soon",
    Fault.MODEL_RETIRING: "a model will be withdrawn",
    Fault.UNCLASSIFIED: "an error no rule knows",
}

BLAMES = {
    Blame.ACCOUNT: "your account",
    Blame.PROVIDER: "the provider",
    Blame.PATH: "the road between",
    Blame.US: "our canary",
    Blame.UNKNOWN: "undecided",
}

BLAMES_AT_LENGTH = {
    Blame.ACCOUNT: "The provider answers, and refuses this account. Only you and the provider's support can end it.",
    Blame.PROVIDER: "The provider's own service fails. Your account is not the cause.",
    Blame.PATH: "Something between this monitor and the provider: the region, a firewall, the network.",
    Blame.US: "The monitor's own request is at fault. The account itself may well work.",
    Blame.UNKNOWN: "The answer fits no rule. Its words are in the evidence below.",
}
OFFLINE = "nobody: this monitor is offline"
ABSENT = "nobody: this monitor was not running"
ABSENT_AT_LENGTH = "The monitor was stopped, or its machine slept. Nothing is known of that time, good or bad."
OFFLINE_AT_LENGTH = "The monitor reaches nothing at all, so it can blame nobody and says nothing of any account."

HEDGES = {Confidence.HIGH: "", Confidence.MEDIUM: "probably ", Confidence.LOW: "perhaps "}
CERTAINTIES = {Confidence.HIGH: "sure", Confidence.MEDIUM: "probable", Confidence.LOW: "a guess"}

WINDOWS = {1: "per second", 60: "per minute", 3600: "per hour", 86400: "per day"}
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant for machines (`iso`) and for people (`words`, always UTC)."""

    iso: str
    words: str


def moment(at: datetime, today: datetime | None = None) -> Moment:
    """Name an instant. With `today`, the parts of the date that are the same are left out."""
    at = at.astimezone(UTC)
    iso, clock = f"{at:%Y-%m-%dT%H:%M:%SZ}", f"{at:%H:%M} UTC"
    day = f"{at.day} {MONTHS[at.month - 1][:3]}"
    if today is None or at.year != today.astimezone(UTC).year:
        return Moment(iso, f"{day} {at.year}, {clock}")
    return Moment(iso, clock if at.date() == today.astimezone(UTC).date() else f"{day}, {clock}")


def instant(at: datetime) -> Moment:
    """Name an instant to the second, as evidence needs it."""
    at = at.astimezone(UTC)
    return Moment(f"{at:%Y-%m-%dT%H:%M:%SZ}", f"{at.day} {MONTHS[at.month - 1][:3]} {at.year}, {at:%H:%M:%S} UTC")


def month(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{MONTHS[at.month - 1]} {at.year}"


def duration(seconds: float) -> str:
    """Say a duration in its two largest units: `3 h 20 min`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    if whole < 86400:
        return _pair(f"{whole // 3600} h", whole % 3600 // 60, "min")
    return _pair(count(whole // 86400, "day"), whole % 86400 // 3600, "h")


def _pair(large: str, number: int, unit: str) -> str:
    return f"{large} {number} {unit}" if number else large


def seconds(value: float) -> str:
    """Say a latency: two decimals below one second, none from ten."""
    return f"{value:.{2 if value < 1 else 1 if value < 9.95 else 0}f} s"


def percent(share: float) -> str:
    """Say a share in [0, 1], rounded down: 99.96 % good must not read as 100 %."""
    return f"{floor(share * 1000 + 1e-9) / 10:g}%"


def money(usd: float) -> str:
    return f"${usd:.2f}" if usd >= 0.01 or usd == 0 else "less than $0.01"


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(items: list[str], most: int) -> str:
    """Join at most so many items; the rest is counted."""
    more = [f"and {len(items) - most} more"] if len(items) > most else []
    return ", ".join(items[:most] + more)


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def whose(incident: Incident) -> str:
    if is_absence(incident):
        return ABSENT
    return OFFLINE if incident.scope is Scope.MONITOR else BLAMES[incident.blame]


def whose_at_length(incident: Incident) -> str:
    if is_absence(incident):
        return ABSENT_AT_LENGTH
    return OFFLINE_AT_LENGTH if incident.scope is Scope.MONITOR else BLAMES_AT_LENGTH[incident.blame]


def is_absence(incident: Incident) -> bool:
    return incident.scope is Scope.MONITOR and incident.subject == ABSENCE


def whose_hedged(incident: Incident) -> str:
    """Say whose trouble it is and how sure that is: `probably your account`."""
    return f"{HEDGES[incident.confidence]}{whose(incident)}" if is_blamed(incident) else whose(incident)


def is_blamed(incident: Incident) -> bool:
    return incident.scope is not Scope.MONITOR and incident.blame is not Blame.UNKNOWN


def limit(it: Limit) -> str:
    """Say a rate limit: `480 of 500 requests per minute left`."""
    unit = " ".join(filter(None, (it.unit.replace("_", " ").replace("-", " "), _window(it.window_s))))
    match it.remaining, it.limit:
        case None, None:
            return f"{unit}: not told"
        case None, float() | int() as most:
            return f"at most {most:,.0f} {unit}"
        case left, None:
            return f"{left:,.0f} {unit} left"
        case left, most:
            return f"{left:,.0f} of {most:,.0f} {unit} left"


def _window(window_s: float | None) -> str:
    if window_s is None:
        return ""
    return WINDOWS.get(round(window_s), f"in {duration(window_s)}")


def lead(incident: Incident) -> str:
    """Say who knew first: `we knew 11 min before the provider's page`; empty while the page says nothing."""
    if incident.lead is None:
        return ""
    passed = duration(abs(incident.lead.total_seconds()))
    if incident.lead.total_seconds() >= 0:
        return f"we knew {passed} before the provider's page"
    return f"the provider's page knew {passed} before us"


def title(incident: Incident) -> str:
    """Name an incident in one line: `openai/main: account suspended`."""
    if is_absence(incident):
        return f"the monitor was not watching for {_lasted(incident)}"
    if incident.scope is Scope.MONITOR and incident.closed_at:
        return f"the monitor was offline for {_lasted(incident)}"
    if incident.scope is Scope.MONITOR:
        return "the monitor is offline: nothing answers"
    if incident.scope is Scope.SOURCE:
        return f"the status source {incident.subject} cannot be read"
    if incident.scope is Scope.REMINDER:
        return f"{incident.subject} ends soon, by the date you entered"
    if incident.scope is Scope.OBJECTIVE:
        return f"{incident.subject}: the error budget burns too fast"
    if incident.scope is Scope.EGRESS and not incident.subject:
        return f"the road out from here: {FAULTS[incident.fault]}"
    again = " again and again" if is_flap(incident) else ""
    return f"{incident.subject}: {FAULTS[incident.fault]}{again}"


def _lasted(incident: Incident) -> str:
    return duration(((incident.closed_at or incident.opened_at) - incident.opened_at).total_seconds())


def is_flap(incident: Incident) -> bool:
    """Whether it names a trouble that comes and goes, and not one that is there."""
    return incident.signal and any(one.rule == FLAP for one in incident.evidence)
