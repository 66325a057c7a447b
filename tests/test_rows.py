"""A table of rows is looked at to its end, and each row that fails is told."""

import pytest

from tests.rows import each_row


def failure_of(test, **fixtures):
    with pytest.raises(AssertionError) as caught:
        test(**fixtures)
    return str(caught.value)


def test_each_row_that_fails_is_named_with_its_error_and_the_others_are_not():
    @each_row(("left", "right"), [(1, 1), (2, 3), pytest.param(1, 0, id="none"), (4, 4)])
    def test(left, right):
        assert left / right == 1, "unequal"

    told = failure_of(test)

    assert told.startswith("2 of 4 rows:\nrow 1: 2-3\n  AssertionError: unequal\n")
    assert "row 2: none\n  ZeroDivisionError: division by zero" in told
    assert "row 0" not in told


def test_tables_above_each_other_are_multiplied_and_take_fixtures():
    seen = []

    @each_row("first", ["a", "b"])
    @each_row("second", [1, 2], ids=["one", "two"])
    def test(first, second, fixture):
        seen.append((first, second, fixture))
        assert (first, second) != ("b", 2)

    told = failure_of(test, fixture=0)

    assert seen == [("a", 1, 0), ("a", 2, 0), ("b", 1, 0), ("b", 2, 0)]
    assert "row 1: 'b'\n" in told
    assert "row 1: two\n" in told


@pytest.mark.parametrize("give_up", [pytest.skip, pytest.fail])
def test_a_row_that_gives_up_is_a_failure(give_up):
    @each_row("one", [1, 2])
    def test(one):
        if one == 1:
            give_up("not here")

    assert "not here" in failure_of(test)


def test_a_row_that_raises_nothing_where_it_should_is_a_failure():
    @each_row("one", [{}, {"a": 1}])
    def test(one):
        with pytest.raises(KeyError):
            one["a"]

    assert "row 1: {'a': 1}\n" in failure_of(test)


def test_a_table_without_rows_or_with_a_mark_is_refused():
    with pytest.raises(ValueError, match="a table of one without rows tests nothing"):
        each_row("one", [])
    with pytest.raises(ValueError, match=r"a row has no marks; use pytest\.mark\.parametrize"):
        each_row("one", [pytest.param(1, marks=pytest.mark.slow)])


@each_row("one", [1, 2])
def test_pytest_finds_it_as_one_test(one, tmp_path):
    assert tmp_path.is_dir()
    assert one
