"""Tabs of one Chromium that tests share: to open one costs as much as to visit several pages."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from monitor.publish.write import write_site

USUAL = {"media": "null", "color_scheme": "light", "reduced_motion": "no-preference", "forced_colors": "none"}
BRIEFLY = {"resultTypes": ["violations"], "selectors": False}
"""What axe is to tell: to describe all that is well, too, takes it longer than to look."""


class Tabs:
    """One tab for each set of what a tab cannot change later, such as its language or whether it runs scripts."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._tabs: dict[tuple[object, ...], Page] = {}

    def show(self, size: tuple[int, int], now: datetime | None = None, **settings: Any) -> Page:
        """Return an empty tab, as if it were new; `now`: at what its clock stands, which else runs."""
        media = {name: settings.pop(name) for name in USUAL if name in settings}
        key = (now is not None, *sorted(settings.items()))
        if key not in self._tabs:
            self._tabs[key] = self._browser.new_context(**settings).new_page()
        page = self._tabs[key]
        page.goto("about:blank")
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(**(USUAL | media))
        if now:
            page.clock.set_fixed_time(now)
        return page


@contextmanager
def overheard(page: Page) -> Iterator[list[str]]:
    """Yield what the page complains of: console errors, exceptions, refused requests."""
    complaints: list[str] = []
    heard: dict[Any, Callable[[Any], None]] = {
        "console": lambda message: complaints.append(message.text) if message.type == "error" else None,
        "pageerror": lambda error: complaints.append(str(error)),
        "response": lambda answer: complaints.append(answer.url) if answer.status >= 400 else None,
    }
    for event, listener in heard.items():
        page.on(event, listener)
    try:
        yield complaints
    finally:
        for event, listener in heard.items():
            page.remove_listener(event, listener)


def violations(page: Page, name: str, **options: object) -> list[str]:
    """Return what axe finds on the page, each with its rule and its first element."""
    found = Axe().run(page, options=BRIEFLY | options).response["violations"]
    return [f"{name}: {one['id']} {one['nodes'][0]['html']}" for one in found]


def sites(folder: Callable[[str], Path]) -> Callable[..., Path]:
    """Return what writes `make(shot(*about))` into a folder of its own, once however often it is asked for."""

    @cache
    def site(make: Callable[..., dict[str, bytes]], shot: Callable[..., object], *about: object) -> Path:
        written = folder("site")
        write_site(written, make(shot(*about)))
        return written

    return site
