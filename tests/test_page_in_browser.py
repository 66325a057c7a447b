"""The page as a reader's browser shows it. Without Chromium all of it is skipped, but fails where CI is set."""

import asyncio
import os
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from itertools import product
from queue import Queue
from threading import Thread

import pytest
from aiohttp import web
from msgspec.structs import replace

from monitor.config.public_page import LinkSection, PublicSection, PublicService, ThemeSection
from monitor.detect.health import State
from monitor.diagnose.subject import Scope
from monitor.publish import public_site
from monitor.publish.overview import NAMES
from monitor.publish.private_site import render
from monitor.publish.snapshot import PlannedWindow, ServiceView, SiteSettings
from monitor.publish.write import write_site
from monitor.web.server import site_app
from probes.model import Fault
from tests.builders_page import NOW, account, cells, days, four_accounts, incident, past, shown, snapshot, target
from tests.fleet import fleet
from tests.pictures import CHROMIUM, launched
from tests.tabs import Tabs, overheard, sites, violations
from tests.test_page import crowded, hostile

PHONE, SMALL, DESKTOP = (390, 844), (320, 568), (1280, 900)
ROOT = "document.documentElement"
RULES = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}
"""What axe looks at in each scheme: they differ by colour alone. `test_page_views` has it look at all in both."""
INCIDENT = f"incidents/{incident().id}.html"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None and "CI" not in os.environ, reason="Chromium is not installed (Debian: apt install chromium)"
    ),
]


@pytest.fixture(scope="module")
def browser():
    assert CHROMIUM, "CI promises a Chromium, and there is none"
    with launched() as it:
        yield it


@pytest.fixture(scope="module")
def tabs(browser):
    return Tabs(browser)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return the folder of a site that no test changes, written once."""
    return sites(tmp_path_factory.mktemp)


@contextmanager
def served(folder):
    """Serve a folder from a thread with a loop of its own, as Playwright holds this thread's; yield its address."""
    started = Queue()

    async def serve():
        runner, over = web.AppRunner(site_app(folder)), asyncio.Event()
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        started.put((runner.addresses[0][1], asyncio.get_running_loop(), over))
        await over.wait()
        # asyncio leaks what it accepts while it closes: https://github.com/python/cpython/issues/109564
        await asyncio.sleep(0.05)
        await runner.cleanup()

    thread = Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    port, loop, over = started.get(timeout=10)
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


@contextmanager
def opened(tabs, size=PHONE, now=None, **settings):
    """Yield a page and the list of what it complains of; `now`: at what its clock stands."""
    page = tabs.show(size, now, **settings)
    with overheard(page) as complaints:
        yield page, complaints


@contextmanager
def opened_anew(browser, now):
    """Yield the same of a tab of its own, whose clock a test moves on."""
    context = browser.new_context(viewport={"width": PHONE[0], "height": PHONE[1]})
    page = context.new_page()
    page.clock.install(time=now)
    try:
        with overheard(page) as complaints:
            yield page, complaints
    finally:
        context.close()


SHOTS = {
    "trouble": (
        four_accounts(),
        ("index.html", INCIDENT, "history.html", "accounts/openai/team-b.html", "providers/openai.html", "404.html"),
    ),
    "german": (
        replace(four_accounts(), manner=SiteSettings(language="de")),
        ("index.html", "accounts/openai/main.html"),
    ),
    "all at once": (replace(crowded(), simulated=True), ("index.html", "incidents/drill.html", "history.html")),
    "hostile": (hostile("<b>" + "w" * 300), ("index.html", "incidents/one.html", "history.html")),
    "well": (snapshot(account(), past_incidents=(past(3),)), ("index.html", "incidents/20261118-past.html")),
    "empty": (snapshot(), ("index.html", "history.html")),
}


def shot_of(name):
    return SHOTS[name][0]


FITS = f"""() => {ROOT}.scrollWidth <= {ROOT}.clientWidth && [...document.querySelectorAll('.sheet')].every(sheet => {{
  const its = sheet.getBoundingClientRect()
  return [...sheet.querySelectorAll('.days *')].every(one => {{
    const {{ left, right }} = one.getBoundingClientRect()
    return left >= its.left && right <= its.right
  }})
}})"""
"""Nothing stands beside the window, and no day beside its sheet."""


def views(page):
    """Show the page in each size and scheme, everything unfolded; yield what each is called."""
    page.evaluate("document.querySelectorAll('details').forEach(it => { it.open = true })")
    for (width, height), scheme in product((PHONE, SMALL, DESKTOP), ("light", "dark")):
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        yield f"{page.url} {width} {scheme}"


