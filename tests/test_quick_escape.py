"""The contract with Jinja and MarkupSafe that the quick escape relies on, and what it does where that is broken."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import DictLoader, Environment
from markupsafe import Markup, escape

from monitor.publish.quick_escape import UNSAFE, QuickTemplate, escape_word, is_equivalent, use_quick_escape
from monitor.publish.render import load_templates
from monitor.publish.status import Mark
from tests.rows import each_row

HOSTILE = "<b>&\"'`=/\\</b>"
SHAPES = {
    "word": "{{ it }}",
    "attribute": "<a title=\"{{ it }}\" href='{{ it }}'>",
    "macro": "{% macro say(it) %}{{ it }}{% endmacro %}{{ say(it) }}",
    "call": "{% macro say() %}<i>{{ caller() }}</i>{% endmacro %}{% call say() %}{{ it }}{% endcall %}",
    "block": "{% block one %}{{ it }}{% endblock %}{{ self.one() }}",
    "child": '{% extends "block" %}{% block one %}{{ super() }}{{ it }}{% endblock %}',
    "include": '{% include "word" %}',
    "import": '{% import "macro" as other with context %}{{ other.say(it) }}',
    "set": "{% set kept %}{{ it }}{% endset %}{{ kept }}",
    "loop": "{% for one in [it, it] %}{{ one }}{% endfor %}",
    "filter": "{{ it | string | upper }}{% filter lower %}{{ it }}{% endfilter %}{{ [it, it] | join('<') }}",
    "joined": "{{ it ~ '<' ~ it }}",
    "choice": "{{ it if it else '<' }}",
    "switched": "{% autoescape false %}{{ it }}{% endautoescape %}{% autoescape true %}{{ it }}{% endautoescape %}",
    "safe": "{{ '<' | safe }}{{ it | e }}",
}


class Adapted(Environment):
    template_class = QuickTemplate


def filled(environment, shape, it):
    return environment(loader=DictLoader(SHAPES), autoescape=True).get_template(shape).render(it=it)


def compiled(source="{{ it }}"):
    return Environment(autoescape=True).from_string(source)


def test_the_code_that_jinja_makes_escapes_by_a_global_of_that_name():
    assert compiled().root_render_func.__globals__["escape"] is escape


def test_markupsafe_changes_five_characters_and_no_other():
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    others = UNSAFE.sub("", every)
    assert len(every) - len(others) == 5
    assert str(escape(others)) == others
    assert is_equivalent(escape)


def test_the_templates_of_the_page_are_adapted():
    names = load_templates("en", None)._environment.get_template("parts.html").root_render_func.__globals__
    assert names["escape"] is escape_word


@given(st.one_of(st.text(), st.integers(), st.none(), st.sampled_from(Mark), st.text().map(Markup)))
def test_a_word_is_escaped_as_jinja_would(value):
    assert escape_word(value) == escape(value)


@each_row("it", [HOSTILE, Markup(HOSTILE), "plain", 7, -1.5, None, Mark.UP])
@each_row("shape", SHAPES)
def test_every_shape_of_a_template_is_filled_as_without_it(shape, it):
    assert filled(Adapted, shape, it) == filled(Environment, shape, it)


def test_a_template_that_escapes_by_something_else_keeps_that():
    template = compiled()
    template.root_render_func.__globals__["escape"] = other = lambda value: "other"
    use_quick_escape(template)
    assert template.root_render_func.__globals__["escape"] is other
    assert template.render(it=HOSTILE) == "other"


def test_a_template_that_knows_no_such_name_is_left_alone():
    template = compiled()
    del template.root_render_func.__globals__["escape"]
    use_quick_escape(template)
    assert "escape" not in template.root_render_func.__globals__


@pytest.mark.parametrize("more", ["`", "=", "/", "\x00", "\u2028"])
def test_where_a_newer_escape_changes_more_it_is_kept(more):
    def newer(value):
        return str(escape(value)).replace(more, f"&#{ord(more)};")

    template = compiled()
    template.root_render_func.__globals__["escape"] = newer
    use_quick_escape(template, newer)
    assert template.render(it=f"<{more}") == f"&lt;&#{ord(more)};"
