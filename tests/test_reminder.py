"""Dates that the user entered."""

from datetime import UTC, date, datetime

import pytest
from msgspec.structs import replace

from benchmarks.virtual import promptly
from monitor.detect.reminder import Reminder, findings
from monitor.diagnose.incident import SEVERITIES, ChangeKind
from monitor.diagnose.subject import Scope
from monitor.publish.advice import advice_for
from monitor.publish.incident_timeline import SCOPES
from monitor.stages.evaluate import update_incidents
from monitor.words import title
from probes.model import Fault
from probes.phrase import in_english
from tests.backstage import call
from tests.conftest import NOON, sentences
from tests.test_evaluate import FAILING, IDS, Clock, clockwork

CARD = Reminder("card", date(2026, 12, 3), note="ends 4242")
KEY = Reminder("key", date(2026, 12, 3), "openai/main", warn_days=2)


@pytest.mark.parametrize(
    ("day", "warn_days", "near"),
    [
        ("2026-11-18T23:59", 14, False),
        ("2026-11-19T00:00", 14, True),
        ("2026-12-03T12:00", 14, True),
        ("2026-12-04T23:59", 14, True),
        ("2026-12-05T00:00", 14, False),
        ("2026-12-01T23:59", 1, False),
        ("2026-12-02T00:00", 1, True),
        ("2026-12-02T23:59", 0, False),
    ],
)
def test_a_date_is_near_from_so_many_days_before_until_a_day_has_passed(day, warn_days, near):
    now = datetime.fromisoformat(day).replace(tzinfo=UTC)

    assert len(list(findings(replace(CARD, warn_days=warn_days), now))) == near


def test_it_says_that_nothing_of_it_was_seen_and_repeats_the_note():
    (found,) = findings(CARD, NOON)

    assert found.fault is Fault.EXPIRES_SOON
    assert sentences(found.reasons) == (
        "card expires on 3 December 2026: this date comes from the configuration, not from anything observed",
        "ends 4242",
    )


def days(*reminders, looks=lambda _: {}, until):
    """Pass from NOON to each of these dates, two looks at each; return who was told what, and when."""

    async def play():
        clock = Clock()
        async with clockwork(here[0], clock, IDS[:1]) as it:
            it.state.belief.config = replace(it.state.belief.config, reminders=reminders)
            for now in until:
                clock.now = now
                await it.minutes(2, looks)
                opened.append([title(one) for one in it.state.belief.incidents.values()])
            return it.state, it.told

    here, opened = [days.folder], []
    state, told = promptly(play())
    return opened, told, state


@pytest.fixture(autouse=True)
def folder(tmp_path):
    days.folder = tmp_path


AT = [datetime(2026, month, day, 9, tzinfo=UTC) for month, day in ((11, 22), (11, 30), (12, 1), (12, 4), (12, 5))]
CARD_SOON = "card expires soon, by the date you entered"
KEY_SOON = "openai/main/key expires soon, by the date you entered"


def test_time_alone_opens_it_and_ends_it():
    opened, told, state = days(CARD, KEY, until=AT)

    assert opened == [[CARD_SOON], [CARD_SOON], [CARD_SOON, KEY_SOON], [CARD_SOON, KEY_SOON], []]
    assert [(one.signal, one.scope) for one in told] == [(True, Scope.REMINDER)] * 2
    assert "[[reminders]]" in in_english(advice_for(told[0], state.belief.config))


def test_two_dates_of_one_account_are_two_signs():
    (opened,), _, _ = days(KEY, replace(KEY, name="plan", warn_days=30), replace(KEY, name="x"), until=[AT[2]])

    assert len(opened) == 3


def test_an_account_that_is_lost_does_not_take_its_dates_away():
    lost = {**FAILING, "fault": Fault.INVALID_KEY, "status": 401}
    opened, told, _ = days(replace(KEY, warn_days=14), looks=lambda _: lost, until=AT[:2])

    assert KEY_SOON in opened[0]
    assert KEY_SOON in opened[1]
    assert len([one for one in told if one.scope is Scope.REMINDER]) == 1


def test_a_line_that_is_removed_ends_it_without_a_message(tmp_path):
    async def play():
        async with clockwork(tmp_path, Clock(), IDS[:1]) as it:
            it.state.belief.config = replace(it.state.belief.config, reminders=(CARD,))
            await it.minutes(2, lambda _: {})
            it.state.belief.config = replace(it.state.belief.config, reminders=())
            return update_incidents(it.state.belief, it.state.services.own, (), NOON)

    assert [change.kind for change in promptly(play())] == [ChangeKind.WITHDRAWN]


@pytest.mark.parametrize(("day", "told"), [("2020-12-01", True), ("2999-12-01", False)])
def test_check_names_a_date_that_has_passed(tmp_path, day, told):
    (tmp_path / "monitor.toml").write_text(
        '[[accounts]]\nname = "main"\nprovider = "openai"\nkey = "env:OPENAI_MAIN"\n'
        f'[[reminders]]\nname = "card"\non = {day}\n'
    )
    code, _, err = call("check", folder=tmp_path)

    assert code == 0
    assert ("[[reminders]] card: 2020-12-01 has passed" in err) is told


def test_every_scope_has_its_words_on_the_page():
    assert set(SCOPES) == set(Scope)
    assert set(SEVERITIES) == set(Fault)
