"""The documentation as pages: built without a warning, no link in it is dead, and nothing is loaded from elsewhere."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from playwright.sync_api import sync_playwright

from tests.markdown import ROOT
from tests.pictures import ARGUMENTS, CHROMIUM

LOADED = {"script": "src", "img": "src", "source": "srcset", "iframe": "src", "link": "href", "video": "src"}
FETCHED = re.compile(r"(?:url\(|@import )\s*[\"']?(?:https?:)?//")
PHONE = {"width": 360, "height": 740}

pytestmark = pytest.mark.docs


class Reader(HTMLParser):
    """What a page names: `ids` that can be linked, `links`, and addresses that are `loaded` with it."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loaded = set(), set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.ids.update(named[one] for one in ("id", "name") if named.get(one))
        if tag == "a" and named.get("href"):
            self.links.add(named["href"])
        if named.get(LOADED.get(tag)) and named.get("rel") not in ("canonical", "next", "prev", "index", "search"):
            self.loaded.add(named[LOADED[tag]])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the pages are; they are built with warnings as errors."""
    made = tmp_path_factory.mktemp("html")
    line = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-c", "docs", "-d", made / "state"]
    done = subprocess.run([*line, ".", made / "html"], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr == ""
    return made / "html"


@pytest.fixture(scope="module")
def pages(folder):
    """Each page; what is offered for download is none."""
    files = (file for file in folder.rglob("*.html") if "_downloads" not in file.parts)
    return {file: Reader(file.read_text()) for file in files}


def test_no_link_of_a_page_is_dead(folder, pages):
    dead = []
    for file, page in pages.items():
        for link in page.links | page.loaded:
            if not re.match(r"[a-z]+:|#$", link):
                path, _, anchor = unquote(re.sub(r"\?[^#]*", "", link)).partition("#")
                there = (file.parent / path).resolve() if path else file
                if not there.exists() or (anchor and there in pages and anchor not in pages[there].ids):
                    dead.append(f"{file.relative_to(folder)}: {link}")
    assert dead == []


def test_nothing_is_loaded_from_elsewhere(folder, pages):
    assert {one for page in pages.values() for one in page.loaded if re.match(r"(https?:)?//", one)} == set()
    assert [file.name for file in folder.rglob("*.css") if FETCHED.search(file.read_text())] == []


@pytest.mark.skipif(CHROMIUM is None and "CI" not in os.environ, reason="Chromium is not installed")
def test_a_phone_shows_each_page_without_scrolling_aside(folder, pages):
    names = ["docs/index", *(f"docs/reference/{one}" for one in ("configuration", "commands", "providers", "reports"))]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        tab = browser.new_page(viewport=PHONE, java_script_enabled=True)
        asked = set()
        tab.on("request", lambda request: asked.add(request.url.partition(":")[0]))
        wide = {name: width(tab, folder / f"{name}.html") for name in names}
        browser.close()
    assert wide == dict.fromkeys(names, PHONE["width"])
    assert asked <= {"file", "data"}


def width(tab, file):
    tab.goto(file.as_uri())
    return tab.evaluate("document.scrollingElement.scrollWidth")
