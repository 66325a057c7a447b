from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from monitor import words
from monitor.detect.health import State
from monitor.diagnose.diagnosis import FLAP, Evidence
from monitor.diagnose.subject import Scope
from monitor.publish import private_site
from monitor.publish.account_row import account_rows
from monitor.publish.front_page import group_accounts
from monitor.publish.overview import urgency
from monitor.publish.paths import incident_page
from monitor.publish.status import Mark, current_state, mark_target
from probes.model import Fault
from tests.builders_page import NOW, account, incident, shown, sick, snapshot, target
from tests.rows import each_row

CALM = current_state(snapshot())


@each_row(
    ("changes", "mark"),
    [
        ({}, Mark.UP),
        ({"state": State.SUSPECTED}, Mark.SUSPECTED),
        ({"state": State.UNKNOWN}, Mark.UNKNOWN),
        ({"state": State.DOWN, "fault": Fault.INVALID_KEY}, Mark.DOWN),
        ({"state": State.DOWN, "fault": None}, Mark.DOWN),
        ({"state": State.DOWN, "fault": Fault.SLOW}, Mark.PARTLY),
        ({"state": State.DOWN, "fault": Fault.BAD_REQUEST}, Mark.PARTLY),
        ({"seen_at": NOW - timedelta(seconds=900)}, Mark.UP),
        ({"seen_at": NOW - timedelta(seconds=901)}, Mark.UNKNOWN),
        ({"seen_at": None}, Mark.UNKNOWN),
    ],
)
def test_a_target_is_marked_by_state_fault_and_age(changes, mark):
    assert mark_target(target(**changes), CALM) == mark


def marked(one):
    """The mark of an account without an open incident."""
    return current_state(snapshot(one)).marks[one.id]


@pytest.mark.parametrize(
    ("states", "mark"),
    [
        ((State.UP, State.UP), Mark.UP),
        ((State.UP, State.UNKNOWN), Mark.UNKNOWN),
        ((State.UNKNOWN, State.SUSPECTED), Mark.SUSPECTED),
        ((State.UP, State.DOWN), Mark.PARTLY),
        ((State.UNKNOWN, State.DOWN), Mark.DOWN),
        ((State.DOWN, State.DOWN), Mark.DOWN),
        ((), Mark.UNKNOWN),
    ],
)
def test_an_account_is_marked_by_the_worst_of_its_targets(states, mark):
    assert marked(account(targets=[target(state=state) for state in states])) == mark


def test_a_suspended_account_is_down_although_one_canary_still_answers():
    targets = (target(canary="list"), target(state=State.DOWN, fault=Fault.ACCOUNT_SUSPENDED))
    assert marked(account(targets=targets)) == Mark.DOWN


def test_nothing_is_known_of_anything_while_the_monitor_is_offline():
    alone, down = shown(incident("", Fault.CONNECTION_FAILED, Scope.MONITOR)), account(state=State.DOWN)
    offline = current_state(snapshot(down, open_incidents=(alone,)))
    assert offline.marks == {down.id: Mark.UNKNOWN}
    assert {mark_target(it, offline) for it in down.targets} == {Mark.UNKNOWN}


def test_a_drill_changes_no_mark():
    drill = shown(incident("", Fault.CONNECTION_FAILED, Scope.MONITOR, drill=True))
    assert current_state(snapshot(account(), open_incidents=(drill,))).incidents == ()


def sign_of(subject: str, scope: Scope = Scope.ACCOUNT, seen: tuple[str, ...] = (), rule: str = "x", **changes):
    evidence = tuple(Evidence(f"{id}/chat", NOW, Fault.SLOW, rule, "") for id in seen)
    return incident(subject, Fault.SLOW, scope, signal=True, targets=(), evidence=evidence, **changes)


