"""docs/reference/languages.md: the languages that pages and messages speak."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

LANGUAGES = Path(__file__).parents[2] / "templates" / "page" / "language"
INTRODUCTION = """# Languages

Pages and messages speak English and these. `[site] language`, `[public] languages`, `[alerts] language` and the
`language` of a channel name one; commands speak English.

A file `language/xx.toml` in the folder that `templates` of `[site]` or `[alerts]` names adds a language, or replaces
one. It holds an English text and its translation in each line, braces being places to fill; what is missing stays in
English. Start from the nearest one:
"""


def page() -> Iterator[str]:
    yield INTRODUCTION
    for file in sorted(LANGUAGES.glob("*.toml")):
        text = file.read_text(encoding="utf-8")
        name, its = text.partition("\n")[0].strip("# ."), tomllib.loads(text)
        side = ", from right to left" if its.get("direction") == "rtl" else ""
        yield f"- {name}{side}: [{file.stem}](../../templates/page/language/{file.name})"
    yield ""
