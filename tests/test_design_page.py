"""The page of the design language shows all of it, as it is now."""

import re

from jinja2 import Environment, nodes

from monitor.publish.render import TEMPLATES
from monitor.publish.status import Mark
from tests.design_page import FILE, render_design

SHEET = re.sub(r"/\*.*?\*/", "", (TEMPLATES / "style.css").read_text(), flags=re.DOTALL)
PAGE = FILE.read_text()
CLASSES = {name for text in re.findall(r'class="([^"]*)"', PAGE) for name in text.split()}
OF_A_WHOLE_PAGE = {"public", "stale", "is-stale", "as-of", "local", "first", "two", "flat", "after", "words"}
"""What frames or arranges a page or comes with the time, and has no example by itself."""


def test_it_is_what_the_templates_make():
    assert render_design().decode() == PAGE, "say `make design`, and look at the page"


def test_it_shows_each_token_with_its_values():
    blocks = re.findall(r":root {([^}]+)}", SHEET)[:2]
    tokens = [one for block in blocks for one in re.findall(r"--([\w-]+):\s*([^;]+);", block)]
    assert {name for name, value in tokens if f"<code>--{name}</code>" not in PAGE} == set()
    assert {value for _, value in tokens if value.startswith("#") and value not in PAGE} == set()


def test_it_shows_each_mark_beside_its_word():
    assert {mark for mark in Mark if f'<use href="#{mark}"/></svg><b class="state">' not in PAGE} == set()


def test_it_shows_each_component_that_the_style_sheet_knows():
    selectors = " ".join(re.findall(r"([^{}]+){", SHEET))
    styled = set(re.findall(r"\.([a-z][\w-]*)", selectors))
    assert styled - CLASSES - OF_A_WHOLE_PAGE == set(), "a component needs an example: see EXAMPLES"


def test_it_shows_each_macro_that_the_pages_share():
    macros = Environment(autoescape=True).parse((TEMPLATES / "parts.html").read_text()).find_all(nodes.Macro)
    text = {it.name: "".join(one.data for one in it.find_all(nodes.TemplateData)) for it in macros}
    first = {name: re.search(r'class="([a-z]\w*)', markup) for name, markup in text.items()}
    assert {name for name, found in first.items() if found and found[1] not in CLASSES} == set()


def test_no_example_leads_away_or_shares_an_id():
    links = {href for href in re.findall(r'<a [^>]*href="([^"]*)"', PAGE) if href != "#main"}
    ids = re.findall(r'\bid="([^"]*)"', PAGE)
    assert (links, len(ids)) == (set(), len(set(ids)))
