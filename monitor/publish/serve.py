"""A small static server for the page's folder: for one machine, or behind a proxy."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from html import escape
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from aiohttp import web

from monitor.alert.link import NAMES, Link
from monitor.publish.page import POLICY

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

HEADERS = {
    "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


ANSWER_HEADERS = {"Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'"}
ANSWER = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex"><title>{title}</title>
<h1>{title}</h1>
<p>{words}</p>
{form}</html>
"""
FORM = '<form method="post"><button>{name}</button></form>\n'


class Answers(Protocol):
    """What stands behind the signed links."""

    def read(self, token: str) -> Link | None:
        """Return what a link permits; None when it does not, or not any more."""

    def take(self, token: str) -> bool:
        """Do it; return False when it was done before."""


def site_app(folder: Path, names: Iterable[str] = (), answers: Answers | None = None) -> web.Application:
    """Return an application that serves the files below `folder`, to requests for a local name or one of `names`.

    Other names are refused because of DNS rebinding: a page elsewhere could point its own name here and read
    what only this machine may see.
    """
    allowed = LOCAL_NAMES | {name.lower() for name in names}
    app = web.Application(middlewares=[_guard(allowed)])
    app.on_response_prepare.append(_harden)
    if answers:
        app.router.add_get("/answer/{token}", _question_handler(answers))
        app.router.add_post("/answer/{token}", _answer_handler(answers))
    app.router.add_get("/{path:.*}", _file_handler(folder.resolve()))
    return app


def _guard(allowed: frozenset[str]) -> Callable[..., Awaitable[web.StreamResponse]]:
    @web.middleware
    async def guard(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if _name(request.host) not in allowed:
            raise web.HTTPMisdirectedRequest
        return await handler(request)

    return guard


def _name(host: str) -> str | None:
    """Return the name in a Host header, without its port; None when it is none."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


async def _harden(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update({**HEADERS, **(ANSWER_HEADERS if request.path.startswith("/answer/") else {})})


def _question_handler(answers: Answers) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def ask(request: web.Request) -> web.StreamResponse:
        """Only ask: chats and mail scanners open every link they see."""
        link = await asyncio.to_thread(answers.read, request.match_info["token"])
        if link is None:
            return _said("This link is not valid", "It was used, has run out, or was cut on its way.", status=410)
        return _said(NAMES[link.kind], f"Incident {link.incident}", FORM.format(name=escape(NAMES[link.kind])))

    return ask


def _answer_handler(answers: Answers) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        token = request.match_info["token"]
        link = await asyncio.to_thread(answers.read, token)
        if link is None or not await asyncio.to_thread(answers.take, token):
            return _said("This link is not valid", "It was used, has run out, or was cut on its way.", status=410)
        return _said("Done", f"{NAMES[link.kind]}: incident {link.incident}")

    return answer


def _said(title: str, words: str, form: str = "", *, status: int = 200) -> web.Response:
    text = ANSWER.format(title=escape(title), words=escape(words), form=form)
    return web.Response(text=text, content_type="text/html", status=status)


def _file_handler(folder: Path) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def send(request: web.Request) -> web.StreamResponse:
        file = _find(folder, request.match_info["path"] or "index.html")
        if file is None:
            raise web.HTTPNotFound
        return web.FileResponse(file)

    return send


def _find(folder: Path, path: str) -> Path | None:
    """Return the file that a decoded path names; None for what is hidden, outside, or no file."""
    parts = path.split("/")
    if any(not part or part.startswith(".") or not part.isprintable() for part in parts):
        return None
    try:
        file = folder.joinpath(*parts).resolve(strict=True)
    except OSError:
        return None
    return file if file.is_relative_to(folder) and file.is_file() else None
