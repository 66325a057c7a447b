"""Whose pages are made anew."""

from datetime import timedelta

from msgspec.structs import replace

from monitor.detect.health import State
from monitor.diagnose import Scope
from monitor.publish.rota import TURNS, advance, at_rest
from monitor.publish.snapshot import CROWD, Measure
from probes.model import Fault
from tests.builders_page import NOW, account, incident, shown, snapshot, target

MANY = [account(f"openai/a{number}") for number in range(CROWD + 1)]
LAST = MANY[-1].id


def rota_of(*accounts, **changes):
    return advance({}, snapshot(*accounts, **changes))


def rests(rota, accounts, incidents=(), later_s=30):
    return at_rest(rota, accounts, incidents, NOW + timedelta(seconds=later_s))


def test_of_a_crowd_whoever_works_as_before_rests_but_for_those_whose_turn_it_is():
    rota = rota_of(*MANY)
    turn = {one.id for one in MANY[: -(-len(MANY) // TURNS)]}
    assert rests(rota, MANY) == {one.id for one in MANY} - turn


def test_each_has_its_turn_within_ten_pages():
    rota, made = rota_of(*MANY), set()
    for _ in range(TURNS):
        resting = rests(rota, MANY)
        made |= {one.id for one in MANY} - resting
        rota = advance(rota, snapshot(*(replace(one, stands=one.id in resting) for one in MANY)))
    assert made == {one.id for one in MANY}


def test_of_few_accounts_none_rests():
    assert rests(rota_of(*MANY[:CROWD]), MANY[:CROWD]) == set()


def test_what_is_new_to_the_rota_does_not_rest():
    newcomer = account("openai/new")
    assert newcomer.id not in rests(rota_of(*MANY), [*MANY, newcomer])


def test_who_does_not_simply_work_never_rests():
    for ill in (
        account(LAST, state=State.SUSPECTED),
        account(LAST, [target(LAST), target(LAST, "balance", State.UNKNOWN, aside=True)]),
        account(LAST, [target(LAST, seen_at=NOW - timedelta(hours=1))]),
    ):
        crowd = [*MANY[:-1], ill]
        assert LAST not in rests(rota_of(*MANY), crowd)
        assert LAST not in rests(rota_of(*crowd), crowd)
        assert LAST not in rests(rota_of(*crowd), MANY)


def test_who_failed_and_recovered_between_two_pages_does_not_rest():
    back = account(LAST, [target(LAST, since=NOW)])
    assert LAST not in rests(rota_of(*MANY), [*MANY[:-1], back])


def test_whoever_an_open_incident_speaks_of_does_not_rest_until_a_page_is_made_without_it():
    sign = incident(LAST, Fault.LOW_BALANCE, signal=True)
    assert LAST not in rests(rota_of(*MANY), MANY, [sign])
    assert LAST not in rests(rota_of(*MANY, open_incidents=(shown(sign),)), MANY)


def test_nobody_rests_while_the_monitor_is_offline_nor_right_after():
    alone = incident("", Fault.CONNECTION_FAILED, Scope.MONITOR)
    assert rests(rota_of(*MANY), MANY, [alone]) == set()
    assert rests(rota_of(*MANY, open_incidents=(shown(alone),)), MANY) == set()


def test_what_was_read_of_who_rests_is_kept_as_it_was_read():
    rota = rota_of(*MANY)
    resting = rests(rota, MANY)
    unread = [replace(one, stands=True, targets=tuple(replace(it, latency=Measure()) for it in one.targets))
              if one.id in resting else one for one in MANY]  # fmt: skip
    assert advance(rota, snapshot(*unread)) == rota


def test_who_is_no_longer_watched_leaves_the_rota():
    assert LAST not in advance(rota_of(*MANY, account("openai/z")), snapshot(*MANY[:-1], account("openai/z")))
