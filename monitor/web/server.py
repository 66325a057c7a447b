"""A small static server for the page's folder: for one machine, or behind a proxy."""

import asyncio
import gzip
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from functools import lru_cache, partial
from hashlib import blake2s
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from aiohttp import ETag, web
from msgspec import Struct

from monitor.alert.signed_link import LONGEST_REASON, SILENCES, Link
from monitor.publish import paths
from monitor.publish.render import POLICY
from monitor.publish.snapshot import Freshness
from monitor.sentence.translation import ENGLISH, PageLanguage
from monitor.web.connection_limit import REQUEST_S, ConnectionLimit
from monitor.web.content_type import HTML, OPEN_METRICS, content_type
from monitor.web.link_page import (
    NO_FORM,
    NO_SILENCE,
    NOT_NOW,
    NOT_VALID,
    done_page,
    done_words,
    message_page,
    question_page,
    refused_page,
)
from probes.phrase import Phrase

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

HEADERS = {
    "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

QUALITY = re.compile(r"(?:^|;)\s*q=(0(?:\.\d*)?|1(?:\.0*)?)\s*(?:;|$)", re.IGNORECASE)
GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))")

KEPT = 128
"""Most file versions cached in memory, compressed once."""
MAX_CACHED_BYTES = 4_000_000
"""Most bytes of a file that is cached and compressed; none of ours is larger."""

LINK_HEADERS = {"Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'"}
MISDIRECTED = "This is not asked by that name: let [site] url of monitor.toml be the address that readers use.\n"
FORM_KINDS = frozenset({"", "application/x-www-form-urlencoded", "application/octet-stream"})
"""Content types of our forms: those of browsers, and aiohttp's for a request without one. Not multipart: no files."""


class LinkUnavailable(Exception):
    """A link can be neither checked nor used until the database works again."""


class LinkHandler(Protocol):
    """The handler of signed links. All but `speech` and `what` raise LinkUnavailable."""

    def read(self, token: str) -> Link | None:
        """Return what a link permits; None if it is invalid, used or expired."""

    def speech(self, token: str) -> PageLanguage:
        """Return the language of the message that a link came with, used or not; else that of most messages."""

    def what(self, link: Link, speech: PageLanguage) -> str:
        """Return what a link is about, for people."""

    def take(self, token: str) -> bool:
        """Carry it out; return False if it was done before."""

    def silence(self, token: str, span: timedelta, reason: str) -> bool:
        """Silence what matches the incident instead; return False if the link does not permit that, or no longer."""


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LinkStep = Callable[[web.Request, str, PageLanguage], Awaitable[web.StreamResponse]]
"""Answers a request for a link, given its token and its reader's language."""


def site_app(
    folder: Path,
    names: Iterable[str] = (),
    answers: LinkHandler | None = None,
    pulse: Callable[[], Freshness] | None = None,
    connections: ConnectionLimit | None = None,
    stuck: Callable[[], str | None] = lambda: None,
    speech: Callable[[], PageLanguage] = lambda: ENGLISH,
) -> web.Application:
    """Return an application that serves the files below `folder`, to requests for a local name or one of `names`.

    Other names are refused because of DNS rebinding: a page elsewhere could point its own name here and read
    what only this machine may see. `pulse` may block: it runs in a thread. `stuck` returns why the files cannot be
    written: they are not shown then, as they may be stale; what is said instead is in the language of `speech`.
    """
    allowed = LOCAL_NAMES | {name.lower() for name in names}
    app = web.Application(middlewares=[_guard(allowed, connections or ConnectionLimit())])
    app.on_response_prepare.append(_harden)
    if answers:
        app.router.add_get("/answer/{token}", _if_answered(_question_handler(answers), answers))
        app.router.add_post("/answer/{token}", _if_answered(_answer_handler(answers), answers))
    if pulse:
        app.router.add_get("/healthz", _health_handler(pulse))
    shelf = lru_cache(KEPT)(_read)
    app.router.add_get("/metrics", _unless(stuck, speech, _metrics_handler(folder.resolve(), shelf)))
    app.router.add_get("/{path:.*}", _unless(stuck, speech, _file_handler(folder.resolve(), shelf)))
    return app


