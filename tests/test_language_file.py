"""A language file of a user's own: whatever it holds, nothing fails of it, and `check` says what to mend."""

import os

import pytest

from monitor.sentence.language_file import read_language_file
from monitor.sentence.translation import LANGUAGES, SHIPPED, language_problems, load_language

HOURS, DAYS = "{n} h", "{n} day"


@pytest.fixture
def write(tmp_path):
    (tmp_path / LANGUAGES).mkdir()

    def write(text, code="xx"):
        (tmp_path / LANGUAGES / f"{code}.toml").write_text(text)
        return tmp_path

    return write


UNFIT = [
    "{n[0]}",
    "{n.real}",
    "{n.__class__.__mro__}",
    "{n.__format__:x}",
    "{n:99999999}",
    "{n:{n}}",
    "{n!r}",
    "{}",
    "{0}",
    "{m}",
    "{",
    "}",
]


@pytest.mark.parametrize("said", UNFIT)
def test_a_phrase_with_more_in_braces_than_a_plain_name_is_a_problem_and_stays_english(write, said):
    folder = write(f'[phrases]\n"{HOURS}" = "{said}"\n"{DAYS}" = ["{{n}} d", "{said}"]\n"Accounts" = "Comptes"\n')
    speech = load_language("xx", (folder,))
    assert (speech.say(HOURS, n=5), speech.many(2, DAYS, "{n} days"), speech.say("Accounts")) == (
        "5 h",
        "2 days",
        "Comptes",
    )
    of_hours, of_days = map(str, language_problems("xx", (folder,)))
    file = folder / LANGUAGES / "xx.toml"
    assert of_hours == f'{file}: phrases."{HOURS}" = "{said}" cannot be filled; in braces write only {{n}}'
    assert f'phrases."{DAYS}"' in of_days


@pytest.mark.parametrize("said", UNFIT)
def test_where_a_shipped_language_has_the_phrase_that_one_stays(write, said):
    own = load_language("de", (write(f'[phrases]\n"{HOURS}" = "{said}"\n', "de"),))
    assert own.say(HOURS, n=5) == load_language("de").say(HOURS, n=5)


@pytest.mark.parametrize("said", UNFIT)
def test_braces_in_a_phrase_whose_english_has_no_place_are_letters(write, said):
    folder = write(f'[phrases]\n"per minute" = "{said}"\n')
    assert load_language("xx", (folder,)).say("per minute", n="1") == said
    assert language_problems("xx", (folder,)) == []


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ('"n % 0"', "divides by zero"),
        ('"1 / (n != 7)"', "divides by zero"),
        ('"n - 5"', "is below zero for n = 0"),
        ('"n +"', "is no rule"),
        ('"' + "(" * 300 + "n" + ")" * 300 + '"', "is no rule"),
        ("7.5", "is no rule"),
    ],
)
def test_a_plural_rule_that_fails_for_a_number_is_a_problem_and_is_not_used(write, rule, told):
    folder = write(f'plural = {rule}\n[phrases]\n"{DAYS}" = ["one", "{{n}} more"]\n')
    speech = load_language("xx", (folder,))
    assert [speech.many(n, DAYS, "{n} days") for n in (0, 1, 2, 7)] == ["0 more", "one", "2 more", "7 more"]
    (problem,) = language_problems("xx", (folder,))
    assert told in str(problem)
    assert str(problem).endswith('; write it as gettext does: "n != 1"')


@pytest.mark.parametrize("rule", ["n / (n - 1000)", "n * 1000", "300 - n"])
def test_a_plural_rule_that_fits_no_list_or_a_large_number_is_no_harm(write, rule):
    speech = load_language("xx", (write(f'plural = "{rule}"\n[phrases]\n"{DAYS}" = ["{{n}} a", "{{n}} b"]\n'),))
    assert {speech.many(n, DAYS, "{n} days")[-1] for n in range(2000)} <= {"a", "b"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('decimal = "0"', 'decimal = "0"; give one of: . ,'),
        ('direction = "up"', 'direction = "up"; give one of: ltr rtl'),
        ("phrases = 3", "phrases is no table; begin it with [phrases]"),
        ('[phrases]\n"Accounts" = 3', 'phrases."Accounts" = 3; give a text in quotes, or a list of them'),
        ('[phrases]\n"Accounts" = []', 'phrases."Accounts" = []; give a text'),
        ('[phrases]\n"{n} h" = "{"', 'phrases."{n} h" = "{" cannot be filled'),
        ("[phrases", "is not TOML"),
    ],
)
def test_what_cannot_be_used_of_a_file_says_nothing_and_is_a_problem(write, text, told):
    folder = write(text)
    speech = load_language("xx", (folder,))
    assert (speech.number("1.5"), speech.direction, speech.say("Accounts")) == ("1.5", "ltr", "Accounts")
    (problem,) = language_problems("xx", (folder,))
    assert told in str(problem)


def test_a_pipe_in_the_place_of_a_file_is_not_read(write):
    folder = write("")
    os.mkfifo(folder / LANGUAGES / "de.toml")
    assert load_language("de", (folder,)).say("Accounts") != "Accounts"


@pytest.mark.parametrize("file", sorted((SHIPPED / LANGUAGES).glob("*.toml")), ids=lambda file: file.stem)
def test_a_shipped_language_has_no_problem(file):
    assert read_language_file(file).problems == []