@pytest.mark.parametrize("script", [False, True], ids=["script off", "script on"])
@pytest.mark.parametrize("shot", SHOTS)
def test_every_page_fits_asks_nobody_else_and_complains_of_nothing(tabs, site, shot, script):
    asked, wide = [], []
    served_shot = served(site(render, shot_of, shot))
    with served_shot as address, opened(tabs, java_script_enabled=script) as (page, complaints):
        page.on("request", lambda request: asked.append(request.url))
        for name in SHOTS[shot][1]:
            page.goto(address + name)
            wide += [view for view in views(page) if page.evaluate(f"{ROOT}.scrollWidth > {ROOT}.clientWidth")]
        assert wide == []
        assert [url for url in asked if not url.startswith(address)] == []
        assert complaints == []


def test_the_public_page_fits_and_complains_of_nothing(tabs, tmp_path):
    outage = shown(incident("openai", Fault.SERVER_ERROR, Scope.PROVIDER))
    write_site(tmp_path, public_site.render(four_accounts(open_incidents=(outage,))))
    with served(tmp_path) as address, opened(tabs) as (page, complaints):
        page.goto(address)
        wide = [view for view in views(page) if page.evaluate(f"{ROOT}.scrollWidth > {ROOT}.clientWidth")]
        page.get_by_role("link", name="OpenAI: server errors").click()
        assert page.get_by_role("heading", name="OpenAI: server errors").is_visible()
        assert (wide, complaints) == ([], [])


def branded(shot):
    """The public site of a company: its services, its look and its words, in two languages."""
    targets = [frozenset(one.id for one in account.targets) for account in shot.accounts_by_id().values()]
    names = [("Chat answers", "Apps", "Written answers"), ("Pictures", None, ""), ("w" * 60, None, "w" * 200)]
    services = tuple(
        ServiceView(PublicService(name, group, about, ids, 1), cells(), days())
        for (name, group, about), ids in zip(names, targets, strict=False)
    )
    public = PublicSection(
        theme=ThemeSection(brand="#0b6b5d", ground="#f6f9f8", brand_dark="#6fd3c1", ground_dark="#0f1514", round_px=14),
        header=[LinkSection(text="Help", url="https://example.com/help")],
        footer=[LinkSection(text="Terms", url="https://example.com/terms")],
        footer_text="Example Ltd.",
        intro="About this page.",
        languages=["en", "de"],
        mail="status@example.com",
    )
    planned = (PlannedWindow("Pictures pause.", NOW + timedelta(days=2), NOW + timedelta(days=2, hours=1)),)
    manner = SiteSettings(public=public, public_title="Example")
    return public_site.render(replace(shot, services=services, manner=manner, planned=planned))


def test_a_branded_public_page_fits_without_script_and_its_menu_opens_by_keyboard(tabs, tmp_path):
    lost = incident("openai/main", Fault.TIMEOUT)
    write_site(tmp_path, branded(four_accounts(open_incidents=(shown(lost),))))
    with served(tmp_path) as address, opened(tabs, java_script_enabled=False) as (page, complaints):
        wide = []
        for name in ("index.html", "404.html", "history.html", "de/index.html", "widget.html"):
            page.goto(address + name)
            wide += [view for view in views(page) if not page.evaluate(FITS)]
        page.goto(address)
        assert page.get_by_role("heading", name="Chat answers: unavailable").is_visible()
        menu = page.locator("summary", has_text="Get updates")
        assert not page.get_by_role("link", name="By mail").is_visible()
        menu.focus()
        page.keyboard.press("Enter")
        assert (
            page.get_by_role("link", name="By mail").get_attribute("href")
            == "mailto:status@example.com?subject=Example"
        )
        assert page.get_by_role("link", name="As a feed (Atom)").is_visible()
        page.get_by_role("link", name="Deutsch").click()
        assert page.get_by_role("heading", name="Chat answers: nicht verfügbar").is_visible()
        assert (wide, complaints) == ([], [])


def test_a_theme_colours_the_page_and_its_widget_in_each_scheme(tabs, site):
    ground = "getComputedStyle(document.documentElement).getPropertyValue('--brand-ground')"
    with served(site(branded, four_accounts)) as address, opened(tabs) as (page, _):
        for name, scheme in product(("index.html", "widget.html"), ("light", "dark")):
            page.emulate_media(color_scheme=scheme)
            page.goto(address + name)
            assert page.evaluate(ground) == {"light": "#f6f9f8", "dark": "#0f1514"}[scheme]


def troubled():
    outage = shown(incident("openai", Fault.SERVER_ERROR, Scope.PROVIDER, id="outage"))
    return four_accounts(open_incidents=(shown(), outage), past_incidents=(past(3),))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("make", [render, public_site.render, branded])
