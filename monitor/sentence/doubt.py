"""Why a status source is not believed, in words that follow its name."""

from functools import reduce
from typing import assert_never

from monitor.diagnose.reason import SourceStale, Unread
from monitor.words import ENGLISH, Language, moment
from probes.doubt import (
    Bound,
    BoundExceeded,
    BrowserChallenge,
    ComponentsLost,
    ComponentsUnknown,
    Defect,
    Defective,
    Detour,
    FormUnknown,
    HostUnreached,
    Obstacle,
    PlatformChanged,
    PollBroken,
    PollTooSlow,
    RedirectRefused,
    RootUnknown,
    ShapeUnknown,
    StatusRefused,
    WentBack,
    XmlBroken,
)
from probes.proxy import ProxyFault, ProxyStopped

MEBIBYTE = 1024 * 1024

OBSTACLES = {
    Obstacle.NAME: "the name of its host is not found",
    Obstacle.CERTIFICATE: "its certificate is not valid",
    Obstacle.TLS: "no secure connection could be agreed on",
    Obstacle.TIMEOUT: "no connection in time",
    Obstacle.REFUSED: "no connection",
    Obstacle.BROKEN: "the connection failed",
}

DETOURS = {
    Detour.NOWHERE: "redirects to something that is not a web address",
    Detour.OTHER_HOST: "moved to another host, {host}; not followed",
    Detour.PLAIN_HTTP: "redirects from https to http; not followed",
}

BOUNDS = {
    Bound.REDIRECTS: "redirects more than {most} times",
    Bound.BYTES: "is larger than {most} MiB",
    Bound.FEED_BYTES: "is a feed of more than {most} MiB in its first items",
    Bound.ITEMS: "lists more than {most} items",
    Bound.DEPTH: "is nested deeper than {most} elements",
    Bound.DATE_CHARACTERS: "has a date of more than {most} characters",
}
IN_MEBIBYTES = frozenset({Bound.BYTES, Bound.FEED_BYTES})

DEFECTS = {
    Defect.ADDRESS: "has an invalid address",
    Defect.NOT_HTTP: "does not send readable HTTP",
    Defect.COMPRESSION: "is compressed in a way that cannot be read",
    Defect.CUT_OFF: "broke off in the middle",
    Defect.UNASKED: "says unchanged, but was not asked for changes",
    Defect.EMPTY: "is empty",
    Defect.WEB_PAGE: "is a web page, not data",
    Defect.UNREADABLE: "cannot be read",
    Defect.NOTHING_READ: "has nothing that can be read",
    Defect.PARTLY_READ: "has items that cannot be read",
    Defect.NOT_JSON: "is not readable JSON",
    Defect.TOO_MANY_VALUES: "lists more than any page needs",
    Defect.TOO_MANY_ELEMENTS: "has more elements or attributes than any feed needs",
    Defect.DOCUMENT_TYPE: "declares a document type, which no feed needs and an attack does",
    Defect.NOT_A_FEED: "is XML, but not a readable feed",
    Defect.NO_HISTORY: "is an empty history, where there has always been one",
    Defect.NO_SUCCESS: "says itself that it failed",
    Defect.NO_STATE: "lacks the page's aggregate state",
    Defect.NO_COMPONENT: "names no component",
    Defect.NO_COMPONENT_OR_INCIDENT: "names neither components nor incidents",
    Defect.UNKNOWN_STATES: "describes its state in words that we do not know",
    Defect.BY_TURNS: "says one thing and another by turns",
}

PROXIES = {
    ProxyFault.NAME: "the proxy at {proxy} has a name that is not found",
    ProxyFault.TLS: "the proxy at {proxy} makes no secure connection",
    ProxyFault.CONNECT: "the proxy at {proxy} cannot be reached",
    ProxyFault.TIMEOUT: "the proxy at {proxy} does not let us through to {place} in time",
    ProxyFault.CLOSED: "the proxy at {proxy} closes the connection without saying why {place} is not reached",
    ProxyFault.PROTOCOL: "the proxy at {proxy} does not answer with readable HTTP: is it a proxy?",
    ProxyFault.SCHEME: "the proxy at {proxy} wants something other than a user and a password",
    ProxyFault.CREDENTIALS: "the proxy at {proxy} refuses us: it wants a user and a password",
    ProxyFault.UNREACHED: "the proxy at {proxy} says that it does not reach {place}",
    ProxyFault.REFUSED: "the proxy at {proxy} refuses to let us through to {place}",
}
WRONG_PASSWORD = "the proxy at {proxy} refuses our user and password"