def _unless(stuck: Callable[[], str | None], speech: Callable[[], PageLanguage], send: Handler) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        if why := stuck():
            return _said(_stuck_page(why, speech()), 503)
        return await send(request)

    return answer


def _stuck_page(why: str, speech: PageLanguage) -> str:
    go_on = Phrase("The watch and the alerts go on; `provider-monitor status` says what is so.")
    return message_page(
        speech, speech.say("This page stands still"), speech.sentences([f"{why[:1].upper()}{why[1:]}.", go_on])
    )


def _if_answered(handle: LinkStep, answers: LinkHandler) -> Handler:
    """Return a handler that answers in the language of the message that the link came with."""

    async def answer(request: web.Request) -> web.StreamResponse:
        token = request.match_info["token"]
        speech = answers.speech(token)
        try:
            return await handle(request, token, speech)
        except LinkUnavailable:
            return _said(refused_page(NOT_NOW, speech), 503)

    return answer


def _guard(allowed: frozenset[str], connections: ConnectionLimit) -> Callable[..., Awaitable[web.StreamResponse]]:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        with connections.serving(request.protocol):
            if _name(request.host) not in allowed:
                raise web.HTTPMisdirectedRequest(text=MISDIRECTED)
            return await handler(request)

    return guard


def _name(host: str) -> str | None:
    """Return the name in a Host header, without its port; None if it is malformed."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


async def _harden(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update({**HEADERS, **(LINK_HEADERS if request.path.startswith("/answer/") else {})})


def _question_handler(answers: LinkHandler) -> LinkStep:
    async def ask(_: web.Request, token: str, speech: PageLanguage) -> web.StreamResponse:
        """Only show the form: chats and mail scanners open every link they see."""
        link = await asyncio.to_thread(answers.read, token)
        if link is None:
            return _said(refused_page(NOT_VALID, speech), 410)
        return _said(question_page(link.kind, await asyncio.to_thread(answers.what, link, speech), speech))

    return ask


def _answer_handler(answers: LinkHandler) -> LinkStep:
    async def answer(request: web.Request, token: str, speech: PageLanguage) -> web.StreamResponse:
        form = await _form(request)
        if form is None:
            return _said(refused_page(NO_FORM, speech), 400)
        link = await asyncio.to_thread(answers.read, token)
        if link is None:
            return _said(refused_page(NOT_VALID, speech), 410)
        span, work = None, partial(answers.take, token)
        if "reason" in form:
            reason, span = str(form["reason"]).strip(), SILENCES.get(str(form.get("for")))
            if span is None or not 0 < len(reason) <= LONGEST_REASON:
                return _said(refused_page(NO_SILENCE, speech), 400)
            work = partial(answers.silence, token, span, reason)
        if not await asyncio.to_thread(work):
            return _said(refused_page(NOT_VALID, speech), 410)
        about = await asyncio.to_thread(answers.what, link, speech)
        return _said(done_page(done_words(link.kind, span, speech), about, speech))

    return answer


async def _form(request: web.Request) -> Mapping[str, object] | None:
    """Return the form's fields; None if it is truncated, in an unknown charset or encoding, or of another type."""
    if request.content_type not in FORM_KINDS:
        return None
    try:
        async with asyncio.timeout(REQUEST_S):
            return await request.post()
    except (TimeoutError, ValueError, LookupError, web.RequestPayloadError):
        return None


def _said(page: str, status: int = 200) -> web.Response:
    return web.Response(text=page, content_type="text/html", status=status)


def _health_handler(pulse: Callable[[], Freshness]) -> Handler:
    async def tell(_: web.Request) -> web.Response:
        now = await asyncio.to_thread(pulse)
        told = {"alive": now.is_steady, "reason": now.words, "age_s": now.age_s, "most_s": now.most_s}
        text = json.dumps(told) + "\n"
        return web.Response(text=text, content_type="application/json", status=200 if now.is_steady else 503)

    return tell


class CachedFile(Struct, frozen=True):
    """One version of a file. `packed`: compressed; None if that is not smaller."""

    content: bytes
    packed: bytes | None
    tag: str


