"""Questions with answers ready."""

import pytest

from monitor.console.question import Ready, agrees, choose, who_answers

OPTIONS = ("merge", "other", "replace", "systemd", "systemd-user")


class Script:
    """Types what a person would, one after the other; an empty line takes what is ready."""

    def __init__(self, *typed):
        self.typed = [*typed]

    def text(self, _, ready):
        return self.typed.pop(0) or ready

    def secret(self, _):
        return self.typed.pop(0)


CHOICES = {
    "the ready one": ([""], "merge"),
    "by its name": (["replace"], "replace"),
    "by its beginning, in capitals": (["R"], "replace"),
    "a name that another one begins with": (["systemd"], "systemd"),
    "after two that are none": (["x", "s", "other"], "other"),
}


@pytest.mark.parametrize(("typed", "chosen"), CHOICES.values(), ids=CHOICES)
def test_an_option_is_chosen_by_as_much_as_names_it(typed, chosen, capsys):
    assert choose(Script(*typed), "What?", OPTIONS, "merge") == chosen
    assert capsys.readouterr().out.count("is none of merge, other") == len(typed) - 1


@pytest.mark.parametrize(("typed", "agreed"), [("y", True), ("Yes", True), ("no", False), ("", True)])
def test_only_a_yes_is_one(typed, agreed):
    assert agrees(Script(typed), "Sure?", ready=True) is agreed


def test_with_yes_every_ready_answer_is_taken():
    asks = who_answers(yes=True)

    assert isinstance(asks, Ready)
    assert (asks.text("?", "ready"), asks.secret("?"), agrees(asks, "?", ready=False)) == ("ready", "", False)
