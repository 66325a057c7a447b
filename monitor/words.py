"""What people read: languages, faults, blames, times, durations, numbers; in English, or translated by `say`."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from math import floor
from typing import Protocol, assert_never

from msgspec import Struct, field

from monitor.diagnose.incident import Incident, accounts_of_targets
from monitor.diagnose.reason import (
    Undecided,
)
from monitor.diagnose.subject import Scope
from monitor.limit_window import per
from probes.model import Blame, Confidence, Fault, Limit, Phase
from probes.notice import CLAIMS, UNTITLED, WHOLE_PAGE, Claim, Notice
from probes.target_id import provider_of

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
    Fault.OVERLOADED: "overloaded",
    Fault.SERVER_ERROR: "server errors",
    Fault.TIMEOUT: "no answer in time",
    Fault.CONNECTION_FAILED: "no connection",
    Fault.PROXY_FAILED: "the proxy lets nothing through",
    Fault.INVALID_RESPONSE: "invalid answers",
    Fault.SLOW: "slower than usual",
    Fault.LIMIT_COLLAPSE: "rate limit cut sharply",
    Fault.LOW_BALANCE: "credit is running out",
    Fault.EXPIRES_SOON: "the key or its credit expires soon",
    Fault.MODEL_RETIRING: "a model is being retired",
    Fault.UNCLASSIFIED: "unrecognized error",
}

BLAMES = {
    Blame.ACCOUNT: "your account",
    Blame.PROVIDER: "the provider",
    Blame.PATH: "the network path",
    Blame.US: "our canary",
    Blame.UNKNOWN: "undecided",
}

BLAMES_AT_LENGTH = {
    Blame.ACCOUNT: "The provider answers but refuses this account. Only you and the provider's support can fix it.",
    Blame.PROVIDER: "The provider's own service is failing. Your account is not the cause.",
    Blame.PATH: "Something between this monitor and the provider: the region, a firewall, the network.",
    Blame.US: "The monitor's own request is at fault. The account itself may well work.",
    Blame.UNKNOWN: "No rule matches the answer. Its words are in the evidence below.",
}
PHASES = {
    Phase.NAME: "while its name was being resolved",
    Phase.CONNECT: "before it connected",
    Phase.PROXY: "at the proxy",
    Phase.TLS: "during the TLS handshake",
    Phase.REQUEST: "while the request was being sent",
    Phase.FIRST_BYTE: "before the answer began",
    Phase.BODY: "in the middle of the answer",
}
"""Where on the road a request ended."""

PLAIN = {Fault.CONNECTION_FAILED: Phase.CONNECT, Fault.PROXY_FAILED: Phase.PROXY}
"""Faults whose own words already say where it ended."""

KEYS_UNDECIDED = "undecided: the provider's key service, or everything you have there"
KEYS_AT_LENGTH = (
    "Every key here was refused at once. Either the provider's key service is failing, or everything you have there "
    "is lost; its status page and other customers will tell."
)
OPEN_AT_LENGTH = "Nobody can tell yet whose fault it is: what we see from here fits more than one cause."
OFFLINE = "nobody's (this monitor is offline)"
ABSENT = "nobody's (this monitor was not running)"
ABSENT_AT_LENGTH = "The monitor was stopped, or its machine slept. Nothing is known about that time, good or bad."
PROXIED = "the network path (the monitor's own proxy)"
PROXIED_AT_LENGTH = (
    "The monitor can reach nothing at all, since its proxy lets nothing through, so it says nothing about any account."
)
OFFLINE_AT_LENGTH = "The monitor can reach nothing at all, so it blames nobody and says nothing about any account."

OURS = "nobody's (this monitor's own fault)"
OURS_IN_SHORT = "ours"
OURS_AT_LENGTH = (
    "A part of this monitor failed through a fault of its own. No account is affected, and everything else goes on."
)

HEDGES = {Confidence.HIGH: "", Confidence.MEDIUM: "probably ", Confidence.LOW: "perhaps "}
CERTAINTIES = {Confidence.HIGH: "sure", Confidence.MEDIUM: "probable", Confidence.LOW: "a guess"}

OWN_TITLES = frozenset({Scope.MONITOR, Scope.SOURCE, Scope.REMINDER, Scope.OBJECTIVE, Scope.STAGE})
"""Scopes whose incidents have a sentence as their title, not a subject and a fault."""

PROVIDERS = 8
"""Most providers named in one line; the rest is counted."""

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


class Translate(Protocol):
    """Says an English text in a language; `{name}` in it is replaced by the value of that name."""

    def __call__(self, text: str, **values: object) -> str: ...


def english(text: str, **values: object) -> str:
    return text.format(**values) if values else text


class Language(Struct, frozen=True, eq=False):
    """One language: its code for `lang`, the translation of each English text, and its decimal mark.

    Languages compare by identity, so that a cache can use one as its key.
    """

    code: str = "en"
    phrases: Mapping[str, str] = field(default_factory=dict)
    decimal: str = "."
    direction: str = "ltr"

    def say(self, text: str, **values: object) -> str:
        """Say an English text in this language; `{name}` in it is replaced by the value of that name."""
        said = self.phrases.get(text, text)
        if not values:
            return said
        try:
            return said.format(**values)
        except (LookupError, ValueError, AttributeError):  # a user's own translation, with other places in it
            return text.format(**values)

    def many(self, number: int, one: str, more: str, **values: object) -> str:
        return self.say(one if number == 1 else more, n=number, **values)

    def number(self, text: str) -> str:
        """Write an English number as this language does."""
        if self.decimal == ".":
            return text
        return text.replace(",", "\0").replace(".", self.decimal).replace("\0", ".")


ENGLISH = Language()


class Moment(Struct, frozen=True):
    """An instant for machines (`iso`) and for people (`words`, always UTC)."""

    iso: str
    words: str


def where(fault: Fault, phase: Phase | None) -> str:
    """Say where on the road a request with this fault ended; empty if the fault says it, or nothing ended there."""
    return PHASES[phase] if phase and PLAIN.get(fault) is not phase else ""


def moment(at: datetime, today: datetime | None = None, say: Translate = english) -> Moment:
    """Name an instant. With `today`, leave out the parts of the date that are the same."""
    at = at.astimezone(UTC)
    time = clock(at, say)
    today = today.astimezone(UTC) if today else None
    if today is None or at.year != today.year:
        return Moment(iso(at), f"{date(at, say)}, {time}")
    return Moment(iso(at), time if at.date() == today.date() else f"{day(at, say)}, {time}")


def instant(at: datetime, say: Translate = english) -> Moment:
    """Name an instant to the second, as evidence needs it."""
    at = at.astimezone(UTC)
    time = say("{clock} UTC", clock=f"{at:%H:%M:%S}")
    return Moment(iso(at), f"{date(at, say)}, {time}")


def clock(at: datetime, say: Translate = english) -> str:
    at = at.astimezone(UTC)
    return say("{clock} UTC", clock=f"{at.hour:02}:{at.minute:02}")


def iso(at: datetime) -> str:
    """Write a UTC instant for machines; ten times as fast as strftime, and a page has thousands."""
    return f"{at.isoformat()[:19]}Z"


def day(at: datetime, say: Translate = english) -> str:
    return say("{day} {month}", day=at.day, month=say(MONTHS[at.month - 1][:3]))


def date(at: datetime, say: Translate = english) -> str:
    return say("{day} {month} {year}", day=at.day, month=say(MONTHS[at.month - 1][:3]), year=at.year)


def month(at: datetime, say: Translate = english) -> str:
    at = at.astimezone(UTC)
    return say("{month} {year}", month=say(MONTHS[at.month - 1]), year=at.year)


def duration(seconds: float, say: Translate = english) -> str:
    """Say a duration in its two largest units: `3 h 20 min`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return say("{n} s", n=whole)
    minutes = say("{n} min", n=whole % 3600 // 60)
    if whole < 3600:
        return minutes
    hours = say("{n} h", n=whole % 86400 // 3600)
    if whole < 86400:
        return f"{hours} {minutes}" if whole % 3600 >= 60 else hours
    days = say("{n} day" if whole < 2 * 86400 else "{n} days", n=whole // 86400)
    return f"{days} {hours}" if whole % 86400 >= 3600 else days


def seconds(value: float) -> str:
    """Say a latency: two decimals below one second, none from ten."""
    return f"{value:.{2 if value < 1 else 1 if value < 9.95 else 0}f} s"


def rate(token_s: float) -> str:
    """Say the tokens per second, without the unit: one decimal below ten."""
    return f"{1 / token_s:.{0 if token_s <= 0.1 else 1}f}"


def percent(share: float) -> str:
    """Say a share in [0, 1], rounded down: 99.96 % good must not read as 100 %."""
    return f"{floor(share * 1000 + 1e-9) / 10:g}%"


def money(usd: float) -> str:
    return f"${usd:.2f}" if usd >= 0.01 or usd == 0 else "less than $0.01"


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def join_items(items: list[str], most: int) -> str:
    """Join at most `most` items; the rest is counted."""
    more = [f"and {len(items) - most} more"] if len(items) > most else []
    return ", ".join(items[:most] + more)


def capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]


def whose_fault(incident: Incident) -> str:
    if incident.is_absence:
        return ABSENT
    if _is_of_all_keys(incident):
        return KEYS_UNDECIDED
    if incident.scope is Scope.STAGE:
        return OURS
    if incident.scope is Scope.MONITOR:
        return PROXIED if incident.fault is Fault.PROXY_FAILED else OFFLINE
    return BLAMES[incident.blame]


def owner(incident: Incident) -> str:
    """Say whose fault it is in two words, for a column."""
    if incident.scope in (Scope.MONITOR, Scope.STAGE):
        return OURS_IN_SHORT
    return BLAMES[incident.blame]


def whose_fault_at_length(incident: Incident) -> str:
    if incident.is_absence:
        return ABSENT_AT_LENGTH
    if _is_of_all_keys(incident):
        return KEYS_AT_LENGTH
    if incident.scope is Scope.MONITOR:
        return PROXIED_AT_LENGTH if incident.fault is Fault.PROXY_FAILED else OFFLINE_AT_LENGTH
    if incident.scope is Scope.STAGE:
        return OURS_AT_LENGTH
    is_open = incident.blame is Blame.UNKNOWN and incident.fault.blame is not Blame.UNKNOWN
    return OPEN_AT_LENGTH if is_open else BLAMES_AT_LENGTH[incident.blame]


def _is_of_all_keys(incident: Incident) -> bool:
    return any(isinstance(one, Undecided) for one in incident.reasons)


def whose_fault_hedged(incident: Incident) -> str:
    """Say whose fault it is and how sure that is: `probably your account`."""
    return f"{HEDGES[incident.confidence]}{whose_fault(incident)}" if is_blamed(incident) else whose_fault(incident)


def is_blamed(incident: Incident) -> bool:
    return incident.scope not in (Scope.MONITOR, Scope.STAGE) and incident.blame is not Blame.UNKNOWN


def describe_limit(it: Limit, say: Translate = english, number: Callable[[str], str] = str) -> str:
    """Say a rate limit: `480 of 500 requests per minute left`. `number` localizes an English number."""
    unit = limit_name(it.unit, it.window_s, say, number)
    left, most = (None if one is None else number(f"{one:,.0f}") for one in (it.remaining, it.limit))
    if left is None:
        return say("at most {most} {unit}" if most else "{unit}: not given", most=most, unit=unit)
    return say("{left} of {most} {unit} left" if most else "{left} {unit} left", left=left, most=most, unit=unit)


def limit_name(unit: str, window_s: float | None, say: Translate = english, number: Callable[[str], str] = str) -> str:
    """Name a rate limit: `input tokens per minute`."""
    name, span = say(unit.replace("_", " ").replace("-", " ")), per(window_s)
    return f"{name} {say(span.text, n=number(span.count))}" if span else name


def notice_title(title: str, claim: Claim | None, say: Translate = english) -> str:
    """Say the title of a notice: the provider's own; else what its page shows: `API: degraded`."""
    if claim:
        return f"{claim.part or say(WHOLE_PAGE)}: {say(CLAIMS[claim.impact])}"
    return say(title) if title == UNTITLED else title


def describe_notice(it: Notice, now: datetime) -> str:
    """Say a notice, its stage and its age: `Errors (identified, since 14:05 UTC, 2 h ago)`."""
    return f"{it.title} ({', '.join([*it.stage, *_age(it, now)])})"


def _age(it: Notice, now: datetime) -> list[str]:
    """Say since when, or else how old the last update is; a planned maintenance has a beginning, and no age."""
    if began := it.began_at:
        when = moment(began, now).words
        return [f"since {when}", f"{_since(began, now)} ago"] if began <= now else [f"from {when}"]
    return [f"last update {_since(it.updated_at, now)} ago"] if it.updated_at else []


def _since(at: datetime, now: datetime) -> str:
    return duration((now - at).total_seconds())


def describe_lead(by: timedelta | None, say: Translate = english) -> str:
    """Say who knew first: `we knew 11 min before the provider's page`; empty while the page says nothing.

    Pages date their updates to the second at best, so less than that is no lead.
    """
    if by is None:
        return ""
    if abs(by) < timedelta(seconds=1):
        return say("we and the provider's page knew at the same time")
    passed = duration(abs(by.total_seconds()), say)
    if by > timedelta():
        return say("we knew {passed} before the provider's page", passed=passed)
    return say("the provider's page knew {passed} before us", passed=passed)


def title(incident: Incident, say: Translate = english) -> str:
    """Name an incident in one line: `openai/main: account suspended`."""
    its = subject(incident, say)
    if incident.is_absence:
        return say("the monitor was not watching for {time}", time=_lasted(incident, say))
    match incident.scope:
        case Scope.MONITOR if incident.closed_at:
            return say("the monitor was offline for {time}", time=_lasted(incident, say))
        case Scope.MONITOR if incident.fault is Fault.PROXY_FAILED:
            return say("the monitor is offline: its proxy lets nothing through")
        case Scope.MONITOR:
            return say("the monitor is offline: nothing answers")
        case Scope.SOURCE:
            return say("the status source {subject} cannot be read", subject=its)
        case Scope.REMINDER:
            return say("{subject} expires soon, by the date you entered", subject=its)
        case Scope.OBJECTIVE:
            return say("{subject}: the error budget burns too fast", subject=its)
        case Scope.STAGE:
            return say("the monitor's own stage `{subject}` keeps failing", subject=its)
        case (
            Scope.TARGET
            | Scope.MODEL
            | Scope.CAPABILITY
            | Scope.ACCOUNT
            | Scope.ORGANIZATION
            | Scope.PROVIDER
            | Scope.EGRESS
        ):
            return f"{its}: {_what(incident, say)}"
    assert_never(incident.scope)


def _what(incident: Incident, say: Translate) -> str:
    fault = say(FAULTS[incident.fault])
    return say("{fault} again and again", fault=fault) if incident.is_flap else fault


def subject_and_what(incident: Incident, say: Translate = english) -> tuple[str, str]:
    """Return an incident's title in two parts; the first is empty where it does not stand on its own."""
    if incident.is_absence or incident.scope in OWN_TITLES:
        return "", title(incident, say)
    return subject(incident, say), _what(incident, say)


def subject(incident: Incident, say: Translate = english) -> str:
    """Name what an incident is about; the whole road out from here has no name of its own."""
    return incident.subject or say("the outbound network")


def unwatched_accounts(incident: Incident) -> str:
    """Say what could not be probed while the monitor was offline: `openai (3 accounts), groq (1 account)`; else empty.

    The providers with the most accounts come first.
    """
    if not incident.is_offline:
        return ""
    accounts = Counter(provider_of(account) for account in accounts_of_targets(incident.members))
    return join_items([f"{name} ({count(number, 'account')})" for name, number in accounts.most_common()], PROVIDERS)


def _lasted(incident: Incident, say: Translate) -> str:
    return duration(((incident.closed_at or incident.opened_at) - incident.opened_at).total_seconds(), say)
