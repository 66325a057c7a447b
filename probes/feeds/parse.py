"""Bytes from a platform → what they say, or why they cannot be read. Nothing here raises."""

import re
from collections.abc import Callable, Mapping
from functools import partial

from msgspec import Struct

from probes.doubt import BrowserChallenge, Defect, Defective, FormUnknown, Misread, PlatformChanged
from probes.feeds import cloud, hosted, statuspage
from probes.feeds import entry as story
from probes.feeds.charset import decode_bytes
from probes.feeds.report import ParsedFeed, SourceReport, UnreadableFeed
from probes.feeds.syndication import FeedItem
from probes.provider import Platform

Reader = Callable[[str], ParsedFeed]


class Readers(Struct, frozen=True):
    """A platform's readers for JSON, and for RSS or Atom. None where it has no such form (or we have not seen one)."""

    json: Reader | None
    feed: Reader | None


def _feed(tell: Callable[[FeedItem], SourceReport]) -> Reader:
    return partial(story.read_feed, tell)


def _read_xai(text: str) -> ParsedFeed:
    return story.merge_reports(story.read_feed(story.read_by_prefix, text))


READERS: Mapping[Platform, Readers] = {
    Platform.STATUSPAGE: Readers(statuspage.read_summary, _feed(story.read_entry)),
    Platform.INCIDENT_IO: Readers(statuspage.read_incident_io, _feed(story.read_entry)),
    Platform.INSTATUS: Readers(hosted.read_instatus, _feed(story.read_in_any_order)),
    Platform.BETTER_STACK: Readers(hosted.read_better_stack, _feed(story.read_entry)),
    Platform.CHECKLY: Readers(None, _feed(story.read_entry)),
    Platform.ONLINE_OR_NOT: Readers(None, _feed(story.read_entry)),
    Platform.DATADOG: Readers(hosted.read_datadog, None),
    Platform.FLASHDUTY: Readers(hosted.read_flashduty, _feed(story.read_entry)),
    Platform.GOOGLE_CLOUD: Readers(cloud.read_google, _feed(story.read_entry)),
    Platform.AWS: Readers(cloud.read_aws, _feed(story.read_by_update)),
    Platform.AZURE: Readers(None, _feed(story.read_by_service)),
    Platform.XAI: Readers(None, _read_xai),
    Platform.ALIBABA: Readers(cloud.read_alibaba, None),
    Platform.FEED: Readers(None, _feed(story.read_by_category)),
}

MARKS: Mapping[str, re.Pattern[str]] = {
    "incident.io": re.compile(r'incident\.io|"ongoing_incidents"', re.IGNORECASE),
    "Statuspage": re.compile(r'atlassian statuspage|statuspage\.io|cdn\.statuspage|"incident_updates"', re.IGNORECASE),
    "Instatus": re.compile(r'instatus|"activeIncidents"', re.IGNORECASE),
    "Better Stack": re.compile(r'better ?stack|betteruptime|"aggregate_state"', re.IGNORECASE),
    "Checkly": re.compile(r"checkly", re.IGNORECASE),
    "OnlineOrNot": re.compile(r"onlineornot", re.IGNORECASE),
    "Datadog": re.compile(r'datadoghq|datadog status|"componentsAffected"', re.IGNORECASE),
    "Flashduty": re.compile(r'flashduty|flashcat|"active_changes"', re.IGNORECASE),
    "Rootly": re.compile(r"rootly", re.IGNORECASE),
}
"""Marks of the software behind a page, in its HTML or its JSON."""

OWN = {
    Platform.INCIDENT_IO: "incident.io",
    Platform.STATUSPAGE: "Statuspage",
    Platform.INSTATUS: "Instatus",
    Platform.BETTER_STACK: "Better Stack",
    Platform.CHECKLY: "Checkly",
    Platform.ONLINE_OR_NOT: "OnlineOrNot",
    Platform.DATADOG: "Datadog",
    Platform.FLASHDUTY: "Flashduty",
}
CHALLENGE = re.compile(r"just a moment|challenge-platform|cf-chl|cf_chl|captcha|attention required", re.IGNORECASE)
PAGE = re.compile(r"\s*(?:<!--[^<>]{0,500}-->\s*)?<(?:!doctype\s+html|html)\b", re.IGNORECASE)
BLANK = "\ufeff \t\r\n\0"
SEARCHED_CHARACTERS = 100_000
"""Most characters of a page to search for marks."""


def parse_feed(form: Platform, data: bytes, charset: str | None = None) -> ParsedFeed:
    """Return what was read; when nothing could be, `problem` is set and nothing else.

    `charset` comes from the HTTP header.
    """
    text = decode_bytes(data, charset)
    try:
        return _whole(_parse(form, text), form, text)
    except UnreadableFeed as error:
        return ParsedFeed(problem=_changed(error.why, form, text))
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return ParsedFeed(problem=_changed(Defective(Defect.UNREADABLE), form, text))


def _whole(parsed: ParsedFeed, form: Platform, text: str) -> ParsedFeed:
    """Return the content. Raises UnreadableFeed if all of it is unreadable, or a part as the platform changed."""
    if not parsed.unread:
        return parsed
    if _others(form, text):
        raise UnreadableFeed(Defective(Defect.PARTLY_READ))
    if not (parsed.reports or parsed.standings):
        raise UnreadableFeed(Defective(Defect.NOTHING_READ))
    return parsed


def _parse(form: Platform, text: str) -> ParsedFeed:
    start = text.lstrip(BLANK)[:1]
    if not start:
        raise UnreadableFeed(Defective(Defect.EMPTY))
    if PAGE.match(text):
        is_gate = CHALLENGE.search(text, 0, SEARCHED_CHARACTERS)
        raise UnreadableFeed(BrowserChallenge() if is_gate else Defective(Defect.WEB_PAGE))
    readers = READERS[form]
    reader = readers.json if start in "{[" else readers.feed if start == "<" else None
    if reader is None:
        raise UnreadableFeed(FormUnknown(str(form)))
    return reader(text)


def is_challenge(data: bytes) -> bool:
    return bool(CHALLENGE.search(data[:SEARCHED_CHARACTERS].decode("latin-1")))


def _changed(met: Misread, form: Platform, text: str) -> Misread | PlatformChanged:
    others = _others(form, text)
    return PlatformChanged(met, others) if others else met


def _others(form: Platform, text: str) -> tuple[str, ...]:
    """Name the platforms that the page may have moved to: it shows their marks, and none of its own."""
    here = {name for name, mark in MARKS.items() if mark.search(text, 0, SEARCHED_CHARACTERS)}
    if form is Platform.INCIDENT_IO:  # it also answers in Statuspage's form
        here.discard("Statuspage")
    if not here or OWN.get(form) in here:
        return ()
    return tuple(sorted(here))
