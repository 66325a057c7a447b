"""Whose pages are made this time."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from monitor.detect.health import State
from monitor.diagnose.subject import Scope
from monitor.publish.refresh_order import MOST, TURNS, advance_rotation, due_pages, shown_in_full
from monitor.publish.snapshot import CROWD, DurationView
from monitor.publish.status import current_state
from probes.model import Fault
from tests.builders_page import BEGAN, NOW, account, incident, shown, sick, snapshot, target

MANY = [account(f"openai/a{number}") for number in range(CROWD + 1)]
LAST = MANY[-1].id
FLEET = [account(f"openai/a{number}") for number in range(2 * MOST + 1)]
SIGN = shown(incident(LAST, Fault.LOW_BALANCE, signal=True))
ALONE = shown(incident("", Fault.CONNECTION_FAILED, Scope.MONITOR))


def ids(*accounts):
    return {one.id for one in accounts}


def due_of(rotation, shot):
    return due_pages(rotation, shot, current_state(shot))


def rota_of(*accounts, rotation=None, **changes):
    shot = snapshot(*accounts, **changes)
    return advance_rotation(rotation or {}, shot, current_state(shot))


def made(rotation, shot):
    """The pages of one time, and the rota after it."""
    found = due_of(rotation, shot)
    (provider,) = shot.providers
    accounts = (replace(one, stands=one.id not in found.accounts) for one in provider.accounts)
    after = replace(shot, providers=(replace(provider, accounts=tuple(accounts)),))
    return found.accounts, advance_rotation(rotation, after, current_state(after))


def test_of_a_crowd_without_news_those_are_made_whose_turn_it_is():
    found = due_of(rota_of(*MANY), snapshot(*MANY))
    assert (found.accounts, found.more) == (ids(*MANY[: -(-len(MANY) // TURNS)]), False)


def test_each_has_its_turn_within_ten_times():
    rotation, pages = rota_of(*MANY), set()
    for _ in range(TURNS):
        its, rotation = made(rotation, snapshot(*MANY))
        pages |= its
    assert pages == ids(*MANY)


def test_of_few_accounts_all_are_made_each_time():
    few = MANY[:CROWD]
    assert due_of(rota_of(*few), snapshot(*few)).accounts == ids(*few)


@pytest.mark.parametrize(
    "changed",
    [
        account(LAST, state=State.SUSPECTED),
        account(LAST, [target(LAST), target(LAST, "balance", State.UNKNOWN, aside=True)]),
        account(LAST, [target(LAST, seen_at=NOW - timedelta(hours=1)), target(LAST, "list")]),
        account(LAST, [target(LAST, "list"), target(LAST, since=BEGAN)]),
    ],
    ids=["suspected", "not known in part", "seen no more", "failed and recovered between two pages"],
)
def test_what_changed_is_made_at_once(changed):
    before, after = [*MANY[:-1], account(LAST)], [*MANY[:-1], changed]
    assert LAST in due_of(rota_of(*before), snapshot(*after)).accounts
    assert LAST in due_of(rota_of(*after), snapshot(*before)).accounts


def test_who_was_not_looked_at_yet_has_no_page_until_he_is():
    crowd = [*MANY[:-1], account(LAST, [target(LAST, state=State.UNKNOWN, seen_at=None, reason=None)])]
    assert due_of({}, snapshot(*MANY)).accounts == ids(*MANY)
    unseen = crowd[-1]
    found = due_of({}, snapshot(*crowd))
    assert LAST in found.accounts  # it is the first of those that do not simply work
    many = [replace(unseen, id=f"openai/b{number}") for number in range(CROWD)]
    assert due_of({}, snapshot(*many, *crowd)).accounts == ids(*many, *crowd[:-1])


@pytest.mark.parametrize("view", [SIGN, shown(incident(LAST, scope=Scope.CAPABILITY))], ids=["a sign", "an outage"])
def test_an_incident_that_opens_or_ends_is_news_of_whom_it_speaks_of(view):
    calm, troubled = snapshot(*MANY), snapshot(*MANY, open_incidents=(view,))
    assert LAST in due_of(rota_of(*MANY), troubled).accounts
    assert LAST in due_of(rota_of(*MANY, open_incidents=(view,)), calm).accounts
    assert LAST not in due_of(rota_of(*MANY, open_incidents=(view,)), troubled).accounts


def test_another_sign_about_an_account_that_stays_at_risk_is_news_of_it():
    """Its page names the sign and links to it."""
    other = shown(replace(SIGN.incident, id="another", targets=()))
    one = shown(replace(SIGN.incident, targets=()))
    assert LAST in due_of(rota_of(*MANY, open_incidents=(one,)), snapshot(*MANY, open_incidents=(other,))).accounts


def test_that_the_monitor_is_offline_or_back_is_news_of_all():
    assert due_of(rota_of(*MANY), snapshot(*MANY, open_incidents=(ALONE,))).accounts == ids(*MANY)
    assert due_of(rota_of(*MANY, open_incidents=(ALONE,)), snapshot(*MANY)).accounts == ids(*MANY)


def test_the_first_of_a_crowd_that_do_not_work_are_made_each_time_since_they_are_shown_at_length():
    ill = [sick(f"openai/ill-{number}", Fault.INVALID_KEY) for number in range(CROWD + 1)]
    shot = snapshot(*MANY, *ill)
    rotation = rota_of(*MANY, *ill)
    assert list(shown_in_full(shot.providers[0], current_state(shot))) == [one.id for one in ill[:CROWD]]
    assert due_of(rotation, shot).accounts >= ids(*ill[:CROWD])
    assert ill[-1].id not in due_of(rotation, shot).accounts


def test_of_a_fleet_so_many_with_news_are_made_at_a_time_and_nobody_loses_his_turn():
    rotation, more, pages = {}, True, []
    while more:
        more = due_of(rotation, snapshot(*FLEET)).more
        its, rotation = made(rotation, snapshot(*FLEET))
        pages.append(its)
    assert list(map(len, pages)) == [MOST, MOST + MOST // TURNS, 1 + 2 * MOST // TURNS]
    assert pages[1] >= ids(*FLEET[: MOST // TURNS])
    assert set(rotation) == ids(*FLEET)


def test_what_fails_does_not_wait_behind_what_recovered():
    rotation = rota_of(*FLEET)
    back = [account(one.id, [target(one.id, since=BEGAN)]) for one in FLEET[:-1]]
    ill = sick(FLEET[-1].id, Fault.ACCOUNT_SUSPENDED)
    found = due_of(rotation, snapshot(*back, ill))
    assert (ill.id in found.accounts, len(found.accounts) < len(FLEET), found.more) == (True, True, True)


def test_what_was_read_of_a_page_that_stands_is_kept_as_it_was_read():
    rotation = rota_of(*MANY)
    unread = (replace(one, stands=True, targets=tuple(replace(it, latency=DurationView()) for it in one.targets))
              for one in MANY)  # fmt: skip
    assert rota_of(*unread, rotation=rotation) == rotation


def test_who_is_no_longer_watched_leaves_the_rota():
    assert LAST not in rota_of(*MANY[:-1], account("openai/z"), rotation=rota_of(*MANY, account("openai/z")))