FileCache = Callable[[Path, int, int, int], CachedFile]
"""Returns the copy of a file, given its path and the inode, time and size of the version."""


def _read(file: Path, *_: int) -> CachedFile:
    content = file.read_bytes()
    packed = gzip.compress(content, mtime=0)
    return CachedFile(
        content, packed if len(packed) < len(content) else None, blake2s(content, digest_size=12).hexdigest()
    )


def _metrics_handler(folder: Path, shelf: FileCache) -> Handler:
    async def send(request: web.Request) -> web.StreamResponse:
        path = paths.OPEN_METRICS if _prefers_open(request.headers.get("Accept", "")) else paths.METRICS
        headers = {"Content-Type": content_type(path) or "", "Vary": "Accept, Accept-Encoding"}
        return await _send(request, folder, path, shelf, headers)

    return send


def _prefers_open(accept: str) -> bool:
    """Whether OpenMetrics is asked for, and not less than the classic form. Source: RFC 9110, 12.5.1."""
    parts = (one.partition(";") for one in accept.split(","))
    ranges = [(kind.strip().lower(), _quality(its)) for kind, _, its in parts]
    wanted = max((quality for kind, quality in ranges if kind == OPEN_METRICS), default=0.0)
    return wanted > 0 and wanted >= max((quality for kind, quality in ranges if kind == "text/plain"), default=0.0)


def _quality(parameters: str) -> float:
    """Return the weight among the parameters of one range; 0 for one that is no number, 1 for none."""
    found = QUALITY.search(parameters)
    return float(found[1]) if found else float("q=" not in parameters)


def _file_handler(folder: Path, shelf: FileCache) -> Handler:
    async def send(request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"] or "index.html"
        kind = content_type(path) or "application/octet-stream"  # leads to a 404
        return await _send(request, folder, path, shelf, {"Content-Type": kind, "Vary": "Accept-Encoding"})

    return send


async def _send(
    request: web.Request, folder: Path, path: str, shelf: FileCache, headers: dict[str, str]
) -> web.StreamResponse:
    """Send a file, or 304 if the reader's copy is current."""
    found = await asyncio.to_thread(_copy, folder, path, shelf)
    if found is None:
        return await _send_missing(folder, shelf)
    if isinstance(found, Path):
        return web.FileResponse(found, headers=headers)
    if any(tag.value in (found.tag, "*") for tag in request.if_none_match or ()):
        response = web.Response(status=304, headers=headers)
    elif found.packed and GZIP.search(request.headers.get("Accept-Encoding", "")):
        response = web.Response(body=found.packed, headers=headers | {"Content-Encoding": "gzip"})
    else:
        response = web.Response(body=found.content, headers=headers)
    response.etag = ETag(found.tag, is_weak=True)  # the same for both encodings
    return response


async def _send_missing(folder: Path, shelf: FileCache) -> web.Response:
    page = await asyncio.to_thread(_copy, folder, "404.html", shelf)
    if not isinstance(page, CachedFile):
        raise web.HTTPNotFound
    return web.Response(body=page.content, headers={"Content-Type": HTML}, status=404)


def _copy(folder: Path, path: str, shelf: FileCache) -> CachedFile | Path | None:
    """Return a copy of the file; its path instead if it is too large to cache; None if it is not served."""
    file = _find(folder, path)
    if file is None:
        return None
    try:
        seen = file.stat()
        return file if seen.st_size > MAX_CACHED_BYTES else shelf(file, seen.st_ino, seen.st_mtime_ns, seen.st_size)
    except OSError:  # deleted meanwhile
        return None


def _find(folder: Path, path: str) -> Path | None:
    """Return the file at a decoded path; None if it is hidden, outside the folder, or not a page's file."""
    parts = path.split("/")
    if content_type(path) is None:
        return None
    if any(not part or part.startswith(".") or not part.isprintable() for part in parts):
        return None
    try:
        file = folder.joinpath(*parts).resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a symbolic link to itself, before Python 3.13
        return None
    is_page = content_type(file.name) and file.is_relative_to(folder) and file.is_file()
    return file if is_page else None
