"""docs/reference/files.md: what the program reads and writes."""

import re
from collections.abc import Iterator, Mapping

from docs.generate.markdown import code
from monitor.console.man_page import FILES
from monitor.publish import private_site, public_site
from tests.fleet import fleet

INTRODUCTION = """# Files

Paths are relative to the folder of the configuration. The database, its companions and the private site are open to
their owner (the site to the group, too); the public site and the metrics to all.
"""
ABOUT = {
    r"index\.html": "the front page: headline, accounts, incidents",
    r"accounts/.*\.html": "an account: each target, its answers, limits, credit, incidents",
    r"providers/.*\.html": "a provider with all its accounts",
    r"incidents/[^/]*\.html": "an incident in full; it stays",
    r"history\.html|history/.*\.html": "past incidents by month",
    r"404\.html": "for a web server's missing pages",
    r"status\.json": "the state of everything, for programs",
    r"usable\.json": "which account of each provider to use now; what `pick` says",
    r"schema/.*\.json": "the JSON Schemas of these files",
    r"api/v2/.*": "Statuspage's API, for what reads such pages",
    r"feed\.xml": "incidents as an Atom feed",
    r"maintenance\.ics": "maintenances as a calendar",
    r"badge\.svg|badges/.*": "badges, and the endpoints that shields.io reads",
    r"metrics\.(prom|om)": "metrics for a scraper: the classic text, and OpenMetrics with exemplars",
    r"widget\.(html|css)": "a small page to embed",
    r"picture\.png": "what chats show beside a link",
    r"favicon\.svg|style\.css|page\.js|robots\.txt": "what the pages need",
}
"""What each file of a site is for, by what its path fits; the first that fits counts."""


def page() -> Iterator[str]:
    yield INTRODUCTION
    yield from ("## Read and written", "", *(f"- {code(name)}: {what}" for name, what in FILES.items()), "")
    for title, about in site_files().items():
        yield from (
            f"## {title}",
            "",
            *(f"- {', '.join(map(code, names))}: {what}" for what, names in about.items()),
            "",
        )


def site_files() -> Mapping[str, Mapping[str, list[str]]]:
    """Return the files of each site, as patterns, by what they are for."""
    sites = {
        "The private site: site/": private_site.render(fleet(10)),
        "The public site: public/": public_site.render(fleet(10)),
    }
    return {title: _by_use(files) for title, files in sites.items()}


def _by_use(files: Mapping[str, bytes]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {what: [] for what in ABOUT.values()}
    for path in sorted(files):
        use = next((what for fits, what in ABOUT.items() if re.fullmatch(fits, path)), None)
        if use is None:
            raise LookupError(f"{path} is in no line of ABOUT in docs/generate/files.py: say what it is for")
        names = found[use]
        if (shown := _shown(path)) not in names:
            names.append(shown)
    return {what: names for what, names in found.items() if names}


def _shown(path: str) -> str:
    """Return the path with its parts that differ in capitals."""
    kinds = {
        r"accounts/.*(\.html)": r"accounts/PROVIDER/ACCOUNT\1",
        r"providers/.*(\.html)": r"providers/PROVIDER\1",
        r"(.*incidents|history)/(?!unresolved)[^/]*\d[^/]*(\.\w+)": r"\1/ID\2",
        r"badges/[^/]*(\.\w+)": r"badges/PROVIDER\1",
        r"badges/.*/.*(\.\w+)": r"badges/PROVIDER/ACCOUNT\1",
    }
    for fits, shown in kinds.items():
        if re.fullmatch(fits, path):
            return re.sub(f"^{fits}$", shown, path).replace("history/ID", "history/YYYY-MM")
    return path
