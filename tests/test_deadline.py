"""What a user's own text decides the length of, and what is done where it does not end."""

import sys
import time

import pytest

from monitor.deadline import run_within


def endless():
    while True:
        pass


def test_what_ends_in_time_gives_its_result_and_leaves_no_trace():
    before = sys.gettrace()

    assert run_within(5.0, lambda: sum(range(10))) == 45
    assert sys.gettrace() is before


@pytest.mark.parametrize("work", [endless, lambda: [1 for _ in iter(int, 1)], lambda: max(1 for _ in iter(int, 1))])
def test_what_does_not_end_is_stopped_soon(work):
    began, before = time.monotonic(), sys.gettrace()
    with pytest.raises(TimeoutError, match=r"does not end within 0\.05 s"):
        run_within(0.05, work)

    assert time.monotonic() - began < 5
    assert sys.gettrace() is before


def test_what_waits_instead_of_working_is_let_go_on():
    assert run_within(0.05, lambda: time.sleep(0.2) or "done") == "done"


def test_an_error_of_the_work_is_its_own():
    with pytest.raises(ZeroDivisionError):
        run_within(5.0, lambda: 1 / 0)
