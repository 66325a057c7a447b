"""What is remembered of an account besides the health of its targets."""

from monitor.detect.account_memory import EMPTY, WarningSettings, advance, findings, needs_confirmation
from monitor.detect.credit import CreditThreshold
from probes.model import Credit, Fault, HeaderWarning
from tests.conftest import observation, target

BALANCE, MODELS, CHAT = (target(canary=name) for name in ("balance", "models", "chat"))
ATTENTION = WarningSettings(CreditThreshold({"USD": 5.0}), models={"m"})


def noted(*observations, attention=ATTENTION):
    note = EMPTY
    for one in observations:
        note = advance(note, one, attention)
    return note


def test_an_answer_that_tells_of_nothing_leaves_the_note_as_it_is():
    assert advance(EMPTY, observation(), ATTENTION) is EMPTY
    assert advance(EMPTY, observation(Fault.TIMEOUT), ATTENTION) is EMPTY


def test_credit_models_and_warnings_are_found_side_by_side():
    note = noted(
        observation(target=BALANCE, credits=(Credit("USD", 1.0), Credit("CNY", 90.0))),
        observation(target=BALANCE, seconds=15, credits=(Credit("USD", 1.0),)),
        *(observation(target=MODELS, seconds=at, offer=offer) for at, offer in ((0, ("m",)), (15, ()), (30, ("n",)))),
        observation(target=CHAT, signs=(HeaderWarning(Fault.LIMIT_COLLAPSE, "azure/abuse", "x: True"),)),
    )

    found = [finding.fault for finding in findings("openai/main", note, ATTENTION)]
    assert found == [Fault.LOW_BALANCE, Fault.MODEL_UNAVAILABLE, Fault.LIMIT_COLLAPSE]


def test_what_is_low_or_gone_for_the_first_time_is_to_be_confirmed():
    assert needs_confirmation(noted(observation(target=BALANCE, credits=(Credit("USD", 1.0),))), ATTENTION)
    assert not needs_confirmation(noted(observation(target=BALANCE, credits=(Credit("USD", 9.0),))), ATTENTION)


def test_costs_against_a_limit_that_the_user_knows_make_what_is_left():
    spent = observation(target=BALANCE, credits=(Credit("USD", used=98.0),))

    assert noted(spent).credits["USD"].left is None
    assert noted(spent, attention=WarningSettings(spend_limit_usd=100)).credits["USD"].left == 2


def test_a_limit_that_the_provider_tells_stands_over_the_users():
    told = observation(target=BALANCE, credits=(Credit("USD", most=50, used=10),))

    assert noted(told, attention=WarningSettings(spend_limit_usd=100)).credits["USD"].left == 40


def test_what_is_left_of_a_key_and_of_its_account_are_two():
    note = noted(
        observation(target=BALANCE, credits=(Credit("USD", left=2, most=10),)),
        observation(target=target(canary="credits"), credits=(Credit("USD", left=900),)),
        observation(target=BALANCE, seconds=9, credits=(Credit("USD", left=1, most=10),)),
    )

    assert sorted(history.left for history in note.credits.values()) == [1, 900]


def test_what_was_learnt_from_a_target_that_is_gone_is_forgotten():
    note = noted(
        observation(target=BALANCE, credits=(Credit("USD", 1.0),)),
        observation(target=MODELS, offer=("m",)),
        observation(target=CHAT, signs=(HeaderWarning(Fault.MODEL_RETIRING, "r", "w"),)),
    )

    assert note.of([CHAT.id]).credits == {}
    assert note.of([BALANCE.id]).warned == {}
    assert note.of([BALANCE.id]).offer is None
    assert note.of([BALANCE.id, MODELS.id, CHAT.id]) == note
