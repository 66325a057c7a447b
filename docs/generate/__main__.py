"""Write docs/reference anew."""

from docs.generate.pages import FOLDER, PAGES, page

for name in PAGES:
    (FOLDER / name).write_text(page(name), encoding="utf-8")