@pytest.mark.parametrize(
    ("signs", "warned"),
    [
        ((), {}),
        ((sign_of("openai/a", id="one"),), {"openai/a": "one"}),
        ((sign_of("openai", Scope.PROVIDER, id="all"),), {"openai/a": "all", "openai/b": "all"}),
        ((sign_of("openai", Scope.PROVIDER, ("openai/b",), FLAP, id="flap"),), {"openai/b": "flap"}),
        ((sign_of("openai/a", seen=("openai/b",), id="both"),), {"openai/a": "both", "openai/b": "both"}),
        (
            (sign_of("openai/b", id="one"), sign_of("openai", Scope.PROVIDER, id="all")),
            {"openai/a": "all", "openai/b": "one"},
        ),
        (
            (sign_of("openai", Scope.PROVIDER, id="all"), sign_of("openai/b", id="one")),
            {"openai/a": "all", "openai/b": "all"},
        ),
    ],
)
def test_an_account_is_warned_by_the_first_sign_that_speaks_of_it(signs, warned):
    shot = snapshot(
        account("openai/a"), account("openai/b"), account("openai/c", host="gateway.example.com"),
        open_incidents=tuple(map(shown, signs)),
    )  # fmt: skip
    now = current_state(shot)
    assert {id: sign.id for id, sign in now.warned.items()} == warned
    assert {id for id, mark in now.marks.items() if mark is Mark.AT_RISK} == set(warned)


NAMES = some.sampled_from([f"openai/{name}/{canary}" for name in "ab" for canary in ("list", "chat")])
COVERED = some.lists(some.lists(NAMES, unique=True, max_size=3), max_size=4)


@given(COVERED, some.lists(NAMES, unique=True))
def test_the_incident_at_targets_is_the_first_open_one_about_the_first_of_them(covered, asked):
    its = [incident("openai/a", id=str(number), targets=tuple(names)) for number, names in enumerate(covered)]
    now = current_state(snapshot(account("openai/a"), account("openai/b"), open_incidents=tuple(map(shown, its))))
    views = [target(id.rpartition("/")[0], id.rpartition("/")[2]) for id in asked]
    about = (one for view in views for one in its if view.id in one.targets)
    assert now.incident_at(views) == next(about, None)


@pytest.mark.parametrize("state", [State.UP, State.UNKNOWN, State.DOWN, State.SUSPECTED])
def test_a_sign_explains_only_an_account_without_trouble_of_its_own(state):
    one, sign = account("openai/a", state=state), sign_of("openai/a")
    now = current_state(snapshot(one, open_incidents=(shown(sign),)))
    assert now.told_of(one) == (sign if state in (State.UP, State.UNKNOWN) else None)


def test_terminal_and_page_list_accounts_in_one_order():
    """Worst, gravest, most important, longest ill; those that work as in the file."""
    half = (target("openai/half", "list"), target("openai/half", state=State.DOWN))
    accounts = (
        account("openai/new", since=NOW - timedelta(days=1)),
        account("openai/old", since=NOW - timedelta(days=9)),
        account("openai/first", priority=1),
        sick("openai/slow", Fault.SLOW, since=NOW - timedelta(minutes=9)),
        sick("openai/slower", Fault.SLOW, since=NOW - timedelta(minutes=20)),
        sick("openai/prized", Fault.SLOW, priority=1),
        account("openai/half", half, priority=5, fault=Fault.TIMEOUT),
        sick("openai/gone", Fault.ACCOUNT_SUSPENDED, priority=5),
        account("openai/risky"),
    )
    shot = snapshot(*accounts, open_incidents=(shown(sign_of("openai/risky")),))
    now = current_state(shot)
    (group,) = group_accounts(shot, now)
    order = ["gone", "half", "prized", "slower", "slow", "risky", "first", "new", "old"]
    assert [row.view.name for row in account_rows(shot, now)] == order
    assert [card.name for card in sorted(group.accounts, key=urgency)] == order


def test_terminal_and_page_name_the_sign_of_an_account_at_risk_and_lead_to_it():
    sign = sign_of("openai", Scope.PROVIDER, ("openai/a",))
    shot = snapshot(account("openai/a"), open_incidents=(shown(sign),))
    now = current_state(shot)
    (row,), ((card,),) = account_rows(shot, now), (group.accounts for group in group_accounts(shot, now))
    assert (row.mark, row.incident) == (Mark.AT_RISK, sign)
    assert words.FAULTS[Fault.SLOW] in row.why
    assert (card.cause, card.incident) == (words.FAULTS[Fault.SLOW], incident_page(sign.id))
    assert f'href="{incident_page(sign.id)}"' in private_site.render(shot)["index.html"].decode()