def describe_doubt(it: Unread, language: Language = ENGLISH) -> str:  # noqa: C901 - a line or two for each kind
    """Say why a source is unreadable: `is empty`. What an earlier version wrote stays as it is."""
    say = language.say
    match it:
        case str():
            return it
        case SourceStale():
            return say("has not been read for half an hour")
        case Defective():
            return say(DEFECTS[it.defect])
        case BoundExceeded():
            most = it.most // MEBIBYTE if it.bound in IN_MEBIBYTES else it.most
            return say(BOUNDS[it.bound], most=most)
        case HostUnreached():
            return say("cannot be reached: {why}", why=_unreached(it, language))
        case ProxyStopped():
            return say("cannot be reached: {why}", why=_proxy_stopped(it, language))
        case PollTooSlow():
            return _too_slow(it, language)
        case RedirectRefused():
            return say(DETOURS[it.to], host=it.host)
        case StatusRefused():
            return _status_refused(it.status, language)
        case BrowserChallenge():
            return say("is behind a challenge for browsers") + _in_parentheses(_http(it.status))
        case FormUnknown():
            return say("is not in a form that {platform} sends", platform=it.platform)
        case ShapeUnknown():
            return say("is JSON, but not of the shape that {platform} sends", platform=it.platform)
        case RootUnknown():
            return say("is XML, but not a feed: it begins with {element}", element=f"<{it.element}>")
        case XmlBroken():
            return say("is not well-formed XML (line {line})", line=it.line)
        case PlatformChanged():
            return _platform_changed(it, language)
        case ComponentsUnknown():
            return language.many(
                it.components,
                "has {n} component, and not one that we look for: it was rearranged",
                "has {n} components, none of those we look for: it was rearranged",
            )
        case ComponentsLost():
            return say("has lost {lost} of {known} components", lost=it.lost, known=it.known)
        case WentBack():
            time = moment(it.newest_at, None, language).words
            return say("is older than what it said before (of {time})", time=time)
        case PollBroken():
            return say("could not be polled: the monitor's own fault ({error})", error=it.error)
    assert_never(it)


def _unreached(it: HostUnreached, language: Language) -> str:
    why = language.say(OBSTACLES[it.by])
    if it.proxy is None:
        return why
    return language.say("{why} (through the proxy at {proxy})", why=why, proxy=it.proxy)


def _proxy_stopped(it: ProxyStopped, language: Language) -> str:
    is_password = it.how is ProxyFault.CREDENTIALS and it.has_user
    words = WRONG_PASSWORD if is_password else PROXIES[it.how]
    return language.say(words, proxy=it.proxy, place=it.place) + _in_parentheses(_http(it.status), it.detail)


def _too_slow(it: PollTooSlow, language: Language) -> str:
    seconds = language.number(f"{it.limit_s:g}")
    if it.silent:
        return language.say("is too slow: not a byte for {seconds} s", seconds=seconds)
    return language.say("is too slow: not done within {seconds} s", seconds=seconds)


def _status_refused(status: int, language: Language) -> str:
    if status in (404, 410):
        return language.say("is not there (HTTP {status}): its address may have changed", status=status)
    if status == 429:
        return language.say("asks us to poll less often (HTTP {status})", status=status)
    return language.say("answers HTTP {status}", status=status)


def _platform_changed(it: PlatformChanged, language: Language) -> str:
    names = reduce(lambda before, name: language.say("{before} or {name}", before=before, name=name), it.to)
    met = describe_doubt(it.met, language)
    return language.say("{met}; it seems to have moved to {names}", met=met, names=names)


def _http(status: int | None) -> str:
    return f"HTTP {status}" if status else ""


def _in_parentheses(*facts: str) -> str:
    """Return the facts that there are: ` (HTTP 407, Negotiate)`."""
    known = ", ".join(filter(None, facts))
    return f" ({known})" if known else ""
