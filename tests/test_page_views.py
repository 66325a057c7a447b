"""Each type of page in each situation, at each width and in both schemes, in a browser: `shots` of tests/pictures.py.

Without Chromium all of it is skipped, but fails where CI is set.
"""

import os
from functools import cache
from itertools import product

import pytest

from monitor.publish.render import POLICY
from tests.builders_page import NOW
from tests.pictures import CHROMIUM, HEIGHT, SCHEMES, SHOTS, WIDTHS, launched, write_sites
from tests.tabs import Tabs, violations

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None and "CI" not in os.environ, reason="Chromium is not installed (Debian: apt install chromium)"
    ),
]
ROOT = "document.documentElement"
UNFOLD = "document.querySelectorAll('details').forEach(it => { it.open = true })"
SLOW = {name: pytest.param(name, marks=pytest.mark.slow) for name in SHOTS}
EVERY = [*(SLOW | {"demo": pytest.param("demo")}).values()]


@cache
def shot_of(name):
    return SHOTS[name]()


@pytest.fixture(scope="module")
def tabs():
    assert CHROMIUM, "CI promises a Chromium, and there is none"
    with launched() as browser:
        yield Tabs(browser)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return the pages of a shot, written once."""
    return cache(lambda name: write_sites(tmp_path_factory.mktemp(name), shot_of(name).snapshot))


@pytest.fixture
def page(tabs, request):
    """A page with the settings that its test asks for, if any."""
    return tabs.show((1440, HEIGHT), NOW, **getattr(request, "param", {}))


def visit(page, file, shot, width=1440):
    page.set_viewport_size({"width": width, "height": HEIGHT})
    page.clock.set_fixed_time(NOW + shot.age)
    page.goto(file.as_uri())


@pytest.mark.parametrize("name", EVERY)
def test_it_fits_complains_of_nothing_and_asks_nobody_else(page, site, name):
    shot, complaints, wide, asked = shot_of(name), [], [], []
    page.on("console", lambda it: complaints.append((page.url, it.text)) if it.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append((page.url, str(error))))
    page.on("request", lambda request: asked.append(request.url))
    for called, file in site(name).items():
        visit(page, file, shot)
        page.evaluate(UNFOLD)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": HEIGHT})
            if page.evaluate(f"{ROOT}.scrollWidth > {ROOT}.clientWidth"):
                wide.append((called, width))
        policy = page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
        assert set(policy.split("; ")) <= set(POLICY.split("; "))
        assert ("script-src" in policy) == (called != "widget")
    assert (wide, [one for one in complaints if not is_of_a_file(*one)]) == ([], [])
    assert [url for url in asked if not url.startswith("file:///")] == []


def is_of_a_file(url, complaint):
    """Whether it is about the style of the page for what is not there, which it looks for at the host's root first."""
    return url.endswith("404.html") and "ERR_FILE_NOT_FOUND" in complaint


@pytest.mark.parametrize("page", [{"bypass_csp": True}], indirect=True, ids=["axe"])
@pytest.mark.parametrize("name", SLOW.values())
def test_axe_finds_nothing_in_any_view(page, site, name):
    shot, found = shot_of(name), []
    for (called, file), scheme in product(site(name).items(), SCHEMES):
        page.emulate_media(color_scheme=scheme)
        visit(page, file, shot)
        page.evaluate(UNFOLD)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": HEIGHT})
            found += violations(page, f"{called} {width} {scheme}")
    assert found == []


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("name", ["demo", SLOW["3"], SLOW["40"], SLOW["500"]])
def test_the_keyboard_reaches_the_worst_incident_in_three_stops(page, site, name, width):
    shot = shot_of(name)
    visit(page, site(name)["index"], shot, width)
    page.get_by_role("link", name="Skip to content").press("Enter")
    worst, stops = f"incidents/{shot.snapshot.open_incidents[0].incident.id}.html", []
    for _ in range(3):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.getAttribute('href')"))
    assert worst in stops


@pytest.mark.parametrize("called", ["index", "incident", "public"])
def test_paper_has_all_that_the_screen_folds_and_nothing_to_press(page, site, called):
    shot = shot_of("demo")
    page.emulate_media(media="print")
    visit(page, site("demo")[called], shot)
    folded = page.locator("details > :not(summary)")
    heights = folded.evaluate_all("all => all.map(it => it.getBoundingClientRect().height)")
    assert heights
    assert min(heights) > 0
    assert page.locator(".find:visible, nav[aria-label]:visible").count() == 0


@pytest.mark.parametrize("page", [{"forced_colors": "active"}], indirect=True, ids=["forced colours"])
def test_without_colours_of_its_own_shapes_and_heights_tell_the_states_apart(page, site):
    visit(page, site("demo")["index"], shot_of("demo"))
    system = "name => { document.body.style.color = name; return getComputedStyle(document.body).color }"
    text, grey = (page.evaluate(system, name) for name in ("CanvasText", "GrayText"))

    def colours(selector, style):
        return set(page.locator(selector).evaluate_all(f"all => all.map(it => getComputedStyle(it).{style})"))

    assert colours(".i", "color") == colours(".state", "color") == {text}
    assert colours(".census rect:not(.up)", "fill") == colours(".strip :not(.good)", "stroke") == {text}
    assert colours(".census .up", "fill") == colours(".strip .good", "stroke") == {grey}
    marks = page.locator(".row use").evaluate_all("all => all.map(it => it.getAttribute('href'))")
    assert {"#down", "#up"} <= set(marks)
    assert "underline" in colours(".top nav [aria-current]", "textDecoration").pop()
