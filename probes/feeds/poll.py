"""One bounded, timed poll of one status source → Bulletin. The other side's failures never raise here."""

import asyncio
from asyncio import timeout
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import urljoin, urlsplit

import aiohttp
from msgspec import Struct
from msgspec.structs import replace

from probes.doubt import (
    Bound,
    BoundExceeded,
    BrowserChallenge,
    ComponentsUnknown,
    Defect,
    Defective,
    Detour,
    Doubt,
    HostUnreached,
    Obstacle,
    PollTooSlow,
    RedirectRefused,
    StatusRefused,
)
from probes.feeds.merge import component_notice, component_notices, component_states, to_notices, worst_impact
from probes.feeds.parse import is_challenge, parse_feed
from probes.feeds.report import ParsedFeed
from probes.feeds.text import is_same_site, read_name
from probes.model import Clock, TimeLimits, Timer
from probes.notice import CLAIMS, Bulletin, Claim, ComponentState, Impact, Notice, Trust, Validators
from probes.provider import Feed
from probes.proxy import DIRECT_EGRESS, Egress, choose_proxy
from probes.sanitize import sanitize
from probes.transport.body import UnreadableBody, read_body
from probes.transport.client import headers_for, request_options
from probes.transport.failure import CONNECTING, RequestTrace, explain_error, explain_proxy_answer
from probes.transport.progress import UNDER_WAY, Progress

MOST_BYTES = 8 * 1024 * 1024
"""Most bytes read; Google's history of all its products has some MiB, a provider's page a hundredth of that."""
MOST_REDIRECTS = 3
"""Most redirects followed in one poll."""
KEPT_VALIDATOR = 300
"""Most characters of an ETag or a Last-Modified that we send back."""

ACCEPT = "application/json, application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.1"

TROUBLES_OF_ALL = (Impact.MINOR, Impact.MAJOR, Impact.CRITICAL)

PATIENCE = TimeLimits(connect_s=10, silence_s=15, total_s=30)
"""Seconds for one poll, parsing included."""


class FetchResult(Struct, frozen=True):
    """The response. `charset` comes from its header; `problem` says why it is not worth reading."""

    status: int | None = None
    body: bytes = b""
    validators: Validators = Validators()
    problem: Doubt | None = None
    charset: str | None = None


async def poll_feed(
    session: aiohttp.ClientSession,
    feed: Feed,
    validators: Validators,
    clock: Clock,
    timer: Timer,
    *,
    source: str,
    patience: TimeLimits = PATIENCE,
    way: Egress = DIRECT_EGRESS,
) -> Bulletin:
    """Ask whether anything is new, and read it if so.

    `validators` are those of this source's last bulletin; `source` is its id. A doubtful bulletin returns the
    validators it was given, so that the content before it can still be confirmed.
    """
    at, started = clock(), timer()
    progress = Progress(proxy=choose_proxy(way.proxies, feed.url))
    UNDER_WAY.set(progress)
    try:
        async with timeout(patience.total_s):
            answer = await _ask(session, feed.url, validators, patience, way, progress)
            bulletin = await _read(answer, feed, source, at, validators)
    except (aiohttp.ClientError, OSError, UnreadableBody, ValueError) as error:
        problem = _doubt_of(error, RequestTrace(feed.url, progress, patience))
        bulletin = Bulletin(source, at, Trust.DOUBTFUL, problem, validators=validators)
    return sanitize(replace(bulletin, latency_s=timer() - started))


async def _ask(
    session: aiohttp.ClientSession,
    url: str,
    validators: Validators,
    patience: TimeLimits,
    way: Egress,
    progress: Progress,
) -> FetchResult:
    for _ in range(MOST_REDIRECTS + 1):
        async with session.get(
            url,
            headers={**_headers(validators), **headers_for(progress.proxy, url)},
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(connect=patience.connect_s, sock_read=patience.silence_s),
            **request_options(way, url),
        ) as response:
            if refused := explain_proxy_answer(
                response.status, response.headers, RequestTrace(url, progress, patience)
            ):
                return FetchResult(problem=refused.proxy)
            if response.status not in (301, 302, 303, 307, 308):
                return await _answer(response, validators)
            target = urljoin(url, response.headers.get("Location", ""))
            if problem := _wrong_way(url, target):
                return FetchResult(response.status, problem=problem)
            url = target
    return FetchResult(problem=BoundExceeded(Bound.REDIRECTS, MOST_REDIRECTS))


