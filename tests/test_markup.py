"""Plain text in Markdown and HTML: links work, and nothing else in it is markup; and text that is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alert.channel import Format
from monitor.alert.markup import code, cut, fit_lines, in_html, in_markdown, size, without_code
from tests.rows import each_row

LINK = "https://s.example/a_b_c?x=1&y=2"


@each_row(
    ("plain", "markdown"),
    [
        ("openai/team_a_b: account suspended", "openai/team_a_b: account suspended"),
        (f"Appeal at {LINK}.", f"Appeal at [s.example]({LINK})."),
        ("(see https://s.example/a_(b)_c)", "(see [s.example](https://s.example/a_%28b%29_c))"),
        ("a *bold* word", "a `*bold*` word"),
        ("[here](https://evil.example)", "`[here](https://evil.example)`"),
        ("<https://evil.example>", "`<https://evil.example>`"),
        ("ask @channel or #ops", "ask `@channel` or `#ops`"),
        ("_slanted_ and `code`", "`_slanted_` and `'code'`"),
        ("[DOWN] x", "[DOWN] x"),
        ("(@everyone) all@here jo@team.example", "`(@everyone)` `all@here` jo@team.example"),
        (f"{LINK}<!channel>", f"[s.example]({LINK})`<!channel>`"),
        ("http://[::1]:80/a", "[[::1]:80](http://[::1]:80/a)"),
        ("http://[::1 then", "`http://[::1` then"),
        ("https://a](https://evil.example) b", "`https://a](https://evil.example)` b"),
        ("https://bank.example@evil.example/", "`https://bank.example@evil.example/`"),
        ("https://ex\u2100mple.com/a", "`https://ex\u2100mple.com/a`"),
        ("two  spaces\nand lines", "two  spaces\nand lines"),
    ],
)
def test_plain_text_as_markdown_has_links_and_no_other_markup(plain, markdown):
    assert in_markdown(plain) == markdown


def test_plain_text_as_html_has_links_and_no_other_markup():
    assert in_html(f'<b>"at"</b> {LINK}.') == (
        '&lt;b&gt;&#34;at&#34;&lt;/b&gt; <a href="https://s.example/a_b_c?x=1&amp;y=2">'
        "https://s.example/a_b_c?x=1&amp;y=2</a>."
    )


def test_a_chat_that_shows_no_code_gets_words_in_which_nothing_is_markup():
    assert without_code("**Why** `see [here](https://e.example), *a* _b_c_`") == (
        "**Why** see ⟦here⟧(https://e.example), ∗a∗ ˍb_cˍ"
    )


@pytest.mark.parametrize(
    ("most", "left"),
    [
        (99, "one two three"),
        (13, "one two three"),
        (12, "one two…"),
        (10, "one two…"),
        (9, "one…"),
        (5, "on…"),
        (2, ""),
    ],
)
def test_text_is_cut_between_words(most, left):
    assert cut("one two three", most) == left


def test_a_link_is_never_cut():
    assert cut(LINK, 20) == "…"


BRIEF = f"""Your account (sure), for 10 min. Appeal at {LINK}.
Instead: openai/backup
{LINK}/page
Acknowledge: {LINK}/ack
"""


@pytest.mark.parametrize(
    ("most", "kept"),
    [
        (999, BRIEF),
        (150, f"Your account (sure), for 10 min. Appeal at {LINK}.\nInstead: openai/backup\n{LINK}/page\n"),
        (100, f"Your account (sure), for 10 min. Appeal at…\n{LINK}/page\n"),
        (80, f"Your account (sure), for 10 min. Appeal…\n{LINK}/page\n"),
        (40, "Your account (sure), for 10 min.…\n"),
    ],
)
def test_the_page_is_kept_when_other_lines_are_left_out(most, kept):
    assert fit_lines(BRIEF, Format.TEXT, most, f"{LINK}/page") == kept


@given(st.integers(1, 400), st.sampled_from(Format))
def test_whatever_the_room_nothing_is_longer_and_no_link_is_torn(most, form):
    fitted = fit_lines(BRIEF, form, most, f"{LINK}/page")

    assert size(fitted) <= most + 1
    assert all(
        one.rstrip(".") in (LINK, f"{LINK}/page", f"{LINK}/ack") for one in fitted.split() if one.startswith("https://")
    )


def test_code_is_one_line_whatever_breaks_lines():
    assert code("a\r\rb\u2028c") == "`a  b c`"


@given(st.lists(st.sampled_from(["http://", "[", "]", "(", ")", "@", "<", "a", ":", "1", "/", "\u2100", " "])))
def test_whatever_an_address_is_like_markdown_can_be_made_of_it(parts):
    assert in_markdown("".join(parts)).count("`") % 2 == 0
