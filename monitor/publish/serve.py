"""A small static server for the page's folder: for one machine, or behind a proxy."""

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from monitor.publish.page import POLICY

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

HEADERS = {
    "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def site_app(folder: Path, names: Iterable[str] = ()) -> web.Application:
    """Return an application that serves the files below `folder`, to requests for a local name or one of `names`.

    Other names are refused because of DNS rebinding: a page elsewhere could point its own name here and read
    what only this machine may see.
    """
    allowed = LOCAL_NAMES | {name.lower() for name in names}
    app = web.Application(middlewares=[_guard(allowed)])
    app.on_response_prepare.append(_harden)
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


async def _harden(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


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
