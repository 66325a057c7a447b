"""The design language on one page, from the templates of the site: `python -m tests.design_page` writes it.

Its examples are cut out of pages of a fleet, so they are what the site shows.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from markupsafe import Markup
from msgspec import Struct
from msgspec.structs import replace

from monitor.config.public_page import PublicSection, PublicService
from monitor.publish import private_site, public_site
from monitor.publish.paths import account_page, incident_page, provider_page
from monitor.publish.render import TEMPLATES, SiteTemplates
from monitor.publish.snapshot import DurationView, ServiceView, Snapshot
from monitor.publish.status import MARKS
from monitor.publish.view_model import PageFrame
from tests.builders_page import cells, days, incident, shown, snapshot
from tests.fleet import fleet, offline

DOCS = Path(__file__).parents[1] / "docs"
FILE = DOCS / "design.html"
TOKEN = re.compile(r"--([\w-]+):\s*([^;]+);")
KINDS = {"t": "letters", "l": "lines", "s": "distances", "r": "corners"}


class Token(Struct, frozen=True):
    """A custom property of the style sheet. `dark`: its value in that scheme, "" if it is the same."""

    name: str
    value: str
    dark: str


class Example(Struct, frozen=True):
    """A component as a page shows it."""

    name: str
    markup: Markup


# What each example is called, the page it is taken from, and the class of its outermost element.
EXAMPLES = (
    ("Verdict: the worst first, the fleet as one line, and its tally", "many", "verdict"),
    ("Open incidents: a line each, the gravest open", "many", "list"),
    ("Providers at a glance, a mark an account, and what lies ahead", "many", "side"),
    ("Shares, for a provider with many accounts", "crowd", "share"),
    ("Find, filter, order", "many", "find"),
    ("Accounts: troubles as rows, the others as cells", "many", "fleet"),
    ("Many that work, folded", "crowd", "fold"),
    ("A plate: one account in full", "one", "plates"),
    ("What ended, and what the providers say", "many", "panels"),
    ("How to read it", "many", "guide"),
    ("First steps", "empty", "steps"),
    ("Problems of the monitor itself", "ill", "note"),
    ("Simulated", "ill", "simulated"),
    ("What to do", "incident", "do"),
    ("Timeline and evidence, beside what is concluded", "incident", "split"),
    ("A drill", "drill", "note"),
    ("Ninety days, a link each", "account", "months"),
    ("Charts of a canary", "account", "canary"),
    ("Limits, and credit with its end at this pace", "credit", "fit"),
    ("Answers of a provider's accounts, on one scale, with an incident", "provider", "fit"),
    ("Who knew first", "provider", "lanes"),
    ("A past that is told by month", "history", "dated"),
    ("Public: the verdict", "public", "hero"),
    ("Public: how to hear of news", "public", "menu"),
    ("Public: words of its owner", "named", "intro"),
    ("Public: services in groups", "named", "group-name"),
    ("Public: open incidents", "public", "updates"),
    ("Public: providers", "public", "parts"),
    ("Public: facts of an incident", "public-incident", "facts"),
)


def render_design() -> bytes:
    it = SiteTemplates("en", DOCS)
    made = it.fill(
        "design.html.jinja",
        frame=PageFrame(
            "Design", "docs", simulated=False, made=None, due=None, fresh_s=0, span="", up="../templates/page/"
        ),
        tokens=list(_tokens((TEMPLATES / "style.css").read_text())),
        marks=MARKS,
        examples=list(_examples()),
    )
    if it.warnings:
        raise RuntimeError(*it.warnings.values())
    return re.sub(rb'(<a (?![^>]*class="skip")[^>]*href=")[^"]*', rb"\1#main", made)


def _tokens(sheet: str) -> Iterator[Token]:
    light, dark = (dict(TOKEN.findall(block)) for block in re.findall(r":root {([^}]+)}", sheet)[:2])
    yield from (Token(name, value, dark.get(name, "")) for name, value in light.items())


def _examples() -> Iterator[Example]:
    pages = _pages()
    for number, (name, page, component) in enumerate(EXAMPLES):
        yield Example(name, Markup(_apart(cut(pages[page], component), number)))


def _apart(markup: str, number: int) -> str:
    """Return markup whose ids are those of no other example; what is itself folded or hidden is shown."""
    ids = set(re.findall(r'\bid="([^"]*)"', markup))
    whole = re.sub(r' aria-labelledby="([^"]*)"', lambda it: it[0] if it[1] in ids else "", markup)
    named = re.sub(r'\b(id|for|aria-labelledby)="', rf'\1="example-{number}-', whole)
    return re.sub(r"^<details(?! [^>]*open)", "<details open", named).replace(" hidden>", ">")


def cut(page: str, component: str) -> str:
    """Return the first element of a class, with all that is in it. Raises LookupError."""
    start = re.search(rf'<(\w+)[^>]*class="(?:[^"]* )?{component}(?: [^"]*)?"[^>]*>', page)
    if not start:
        raise LookupError(f"no page shows the component {component} any more: see EXAMPLES")
    depth = 0
    for tag in re.finditer(rf"<(/?){start[1]}\b", page[start.start() :]):
        depth += -1 if tag[1] else 1
        if depth == 0:
            return page[
                start.start() : start.start() + page[start.start() + tag.start() :].index(">") + tag.start() + 1
            ]
    raise LookupError(f"the component {component} does not end")


def _pages() -> dict[str, str]:
    many, few = fleet(20), fleet(3)
    drill = shown(incident("alder/production", drill=True, id="drill"))
    ill = replace(offline(3), simulated=True, warnings=("The disk is nearly full.",))
    sites = {
        "many": (many, "index.html"),
        "crowd": (fleet(130), "index.html"),
        "one": (fleet(1), "index.html"),
        "empty": (snapshot(), "index.html"),
        "ill": (ill, "index.html"),
        "incident": (few, incident_page(few.open_incidents[0].incident.id)),
        "drill": (replace(few, open_incidents=(drill,)), incident_page("drill")),
        "account": (_with_past(few), account_page("alder/backup")),
        "credit": (few, account_page("alder/production")),
        "provider": (many, provider_page("cedar")),
        "history": (few, "history.html"),
    }
    public = public_site.render(many)
    outage = next(name for name in public if name.startswith("incidents/"))
    return {
        **{name: _page(shot, path) for name, (shot, path) in sites.items()},
        "public": public["index.html"].decode(),
        "named": public_site.render(_named(few))["index.html"].decode(),
        "public-incident": public[outage].decode(),
    }


def _page(shot: Snapshot, path: str) -> str:
    return next(content.decode() for name, content in private_site.render_pages(shot) if name == path)


def _with_past(shot: Snapshot) -> Snapshot:
    """Return accounts that are slower than usual, and whose days are of every kind."""
    past = {"days": days(bad=(3, 4, 80), gaps=range(20, 40)), "latency": DurationView(5.2, 1.7, 3.2)}
    provider = shot.providers[0]
    accounts = [replace(one, targets=tuple(replace(it, **past) for it in one.targets)) for one in provider.accounts]
    return replace(shot, providers=(replace(provider, accounts=tuple(accounts)),))


def _named(shot: Snapshot) -> Snapshot:
    """Return the fleet as a company of one service shows it."""
    targets = frozenset(one.id for group in shot.providers for it in group.accounts for one in it.targets)
    service = PublicService("Chat answers", "Assistant", "What our assistant says.", targets, 1)
    manner = replace(shot.manner, public=PublicSection(intro="This is how our assistant is."))
    return replace(shot, manner=manner, services=(ServiceView(service, days=days(), cells=cells()),))


if __name__ == "__main__":
    FILE.write_bytes(render_design())