def _headers(validators: Validators) -> dict[str, str]:
    asked = {"If-None-Match": validators.etag, "If-Modified-Since": validators.last_modified}
    known = {key: value for key, value in asked.items() if value}
    return {"Accept": ACCEPT, "Accept-Encoding": "gzip", **known}


def _wrong_way(url: str, target: str) -> Doubt | None:
    here, there = urlsplit(url), urlsplit(target)
    if there.scheme not in ("http", "https") or not there.hostname:
        return RedirectRefused(Detour.NOWHERE)
    if here.hostname != there.hostname:
        return RedirectRefused(Detour.OTHER_HOST, read_name(there.hostname))
    if here.scheme == "https" and there.scheme == "http":
        return RedirectRefused(Detour.PLAIN_HTTP)
    return None


async def _answer(response: aiohttp.ClientResponse, validators: Validators) -> FetchResult:
    status = response.status
    if status == 304:
        asked = validators != Validators()
        return FetchResult(status, problem=None if asked else Defective(Defect.UNASKED))
    body = await read_body(response, MOST_BYTES + 1)
    if "cf-mitigated" in response.headers or (status in (401, 403, 429, 503) and is_challenge(body)):
        return FetchResult(status, problem=BrowserChallenge(status))
    if status != 200:
        return FetchResult(status, problem=StatusRefused(status))
    if len(body) > MOST_BYTES:
        return FetchResult(status, problem=BoundExceeded(Bound.BYTES, MOST_BYTES))
    return FetchResult(status, body, _validators(response.headers), charset=response.charset)


def _validators(headers: Mapping[str, str]) -> Validators:
    return Validators(_validator(headers.get("ETag")), _validator(headers.get("Last-Modified")))


def _validator(told: str | None) -> str | None:
    """Return a validator that can be sent back unchanged; invalid UTF-8 cannot."""
    return told if told and len(told) <= KEPT_VALIDATOR and told.isprintable() else None


async def _read(answer: FetchResult, feed: Feed, source: str, at: datetime, validators: Validators) -> Bulletin:
    if answer.problem:
        return Bulletin(source, at, Trust.DOUBTFUL, answer.problem, validators=validators, status=answer.status)
    if answer.status == 304:
        return Bulletin(source, at, Trust.UNCHANGED, validators=validators, status=304)
    # Off the event loop: a full feed takes milliseconds, a hostile one more.
    bulletin = await asyncio.to_thread(
        lambda: make_bulletin(parse_feed(feed.form, answer.body, answer.charset), feed, source, at)
    )
    kept = validators if bulletin.trust is Trust.DOUBTFUL else answer.validators
    return replace(bulletin, validators=kept, status=answer.status)


def make_bulletin(parsed: ParsedFeed, feed: Feed, source: str, at: datetime) -> Bulletin:
    """Return the bulletin of what was read, as far as it concerns an API account."""
    ours = component_states(parsed, feed.components)
    posted = tuple(_linked(one, feed) for one in to_notices(parsed, feed.components, at))
    whole = parsed.overall if parsed.overall and not parsed.standings and not feed.components else None
    shown = component_notices(ours, posted) or _claim_of_all(whole, posted)
    notices = (*posted, *(replace(one, url=feed.page) for one in shown))
    problem = parsed.problem or _problem(parsed, ours, whole, notices)
    unread = parsed.unread + sum(one.impact is Impact.UNKNOWN for one in ours)
    unread += whole is None and _is_unexplained(parsed)
    impacts = [one.impact for one in notices if one.is_open] + [one.impact for one in ours]
    impacts += [whole] if whole else []
    impacts += [Impact.UNKNOWN] if unread else []
    return Bulletin(
        source=source,
        at=at,
        trust=Trust.DOUBTFUL if problem else Trust.READ,
        problem=problem,
        notices=notices,
        components=ours,
        impact=worst_impact(impacts),
        newest_at=parsed.newest_at if parsed.newest_at and parsed.newest_at <= at else None,
        unread=unread,
    )


