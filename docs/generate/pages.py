"""Each page of docs/reference, and what makes it."""

from collections.abc import Callable, Iterator
from pathlib import Path

from docs.generate import (
    commands,
    configuration,
    database,
    faults,
    files,
    languages,
    metrics,
    provider_files,
    providers,
    reports,
    rules,
)

FOLDER = Path(__file__).parents[1] / "reference"
PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "configuration.md": configuration.page,
    "commands.md": commands.page,
    "faults.md": faults.page,
    "providers.md": providers.page,
    "provider-files.md": provider_files.page,
    "rules.md": rules.page,
    "files.md": files.page,
    "reports.md": reports.page,
    "metrics.md": metrics.page,
    "database.md": database.page,
    "languages.md": languages.page,
}
NOTE = "<!-- Written by `make schema` from the code: change it there. -->\n"


def page(name: str) -> str:
    """Return the text of a page."""
    return "\n".join((NOTE, *PAGES[name](), ""))
