"""Pictures of each page: `python -m tests.pictures FOLDER [PATTERN ...]`, such as `40-index-*` or `*-360-dark`.

Each is called SHOT-PAGE-WIDTH-SCHEME.png, and shows the whole page. Equal templates give equal pictures on one machine;
its fonts are those of the machine. Without a folder, those of the README are written.
"""

import base64
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from fnmatch import fnmatch
from itertools import product
from pathlib import Path

from msgspec import Struct
from playwright.sync_api import Browser, FloatRect, Page, sync_playwright

from monitor.publish import private_site, public_site
from monitor.publish.paths import account_page, incident_page, provider_page
from monitor.publish.snapshot import Snapshot
from monitor.publish.write import write_site
from tests.builders_page import NOW, snapshot
from tests.fleet import demonstrated, fleet, offline

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
"""The first has no windows, of which each tab of the others has one: it takes a third of the CPU."""
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
PRIVATE = ("index", "provider", "account", "incident", "history", "404")
PUBLIC = ("public", "public-incident", "public-history", "widget")
WIDTHS, SCHEMES = (360, 768, 1440), ("light", "dark")
VIEWS = tuple(product((*PRIVATE, *PUBLIC), WIDTHS, SCHEMES))
HEIGHT = 900
README = Path(__file__).parents[1] / "docs"
FIRST: FloatRect = {"x": 0, "y": 0, "width": 1328, "height": 868}
FACE = ":root { --brand-font: Inter, system-ui, sans-serif }"
"""Nearer to what most readers have than the system face of a server is; where it is not installed, that."""
ENCODE = """async png => {
  const image = new Image()
  image.src = "data:image/png;base64," + png
  await image.decode()
  const canvas = new OffscreenCanvas(image.width, image.height)
  canvas.getContext("2d").drawImage(image, 0, 0)
  const blob = await canvas.convertToBlob({ type: "image/webp", quality: 0.8 })
  return new Promise(done => {
    const reader = new FileReader()
    reader.onload = () => done(reader.result)
    reader.readAsDataURL(blob)
  })
}"""
HOUR = timedelta(hours=1)


class Shot(Struct, frozen=True):
    """What is shown, and how long after it was made."""

    snapshot: Snapshot
    age: timedelta = timedelta()


SHOTS: dict[str, Callable[[], Shot]] = {
    "3": lambda: Shot(fleet(3)),
    "40": lambda: Shot(fleet(40)),
    "500": lambda: Shot(fleet(500)),
    "demo": lambda: Shot(demonstrated()),
    "empty": lambda: Shot(snapshot()),
    "well": lambda: Shot(fleet(40, well=True)),
    "offline": lambda: Shot(offline(40)),
    "stale": lambda: Shot(fleet(40), HOUR),
}


def write_sites(folder: Path, shot: Snapshot) -> dict[str, Path]:
    """Write both sites into a folder; return a file for each type of page that they have."""
    private, public = private_site.render(shot), public_site.render(shot)
    for name, files in (("private", private), ("public", public)):
        write_site(folder / name, files)
    return {
        **{page: folder / "private" / path for page, path in _private_pages(shot).items() if path in private},
        **{page: folder / "public" / path for page, path in _public_pages(public).items() if path in public},
    }


def _private_pages(shot: Snapshot) -> dict[str, str]:
    views = (*shot.open_incidents, *shot.past_incidents)
    fixed = {"index": "index.html", "history": "history.html", "404": "404.html"}
    if not shot.providers:
        return fixed
    first = shot.providers[0]
    named = {"provider": provider_page(first.id), "account": account_page(first.accounts[0].id)}
    return fixed | named | ({"incident": incident_page(views[0].incident.id)} if views else {})


def _public_pages(files: dict[str, bytes]) -> dict[str, str]:
    incidents = [name for name in files if name.startswith("incidents/")]
    pages = {"public": "index.html", "public-history": "history.html", "widget": "widget.html"}
    return pages | ({"public-incident": incidents[0]} if incidents else {})


@contextmanager
def launched() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def pictures(patterns: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each picture whose name fits one of the patterns."""
    with launched() as browser:
        for name in SHOTS:
            yield from _pictures_of(name, browser, patterns)


def _pictures_of(name: str, browser: Browser, patterns: list[str]) -> Iterator[tuple[str, bytes]]:
    called = {f"{name}-{page}-{width}-{scheme}": (page, width, scheme) for page, width, scheme in VIEWS}
    asked = {one: view for one, view in called.items() if any(fnmatch(one, pattern) for pattern in patterns)}
    if not asked:
        return
    shot = SHOTS[name]()
    with tempfile.TemporaryDirectory() as folder:
        pages = write_sites(Path(folder), shot.snapshot)
        for one, (page, width, scheme) in asked.items():
            if page in pages:
                yield one, _picture(browser, pages[page], width, scheme, shot.age)


def _picture(browser: Browser, file: Path, width: int, scheme: str, age: timedelta) -> bytes:
    with _opened(browser, file, width, scheme, age) as page:
        return page.screenshot(full_page=True)


@contextmanager
def _opened(browser: Browser, file: Path, width: int, scheme: str, age: timedelta = timedelta()) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": width, "height": HEIGHT}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.clock.set_fixed_time(NOW + age)
    page.goto(file.as_uri())
    yield page
    context.close()


def first_screens() -> Iterator[tuple[Path, bytes]]:
    """Yield file and content of each picture of the README: what is seen first of a fleet, as WebP."""
    with launched() as browser, tempfile.TemporaryDirectory() as folder:
        index = write_sites(Path(folder), fleet(40))["index"]
        for scheme in SCHEMES:
            with _opened(browser, index, int(FIRST["width"]), scheme) as page:
                page.add_style_tag(content=FACE)
                yield README / f"page-{scheme}.webp", _as_webp(page, page.screenshot(clip=FIRST))


def _as_webp(page: Page, png: bytes) -> bytes:
    """Return a picture in a tenth of its size: a browser can draw and encode it."""
    page.goto("about:blank")
    made = page.evaluate(ENCODE, base64.b64encode(png).decode())
    return base64.b64decode(made.partition(",")[2])


def main(folder: Path, patterns: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures(patterns or ["*"]):
        (folder / f"{name}.png").write_bytes(picture)


def write_first_screens() -> None:
    for file, picture in first_screens():
        file.write_bytes(picture)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:]) if sys.argv[1:] else write_first_screens()