def _linked(notice: Notice, feed: Feed) -> Notice:
    """Return a notice that links to the page's own site: its author could link to anything."""
    return notice if notice.url and is_same_site(notice.url, feed.page, feed.url) else replace(notice, url=feed.page)


def _claim_of_all(whole: Impact | None, posted: Sequence[Notice]) -> tuple[Notice, ...]:
    if whole not in CLAIMS or any(one.is_open for one in posted):
        return ()
    return (component_notice("page", Claim(None, whole)),)


def _is_unexplained(parsed: ParsedFeed) -> bool:
    """Whether the page says that something is wrong but not what: it may be ours."""
    shown = [one.impact for one in parsed.standings] + [one.standing.impact for one in parsed.groups]
    is_told = any(one.phase.is_open for one in parsed.reports) or any(one >= Impact.MINOR for one in shown)
    return parsed.overall in TROUBLES_OF_ALL and not is_told


def _problem(
    parsed: ParsedFeed, ours: Sequence[ComponentState], whole: Impact | None, notices: Sequence[Notice]
) -> Doubt | None:
    """Say why what was read is not reliable. An open notice that names one of ours outweighs a new layout."""
    if parsed.standings and not ours and not any(one.is_open and one.components for one in notices):
        return ComponentsUnknown(len(parsed.standings))
    said: set[Impact | None] = {one.impact for one in ours} or {whole}
    if said == {Impact.UNKNOWN} and not any(one.is_open for one in notices):
        return Defective(Defect.UNKNOWN_STATES)
    return None


def _doubt_of(error: Exception, trip: RequestTrace) -> Doubt:
    """Return what an exception means. Re-raises any that is not of the other side, or of the road to it."""
    if trip.proxy and (trip.progress.phase in CONNECTING or isinstance(error, aiohttp.ClientHttpProxyError)):
        return explain_error(error, trip).proxy or HostUnreached(_obstacle(error), trip.proxy.name)
    if isinstance(error, aiohttp.SocketTimeoutError):
        return PollTooSlow(trip.patience.silence_s, silent=True)
    if isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ConnectionTimeoutError):
        return PollTooSlow(trip.patience.total_s)
    return _by_kind(error)


def _obstacle(error: Exception) -> Obstacle:
    met = _by_kind(error)
    return met.by if isinstance(met, HostUnreached) else Obstacle.BROKEN


def _by_kind(error: Exception) -> HostUnreached | Defective:
    for kind, met in ERRORS:
        if isinstance(error, kind):
            return met
    raise error


ERRORS: Sequence[tuple[type[Exception], HostUnreached | Defective]] = (
    (aiohttp.ClientConnectorDNSError, HostUnreached(Obstacle.NAME)),
    (aiohttp.ClientConnectorCertificateError, HostUnreached(Obstacle.CERTIFICATE)),
    (aiohttp.ClientSSLError, HostUnreached(Obstacle.TLS)),
    (TimeoutError, HostUnreached(Obstacle.TIMEOUT)),
    (aiohttp.ClientConnectorError, HostUnreached(Obstacle.REFUSED)),
    (aiohttp.ClientPayloadError, Defective(Defect.CUT_OFF)),
    (aiohttp.InvalidURL, Defective(Defect.ADDRESS)),
    (UnreadableBody, Defective(Defect.COMPRESSION)),
    (aiohttp.ClientResponseError, Defective(Defect.NOT_HTTP)),
    (ValueError, Defective(Defect.NOT_HTTP)),
    (aiohttp.ClientError, HostUnreached(Obstacle.BROKEN)),
    (OSError, HostUnreached(Obstacle.BROKEN)),
)
"""From the narrowest class to the widest; an exception's text is left out, as it may contain anything."""
