"""How Sphinx builds the documentation: `make docs`. Its source is the whole repository, so that every link is one."""

import sys
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata
from sphinx.writers.html5 import HTML5Translator

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

myst_enable_extensions = ["dollarmath"]
myst_dmath_allow_digits = False  # 5$ is money
myst_heading_anchors = 4

html_theme = "furo"
html_title = f"provider-monitor {version}"
html_extra_path = ["_root"]
html_static_path = ["_static"]
html_css_files = ["own.css"]
html_copy_source = False
html_use_index = False
html_math_renderer = "mathml"
html_theme_options = {"navigation_with_keys": True}
pygments_style = "default"


def show_math(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def show_math_block(self: HTML5Translator, node: nodes.math_block) -> None:
    self.body.append(f'<div class="formula">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def show_folders_as_text(app: Sphinx, doctree: nodes.document) -> None:
    """Leave no link to a folder: a code host lists what is in one, and no page here does."""
    for node in list(doctree.findall(pending_xref)):
        if node["reftype"] == "myst" and Path(app.srcdir, node["refdoc"]).parent.joinpath(node["reftarget"]).is_dir():
            node.replace_self(node.children)


def setup(app: Sphinx) -> ExtensionMetadata:
    # The usual renderer loads a script from the web; browsers show MathML by themselves.
    app.add_html_math_renderer("mathml", (show_math, None), (show_math_block, None))
    app.connect("doctree-read", show_folders_as_text)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
