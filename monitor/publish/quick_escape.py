"""An escape that looks before it works, in the place of MarkupSafe's in the code that Jinja makes of a template.

Without it a whole site takes 1.1 times as long (median of 15 pairs in one run, 120 accounts), and 1.7 times as long as
f-strings in place of 1.5. It relies on this, which Jinja and MarkupSafe do not promise, and tests/test_quick_escape.py
holds:

- the compiled code calls MarkupSafe's `escape` by a global of that name, and takes what it returns for text;
- that function changes the five characters of UNSAFE and no other.

Where one of them is no longer so, a template keeps the escape that it came with.
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
"""What is to come through as it is, as far as anybody would think of escaping it."""

Escape = Callable[[Any], str]


def escape_word(value: object) -> str:
    """Escape what is put into a text. Most is plain: to see that takes a quarter of what it takes to make Markup."""
    if type(value) is str:
        return escape(value) if UNSAFE.search(value) else value
    if type(value) is Markup:
        return value
    return str(value) if type(value) is int else escape(value)


@cache
def is_as_known(ordinary: Escape) -> bool:
    """Whether an escape leaves alone all that `escape_word` leaves alone."""
    return str(ordinary(OTHERS)) == OTHERS and str(ordinary(sys.maxsize)) == str(sys.maxsize)


def adapt(template: Template, ordinary: Escape = escape) -> None:
    """Have a compiled template escape by `escape_word`; leave one as it is that does not escape by `ordinary`."""
    names = getattr(template.root_render_func, "__globals__", {})
    if names.get("escape") is ordinary and is_as_known(ordinary):
        names["escape"] = escape_word


class QuickTemplate(Template):
    """A template that is adapted as soon as it is compiled."""

    @classmethod
    def from_code(cls, *args: Any, **kwargs: Any) -> Template:
        template = super().from_code(*args, **kwargs)
        adapt(template)
        return template
