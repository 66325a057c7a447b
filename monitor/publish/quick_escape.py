"""An escape that checks whether there is anything to do, in place of MarkupSafe's in Jinja's compiled templates.

Without it a whole site takes 1.1 times as long (median of 15 pairs in one run, 120 accounts), and 1.2 times as long as
f-strings in place of 1.1. It relies on this, which Jinja and MarkupSafe do not promise, and tests/test_quick_escape.py
holds:

- the compiled code calls MarkupSafe's `escape` by a global of that name, and uses what it returns as text;
- that function changes the five characters of UNSAFE and no other.

If either no longer holds, a template keeps its original escape.
"""

import re
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

from jinja2 import Template
from markupsafe import Markup, escape

UNSAFE = re.compile("[&<>\"']")
OTHERS = UNSAFE.sub("", "".join(map(chr, range(0x3000))))
"""Characters that must pass unchanged, as far as anyone might escape them."""

Escape = Callable[[Any], str]


def escape_word(value: object) -> str:
    """Escape a value. Most are plain: checking that takes a quarter of the time of making Markup."""
    if type(value) is str:
        return escape(value) if UNSAFE.search(value) else value
    if type(value) is Markup:
        return value
    return str(value) if type(value) is int else escape(value)


@cache
def is_equivalent(ordinary: Escape) -> bool:
    """Whether an escape leaves alone everything that `escape_word` does."""
    return str(ordinary(OTHERS)) == OTHERS and str(ordinary(sys.maxsize)) == str(sys.maxsize)


def use_quick_escape(template: Template, ordinary: Escape = escape) -> None:
    """Make a compiled template escape with `escape_word`; leave it alone if it does not use `ordinary`."""
    names = getattr(template.root_render_func, "__globals__", {})
    if names.get("escape") is ordinary and is_equivalent(ordinary):
        names["escape"] = escape_word


class QuickTemplate(Template):
    """A template that is adapted right after it is compiled."""

    @classmethod
    def from_code(cls, *args: Any, **kwargs: Any) -> Template:
        template = super().from_code(*args, **kwargs)
        use_quick_escape(template)
        return template
