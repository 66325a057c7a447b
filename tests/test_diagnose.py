"""Whose fault it is: rows of what each canary last said, and what that means."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.detect.finding import Finding
from monitor.detect.health import Health
from monitor.diagnose import GRAVITY, Patient, Scope, diagnose
from probes.model import Confidence, Fault
from tests.conftest import at, health, target

SUSPENDED, KEY, QUOTA, DENIED = (
    Fault.ACCOUNT_SUSPENDED,
    Fault.INVALID_KEY,
    Fault.QUOTA_EXHAUSTED,
    Fault.PERMISSION_DENIED,
)
OVERLOADED, ERROR, TIMEOUT, UNREACHED = (
    Fault.OVERLOADED,
    Fault.SERVER_ERROR,
    Fault.TIMEOUT,
    Fault.CONNECTION_FAILED,
)
LATER = at(3600)


def patients(**states):
    """`openai_main__list=None` is up, a Fault is down with it, a pair (fault, times) is so many failures."""
    made = []
    for name, state in states.items():
        account, canary = name.split("__")
        canary, _, model = canary.partition("_")
        one = target(account.replace("_", "/", 1), canary, model or None)
        fault, times = state if isinstance(state, tuple) else (state, 3)
        status = None if fault in (TIMEOUT, UNREACHED) else 403
        now = health(None, None) if fault is None else health(*[fault] * times, target=one, status=status)
        made.append(Patient(one, Health() if state == "unseen" else now))
    return made


def verdicts(now=LATER, **states):
    return [(one.scope, one.subject, one.fault) for one in diagnose(patients(**states), now)]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({"openai_main__list": None, "openai_main__chat": None}, []),
        ({"openai_main__list": SUSPENDED, "openai_main__chat": SUSPENDED}, [(Scope.ACCOUNT, "openai/main", SUSPENDED)]),
        # The free canary still answers, but these faults speak of the whole account.
        ({"openai_main__list": None, "openai_main__chat": QUOTA}, [(Scope.ACCOUNT, "openai/main", QUOTA)]),
        ({"openai_main__list": KEY, "openai_main__chat": (KEY, 1)}, [(Scope.ACCOUNT, "openai/main", KEY)]),
        # Silently read-only.
        ({"openai_main__list": None, "openai_main__chat": DENIED}, [(Scope.CAPABILITY, "openai/main/chat", DENIED)]),
        # One model of two.
        (
            {"openai_main__list": None, "openai_main__chat_a": None, "openai_main__chat_b": Fault.MODEL_UNAVAILABLE},
            [(Scope.MODEL, "openai/main/chat/b", Fault.MODEL_UNAVAILABLE)],
        ),
        # One account of three is the account's trouble, whatever the status.
        (
            {"openai_a__list": SUSPENDED, "openai_b__list": None, "openai_c__list": None},
            [(Scope.ACCOUNT, "openai/a", SUSPENDED)],
        ),
        (
            {"openai_a__list": ERROR, "openai_b__list": None, "openai_c__list": None},
            [(Scope.ACCOUNT, "openai/a", ERROR)],
        ),
        # Two of three, and all of three, is the provider's.
        (
            {"openai_a__list": OVERLOADED, "openai_b__list": ERROR, "openai_c__list": None},
            [(Scope.PROVIDER, "openai", ERROR)],
        ),
        (
            {"openai_a__list": OVERLOADED, "openai_b__list": OVERLOADED},
            [(Scope.PROVIDER, "openai", OVERLOADED)],
        ),
        # Two of five is not.
        (
            {"openai_a__list": ERROR, "openai_b__list": ERROR, **{f"openai_{name}__list": None for name in "cde"}},
            [(Scope.ACCOUNT, "openai/a", ERROR), (Scope.ACCOUNT, "openai/b", ERROR)],
        ),
        # A provider's outage does not swallow an account's own trouble.
        (
            {
                **{f"openai_{name}__chat": OVERLOADED for name in "ab"},
                "openai_c__chat": SUSPENDED,
            },
            [(Scope.PROVIDER, "openai", OVERLOADED), (Scope.ACCOUNT, "openai/c", SUSPENDED)],
        ),
        # Every key refused is never an outage.
        (
            {"openai_a__list": KEY, "openai_b__list": KEY},
            [(Scope.ACCOUNT, "openai/a", KEY), (Scope.ACCOUNT, "openai/b", KEY)],
        ),
        # Alone, it cannot be told from the provider's.
        ({"openai_main__list": ERROR, "openai_main__chat": ERROR}, [(Scope.PROVIDER, "openai", ERROR)]),
        # Nothing answers anywhere: nobody is blamed.
        (
            {"openai_main__list": UNREACHED, "groq_main__list": TIMEOUT},
            [(Scope.MONITOR, "", UNREACHED)],
        ),
        # One provider that cannot be reached while another answers.
        (
            {"openai_main__list": UNREACHED, "groq_main__list": None},
            [(Scope.PROVIDER, "openai", UNREACHED)],
        ),
        # What was never looked at says nothing.
        ({"openai_main__list": "unseen", "openai_main__chat": "unseen"}, []),
    ],
)
def test_the_cause_is_found(states, expected):
    assert verdicts(**states) == expected


def test_two_gateways_of_one_kind_say_nothing_of_each_other():
    sick, well = patients(gateway_a__list=ERROR, gateway_b__list=None)
    sick = replace(sick, target=replace(sick.target, host="a.example.com"))
    well = replace(well, target=replace(well.target, host="b.example.com"))
    (found,) = diagnose([sick, well], LATER)

    assert (found.scope, found.subject) == (Scope.PROVIDER, "gateway@a.example.com")
    assert "only one account is watched here" in " ".join(found.reasons)


def only(now=LATER, **states):
    (diagnosis,) = diagnose(patients(**states), now)
    return diagnosis


def test_reasons_say_who_fails_with_what_and_who_does_not():
    found = only(openai_a__list=SUSPENDED, openai_b__list=None, openai_c__list=None)

    assert found.reasons == (
        "list: HTTP 403, account_suspended",
        "2 other accounts of this provider do not share it",
    )


def test_a_read_only_account_says_what_still_answers():
    assert "still answers: list" in only(openai_main__list=None, openai_main__chat=DENIED).reasons


def test_a_single_account_lowers_the_confidence_in_an_outage():
    alone = only(openai_main__list=ERROR)
    shared = only(openai_a__list=ERROR, openai_b__list=ERROR)

    assert (alone.confidence, shared.confidence) == (Confidence.LOW, Confidence.HIGH)


def test_evidence_holds_what_an_appeal_needs():
    (evidence,) = only(openai_main__list=SUSPENDED).evidence

    assert (evidence.status, evidence.request_id, evidence.words) == (403, "req_1", "some words")


def test_it_began_with_the_first_failure():
    assert only(openai_main__list=SUSPENDED).since == at(0)


def test_a_narrow_diagnosis_waits_while_a_neighbour_is_only_suspected():
    early = only(now=at(20), openai_main__list=None, openai_main__chat=DENIED, openai_main__embed=(DENIED, 1))
    late = only(now=at(46), openai_main__list=None, openai_main__chat=DENIED, openai_main__embed=(DENIED, 1))

    assert (early.settled, late.settled) == (False, True)


def test_a_suspension_does_not_wait():
    assert only(now=at(20), openai_main__list=SUSPENDED, openai_main__chat=(SUSPENDED, 1)).settled


def test_an_outage_waits_for_siblings_to_be_confirmed():
    assert not only(now=at(20), openai_a__list=ERROR, openai_b__list=(ERROR, 1), openai_c__list=None).settled


def test_offline_is_not_concluded_while_somebody_is_only_suspected():
    found = diagnose(patients(openai_main__list=UNREACHED, groq_main__list=(UNREACHED, 1)), at(20))

    assert [(one.scope, one.settled) for one in found] == [(Scope.PROVIDER, False)]


def test_a_provider_that_cannot_be_reached_does_not_wait_for_one_that_merely_errs():
    found = diagnose(patients(openai_main__list=UNREACHED, groq_main__list=(ERROR, 1)), at(20))

    assert [(one.scope, one.settled) for one in found] == [(Scope.PROVIDER, True)]


def test_gravity_ranks_every_fault():
    assert sorted(GRAVITY) == sorted(Fault)
    assert len(GRAVITY) == len(set(GRAVITY))


def test_since_is_the_earliest():
    assert LATER - only(openai_main__list=ERROR).since == timedelta(hours=1)


def finding(fault=Fault.LOW_BALANCE, model=None, account="openai/main"):
    target_id = f"{account}/balance"
    return Finding(account, fault, at(0), at(60), target_id, "credit/low", "1.00 USD left", ("low",), model)


def test_a_sign_of_what_is_coming_stands_beside_what_works():
    (found,) = diagnose(patients(openai_main__list=None), LATER, [finding()])

    assert (found.scope, found.subject, found.fault, found.signal) == (
        *(Scope.ACCOUNT, "openai/main", Fault.LOW_BALANCE),
        True,
    )
    assert (found.targets, found.evidence[0].words) == ((), "1.00 USD left")


def test_a_sign_for_one_model_names_it():
    (found,) = diagnose([], LATER, [finding(Fault.MODEL_RETIRING, "m")])

    assert (found.scope, found.subject) == (Scope.MODEL, "openai/main/m")


@pytest.mark.parametrize(
    ("states", "sign", "overtaken"),
    [
        ({"openai_main__chat_m": QUOTA}, finding(), True),  # the wallet is empty now
        ({"openai_main__chat_m": OVERLOADED}, finding(), False),
        ({"openai_other__chat_m": QUOTA}, finding(), False),
        ({"openai_main__chat_m": Fault.MODEL_UNAVAILABLE}, finding(Fault.MODEL_RETIRING, "m"), True),
        ({"openai_main__chat_n": Fault.MODEL_UNAVAILABLE}, finding(Fault.MODEL_RETIRING, "m"), False),
    ],
)
def test_what_was_foretold_and_has_come_is_one_trouble(states, sign, overtaken):
    found = diagnose(patients(**states), LATER, [sign])

    assert [one.signal for one in found if one.signal] == ([] if overtaken else [True])


def test_being_offline_takes_no_sign_back():
    found = diagnose(patients(openai_main__list=UNREACHED, groq_main__list=UNREACHED), LATER, [finding()])

    assert [one.scope for one in found] == [Scope.MONITOR, Scope.ACCOUNT]
