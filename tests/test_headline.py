from datetime import timedelta
from itertools import product

import pytest

from monitor.detect.health import State
from monitor.diagnose.subject import Scope
from monitor.publish.headline import write_headline
from monitor.publish.status import Mark, current_state
from probes.model import Confidence, Fault
from tests.builders_page import HOSTILE, NOW, account, four_accounts, incident, shown, sick, snapshot, target
from tests.rows import each_row

MAIN, OTHER = account("openai/main"), account("anthropic/main")
SUSPECTED = account("gemini/main", (target("gemini/main", "list"), target("gemini/main", state=State.SUSPECTED)))
UNSEEN = account("gemini/main", (target("gemini/main", "list"), target("gemini/main", state=State.UNKNOWN)))
OVERLOADED = (sick("anthropic/a", Fault.OVERLOADED), sick("anthropic/b", Fault.OVERLOADED))


def outage(**changes):
    targets = tuple(it.id for account in OVERLOADED for it in account.targets)
    return shown(incident("anthropic", Fault.OVERLOADED, Scope.PROVIDER, targets=targets, **changes))


CASES = {
    "no account": (snapshot(), Mark.UNKNOWN, "No account is watched yet."),
    "all well": (snapshot(MAIN, OTHER), Mark.UP, "Both accounts work."),
    "one, well": (snapshot(MAIN), Mark.UP, "The only account works."),
    "one of four suspended": (
        four_accounts(),
        Mark.DOWN,
        "1 of 4 accounts has trouble: openai/team-b: account suspended (your account).",
    ),
    "no incident opened yet": (
        four_accounts(open_incidents=()),
        Mark.DOWN,
        "1 of 4 accounts has trouble: openai/team-b: account suspended (your account).",
    ),
    "one cause for two accounts": (
        snapshot(MAIN, *OVERLOADED, open_incidents=(outage(confidence=Confidence.MEDIUM),)),
        Mark.PARTLY,
        "2 of 3 accounts have trouble: Anthropic: overloaded (probably the provider).",
    ),
    "two causes": (
        snapshot(*OVERLOADED, sick("openai/main", Fault.INVALID_KEY), open_incidents=(outage(),)),
        Mark.DOWN,
        "All 3 accounts have trouble: Anthropic: overloaded (the provider); openai/main: key rejected (your account).",
    ),
    "more causes than anyone reads": (
        snapshot(*(sick(f"openai/{name}", Fault.INVALID_KEY) for name in "abcde")),
        Mark.DOWN,
        "All 5 accounts have trouble: openai/a: key rejected (your account); openai/b: key rejected (your account); "
        "openai/c: key rejected (your account); and 2 more.",
    ),
    "the only account down": (
        snapshot(sick("openai/main", Fault.UNCLASSIFIED)),
        Mark.DOWN,
        "The only account has trouble: openai/main: unrecognized error (undecided).",
    ),
    "down, cause unknown": (
        snapshot(account(state=State.DOWN, fault=None)),
        Mark.DOWN,
        "The only account has trouble: openai/main: cause not known.",
    ),
    "recovering, incident still open": (
        snapshot(account("openai/team-b"), MAIN, open_incidents=(shown(),)),
        Mark.PARTLY,
        "1 of 2 accounts has trouble: openai/team-b: account suspended (your account).",
    ),
    "incident of an account that is no longer watched": (
        snapshot(MAIN, OTHER, open_incidents=(shown(),)),
        Mark.PARTLY,
        "An incident is open: openai/team-b: account suspended (your account).",
    ),
    "suspected": (
        snapshot(MAIN, SUSPECTED),
        Mark.SUSPECTED,
        "1 of 2 accounts failed just now and is being rechecked: gemini/main: no answer in time.",
    ),
    "not looked at": (
        snapshot(MAIN, UNSEEN),
        Mark.UNKNOWN,
        "1 of 2 accounts is not fully known: gemini/main: the day's budget is spent.",
    ),
    "no longer looked at": (
        snapshot(
            MAIN, account("gemini/main", (target("gemini/main", interval_s=5, seen_at=NOW - timedelta(seconds=90)),))
        ),
        Mark.UNKNOWN,
        "1 of 2 accounts is not fully known: gemini/main: not seen since 10:32 UTC.",
    ),
    "not looked at yet": (
        snapshot(account(targets=[target(seen_at=None, state=State.UNKNOWN, reason=None)])),
        Mark.UNKNOWN,
        "The only account has not answered yet: openai/main.",
    ),
    "one canary not looked at yet": (
        snapshot(
            account(targets=[target(canary="list"), target(seen_at=None, state=State.UNKNOWN, reason=None)]),
            account("gemini/new", [target(seen_at=None, state=State.UNKNOWN, reason=None)]),
        ),
        Mark.UNKNOWN,
        "Both accounts are not fully known: openai/main: not seen yet; gemini/new: not seen yet.",
    ),
    "there is nothing to watch": (
        snapshot(account(targets=())),
        Mark.UNKNOWN,
        "The only account is not fully known: openai/main: nothing there is watched.",
    ),
    "monitor offline": (
        snapshot(MAIN, OTHER, open_incidents=(shown(incident("", Fault.CONNECTION_FAILED, Scope.MONITOR)),)),
        Mark.UNKNOWN,
        "This monitor is offline, so nothing is known about any account.",
    ),
    "a drill": (
        snapshot(MAIN, OTHER, open_incidents=(shown(incident("openai/main", drill=True)),)),
        Mark.UP,
        "Both accounts work.",
    ),
}


def headline_of(shot):
    return write_headline(shot, current_state(shot))


@each_row("case", CASES)
def test_the_sentence(case):
    shot, mark, sentence = CASES[case]
    found = headline_of(shot)
    assert (found.mark, found.sentence) == (mark, sentence)


@pytest.mark.parametrize(
    ("shot", "rest"),
    [
        (four_accounts(), "The other 3 work."),
        (snapshot(MAIN, sick("openai/b", Fault.TIMEOUT)), "The other one works."),
        (
            snapshot(MAIN, OTHER, SUSPECTED, sick("openai/b", Fault.TIMEOUT)),
            "Of the others 1 is being rechecked, 2 work.",
        ),
        (snapshot(MAIN, SUSPECTED, account("openai/new", ())), "Of the others 1 is not fully known, 1 works."),
        (snapshot(MAIN), ""),
    ],
)
def test_the_accounts_without_trouble_are_counted(shot, rest):
    assert headline_of(shot).rest == rest


@each_row("states", list(product(State, repeat=2)))
def test_all_is_well_only_when_all_was_seen_to_be_well(states):
    shot = snapshot(*(account(f"openai/{number}", state=state) for number, state in enumerate(states)))
    assert (headline_of(shot).mark is Mark.UP) == (set(states) == {State.UP})


def test_a_hostile_name_does_not_change_how_many_have_trouble():
    assert headline_of(snapshot(sick(f"x/{HOSTILE}", Fault.TIMEOUT), MAIN)).lead == "1 of 2 accounts has trouble"
