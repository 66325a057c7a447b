"""What people read: languages, faults, blames, times, durations, numbers; in English or in a given language."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import reduce
from math import floor
from typing import assert_never

from msgspec import Struct, field

from monitor.diagnose.incident import Incident, accounts_of_targets
from monitor.diagnose.place_state import SILENT
from monitor.diagnose.reason import ClockOff, Undecided
from monitor.diagnose.subject import Scope
from monitor.limit_window import per
from probes.model import Blame, Confidence, Fault, Limit, Phase
from probes.notice import CLAIMS, UNTITLED, WHOLE_PAGE, Claim, Notice
from probes.phrase import Phrase
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
    Blame.PATH: "the network between",
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
PROXIED = "the network (the monitor's own proxy)"
PROXIED_AT_LENGTH = (
    "The monitor can reach nothing at all, since its proxy lets nothing through, so it says nothing about any account."
)
OFFLINE_AT_LENGTH = "The monitor can reach nothing at all, so it blames nobody and says nothing about any account."

PLACE_OFFLINE = "nobody's (that place is offline)"
PLACE_OFFLINE_AT_LENGTH = (
    "From there nothing at all can be reached, so nobody is blamed: the other places tell how the accounts are."
)
PLACE_SILENT = "nobody's (nothing is heard of that place)"
PLACE_SILENT_AT_LENGTH = (
    "Nothing arrives from that place, so what it saw last counts for nothing: the other places tell how the accounts "
    "are. If its monitor runs, it keeps what it sees, and ships it later."
)
PLACE_CLOCK = "nobody's (the clock of that place is wrong)"
PLACE_CLOCK_AT_LENGTH = "The clock there does not agree with that of the shared store. No account is affected."
LOCAL_RULE = "your account's rule for addresses or regions"
LOCAL_RULE_AT_LENGTH = (
    "The provider refuses this account from there, and answers it elsewhere: an allow-list of addresses, or a rule for "
    "a region. The account itself is not lost."
)

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


def singular_or_plural(number: int) -> int:
    return int(number != 1)


class Language(Struct, frozen=True, eq=False):
    """One language: its code for `lang`, the translation of each English text, its decimal mark and its direction.

    `forms`: by the singular of an English text with a number, a text for each form that `plural` chooses between.
    `zone`: whose clock times are told by; each time names it.
    Languages compare by identity, so that a cache can use one as its key.
    """

    code: str = "en"
    phrases: Mapping[str, str] = field(default_factory=dict)
    decimal: str = "."
    direction: str = "ltr"
    forms: Mapping[str, Sequence[str]] = field(default_factory=dict)
    plural: Callable[[int], int] = singular_or_plural
    zone: tzinfo = UTC

    def say(self, text: str, /, **values: object) -> str:
        """Say an English text in this language; `{name}` in it is replaced by the value of that name.

        Where the English has no such place, its translation has none either: its braces are letters.
        """
        said = self.phrases.get(text, text)
        return _fill(said, text, values) if values and "{" in text else said

    def many(self, number: int, one: str, more: str, **values: object) -> str:
        """Say a text with a number, `{n}` in it, in the form that the number takes in this language."""
        english = one if number == 1 else more
        forms = self.forms.get(one)
        said = forms[max(0, min(self.plural(number), len(forms) - 1))] if forms else self.phrases.get(english, english)
        return _fill(said, english, {"n": number, **values})

    def phrase(self, it: Phrase | str) -> str:
        """Say a phrase with all that is in it; a `str` is a name, and stays as it is."""
        if isinstance(it, str):
            return it
        return self.say(it.text, **{name: self.phrase(one) for name, one in it.values.items()})

    def sentences(self, its: Iterable[Phrase | str]) -> str:
        """Say whole sentences, one after the other."""
        return self._join("{before} {next}", map(self.phrase, its))

    def items(self, its: Iterable[str]) -> str:
        """List words or names: `a, b, c`."""
        return self._join("{before}, {next}", its)

    def clauses(self, its: Iterable[str]) -> str:
        """List parts of a sentence that may have commas themselves: `a; b; c`."""
        return self._join("{before}; {next}", its)

    def about(self, subject: str, what: str) -> str:
        """Say what is so of a subject: `openai/main: no answer in time`."""
        return self.say("{subject}: {what}", subject=subject, what=what)

    def aside(self, what: str, more: str) -> str:
        """Add something in parentheses; nothing if there is none."""
        return self.say("{what} ({more})", what=what, more=more) if more else what

    def _join(self, pattern: str, its: Iterable[str]) -> str:
        known = list(its)
        return reduce(lambda before, one: self.say(pattern, before=before, next=one), known) if known else ""

    def number(self, text: str) -> str:
        """Write an English number as this language does."""
        if self.decimal == ".":
            return text
        return text.replace(",", "\0").replace(".", self.decimal).replace("\0", ".")


ENGLISH = Language()


def _fill(said: str, english: str, values: Mapping[str, object]) -> str:
    try:
        return said.format_map(values)
    except (LookupError, ValueError, AttributeError):  # a user's own translation, with other places in it
        return english.format_map(values)


class Moment(Struct, frozen=True):
    """An instant for machines (`iso`, always UTC) and for people (`words`, in the zone of their language)."""

    iso: str
    words: str


def where(fault: Fault, phase: Phase | None) -> str:
    """Say where on the road a request with this fault ended; empty if the fault says it, or nothing ended there."""
    return PHASES[phase] if phase and PLAIN.get(fault) is not phase else ""


def moment(at: datetime, today: datetime | None = None, language: Language = ENGLISH) -> Moment:
    """Name an instant. With `today`, leave out the parts of the date that are the same."""
    return Moment(iso(at.astimezone(UTC)), _dated(at, today, clock(at, language), language))


def instant(at: datetime, today: datetime | None = None, language: Language = ENGLISH) -> Moment:
    """Name an instant to the second, as evidence needs it."""
    here = at.astimezone(language.zone)
    time = language.say("{clock} {zone}", clock=f"{here:%H:%M:%S}", zone=zone_name(here))
    return Moment(iso(at.astimezone(UTC)), _dated(at, today, time, language))


def _dated(at: datetime, today: datetime | None, time: str, language: Language) -> str:
    here = at.astimezone(language.zone)
    there = today.astimezone(language.zone) if today else None
    if there is None or here.year != there.year:
        return language.say("{date}, {time}", date=date(here, language), time=time)
    if here.date() == there.date():
        return time
    return language.say("{date}, {time}", date=day(here, language), time=time)


def clock(at: datetime, language: Language = ENGLISH) -> str:
    here = at.astimezone(language.zone)
    return language.say("{clock} {zone}", clock=f"{here.hour:02}:{here.minute:02}", zone=zone_name(here))


def zone_name(here: datetime) -> str:
    """Name the zone of a time: `CET`; `UTC+04` where the zone has no letters of its own."""
    name = here.tzname() or "UTC"
    return name if name[0].isalpha() else f"UTC{name}"


def stamp(at: datetime, zone: tzinfo, *, seconds: bool = False) -> str:
    """Name an instant as commands do, to the minute or the second: `2026-11-30 22:00 CET`."""
    here = at.astimezone(zone)
    return f"{here:{'%Y-%m-%d %H:%M:%S' if seconds else '%Y-%m-%d %H:%M'}} {zone_name(here)}"


def iso(at: datetime) -> str:
    """Write a UTC instant for machines; ten times as fast as strftime, and a page has thousands."""
    return f"{at.isoformat()[:19]}Z"


def day(at: datetime, language: Language = ENGLISH) -> str:
    return language.say("{day} {month}", day=at.day, month=language.say(MONTHS[at.month - 1][:3]))


def date(at: datetime, language: Language = ENGLISH) -> str:
    return language.say("{day} {month} {year}", day=at.day, month=language.say(MONTHS[at.month - 1][:3]), year=at.year)


def month(at: datetime, language: Language = ENGLISH) -> str:
    at = at.astimezone(UTC)
    return language.say("{month} {year}", month=language.say(MONTHS[at.month - 1]), year=at.year)


def duration(seconds: float, language: Language = ENGLISH) -> str:
    """Say a duration in its two largest units: `3 h 20 min`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return language.say("{n} s", n=whole)
    minutes = language.say("{n} min", n=whole % 3600 // 60)
    if whole < 3600:
        return minutes
    hours = language.say("{n} h", n=whole % 86400 // 3600)
    if whole < 86400:
        return f"{hours} {minutes}" if whole % 3600 >= 60 else hours
    days = language.many(whole // 86400, "{n} day", "{n} days")
    return f"{days} {hours}" if whole % 86400 >= 3600 else days


def seconds(value: float, language: Language = ENGLISH) -> str:
    """Say a latency: two decimals below one second, none from ten."""
    return language.say("{n} s", n=language.number(f"{value:.{2 if value < 1 else 1 if value < 9.95 else 0}f}"))


def rate(token_s: float) -> str:
    """Say the tokens per second, without the unit: one decimal below ten."""
    return f"{1 / token_s:.{0 if token_s <= 0.1 else 1}f}"


def percent(share: float, language: Language = ENGLISH) -> str:
    """Say a share in [0, 1], rounded down: 99.96 % good must not read as 100 %."""
    return language.say("{n}%", n=language.number(f"{floor(share * 1000 + 1e-9) / 10:g}"))


def money(usd: float, language: Language = ENGLISH) -> str:
    if 0 < usd < 0.01:
        return language.say("less than $0.01")
    return language.say("${n}", n=language.number(f"{usd:.2f}"))


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def join_items(items: Sequence[str], most: int, language: Language = ENGLISH) -> str:
    """Join at most `most` items; the rest is counted."""
    more = [language.say("and {n} more", n=len(items) - most)] if len(items) > most else []
    return language.items([*items[:most], *more])


def capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]


def whose_fault(incident: Incident) -> str:
    if incident.is_absence:
        return ABSENT
    if _is_of_all_keys(incident):
        return KEYS_UNDECIDED
    if incident.scope is Scope.STAGE:
        return OURS
    if local := _whose_local_fault(incident):
        return local[0]
    if incident.scope is Scope.MONITOR:
        return PROXIED if incident.fault is Fault.PROXY_FAILED else OFFLINE
    return BLAMES[incident.blame]


def owner(incident: Incident) -> str:
    """Say whose fault it is in two words, for a column."""
    if incident.scope in (Scope.MONITOR, Scope.STAGE) or incident.about.is_of_place:
        return OURS_IN_SHORT
    return BLAMES[incident.blame]


def whose_fault_at_length(incident: Incident) -> str:
    if incident.is_absence:
        return ABSENT_AT_LENGTH
    if _is_of_all_keys(incident):
        return KEYS_AT_LENGTH
    if local := _whose_local_fault(incident):
        return local[1]
    if incident.scope is Scope.MONITOR:
        return PROXIED_AT_LENGTH if incident.fault is Fault.PROXY_FAILED else OFFLINE_AT_LENGTH
    if incident.scope is Scope.STAGE:
        return OURS_AT_LENGTH
    is_open = incident.blame is Blame.UNKNOWN and incident.fault.blame is not Blame.UNKNOWN
    return OPEN_AT_LENGTH if is_open else BLAMES_AT_LENGTH[incident.blame]


def _whose_local_fault(incident: Incident) -> tuple[str, str] | None:
    """Say, in short and at length, what a trouble of some places shows besides the network; None: nothing."""
    if incident.scope is not Scope.LOCATION:
        return None
    if incident.about.is_of_place:
        its = (PLACE_SILENT, PLACE_SILENT_AT_LENGTH), (PLACE_CLOCK, PLACE_CLOCK_AT_LENGTH)
        return its[0] if incident.is_silence else its[1]
    if incident.blame is Blame.ACCOUNT:
        return LOCAL_RULE, LOCAL_RULE_AT_LENGTH
    is_offline = incident.blame is Blame.UNKNOWN and not incident.about.provider
    return (PLACE_OFFLINE, PLACE_OFFLINE_AT_LENGTH) if is_offline else None


def _is_of_all_keys(incident: Incident) -> bool:
    return any(isinstance(one, Undecided) for one in incident.reasons)


def whose_fault_hedged(incident: Incident) -> str:
    """Say whose fault it is and how sure that is: `probably your account`."""
    return f"{HEDGES[incident.confidence]}{whose_fault(incident)}" if is_blamed(incident) else whose_fault(incident)


def is_blamed(incident: Incident) -> bool:
    return incident.scope not in (Scope.MONITOR, Scope.STAGE) and incident.blame is not Blame.UNKNOWN


def describe_limit(it: Limit, language: Language = ENGLISH) -> str:
    """Say a rate limit: `480 of 500 requests per minute left`."""
    unit = limit_name(it.unit, it.window_s, language)
    left, most = (None if one is None else language.number(f"{one:,.0f}") for one in (it.remaining, it.limit))
    if left is None:
        return language.say("at most {most} {unit}" if most else "{unit}: not given", most=most, unit=unit)
    words = "{left} of {most} {unit} left" if most else "{left} {unit} left"
    return language.say(words, left=left, most=most, unit=unit)


def limit_name(unit: str, window_s: float | None, language: Language = ENGLISH) -> str:
    """Name a rate limit: `input tokens per minute`."""
    name, span = language.say(unit.replace("_", " ").replace("-", " ")), per(window_s)
    return f"{name} {language.say(span.text, n=language.number(span.count))}" if span else name


def notice_title(title: str, claim: Claim | None, language: Language = ENGLISH) -> str:
    """Say the title of a notice: the provider's own; else what its page shows: `API: degraded`."""
    if claim:
        return language.about(claim.part or language.say(WHOLE_PAGE), language.say(CLAIMS[claim.impact]))
    return language.say(title) if title == UNTITLED else title


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


def describe_lead(by: timedelta | None, language: Language = ENGLISH) -> str:
    """Say who knew first: `we knew 11 min before the provider's page`; empty while the page says nothing.

    Pages date their updates to the second at best, so less than that is no lead.
    """
    if by is None:
        return ""
    if abs(by) < timedelta(seconds=1):
        return language.say("we and the provider's page knew at the same time")
    passed = duration(abs(by.total_seconds()), language)
    if by > timedelta():
        return language.say("we knew {passed} before the provider's page", passed=passed)
    return language.say("the provider's page knew {passed} before us", passed=passed)


def title(incident: Incident, language: Language = ENGLISH) -> str:
    """Name an incident in one line: `openai/main: account suspended`."""
    its = subject(incident, language)
    if incident.is_absence or incident.about.is_of_place:
        return _gap_title(incident, language)
    match incident.scope:
        case Scope.MONITOR if incident.closed_at:
            return language.say("the monitor was offline for {time}", time=_lasted(incident, language))
        case Scope.MONITOR if incident.fault is Fault.PROXY_FAILED:
            return language.say("the monitor is offline: its proxy lets nothing through")
        case Scope.MONITOR:
            return language.say("the monitor is offline: nothing answers")
        case Scope.SOURCE:
            return language.say("the status source {subject} cannot be read", subject=its)
        case Scope.REMINDER:
            return language.say("{subject} expires soon, by the date you entered", subject=its)
        case Scope.OBJECTIVE:
            return language.say("{subject}: the error budget burns too fast", subject=its)
        case Scope.STAGE:
            return language.say("the monitor's own stage `{subject}` keeps failing", subject=its)
        case (
            Scope.TARGET
            | Scope.MODEL
            | Scope.CAPABILITY
            | Scope.LOCATION
            | Scope.ACCOUNT
            | Scope.ORGANIZATION
            | Scope.PROVIDER
            | Scope.EGRESS
        ):
            return language.about(its, _what(incident, language))
    assert_never(incident.scope)


def _gap_title(incident: Incident, language: Language) -> str:
    if incident.is_absence:
        return language.say("the monitor was not watching for {time}", time=_lasted(incident, language))
    place = subject(incident, language)
    if incident.is_silence and incident.closed_at:
        return language.say("{place} was not heard of for {time}", place=place, time=_lasted(incident, language))
    if incident.is_silence:
        silent = duration(SILENT.total_seconds(), language)
        return language.say("{place} has not been heard of for over {time}", place=place, time=silent)
    off_s = max((abs(one.off_s) for one in incident.reasons if isinstance(one, ClockOff)), default=0.0)
    return language.say("the clock of {place} is wrong by {time}", place=place, time=duration(off_s, language))


def _what(incident: Incident, language: Language) -> str:
    fault, about = language.say(FAULTS[incident.fault]), incident.about
    if incident.scope is Scope.LOCATION and not about.provider:
        offline = incident.blame is Blame.UNKNOWN
        return language.say("nothing answers from there" if offline else "the network path from there is failing")
    what = language.say("{fault} again and again", fault=fault) if incident.is_flap else fault
    if not about.locations:
        return what
    return language.say("{what}, from {places} only", what=what, places=language.items(about.locations))


def subject_and_what(incident: Incident, language: Language = ENGLISH) -> tuple[str, str]:
    """Return an incident's title in two parts; the first is empty where it does not stand on its own."""
    if incident.is_absence or incident.scope in OWN_TITLES or incident.about.is_of_place:
        return "", title(incident, language)
    return subject(incident, language), _what(incident, language)


def subject(incident: Incident, language: Language = ENGLISH) -> str:
    """Name what an incident is about; a road has the name of its place, or none of its own."""
    about = incident.about
    if about.is_of_place:
        return language.items(about.locations)
    return about.thing or language.items(about.locations) or language.say("the network here")


def unwatched_accounts(incident: Incident, language: Language = ENGLISH) -> str:
    """Say what could not be probed while the monitor was offline: `openai (3 accounts), groq (1 account)`; else empty.

    The providers with the most accounts come first.
    """
    if not incident.is_offline:
        return ""
    accounts = Counter(provider_of(account) for account in accounts_of_targets(incident.members))
    counted = [(name, language.many(number, "{n} account", "{n} accounts")) for name, number in accounts.most_common()]
    return join_items([language.aside(name, accounts) for name, accounts in counted], PROVIDERS, language)


def _lasted(incident: Incident, language: Language) -> str:
    return duration(((incident.closed_at or incident.opened_at) - incident.opened_at).total_seconds(), language)