def test_axe_finds_nothing_that_shuts_anybody_out(tabs, site, make, scheme):
    folder = site(make, troubled)
    files = [file.relative_to(folder).as_posix() for file in sorted(folder.rglob("*.html"))]
    pages = ["index.html", "history.html", "404.html", *(name for name in files if name.startswith("accounts/"))]
    pages += [name for name in files if name.startswith(("providers/", "incidents/", "widget.html", "de/index"))]
    with served(folder) as address, opened(tabs, PHONE, NOW, bypass_csp=True, color_scheme=scheme) as (page, _):
        found = []
        for name, age_s in (*product(pages, [0]), ("index.html", 3600)):
            page.clock.set_fixed_time(NOW + timedelta(seconds=age_s))
            page.goto(address + name)
            page.evaluate("document.querySelectorAll('details').forEach(it => { it.open = true })")
            found += violations(page, name, **RULES[scheme])
        assert found == []


def test_the_dark_scheme_is_dark_and_the_light_one_light(tabs, site):
    grounds = []
    for scheme in ("light", "dark"):
        with served(site(render, four_accounts)) as address, opened(tabs, color_scheme=scheme) as (page, _):
            page.goto(address)
            grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(251, 250, 248)", "rgb(18, 18, 17)"]


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Return a folder with this style in it, made once."""

    @cache
    def made(style):
        folder = tmp_path_factory.mktemp("own")
        (folder / "own.css").write_text(style)
        return folder

    return made


def themed(own):
    return replace(four_accounts(), manner=SiteSettings(own=own))


@pytest.mark.parametrize(
    ("token", "value", "selector", "style", "seen"),
    [
        ("--brand", "#b0005e", ".list .body a", "color", "rgb(176, 0, 94)"),
        ("--brand-ground", "#fffbe6", "body", "backgroundColor", "rgb(255, 251, 230)"),
        ("--brand-font", "Georgia, serif", "h1", "fontFamily", "Georgia, serif"),
        ("--brand-round", "3px", ".sheet", "borderTopLeftRadius", "3px"),
    ],
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_theme_of_your_own_sets_four_tokens(tabs, site, own, token, value, selector, style, seen, scheme):
    found = []
    for its in (None, own(f":root {{ {token}: {value}; }}")):
        folder = site(render, themed, its)
        with opened(tabs, DESKTOP, color_scheme=scheme) as (page, _):
            page.goto((folder / "index.html").as_uri())
            found.append(page.locator(selector).first.evaluate("(it, style) => getComputedStyle(it)[style]", style))
    assert found[0] != seen
    assert found[1] == seen


def test_paper_is_white_whatever_the_screen_is(tabs, site):
    with served(site(render, four_accounts)) as address, opened(tabs, color_scheme="dark") as (page, _):
        page.emulate_media(media="print")
        page.goto(address)
        style = "getComputedStyle(document.body)"
        assert page.evaluate(f"[{style}.backgroundColor, {style}.color]") == ["rgb(255, 255, 255)", "rgb(29, 27, 24)"]


@pytest.mark.parametrize(("wish", "lasts"), [("reduce", {"0s"}), ("no-preference", {"0s", "0.15s"})])
def test_nothing_moves_for_who_wants_less_of_it(tabs, site, wish, lasts):
    with served(site(render, four_accounts)) as address, opened(tabs, reduced_motion=wish) as (page, _):
        page.goto(address)
        each = "[...document.querySelectorAll('*')].map(it => getComputedStyle(it))"
        assert set(page.evaluate(f"{each}.flatMap(it => [it.transitionDuration, it.animationDuration])")) == lasts


def test_a_phone_shows_what_whose_fault_since_when_and_what_now_without_scrolling(tabs, site):
    with served(site(render, four_accounts)) as address, opened(tabs, PHONE) as (page, _):
        page.goto(address)
        for words in ("1 of 4 accounts has trouble", "Worst:", "Whose fault", "Your account", "23 min", "What to do"):
            box = page.get_by_text(words).first.bounding_box()
            assert box["y"] + box["height"] < PHONE[1], words


def test_the_page_works_from_a_folder_without_any_server(browser, site):
    folder = site(render, four_accounts)
    with opened_anew(browser, NOW + timedelta(hours=1)) as (page, complaints):
        page.goto((folder / "index.html").as_uri())
        page.clock.run_for(60_000)
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(251, 250, 248)"
        assert page.locator(".stale").is_visible()
        page.get_by_role("link", name="Evidence and timeline of openai/team-b: account suspended").click()
        assert page.get_by_role("heading", name="Evidence").is_visible()
        page.get_by_role("link", name="Now").click()
        assert page.get_by_role("heading", name="Open incidents").is_visible()
        assert complaints == []


@pytest.mark.parametrize(("age_s", "is_old"), [(0, False), (179, False), (181, True)])
def test_a_page_past_its_time_says_that_it_is_old(tabs, site, age_s, is_old):
    with (
        served(site(render, four_accounts)) as address,
        opened(tabs, PHONE, NOW + timedelta(seconds=age_s)) as (page, _),
    ):
        page.goto(address)
        assert page.get_by_text("This page is old.").is_visible() is is_old
        grey = page.locator(".verdict").evaluate("it => getComputedStyle(it).filter")
        assert grey == ("grayscale(1)" if is_old else "none")


def test_without_script_no_page_claims_to_be_old(tabs, site):
    with served(site(render, four_accounts)) as address, opened(tabs, java_script_enabled=False) as (page, _):
        page.goto(address)
        assert not page.locator(".stale").is_visible()
        assert page.get_by_text("A newer page is due by 10:37 UTC.").is_visible()
        assert page.get_by_text("Left open, it shows the newer one by itself.").is_hidden()


def test_an_open_tab_fetches_the_newer_page_once_its_own_is_old(browser, tmp_path):
    write_site(tmp_path, render(four_accounts()))
    with served(tmp_path) as address, opened_anew(browser, NOW) as (page, complaints):
        page.goto(address)
        write_site(tmp_path, render(snapshot(made_at=NOW + timedelta(minutes=3))))
        assert page.get_by_text("has trouble").first.is_visible()
        page.clock.run_for(200_000)
        page.get_by_role("heading", name="No account is watched yet").wait_for(timeout=10_000)
        assert not page.locator(".stale").is_visible()
        assert complaints == []


def test_an_open_tab_is_left_alone_while_what_it_shows_still_holds(browser, tmp_path):
    write_site(tmp_path, render(four_accounts()))
    with served(tmp_path) as address, opened_anew(browser, NOW) as (page, _):
        page.goto(address)
        assert page.get_by_text("Left open, it shows the newer one by itself.").is_visible()
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        write_site(tmp_path, render(snapshot(made_at=NOW + timedelta(minutes=1))))
        page.clock.run_for(150_000)
        assert [url for url in asked if not url.endswith("favicon.svg")] == []


def test_an_open_tab_of_the_demonstration_follows_it(browser, tmp_path):
    write_site(tmp_path, render(replace(four_accounts(), simulated=True)))
    with served(tmp_path) as address, opened_anew(browser, NOW) as (page, complaints):
        page.goto(address)
        write_site(tmp_path, render(snapshot(made_at=NOW + timedelta(seconds=8), simulated=True)))
        page.clock.run_for(11_000)
        page.get_by_role("heading", name="No account is watched yet").wait_for(timeout=10_000)
        assert complaints == []


def test_an_open_tab_stays_and_says_it_is_old_when_there_is_no_newer_page(browser, site):
    with served(site(render, four_accounts)) as address, opened_anew(browser, NOW) as (page, _):
        page.goto(address + INCIDENT)
        loads = []
        page.on("load", lambda: loads.append(page.url))
        page.clock.run_for(400_000)
        assert page.locator(".stale").is_visible()
        assert loads == []


def test_local_times_stand_beside_utc(tabs, site):
    folder = site(render, four_accounts)
    with served(folder) as address, opened(tabs, PHONE, NOW, timezone_id="Asia/Tokyo", locale="en-GB") as (page, _):
        page.goto(address)
        assert "10:11 UTC (19:11 here)" in page.locator(".list").inner_text()
    with served(folder) as address, opened(tabs, timezone_id="UTC") as (page, _):
        page.goto(address)
        assert "here)" not in page.locator("main").inner_text()


def test_beside_a_local_time_the_timeline_still_tells_in_two_columns(tabs, site):
    with (
        served(site(render, four_accounts)) as address,
        opened(tabs, DESKTOP, NOW, timezone_id="Asia/Tokyo") as (page, _),
    ):
        page.goto(address + INCIDENT)
        event = page.locator(".story li").first
        assert "(19:11 here)" in event.inner_text()
        time, words = event.locator("time").bounding_box(), event.locator("bdi").first.bounding_box()
        assert time["y"] == pytest.approx(words["y"], abs=4)


@pytest.mark.parametrize("size", [PHONE, SMALL, DESKTOP])
def test_that_a_page_is_old_moves_nothing_and_hides_no_first_sentence(tabs, site, size):
    with served(site(render, four_accounts)) as address, opened(tabs, size, NOW) as (page, _):
        places = []
        for age_s in (0, 600):
            page.clock.set_fixed_time(NOW + timedelta(seconds=age_s))
            page.goto(address)
            places.append(page.locator(".verdict").bounding_box())
        assert places[0] == places[1]
        assert page.locator(".stale").bounding_box()["y"] > page.locator("h1").bounding_box()["y"]
        assert page.locator(".stale").evaluate("it => it.getBoundingClientRect().bottom <= innerHeight")


def test_the_first_stop_of_the_keyboard_leads_past_the_menu(tabs, site):
    with served(site(render, four_accounts)) as address, opened(tabs) as (page, _):
        page.goto(address)
        page.keyboard.press("Tab")
        skip = page.get_by_role("link", name="Skip to content")
        assert skip.bounding_box()["x"] >= 0
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outline")
        assert "solid 2px" in outline, "where the keyboard is can be seen"


def bottom(page, selector):
    return page.locator(selector).last.evaluate("it => it.getBoundingClientRect().bottom + scrollY")


@pytest.mark.parametrize(
    ("number", "width", "tallest", "fold"),
    [
        (40, 1440, 2600, 900),
        (40, 360, 5200, None),
        (500, 1440, 2800, 900),
        (500, 360, 5200, None),
        (3, 1440, 2000, 900),
    ],
)
def test_a_fleet_has_its_room(tabs, site, number, width, tallest, fold):
    """At 40 accounts, the size of a team, what is broken stands above the fold, and the whole is a few screens."""
    folder = site(render, fleet, number)
    with opened(tabs, (width, 900), NOW) as (page, complaints):
        page.goto((folder / "index.html").as_uri())
        assert page.evaluate(f"{ROOT}.scrollHeight") <= tallest
        assert page.evaluate("document.querySelectorAll('*').length") <= 1500
        assert fold is None or bottom(page, ".list > li") <= fold
        assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_a_fleet(tabs, site, scheme):
    pages = ["index.html", "providers/alder.html", "accounts/alder/production.html", "incidents/open-6.html"]
    shown_in = opened(tabs, (1440, 900), NOW, bypass_csp=True, color_scheme=scheme)
    with served(site(render, fleet, 40)) as address, shown_in as (page, _):
        found = []
        for name in pages:
            page.goto(address + name)
            page.evaluate("document.querySelectorAll('details').forEach(it => { it.open = true })")
            found += violations(page, name, **RULES[scheme])
        assert found == []


def names_shown(page):
    return page.locator("[data-name]:visible").evaluate_all("all => all.map(it => it.dataset.name)")


def test_an_account_is_found_by_a_part_of_its_name(tabs, site):
    folder = site(render, fleet, 40)
    with opened(tabs, DESKTOP) as (page, _):
        page.goto((folder / "index.html").as_uri())
        assert len(names_shown(page)) == 40
        page.keyboard.press("/")
        page.keyboard.type("FIR/")
        assert sorted(names_shown(page)) == ["fir/backup", "fir/production", "fir/research", "fir/team-b"]
        assert page.locator(".group:visible").count() == 1
        page.get_by_label("Show").select_option("trouble")
        assert names_shown(page) == ["fir/backup"]


def test_a_search_opens_what_is_folded(tabs, site):
    folder = site(render, fleet, 200)
    with opened(tabs, DESKTOP) as (page, _):
        page.goto((folder / "index.html").as_uri())
        assert "elm/team-b-03" not in names_shown(page)
        page.get_by_label("Find an account").fill("team-b-03")
        assert "elm/team-b-03" in names_shown(page)


def crowds():
    """More accounts than a page names: none of Alder, of Birch the one with trouble, and all of Cedar's two."""
    crowd = [account(f"{name}/{number}") for name in ("alder", "birch") for number in range(NAMES // 2)]
    few = [account(f"cedar/{number}") for number in range(2)]
    return snapshot(*crowd, account("birch/ill", state=State.SUSPECTED), *few)


def test_a_provider_with_accounts_that_are_not_on_the_page_stays_in_a_search_and_is_sorted_last(tabs, site):
    folder = site(render, crowds)
    with opened(tabs, DESKTOP) as (page, _):
        page.goto((folder / "index.html").as_uri())
        groups = page.locator(".group:visible")
        page.get_by_label("Find an account").fill("birch/17")
        assert groups.evaluate_all("all => all.map(it => it.id)") == ["provider-alder", "provider-birch"]
        page.get_by_label("Find an account").fill("")
        page.get_by_label("Order").select_option("worst")
        found = groups.evaluate_all("all => all.map(it => it.id)")
        assert found == ["provider-birch", "provider-cedar", "provider-alder"]


@pytest.mark.parametrize(
    ("order", "first"), [("worst", ["Alder", "Birch", "Cedar"]), ("name", ["Alder", "Birch", "Cedar"]), ("", ["Alder"])]
)
def test_the_providers_can_be_sorted(tabs, site, order, first):
    folder = site(render, fleet, 40)
    with opened(tabs, DESKTOP) as (page, _):
        page.goto((folder / "index.html").as_uri())
        page.get_by_label("Order").select_option(order)
        found = page.locator(".group h3").all_inner_texts()
        assert found[: len(first)] == first
        assert found[-1] == {"worst": "Elm", "name": "Rowan", "": "Rowan"}[order]


def test_without_script_nothing_offers_to_find(tabs, site):
    folder = site(render, fleet, 40)
    with opened(tabs, DESKTOP, java_script_enabled=False) as (page, _):
        page.goto((folder / "index.html").as_uri())
        assert page.locator(".find:visible").count() == 0
        assert page.locator("details[open]").count() == 1, "the gravest incident is open"


def test_the_keyboard_reaches_the_worst_incident_in_three_stops(tabs, site):
    folder = site(render, fleet, 40)
    with opened(tabs, DESKTOP) as (page, _):
        page.goto((folder / "index.html").as_uri())
        page.get_by_role("link", name="Skip to content").press("Enter")
        stops = []
        for _ in range(3):
            page.keyboard.press("Tab")
            stops.append(page.evaluate("document.activeElement.getAttribute('href')"))
        assert "incidents/open-6.html" in stops


def test_arrow_keys_walk_along_the_days_and_each_says_what_it_was(tabs, site):
    folder = site(render, fleet, 40)
    with opened(tabs, DESKTOP) as (page, _):
        page.goto((folder / "accounts/alder/production.html").as_uri())
        days = page.locator(".days a")
        assert days.count() == 90
        days.last.focus()
        page.keyboard.press("ArrowLeft")
        assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("20 Nov: ")
        tip = page.evaluate("getComputedStyle(document.activeElement, '::after').display")
        assert tip == "block"
        page.keyboard.press("Home")
        assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("24 Aug: ")


def test_on_paper_everything_is_unfolded(tabs, site):
    folder = site(render, fleet, 40)
    with opened(tabs, DESKTOP) as (page, _):
        page.emulate_media(media="print")
        page.goto((folder / "index.html").as_uri())
        bodies = page.locator(".list .body").evaluate_all("all => all.map(it => it.getBoundingClientRect().height)")
        assert len(bodies) == 9
        assert min(bodies) > 0


def young():
    """Accounts whose share says from when they were watched, in more words than a number."""
    brief = days(gaps=range(80))
    return snapshot(*(account(f"openai/a{n}", [target(f"openai/a{n}", days=brief)]) for n in range(8)))


@pytest.mark.parametrize("width", [320, 360, 768, 1440])
def test_a_short_history_stays_within_its_column(tabs, site, width):
    folder = site(render, young)
    with opened(tabs, (width, 900)) as (page, _):
        page.goto((folder / "index.html").as_uri())
        wide = page.locator(".row .num:visible").evaluate_all(
            "all => all.filter(it => it.scrollWidth > it.clientWidth)"
        )
        assert "since" in page.locator(".row").first.inner_text()
        assert wide == []


def edges(locator):
    """Return left, top, right and bottom of each element, rounded."""
    corners = "({left, top, right, bottom}) => [left, top, right, bottom].map(Math.round)"
    return locator.evaluate_all(f"all => all.map(it => ({corners})(it.getBoundingClientRect()))")


@pytest.mark.parametrize(("width", "in_a_row"), [(1440, 4), (768, 2), (360, 1)])
def test_a_plate_uses_its_whole_width(tabs, site, width, in_a_row):
    folder = site(render, fleet, 3)
    with opened(tabs, (width, 900)) as (page, _):
        page.goto((folder / "index.html").as_uri())
        for number in range(3):
            plate = page.locator(".plate").nth(number)
            (room,) = edges(plate)
            figures = edges(plate.locator("figure"))
            assert len({left for left, *_ in figures}) == in_a_row
            assert room[2] - max(right for *_, right, _ in figures) <= 20
            assert min(left for left, *_ in figures) - room[0] <= 20


@pytest.mark.parametrize("width", [1440, 768, 360])
def test_the_panels_of_a_canary_leave_no_hole(tabs, site, width):
    folder = site(render, fleet, 3)
    with opened(tabs, (width, 900)) as (page, _):
        page.goto((folder / "accounts/alder/production.html").as_uri())
        for grid in page.locator(".canary .panels").all():
            (room,) = edges(grid)
            panels = edges(grid.locator("> *"))
            for top in {top for _, top, *_ in panels}:
                row = [one for one in panels if one[1] == top]
                assert (row[0][0], row[-1][2]) == (room[0], room[2])
                assert len({bottom for *_, bottom in row}) == 1


def test_a_line_of_a_provider_at_a_glance_takes_one_line(tabs, site):
    folder = site(render, fleet, 40)
    with opened(tabs, DESKTOP) as (page, _):
        page.goto((folder / "index.html").as_uri())
        assert "3 of 4 work" in page.locator(".rail li", has_text="Linden").inner_text()
        assert len({bottom - top for _, top, _, bottom in edges(page.locator(".rail li"))}) == 1


def test_the_date_of_a_past_incident_stands_apart_from_its_title(tabs, site):
    folder = site(render, fleet, 40)
    with opened(tabs, DESKTOP) as (page, _):
        for name in ("providers/birch.html", "accounts/birch/production.html", "index.html"):
            page.goto((folder / name).as_uri())
            dates, titles = (edges(page.locator(f".past li {one}")) for one in ("time", ".what a"))
            assert dates
            assert [one for one, other in zip(dates, titles, strict=True) if one[2] >= other[0]] == [], name


CROWDED = """all => all.filter(it => {
    const last = it.lastElementChild, before = last.previousElementSibling, text = document.createRange();
    text.selectNodeContents(before);
    const end = getComputedStyle(before).visibility === "visible" ? text.getBoundingClientRect().right : 0;
    return end >= last.getBoundingClientRect().left;
}).map(it => it.innerText)"""
"""Rulers whose last two times touch."""


@pytest.mark.parametrize("language", ["en", "de", "zh-Hans"])
def test_the_times_below_a_chart_stand_apart(tabs, site, language):
    folder = site(render, spoken, language)
    with opened(tabs, DESKTOP) as (page, _):
        for name in ("accounts/alder/production.html", "providers/cedar.html", "incidents/open-7.html"):
            page.goto((folder / name).as_uri())
            for width in (1440, 1024, 768, 360, 320):
                page.set_viewport_size({"width": width, "height": 900})
                rulers = page.locator(".ruler")
                assert rulers.count()
                assert rulers.evaluate_all(CROWDED) == [], f"{name} {width}"


def test_time_runs_left_to_right_in_every_script(tabs, site):
    folder = site(render, fleet, 40)
    with opened(tabs, DESKTOP) as (page, _):
        for name in ("accounts/alder/production.html", "providers/cedar.html"):
            page.goto((folder / name).as_uri())
            page.evaluate(f"{ROOT}.dir = 'rtl'")
            for ruler in page.locator(".ruler").all():
                places = [left for left, *_ in edges(ruler.locator("span"))]
                assert places == sorted(places)
            assert page.evaluate(f"{ROOT}.scrollWidth <= {ROOT}.clientWidth")


@pytest.mark.parametrize("media", [{"forced_colors": "active"}, {"media": "print"}, {"color_scheme": "dark"}])
def test_what_a_chart_draws_stands_out_from_its_ground_in_every_medium(tabs, site, media):
    folder = site(render, fleet, 3)
    with opened(tabs, DESKTOP) as (page, _):
        page.emulate_media(**media)
        page.goto((folder / "accounts/alder/production.html").as_uri())
        ground = page.locator(".panel").first.evaluate("it => getComputedStyle(it).backgroundColor")
        for kind in ("line", "ahead", "least", "event"):
            drawn = page.locator(f".chart .{kind}").first
            assert drawn.evaluate("it => getComputedStyle(it).stroke") not in (ground, "none"), kind
        assert page.locator(".chart .band").first.evaluate("it => getComputedStyle(it).fill") not in (ground, "none")


def test_the_drawing_of_a_chart_ends_where_its_words_say(tabs, site):
    """The words are HTML, the drawing is stretched: the one must not slip from the other."""
    folder = site(render, fleet, 3)
    with opened(tabs, DESKTOP) as (page, _):
        page.goto((folder / "accounts/alder/production.html").as_uri())
        chart = page.locator(".chart").first
        (plot,), (ruler,) = edges(chart.locator(".plot")), edges(chart.locator(".ruler"))
        assert (plot[0], plot[2]) == (ruler[0], ruler[2])
        ticks = edges(chart.locator("ol li"))
        middles = [(top + bottom) / 2 for _, top, _, bottom in ticks]
        assert abs(middles[0] - plot[1]) <= 2
        assert abs(middles[-1] - plot[3]) <= 2


# Languages


EVERY_PAGE = (
    *("index.html", "history.html", "providers/alder.html", "accounts/alder/production.html"),
    *("incidents/open-6.html", "404.html"),
)


def spoken(language, number=40):
    return replace(fleet(number), manner=SiteSettings(language=language))


TURNED = """() => [...document.querySelectorAll('.ruler span, .chart li')]
  .filter(one => /^\\d.*[\\u05d0-\\u05ea]/.test(one.textContent))
  .map(one => {
    const [first, last] = [0, one.firstChild.length - 1].map(at => {
      const range = document.createRange()
      range.setStart(one.firstChild, at)
      range.setEnd(one.firstChild, at + 1)
      return range.getBoundingClientRect().left
    })
    return first > last
  })"""
"""Of each text of an axis that begins with a number and ends in Hebrew: whether it is read from the right."""


def test_a_date_on_an_axis_is_read_from_the_right_though_time_runs_to_the_right(tabs, site):
    with served(site(render, spoken, "he")) as address, opened(tabs, (360, 900)) as (page, _):
        page.goto(address + "accounts/alder/production.html")
        found = page.evaluate(TURNED)
    assert (len(found) > 4, set(found)) == (True, {True})


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_a_page_from_right_to_left_fits_and_shuts_nobody_out(tabs, site, width, scheme):
    with (
        served(site(render, spoken, "he")) as address,
        opened(tabs, (width, 900), NOW, bypass_csp=True, color_scheme=scheme) as (page, complaints),
    ):
        found, wide = [], []
        for name in EVERY_PAGE:
            page.goto(address + name)
            page.evaluate("document.querySelectorAll('details').forEach(it => { it.open = true })")
            wide += [name] if page.evaluate(f"{ROOT}.scrollWidth > {ROOT}.clientWidth") else []
            assert page.evaluate(f"[{ROOT}.lang, {ROOT}.dir, getComputedStyle(document.body).direction]") == [
                *("he", "rtl", "rtl")
            ]
            found += violations(page, name, **RULES[scheme])
        assert (wide, found, complaints) == ([], [], [])


SIDES = {
    360: (".site", "h1", ".verdict .i", ".list .chevron", ".tally li"),
    1440: (
        ".site",
        ".as-of",
        "h1",
        ".verdict .i",
        ".list .state",
        ".list .chevron",
        ".rail h2",
        ".key",
        ".row .who .i",
    ),
}


@pytest.fixture(scope="module")
def gaps(tabs, site):
    """Return how far from either side of a page in a language, of some width, stands what one looks for."""

    @cache
    def of(language, width):
        with opened(tabs, (width, 900), NOW) as (page, _):
            page.goto((site(render, spoken, language) / "index.html").as_uri())
            boxes = {one: page.locator(one).first.bounding_box() for one in SIDES[width]}
            room = page.evaluate(f"{ROOT}.clientWidth")
        return {one: (box["x"], room - box["x"] - box["width"]) for one, box in boxes.items()}

    return of


@pytest.mark.parametrize(("width", "selector"), [(width, one) for width, all in SIDES.items() for one in all])
def test_a_page_from_right_to_left_is_the_mirror_of_one_from_left_to_right(gaps, width, selector):
    """What stands at the beginning of its line does so in both: text of other words ends elsewhere."""
    left, right = gaps("en", width)[selector]
    end, begin = gaps("he", width)[selector]
    assert abs(left - begin) <= 2 or abs(right - end) <= 2


def test_from_right_to_left_time_and_names_still_run_from_left_to_right(tabs, site):
    folder = site(render, spoken, "he")
    direction = "all => all.map(it => getComputedStyle(it).direction)"
    with opened(tabs, (1440, 900)) as (page, _):
        page.goto((folder / "accounts/alder/production.html").as_uri())
        days = page.locator(".days").first.locator("li")
        first, last = (one.bounding_box()["x"] for one in (days.first, days.last))
        ends = page.locator(".ruler span")
        begin, end = (one.bounding_box()["x"] for one in (ends.first, ends.nth(1)))
        assert (first < last, begin < end) == (True, True)
        assert page.locator(".strip").first.evaluate("it => getComputedStyle(it).transform") == "none"
        assert set(page.locator("h1 bdi").evaluate_all(direction)) == {"ltr"}
        page.goto((folder / "incidents/open-6.html").as_uri())
        assert set(page.locator("code, .proof b bdi, .advice a").evaluate_all(direction)) == {"ltr"}
        assert set(page.locator("h1 bdi").evaluate_all(direction)) == {"rtl"}  # a sentence of ours, with a name in it


@pytest.mark.parametrize("language", ["de", "he", "zh-Hans"])
def test_an_incident_takes_one_line_in_every_language(tabs, site, language):
    folder = site(render, spoken, language)
    with opened(tabs, (1440, 900)) as (page, _):
        page.goto((folder / "index.html").as_uri())
        tall = page.locator(".list summary").evaluate_all(
            "all => all.filter(it => it.offsetHeight > 48).map(it => it.innerText)"
        )
        assert tall == []


def test_a_local_time_is_written_as_the_language_of_the_page_does(tabs, tmp_path):
    write_site(tmp_path, render(replace(four_accounts(), manner=SiteSettings(language="de"))))
    with opened(tabs, PHONE, NOW + timedelta(days=2), timezone_id="Asia/Tokyo", locale="en-US") as (page, _):
        page.goto((tmp_path / "index.html").as_uri())
        assert page.locator(".as-of .local").inner_text() == "(21. Nov., 19:34 hier)"
