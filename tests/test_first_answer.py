"""Who starts the monitor is told of each account once: that it works, or what is wrong."""

import signal
import threading
import time

import pytest

from monitor.stages.first_answer import MOST, PATIENCE_S, FirstAnswer
from probes.model import Answer, Fault, Target
from probes.simulator import Trouble
from tests.backstage import backstage, start_warm
from tests.conftest import observation


class Hall:
    """A terminal and a clock."""

    def __init__(self, accounts, canaries=("list", "chat")):
        self.said, self.now_s = [], 0.0
        targets = {id: frozenset(f"{id}/{canary}" for canary in canaries) for id in accounts}
        self.first = FirstAnswer(targets=targets, show=self.said.append, timer=lambda: self.now_s)

    def take(self, *seen):
        self.first.take([observation(fault, target=Target(id, id.split("/")[0], canary)) for id, canary, fault in seen])
        return self.said


def test_an_account_works_once_all_its_canaries_answered():
    hall = Hall(["openai/a"])

    assert hall.take(("openai/a", "list", None)) == []
    (said,) = hall.take(("openai/a", "chat", None))
    assert said.startswith("openai/a works: list in ")
    assert ", chat in " in said


def test_what_is_wrong_is_said_with_the_canary_where_others_are_well():
    hall = Hall(["openai/a", "openai/b"])
    hall.take(("openai/a", "list", None), ("openai/a", "chat", Fault.QUOTA_EXHAUSTED))
    said = hall.take(("openai/b", "list", Fault.INVALID_KEY), ("openai/b", "chat", Fault.INVALID_KEY))

    assert said == [
        "openai/a: chat: credit or quota used up (some words)",
        "openai/b: key rejected (some words)",
    ]


def test_what_an_answer_says_itself_is_not_said_twice():
    hall, target = Hall(["openai/a"], ["list"]), Target("openai/a", "openai", "list")
    refused = Answer("transport/connect", "no connection (Connection refused)")
    hall.first.take([observation(Fault.CONNECTION_FAILED, target=target, answer=refused)])

    assert hall.said == ["openai/a: no connection (Connection refused)"]


def test_then_it_is_quiet():
    hall = Hall(["openai/a"], ["list"])
    hall.take(("openai/a", "list", None))

    assert len(hall.take(("openai/a", "list", Fault.INVALID_KEY))) == 1
    assert hall.first.over


def test_a_canary_that_is_due_later_is_not_waited_for():
    hall = Hall(["openai/a"])
    hall.take(("openai/a", "list", None))
    hall.now_s = PATIENCE_S

    assert len(hall.take()) == 1


def test_what_does_not_count_for_the_account_is_not_waited_for_nor_named():
    hall = Hall(["openai/a"], ["list"])

    assert "costs" not in "".join(hall.take(("openai/a", "costs", Fault.TIMEOUT), ("openai/a", "list", None)))


@pytest.mark.parametrize("number", [MOST, MOST + 1])
def test_of_a_crowd_those_that_work_are_counted(number):
    ids = [f"openai/{n}" for n in range(number)]
    hall = Hall(ids, ["list"])
    said = hall.take(*((id, "list", Fault.INVALID_KEY if id == "openai/0" else None) for id in ids))

    assert said[0] == "openai/0: key rejected (some words)"
    assert (said[1:] == [f"{MOST} of {MOST + 1} accounts work"]) is (number > MOST)
    assert len(said) == (2 if number > MOST else MOST)


def test_a_single_one_of_a_crowd_works():
    ids = [f"openai/{n}" for n in range(MOST + 1)]
    said = Hall(ids, ["list"]).take(*((id, "list", None if id == "openai/0" else Fault.INVALID_KEY) for id in ids))

    assert said[-1] == f"1 of {MOST + 1} accounts works"


def test_run_says_it_on_its_terminal(tmp_path):
    lines = []
    with backstage() as stage:
        stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
        stage.write_config(tmp_path)
        with start_warm("run", folder=tmp_path) as process:
            reader = threading.Thread(target=lambda: lines.extend(iter(process.stderr.readline, "")))
            reader.start()
            ends = time.monotonic() + 40
            while time.monotonic() < ends and sum("works: " in line for line in lines) < 2:
                time.sleep(0.2)
            process.send_signal(signal.SIGTERM)
            process.wait(15)
            reader.join()

    said = [line.partition(" INFO ")[2] for line in lines]
    told = [line for line in said if line.startswith(("openai/", "anthropic/"))]
    assert sorted(line.split(" ")[0] for line in told) == ["anthropic/team", "openai/backup", "openai/main:"]
    assert any(line.startswith("openai/main: account suspended (") for line in told)
