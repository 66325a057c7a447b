"""How Sphinx builds the documentation: `make docs`. Its source is the whole repository, so that every link is one."""

import sys
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from monitor import __version__  # noqa: E402 - found only now

project = "provider-monitor"
version = release = __version__
copyright = "the authors of provider-monitor"

extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "benchmarks/*.md",
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
]
exclude_patterns = [".*", "docs/_*", "state", "site", "public", "tests"]
nitpicky = True

myst_heading_anchors = 4

html_theme = "furo"
html_title = f"provider-monitor {version}"
html_extra_path = ["_root"]
html_static_path = ["_static"]
html_css_files = ["own.css"]
html_copy_source = False
html_use_index = False
html_theme_options = {"navigation_with_keys": True}
pygments_style = "default"


def show_folders_as_text(app: Sphinx, doctree: nodes.document) -> None:
    """Leave no link to a folder: a code host lists what is in one, and no page here does."""
    for node in list(doctree.findall(pending_xref)):
        if node["reftype"] == "myst" and Path(app.srcdir, node["refdoc"]).parent.joinpath(node["reftarget"]).is_dir():
            node.replace_self(node.children)


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("doctree-read", show_folders_as_text)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
