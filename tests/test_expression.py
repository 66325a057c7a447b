"""A rule's expression finds the same whether a text is first searched for its words or not."""

import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probes.answer.expression import compiled, is_found, words_of
from probes.catalog import load_provider, load_wording, provider_ids
from tests.rows import each_row

RULES = [*load_wording().rules, *(rule for id in provider_ids() for rule in load_provider(id).rules)]
EXPRESSIONS = sorted({expression for rule in RULES for expression in rule.message})
SAMPLES = sorted(Path(__file__).with_name("samples").glob("*/*.http"))
PARTS = 8


@cache
def matching(expression):
    return st.from_regex(compiled(expression))


def agree(expression, text):
    return is_found(expression, text, text.lower()) == (compiled(expression).search(text) is not None)


@each_row(
    ("expression", "words"),
    [
        ("Quota exceeded", {"quota exceeded"}),
        ("quota (has been )?exceeded", {"exceeded"}),
        ("(key|token) is (bad|wrong)", {" is "}),
        (r"\b(expired|revoked)\b.{0,20} key", {"expired", "revoked"}),
        ("colou?r", {"colo"}),
        ("ab+cde", {"cde"}),
        ("ab{0,2}cde", {"cde"}),
        ("abc{2}", {"abc"}),
        (r"a\.b", {"a.b"}),
        ("one|two", {"one", "two"}),
        ("(?P<what>spent)", {"spent"}),
        ("(?s:spent)", {"spent"}),
        ("(?!not )allowed", {"allowed"}),
        ("[^]x]allowed", {"allowed"}),
        (r"[\]x]allowed", {"allowed"}),
        ("余额不足", {"余额不足"}),
        ("api 余额", {" 余额"}),
    ],
)
def test_what_matches_holds_one_of_these_words(expression, words):
    assert words_of(expression) == words


@each_row(
    "expression",
    [
        "",
        "one|",
        "x|two",
        r"\w+",
        "(maybe)?",
        "(maybe)*",
        "(maybe){0,3}",
        "(maybe){,3}",
        "(?i)one",
        r"(one)\1",
        "é",
        "(?:a|)b",
    ],
)
def test_of_what_matches_more_no_word_is_known(expression):
    assert words_of(expression) is None


@each_row(
    ("expression", "text"),
    [
        ("limit", "LIMIT"),
        ("limit余", "lımıt余"),
        ("rate 余", "RATE 余"),
        ("les 余", "leſ 余"),
        ("dis余", "DİS余"),
        ("token余", "to\u212aen余"),
        ("STRASSE|straße", "STRAẞE"),
        ("модел", "МОДЕЛ"),
        ("c+", "c+"),
        ("a.c", "abc"),
    ],
)
def test_case_and_script_hide_nothing(expression, text):
    assert compiled(expression).search(text)
    assert is_found(expression, text, text.lower())


@given(st.data())
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_whatever_an_expression_of_ours_matches_is_found(data):
    expression = data.draw(st.sampled_from(EXPRESSIONS))
    text = data.draw(matching(expression))

    assert is_found(expression, text, text.lower())


@given(
    st.from_regex(r"[abis(|)?*+.^\\w\[\]{]{1,12}(\{[0-2],?[0-2]?\})?[aß余]?", fullmatch=True),
    st.text("abisABISıſİ.ßẞ余", max_size=9),
)
def test_any_expression_finds_the_same_in_any_text(expression, text):
    try:
        compiled(expression)
    except (re.error, FutureWarning):  # refused with the file that holds it
        return

    assert agree(expression, text)


@pytest.mark.parametrize("part", range(PARTS))
def test_each_of_our_expressions_finds_the_same_in_the_samples(part):
    texts = [path.read_text() for path in SAMPLES[part :: PARTS * 3]]

    assert [(one, text) for one in EXPRESSIONS[part::PARTS] for text in texts if not agree(one, text)] == []


def test_nearly_all_of_our_expressions_are_passed_over_by_their_words():
    assert len([one for one in EXPRESSIONS if words_of(one) is None]) < len(EXPRESSIONS) / 30
