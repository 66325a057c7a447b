import pytest
from msgspec import Struct

from probes.document import DocumentError, convert, parse_toml, read_toml, suggest


class Inner(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: str
    size: int = 1


class Outer(Struct, frozen=True, forbid_unknown_fields=True):
    title: str = "none"
    parts: list[Inner] = []
    either: list[str] | dict[str, Inner] = []


def told(tables):
    value, problems = convert(tables, Outer, "x.toml")
    return value, [str(problem) for problem in problems]


def test_a_good_document_is_its_value():
    assert told({"parts": [{"name": "a"}]}) == (Outer(parts=[Inner(name="a")]), [])


def test_what_is_right_stands_beside_what_is_wrong():
    value, problems = told({"title": "t", "parts": [{"name": "a", "size": "big"}, {"name": "b"}, {"size": 3}]})

    assert value == Outer("t", [Inner(name="a"), Inner(name="b")])
    assert problems == [
        'x.toml: parts.a.size = "big"; give a whole number, without quotes',
        "x.toml: parts[3] lacks `name`; add name = ...",
    ]


def test_each_of_two_keys_that_a_table_lacks_is_named_once():
    class Pair(Struct, frozen=True):
        left: str
        right: str

    assert [problem.key + problem.what for problem in convert({}, Pair, "x.toml")[1]] == [
        "lacks `left`",
        "lacks `right`",
    ]


def test_of_two_forms_the_one_that_was_meant_is_explained():
    assert told({"either": {"k": {"name": "a", "size": "x"}}})[1] == [
        'x.toml: either.k.size = "x"; give a whole number, without quotes'
    ]


def test_no_error_shows_what_looks_like_a_key():
    _, problems = told({"parts": [{"name": "a", "size": "sk-proj-0123456789abcdef"}]})

    assert "0123456789" not in problems[0]


def test_a_long_value_is_cut():
    _, problems = told({"title": ["x" * 10_000]})

    assert len(problems[0]) < 200


def test_a_far_word_gets_the_list_of_what_is_known():
    assert suggest("zzz", ["b", "a"]) == "use one of: a, b"
    assert suggest("zzz", map(str, range(100))).endswith(", 43, 44, and 60 more")
    assert suggest("round", ["ground", "round_px"]) == 'did you mean "round_px"?'
    assert suggest("locaton", ["location", "probe"]) == 'did you mean "location"?'


def test_a_document_that_is_nested_without_end_is_refused():
    with pytest.raises(DocumentError, match="nested too deeply|is not TOML"):
        parse_toml("a = " + "[" * 100_000, "x.toml")


def test_a_huge_file_is_not_read(tmp_path):
    path = tmp_path / "x.toml"
    with path.open("wb") as file:
        file.truncate(5 * 1024 * 1024)

    with pytest.raises(DocumentError, match="larger than"):
        read_toml(path)


def test_a_key_in_the_place_of_a_name_is_not_printed():
    _, problems = told({"sk-proj-0123456789abcdef": 1})

    assert "0123456789" not in problems[0]
    assert "is not known" in problems[0]
