"""Whose fault it is: rows of what each canary last said, and what that means."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from monitor.detect.finding import Finding
from monitor.detect.health import Health
from monitor.diagnose.corroboration import AccountGroup, Corroboration, Level, StatusPage
from monitor.diagnose.diagnose import diagnose
from monitor.diagnose.diagnosis import GRAVITY
from monitor.diagnose.reason import (
    AccountsRefused,
    CanaryFailure,
    ControlAnswered,
    FailingShare,
    NoOtherAccount,
    NothingAnswers,
    OneModelFails,
    OthersShaken,
    PageReports,
    PageSilent,
    ProvidersUnreachable,
    Siblings,
    StillAnswering,
    Symptom,
    Undecided,
)
from monitor.diagnose.subject import Scope
from monitor.diagnose.target_state import TargetState
from probes.model import Blame, Confidence, ControlAnswer, Fault
from probes.notice import Impact, Notice, NoticePhase
from tests.conftest import at, health, target
from tests.rows import each_row

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


def target_states(**states):
    """`openai_main__list=None` is up, a Fault is down with it, a pair (fault, times) is so many failures."""
    made = []
    for name, state in states.items():
        account, canary = name.split("__")
        canary, _, model = canary.partition("_")
        one = target(account.replace("_", "/", 1), canary, model or None)
        fault, times = state if isinstance(state, tuple) else (state, 3)
        status = None if fault in (TIMEOUT, UNREACHED, Fault.PROXY_FAILED) else 403
        now = health(None, None) if fault is None else health(*[fault] * times, target=one, status=status)
        made.append(TargetState(one, Health() if state == "unseen" else now))
    return made


def verdicts(now=LATER, **states):
    return [(one.scope, one.subject, one.fault) for one in diagnose(target_states(**states), now)]


@each_row(
    ("states", "expected"),
    [
        ({"openai_main__list": None, "openai_main__chat": None}, []),
        ({"openai_main__list": SUSPENDED, "openai_main__chat": SUSPENDED}, [(Scope.ACCOUNT, "openai/main", SUSPENDED)]),
        # The free canary still answers, but these faults speak of the whole account.
        ({"openai_main__list": None, "openai_main__chat": QUOTA}, [(Scope.ACCOUNT, "openai/main", QUOTA)]),
        ({"openai_main__list": KEY, "openai_main__chat": (KEY, 1)}, [(Scope.ACCOUNT, "openai/main", KEY)]),
        # Tokens are counted for the same model still; that another model answers would be another matter.
        ({"openai_main__count_a": None, "openai_main__chat_a": QUOTA}, [(Scope.ACCOUNT, "openai/main", QUOTA)]),
        ({"openai_main__embed_b": None, "openai_main__chat_a": QUOTA}, [(Scope.CAPABILITY, "openai/main/chat", QUOTA)]),
        # Silently read-only.
        ({"openai_main__list": None, "openai_main__chat": DENIED}, [(Scope.CAPABILITY, "openai/main/chat", DENIED)]),
        # Two abilities that fail alike are one trouble; by two faults they are two, and so are two models of several.
        (
            {"openai_main__list": None, "openai_main__chat": DENIED, "openai_main__count": DENIED},
            [(Scope.CAPABILITY, "openai/main/chat", DENIED)],
        ),
        (
            {"openai_main__list": None, "openai_main__chat": DENIED, "openai_main__count": Fault.RATE_LIMITED},
            [
                (Scope.CAPABILITY, "openai/main/chat", DENIED),
                (Scope.CAPABILITY, "openai/main/count", Fault.RATE_LIMITED),
            ],
        ),
        (
            {
                "openai_main__chat_a": None,
                "openai_main__chat_b": Fault.MODEL_UNAVAILABLE,
                "openai_main__embed_c": None,
                "openai_main__embed_d": Fault.MODEL_UNAVAILABLE,
            },
            [
                (Scope.MODEL, "openai/main/chat/b", Fault.MODEL_UNAVAILABLE),
                (Scope.MODEL, "openai/main/embed/d", Fault.MODEL_UNAVAILABLE),
            ],
        ),
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
        # Two of five as well: it is partial, and one cause.
        (
            {"openai_a__list": ERROR, "openai_b__list": ERROR, **{f"openai_{name}__list": None for name in "cde"}},
            [(Scope.PROVIDER, "openai", ERROR)],
        ),
        # A provider's outage does not swallow an account's own trouble.
        (
            {
                **{f"openai_{name}__chat": OVERLOADED for name in "ab"},
                "openai_c__chat": SUSPENDED,
            },
            [(Scope.PROVIDER, "openai", OVERLOADED), (Scope.ACCOUNT, "openai/c", SUSPENDED)],
        ),
        # Every key refused: the key service, or all that this owner has. Every account suspended: what they share.
        ({"openai_a__list": KEY, "openai_b__list": KEY}, [(Scope.PROVIDER, "openai", KEY)]),
        ({"openai_a__list": SUSPENDED, "openai_b__list": SUSPENDED}, [(Scope.ORGANIZATION, "openai", SUSPENDED)]),
        # A key that was rotated has nothing to do with another account's suspension, nor with an empty one.
        (
            {"openai_a__list": SUSPENDED, "openai_b__list": KEY},
            [(Scope.ACCOUNT, "openai/a", SUSPENDED), (Scope.ACCOUNT, "openai/b", KEY)],
        ),
        (
            {"openai_a__list": QUOTA, "openai_b__list": KEY, "openai_c__list": KEY},
            [(Scope.ACCOUNT, f"openai/{name}", fault) for name, fault in (("a", QUOTA), ("b", KEY), ("c", KEY))],
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
    sick, well = target_states(gateway_a__list=ERROR, gateway_b__list=None)
    sick = replace(sick, target=replace(sick.target, host="a.example.com"))
    well = replace(well, target=replace(well.target, host="b.example.com"))
    (found,) = diagnose([sick, well], LATER)

    assert (found.scope, found.subject) == (Scope.PROVIDER, "gateway@a.example.com")
    assert found.reasons[0] == NoOtherAccount(1)


def only(now=LATER, **states):
    (diagnosis,) = diagnose(target_states(**states), now)
    return diagnosis


def test_reasons_say_who_fails_with_what_and_who_does_not():
    found = only(openai_a__list=SUSPENDED, openai_b__list=None, openai_c__list=None)

    assert found.reasons == (Symptom((CanaryFailure(("list",), 403, SUSPENDED),)), Siblings(2, at(60)))


def test_a_read_only_account_says_what_still_answers():
    assert StillAnswering(("list",), at(60)) in only(openai_main__list=None, openai_main__chat=DENIED).reasons


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
    found = diagnose(target_states(openai_main__list=UNREACHED, groq_main__list=(UNREACHED, 1)), at(20))

    assert [(one.scope, one.settled) for one in found] == [(Scope.MONITOR, False)]


def test_a_provider_that_cannot_be_reached_does_not_wait_for_one_that_merely_errs():
    found = diagnose(target_states(openai_main__list=UNREACHED, groq_main__list=(ERROR, 1)), at(20))

    assert [(one.scope, one.settled) for one in found] == [(Scope.PROVIDER, True)]


def test_gravity_ranks_every_fault():
    assert sorted(GRAVITY) == sorted(Fault)
    assert len(GRAVITY) == len(set(GRAVITY))


def test_since_is_the_earliest():
    assert LATER - only(openai_main__list=ERROR).since == timedelta(hours=1)


def finding(fault=Fault.LOW_BALANCE, model=None, account="openai/main"):
    target_id = f"{account}/balance"
    return Finding(account, fault, at(0), at(60), target_id, "credit/low", "1.00 USD left", ("low",), model)


def at_own_address(states, host="gateway.example.com"):
    return [replace(one, target=replace(one.target, host=host)) for one in states]


@pytest.mark.parametrize(
    ("states", "scope"),
    [
        ({"openai_main__list": SUSPENDED}, Scope.ACCOUNT),
        ({"openai_main__chat_m": ERROR, "openai_main__chat_o": None, "openai_b__chat_m": None}, Scope.MODEL),
        ({"openai_main__list": None, "openai_main__chat": DENIED}, Scope.CAPABILITY),
        ({"openai_main__list": ERROR, "openai_b__list": ERROR}, Scope.PROVIDER),
    ],
)
def test_whatever_fails_at_an_address_of_its_own_is_told_to_be_there(states, scope):
    found = diagnose(at_own_address(target_states(**states)), LATER)

    assert [(one.scope, one.about.answerer) for one in found] == [(scope, "openai@gateway.example.com")]


def test_a_sign_is_of_the_address_at_which_its_account_is_asked():
    states = at_own_address(target_states(openai_main__list=None)) + target_states(openai_b__list=None)
    signs = diagnose(states, LATER, [finding(), finding(account="openai/b"), finding(account="openai@x.example.com")])

    assert [one.about.host for one in signs] == ["gateway.example.com", None, "x.example.com"]


def test_a_sign_of_what_is_coming_stands_beside_what_works():
    (found,) = diagnose(target_states(openai_main__list=None), LATER, [finding()])

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
    found = diagnose(target_states(**states), LATER, [sign])

    assert [one.signal for one in found if one.signal] == ([] if overtaken else [True])


def test_being_offline_takes_no_sign_back():
    found = diagnose(target_states(openai_main__list=UNREACHED, groq_main__list=UNREACHED), LATER, [finding()])

    assert [one.scope for one in found] == [Scope.MONITOR, Scope.ACCOUNT]


# Our own proxy


PROXY = Fault.PROXY_FAILED


@pytest.mark.parametrize(
    ("states", "said", "expected"),
    [
        # It is the road of all who go through it, and neither the account's nor the provider's.
        ({"openai_a__list": PROXY, "groq_x__list": None}, {}, (Scope.EGRESS, "openai", PROXY, Blame.PATH)),
        ({"openai_a__list": PROXY}, {}, (Scope.EGRESS, "openai", PROXY, Blame.PATH)),
        ({"openai_a__list": PROXY, "openai_b__list": PROXY}, {}, (Scope.EGRESS, "openai", PROXY, Blame.PATH)),
        # Who has a proxy of its own is the only one that it stops.
        ({"openai_a__list": PROXY, "openai_b__list": None}, {}, (Scope.ACCOUNT, "openai/a", PROXY, Blame.PATH)),
        # Nothing gets out, and the proxy is why; where something else fails as well, that is not sure.
        ({"openai_a__list": PROXY, "groq_x__list": PROXY}, {}, (Scope.MONITOR, "", PROXY, Blame.PATH)),
        ({"openai_a__list": PROXY}, {"online": False}, (Scope.MONITOR, "", PROXY, Blame.PATH)),
        ({"openai_a__list": PROXY, "groq_x__list": UNREACHED}, {}, (Scope.MONITOR, "", UNREACHED, Blame.UNKNOWN)),
        # Another road leads out.
        (
            {"openai_a__list": PROXY, "groq_x__list": PROXY},
            {"online": True},
            (Scope.EGRESS, "", PROXY, Blame.PATH),
        ),
    ],
)
def test_a_proxy_that_fails_is_the_road(states, said, expected):
    (found,) = diagnose(target_states(**states), LATER, corroboration=corroboration(**said))

    assert (found.scope, found.subject, found.fault, found.blame) == expected
    assert found.scope is Scope.ACCOUNT or found.confidence is Confidence.HIGH


# Situations: what accounts, siblings, calls without a key, pages and our own connection say, and what it means.

EDGE, REGION, RATE, MODEL = Fault.BLOCKED_BY_EDGE, Fault.REGION_BLOCKED, Fault.RATE_LIMITED, Fault.MODEL_UNAVAILABLE
OURS, THEIRS, ROAD, NOBODYS = Blame.ACCOUNT, Blame.PROVIDER, Blame.PATH, Blame.UNKNOWN


def notice(impact=Impact.MAJOR, phase=NoticePhase.INVESTIGATING, **facts):
    return Notice("n1", "Elevated errors", "https://status.example.com/n1", phase, impact, **facts)


GREEN, RED, DARK = StatusPage(True), StatusPage(True, (notice(),)), StatusPage(False)
OVER = StatusPage(True, (notice(phase=NoticePhase.RESOLVED),))
MAINTENANCE = StatusPage(True, (notice(Impact.MAINTENANCE, NoticePhase.SCHEDULED, planned=True),))
ANSWERED, FAILING = ControlAnswer(at(0), None, 401, 0.08), ControlAnswer(at(0), OVERLOADED, 529, 0.2)
WALLED, BANNED, SILENT = (
    ControlAnswer(at(0), EDGE, 403, 0.1),
    ControlAnswer(at(0), REGION, 403, 0.1),
    ControlAnswer(at(0), UNREACHED),
)
ACME = {f"openai/{name}": (AccountGroup(Level.ORGANIZATION, "acme"),) for name in "ab"}
CARD = {f"openai/{name}": (AccountGroup(Level.BILLING, "card-1"),) for name in "abc"}
NESTED = {
    "openai/a": (AccountGroup(Level.PROJECT, "p"), AccountGroup(Level.ORGANIZATION, "acme")),
    "openai/b": (AccountGroup(Level.PROJECT, "p"), AccountGroup(Level.ORGANIZATION, "acme")),
    "openai/c": (AccountGroup(Level.PROJECT, "q"), AccountGroup(Level.ORGANIZATION, "acme")),
}


def corroboration(page=None, control=None, online=None, groups=None):
    """What is said besides of OpenAI."""
    pages, controls = {"openai": page} if page else {}, {"openai": control} if control else {}
    return Corroboration(controls, pages, groups or {}, online)


def three(**faults):
    """Three accounts at OpenAI, asked for a list and a chat; of whom is not named, all is well."""
    return {f"openai_{name}__{canary}": faults.get(name) for name in "abc" for canary in ("list", "chat")}


def chats(**faults):
    """The same, and what is named fails at the chat only."""
    return {
        f"openai_{name}__{canary}": faults.get(name) if canary == "chat" else None
        for name in "abc"
        for canary in ("list", "chat")
    }


ALL = "abc"
SITUATIONS = {
    "all is well": (three(), {}, []),
    "one key of three dies": (three(a=KEY), {}, [(Scope.ACCOUNT, "openai/a", OURS)]),
    "one key of three dies while the page is red": (
        *(three(a=KEY), {"page": RED}),
        [(Scope.ACCOUNT, "openai/a", OURS)],
    ),
    "all keys die and the page is green": (
        *(three(**dict.fromkeys(ALL, KEY)), {"page": GREEN}),
        [(Scope.PROVIDER, "openai", NOBODYS)],
    ),
    "all keys die and the page is red": (
        *(three(**dict.fromkeys(ALL, KEY)), {"page": RED}),
        [(Scope.PROVIDER, "openai", THEIRS)],
    ),
    "all keys die and the page's trouble is over": (
        *(three(**dict.fromkeys(ALL, KEY)), {"page": OVER}),
        [(Scope.PROVIDER, "openai", NOBODYS)],
    ),
    "all keys die and the page only plans a maintenance": (
        *(three(**dict.fromkeys(ALL, KEY)), {"page": MAINTENANCE}),
        [(Scope.PROVIDER, "openai", NOBODYS)],
    ),
    "all keys die and the page cannot be read": (
        *(three(**dict.fromkeys(ALL, KEY)), {"page": DARK}),
        [(Scope.PROVIDER, "openai", NOBODYS)],
    ),
    "all are suspended though the page is red": (
        *(three(**dict.fromkeys(ALL, SUSPENDED)), {"page": RED}),
        [(Scope.ORGANIZATION, "openai", OURS)],
    ),
    "all wallets are empty": (three(**dict.fromkeys(ALL, QUOTA)), {}, [(Scope.ORGANIZATION, "openai", OURS)]),
    "two keys of three die": (
        *(three(a=KEY, b=KEY), {}),
        [(Scope.ACCOUNT, "openai/a", OURS), (Scope.ACCOUNT, "openai/b", OURS)],
    ),
    "the organization is disabled": (
        *(three(a=SUSPENDED, b=SUSPENDED), {"groups": ACME}),
        [(Scope.ORGANIZATION, "openai/organization acme", OURS)],
    ),
    "one of the organization is disabled": (
        *(three(a=SUSPENDED), {"groups": ACME}),
        [(Scope.ACCOUNT, "openai/a", OURS)],
    ),
    "one of the organization and one of another": (
        *(three(a=SUSPENDED, c=SUSPENDED), {"groups": ACME}),
        [(Scope.ACCOUNT, "openai/a", OURS), (Scope.ACCOUNT, "openai/c", OURS)],
    ),
    "the card that pays for all lapses": (
        *(three(**dict.fromkeys(ALL, QUOTA)), {"groups": CARD}),
        [(Scope.ORGANIZATION, "openai/billing card-1", OURS)],
    ),
    "a project is archived, the rest of the organization lives": (
        *(three(a=KEY, b=KEY), {"groups": NESTED}),
        [(Scope.ORGANIZATION, "openai/project p", OURS)],
    ),
    "read-only": (chats(a=DENIED), {}, [(Scope.CAPABILITY, "openai/a/chat", OURS)]),
    "read-only for all": (
        *(chats(**dict.fromkeys(ALL, DENIED)), {}),
        [(Scope.CAPABILITY, f"openai/{name}/chat", OURS) for name in ALL],
    ),
    "one account's limit": (three(a=RATE), {}, [(Scope.ACCOUNT, "openai/a", OURS)]),
    "529 storm with a green page": (
        *(chats(**dict.fromkeys(ALL, OVERLOADED)), {"page": GREEN, "control": ANSWERED}),
        [(Scope.PROVIDER, "openai", THEIRS)],
    ),
    "529 storm with a red page": (
        *(chats(**dict.fromkeys(ALL, OVERLOADED)), {"page": RED}),
        [(Scope.PROVIDER, "openai", THEIRS)],
    ),
    "two of three meet 500": (three(a=ERROR, b=ERROR), {}, [(Scope.PROVIDER, "openai", THEIRS)]),
    "one of three meets 500, no page": (three(a=ERROR), {}, [(Scope.ACCOUNT, "openai/a", THEIRS)]),
    "one of three meets 500 and the page is red": (
        *(three(a=ERROR), {"page": RED}),
        [(Scope.PROVIDER, "openai", THEIRS)],
    ),
    "one of three meets 500 and the page is green": (
        *(three(a=ERROR), {"page": GREEN}),
        [(Scope.ACCOUNT, "openai/a", THEIRS)],
    ),
    "the only account meets 500": ({"openai_a__list": ERROR}, {}, [(Scope.PROVIDER, "openai", THEIRS)]),
    "a stale page claims an outage while canaries pass": (three(), {"page": RED}, []),
    "a page that cannot be read while canaries pass": (three(), {"page": DARK}, []),
    "an outage does not hide a dead key": (
        *(three(a=ERROR, b=ERROR, c=SUSPENDED), {"page": RED}),
        [(Scope.PROVIDER, "openai", THEIRS), (Scope.ACCOUNT, "openai/c", OURS)],
    ),
    "one model withdrawn": (
        {**{f"openai_{name}__chat_m": MODEL for name in "ab"}, **{f"openai_{name}__chat_n": None for name in "ab"}},
        {},
        [(Scope.MODEL, "openai/m", THEIRS)],
    ),
    "one model withdrawn from one account": (
        {"openai_a__chat_m": MODEL, "openai_a__chat_n": None, "openai_b__chat_m": None},
        {},
        [(Scope.MODEL, "openai/a/chat/m", OURS)],
    ),
    "one model overloaded for all": (
        {**{f"openai_{name}__chat_m": OVERLOADED for name in "ab"}, "openai_a__chat_n": None},
        {},
        [(Scope.MODEL, "openai/m", THEIRS)],
    ),
    "the only model overloaded for all": (
        {f"openai_{name}__chat_m": OVERLOADED for name in "ab"},
        {},
        [(Scope.PROVIDER, "openai", THEIRS)],
    ),
    "region refused on one provider": (
        {**three(**dict.fromkeys(ALL, REGION)), "groq_x__list": None},
        {},
        [(Scope.EGRESS, "openai", ROAD)],
    ),
    "region refused to one account, and to who has no key": (
        *(three(a=REGION), {"control": BANNED}),
        [(Scope.EGRESS, "openai", ROAD)],
    ),
    "region refused to one account of three": (three(a=REGION), {}, [(Scope.ACCOUNT, "openai/a", ROAD)]),
    "a firewall page for the only account": (
        {"openai_a__list": EDGE, "groq_x__list": None},
        {"control": WALLED},
        [(Scope.EGRESS, "openai", ROAD)],
    ),
    "egress blocked: all providers refuse by edge page": (
        {"openai_a__list": EDGE, "groq_x__list": EDGE, "cohere_y__list": EDGE},
        {},
        [(Scope.EGRESS, "", ROAD)],
    ),
    "egress blocked for two of three providers": (
        {"openai_a__list": EDGE, "groq_x__list": EDGE, "cohere_y__list": None},
        {},
        [(Scope.EGRESS, "", ROAD)],
    ),
    "egress blocked, and a dead key behind the road that is open": (
        {"openai_a__list": EDGE, "groq_x__list": EDGE, "cohere_y__list": KEY},
        {},
        [(Scope.EGRESS, "", ROAD), (Scope.ACCOUNT, "cohere/y", OURS)],
    ),
    "two of five providers behind edge pages": (
        {"openai_a__list": EDGE, "groq_x__list": EDGE, **{f"p{number}_y__list": None for number in range(3)}},
        {},
        [(Scope.EGRESS, "", ROAD)],
    ),
    "offline: nothing answers": (
        {"openai_a__list": UNREACHED, "groq_x__list": TIMEOUT},
        {"online": False},
        [(Scope.MONITOR, "", NOBODYS)],
    ),
    "offline with a single provider": (
        {"openai_a__list": UNREACHED, "openai_a__chat": TIMEOUT},
        {"online": False},
        [(Scope.MONITOR, "", NOBODYS)],
    ),
    "a firewall that lets out nothing but the rest of the world": (
        {"openai_a__list": UNREACHED, "groq_x__list": TIMEOUT},
        {"online": True},
        [(Scope.EGRESS, "", ROAD)],
    ),
    "offline while all keys were dead before": (
        {"openai_a__list": UNREACHED, "groq_x__list": KEY},
        {},
        [(Scope.ACCOUNT, "groq/x", OURS), (Scope.PROVIDER, "openai", ROAD)],
    ),
    "one provider out of reach": (
        {"openai_a__list": UNREACHED, "groq_x__list": None},
        {"control": SILENT, "online": True},
        [(Scope.PROVIDER, "openai", ROAD)],
    ),
    "nothing was looked at": ({"openai_a__list": "unseen"}, {"page": RED, "control": FAILING, "online": False}, []),
}


@each_row(("states", "said", "expected"), SITUATIONS.values(), ids=SITUATIONS)
def test_whose_fault_it_is(states, said, expected):
    found = diagnose(target_states(**states), LATER, corroboration=corroboration(**said))

    assert [(one.scope, one.subject, one.blame) for one in found] == expected


def test_there_are_forty_situations():
    assert len(SITUATIONS) >= 40


@each_row(
    ("states", "said", "sure"),
    [
        ({"openai_a__list": ERROR}, {}, Confidence.LOW),
        ({"openai_a__list": ERROR}, {"control": ANSWERED}, Confidence.LOW),
        ({"openai_a__list": ERROR}, {"control": FAILING}, Confidence.HIGH),
        ({"openai_a__list": ERROR}, {"page": RED}, Confidence.HIGH),
        ({"openai_a__list": ERROR}, {"page": GREEN}, Confidence.LOW),
        (three(a=ERROR, b=ERROR), {}, Confidence.MEDIUM),
        (three(**dict.fromkeys(ALL, ERROR)), {"page": GREEN}, Confidence.HIGH),
        (three(a=ERROR), {"page": RED}, Confidence.MEDIUM),
        (three(a=REGION, b=REGION, c=REGION), {}, Confidence.HIGH),
        ({"openai_a__list": REGION}, {}, Confidence.MEDIUM),
        ({"openai_a__list": REGION}, {"control": BANNED}, Confidence.HIGH),
    ],
)
def test_a_second_witness_makes_it_sure(states, said, sure):
    (found,) = diagnose(target_states(**states), LATER, corroboration=corroboration(**said))

    assert found.confidence is sure


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"page": GREEN}, PageSilent(readable=True)),
        ({"page": RED}, PageReports("Elevated errors", "investigating", None)),
        ({"page": DARK}, PageSilent(readable=False)),
        ({"control": ANSWERED}, ControlAnswered(at(0), None, 401, 0.08)),
        ({"control": FAILING}, ControlAnswered(at(0), OVERLOADED, 529, 0.2)),
    ],
)
def test_reasons_say_what_each_witness_said(said, reason):
    (found,) = diagnose(target_states(**chats(a=OVERLOADED, b=OVERLOADED)), LATER, corroboration=corroboration(**said))

    assert found.reasons[:3] == (
        FailingShare(2, 3),
        Symptom((CanaryFailure(("chat",), 403, OVERLOADED),)),
        StillAnswering(("chat", "list"), at(60)),
    )
    assert reason in found.reasons


def test_two_of_one_organization_that_are_lost_a_day_apart_are_one_trouble_still():
    early, late = target_states(openai_a__list=SUSPENDED, openai_b__list=SUSPENDED)
    late = replace(late, health=replace(late.health, since=at(86_400)))

    declared = diagnose([early, late], at(2 * 86_400), corroboration=corroboration(groups=ACME))
    undeclared = diagnose([early, late], at(2 * 86_400))

    assert [one.scope for one in declared] == [Scope.ORGANIZATION]
    assert [one.scope for one in undeclared] == [Scope.ACCOUNT, Scope.ACCOUNT]


def test_the_loss_of_an_account_waits_a_moment_for_another_that_is_suspected_of_the_same():
    states = {"openai_a__list": KEY, "openai_b__list": (KEY, 1), "openai_c__list": None}

    assert [only(now=at(seconds), **states).settled for seconds in (20, 31)] == [False, True]


# Width: who is part of it, who is not, and who says nothing


def since(seconds, one):
    """The same patient, looked at so many seconds later than the others."""
    now = one.health
    moved = {
        name: then + timedelta(seconds=seconds)
        for name in ("since", "began_at", "seen_at")
        if (then := getattr(now, name))
    }
    return replace(one, health=replace(now, **moved))


def test_who_fails_alike_for_the_second_time_is_part_of_what_is_confirmed():
    found = only(openai_a__list=ERROR, openai_b__list=(ERROR, 2), openai_c__list=(ERROR, 2))

    assert (found.scope, found.targets) == (Scope.PROVIDER, ("openai/a/list", "openai/b/list", "openai/c/list"))
    assert found.reasons[0] == FailingShare(3, 3)


def test_nothing_is_told_while_nobody_is_confirmed():
    assert diagnose(target_states(openai_a__list=(ERROR, 2), openai_b__list=(ERROR, 2)), LATER) == []


def test_who_was_not_looked_at_since_it_began_is_no_witness():
    sick, sibling = target_states(openai_a__list=ERROR, openai_b__list=None)
    (before,) = diagnose([since(3600, sick), sibling], at(7200))
    (after,) = diagnose([sick, since(60, sibling)], at(7200))

    assert (before.scope, before.reasons[0], before.confidence) == (Scope.PROVIDER, NoOtherAccount(2), Confidence.LOW)
    assert (after.scope, after.subject) == (Scope.ACCOUNT, "openai/a")


def test_a_sibling_clears_the_provider_only_at_the_canary_that_fails():
    first, chat, last = target_states(openai_a__chat=OVERLOADED, openai_b__chat=None, openai_b__list=None)
    sick, listed = since(600, first), since(900, last)

    assert [one.scope for one in diagnose([sick, chat, listed], at(7200))] == [Scope.PROVIDER]
    assert [one.scope for one in diagnose([sick, since(900, chat), listed], at(7200))] == [Scope.ACCOUNT]


def test_a_message_waits_for_whoever_was_not_asked_since_but_not_for_long():
    sick, sibling = target_states(openai_a__list=KEY, openai_b__list=None)
    late = [since(30, sick), since(-60, sibling)]

    assert [diagnose(late, at(30 + seconds))[0].settled for seconds in (16, 26)] == [False, True]
    assert diagnose([since(30, sick), since(-20, sibling)], at(46))[0].settled


def test_who_belongs_to_a_lost_account_is_asked_once_more_before_it_is_told():
    sick, sibling = target_states(openai_a__list=SUSPENDED, openai_b__list=None)
    declared = corroboration(groups=ACME)

    assert not diagnose([sick, since(-55, sibling)], at(16), corroboration=declared)[0].settled
    assert diagnose([sick, since(-48, sibling)], at(16), corroboration=declared)[0].settled
    assert diagnose([sick, since(-55, sibling)], at(16))[0].settled


def test_two_of_a_declared_group_that_are_lost_within_minutes_are_lost_with_it():
    (found,) = diagnose(target_states(**three(a=QUOTA, b=QUOTA)), LATER, corroboration=corroboration(groups=CARD))

    assert (found.scope, found.subject, found.confidence) == (
        Scope.ORGANIZATION,
        "openai/billing card-1",
        Confidence.MEDIUM,
    )
    assert found.reasons[0] == AccountsRefused(2, 3, "billing card-1")


def test_when_every_key_is_refused_it_is_said_that_nobody_can_tell_yet_and_what_will():
    everybody = dict.fromkeys(ALL, KEY)
    (open_,) = diagnose(target_states(**three(**everybody)), LATER)
    (decided,) = diagnose(target_states(**three(**everybody)), LATER, corroboration=corroboration(page=RED))
    (ours,) = diagnose(target_states(**three(**everybody)), LATER, corroboration=corroboration(groups=CARD))

    assert (open_.blame, open_.confidence, open_.reasons[-1]) == (Blame.UNKNOWN, Confidence.MEDIUM, Undecided())
    assert (decided.blame, Undecided() in decided.reasons) == (Blame.PROVIDER, False)
    assert (ours.scope, ours.blame) == (Scope.ORGANIZATION, Blame.UNKNOWN), "its card may be it, or the key service"


def test_a_key_refused_to_the_only_account_is_not_sure_to_be_its_own():
    assert only(openai_a__list=KEY).confidence is Confidence.MEDIUM
    assert only(openai_a__list=KEY, openai_b__list=None).confidence is Confidence.HIGH
    assert only(openai_a__list=SUSPENDED).confidence is Confidence.HIGH


def test_one_model_that_is_refused_while_another_answers_is_no_lost_account():
    found = only(gateway_a__chat_m=QUOTA, gateway_a__chat_n=None)

    assert (found.scope, found.subject) == (Scope.MODEL, "gateway/a/chat/m")


def test_one_model_that_fails_for_the_only_account_is_that_models():
    found = only(openai_a__chat_m=OVERLOADED, openai_a__chat_n=None)

    assert (found.scope, found.subject, found.confidence) == (Scope.MODEL, "openai/m", Confidence.MEDIUM)
    assert found.reasons[0] == OneModelFails(1)


def test_what_answered_again_is_neither_part_of_it_nor_well():
    sick, back, well = target_states(openai_a__list=ERROR, openai_b__list=ERROR, openai_c__list=None)
    back = replace(back, health=replace(back.health, successes=1, failures=0))

    (found,) = diagnose([sick, back, well], LATER)

    assert (found.targets, found.reasons[:2]) == (("openai/a/list",), (FailingShare(1, 2), OthersShaken(1)))


def test_an_overload_from_before_does_not_hide_that_nothing_can_be_reached():
    overloaded, out = target_states(openai_a__list=UNREACHED, groq_x__list=UNREACHED)
    before = replace(overloaded, health=replace(overloaded.health, since=at(-3600), began_at=at(-3600)))
    well = target_states(cohere_y__list=None)[0]
    long_ago = replace(well, health=replace(well.health, seen_at=at(-60)))

    (found,) = diagnose([before, out, long_ago], at(7200), corroboration=corroboration(online=False))

    assert (found.scope, found.since) == (Scope.MONITOR, at(0))


def test_who_took_a_model_away_is_undecided_unless_another_account_still_has_it():
    alone = {"openai_a__chat_m": MODEL, "openai_a__chat_n": None}

    assert only(**alone).blame is Blame.UNKNOWN
    assert only(**alone, openai_b__chat_m=None).blame is Blame.ACCOUNT
    assert only(**alone, openai_b__chat_n=None).blame is Blame.UNKNOWN


def test_who_was_asked_in_the_same_breath_is_a_witness_too():
    sick, sibling = target_states(openai_a__list=SUSPENDED, openai_b__list=None)

    (found,) = diagnose([since(60.2, sick), sibling], at(80))

    assert found.settled
    assert Siblings(1, at(60)) in found.reasons


def unreached(provider, host=None):
    return at_own_address(target_states(**{f"{provider}_main__list": UNREACHED}), host)


UNITED = [
    (("bedrock", "bedrock-mantle.us-east-1.api.aws"), ("bedrock", "bedrock-mantle.eu-west-1.api.aws")),
    (("vllm", "10.0.0.5:8000"), ("vllm", "10.0.0.5:8001")),
    (("vllm", "[2001:db8::5]:8000"), ("tgi", "[2001:db8::5]:8001")),
    (("openai", "llm.example.com"), ("anthropic", "llm.example.com")),
    (("openai", "openai.gateway.example.com"), ("anthropic", "anthropic.gateway.example.com")),
    (("openai", "localhost:4000"), ("anthropic", "localhost:4000")),
    (("openai", None), ("openai", "eu.api.openai.com")),
    (("openai", None), ("codex", None)),
    (("openai", "us.api.openai.com"), ("codex", None)),
]
"""Pairs that one company or one machine stands behind."""
UNRELATED = [
    (("openai", None), ("anthropic", None)),
    (("openai", None), ("openai", "llm.example.com")),
    (("openai-compatible", "llm.example.com"), ("openai-compatible", "llm.example.org")),
    (("vllm", "10.0.0.5:8000"), ("vllm", "10.0.0.6:8000")),
    (("vllm", "localhost:8000"), ("vllm", "localhost:8001")),  # may be tunnels
    (("vllm", "127.0.0.1:8000"), ("tgi", "[::1]:8000")),
    (("vllm", "gpu-a:8000"), ("vllm", "gpu-b:8000")),
]


@each_row("online", [None, True])
@each_row(("pair", "related"), [*((pair, True) for pair in UNITED), *((pair, False) for pair in UNRELATED)])
def test_the_road_is_blamed_only_if_unrelated_providers_are_unreachable_at_once(pair, related, online):
    states = [one for provider in pair for one in unreached(*provider)]
    road = Corroboration(online=online, companies={"codex": "openai"})
    alone, others = (diagnose(its, LATER, (), road) for its in (states, [*states, *target_states(groq_b__list=None)]))

    scopes = {one.scope for one in alone}
    assert scopes == ({Scope.PROVIDER} if related else {Scope.EGRESS if online else Scope.MONITOR})
    assert [one.scope for one in others] == ([Scope.PROVIDER] * 2 if related else [Scope.EGRESS])
    assert related or others[0].reasons[0] == ProvidersUnreachable(2, 3)


def test_one_region_beside_another_provider_is_no_sign_of_the_road_while_the_other_region_answers():
    fine = at_own_address(target_states(bedrock_b__list=None), "bedrock-mantle.eu-west-1.api.aws")
    states = [*unreached("bedrock", "bedrock-mantle.us-east-1.api.aws"), *unreached("openai")]

    assert {one.scope for one in diagnose([*states, *fine], LATER)} == {Scope.PROVIDER}
    assert {one.scope for one in diagnose(states, LATER)} == {Scope.MONITOR}


def test_nothing_at_one_gateway_answers_and_nothing_else_can_be_reached_either():
    states = [*unreached("openai", "llm.example.com"), *unreached("anthropic", "llm.example.com")]
    (found,) = diagnose(states, LATER, (), Corroboration(online=False))

    assert (found.scope, found.reasons[0]) == (Scope.MONITOR, NothingAnswers(2, 1))


def test_an_answer_of_the_moment_before_the_road_was_cut_does_not_tell_that_it_is_open():
    cut = target_states(openai_a__list=(UNREACHED, 4), groq_x__list=(UNREACHED, 4))
    before = since(-60.1, target_states(openai_a__chat=None)[0])

    (offline,) = diagnose([*cut, before], LATER)
    (road,) = diagnose([*cut, before, *target_states(cohere_y__list=None)], LATER)

    assert (offline.scope, len(offline.targets)) == (Scope.MONITOR, 2)
    assert (road.scope, road.reasons[0]) == (Scope.EGRESS, ProvidersUnreachable(2, 3))


@pytest.mark.parametrize(
    ("fault", "seen_s", "now_s", "settled"),
    [(KEY, 5, 20, False), (KEY, 12, 20, True), (KEY, 5, 26, True), (SUSPENDED, 5, 20, True)],
)
def test_a_refused_key_waits_until_some_other_was_asked_once_more(fault, seen_s, now_s, settled):
    sick, sibling = target_states(openai_a__list=(fault, 2), openai_b__list=None)

    (found,) = diagnose([sick, since(seen_s - 60, sibling)], at(now_s))

    assert found.settled is settled


# What creeps up


def shaken(account, fault, *after, seconds=0):
    """An account that has failed once since, and met this afterwards."""
    one = target(f"openai/{account}", "list")
    now = health(fault, *after, target=one, status=503)
    return since(seconds, TargetState(one, replace(now, evidence=replace(now.evidence, at=at(seconds)))))


STEADY = target_states(openai_a__list=ERROR)


@pytest.mark.parametrize(
    ("others", "found"),
    [
        ([shaken("b", ERROR, None)], (Scope.PROVIDER, "openai")),
        ([shaken("b", OVERLOADED, None), *target_states(openai_c__list=None)], (Scope.PROVIDER, "openai")),
        # One of three may fail by itself, two do not; nor does what an account is to blame for speak of others.
        (
            [shaken("b", ERROR, None), *target_states(openai_c__list=None, openai_d__list=None)],
            (Scope.ACCOUNT, "openai/a"),
        ),
        (
            [
                shaken("b", ERROR, None),
                shaken("c", TIMEOUT, None),
                *target_states(openai_d__list=None, openai_e__list=None),
            ],
            (Scope.PROVIDER, "openai"),
        ),
        ([shaken("b", KEY, None)], (Scope.ACCOUNT, "openai/a")),
        # Who has not answered since may yet fail again, or not.
        ([shaken("b", ERROR), *target_states(openai_c__list=None)], (Scope.ACCOUNT, "openai/a")),
        # It was another trouble: long over, or before this one began.
        ([shaken("b", ERROR, *[None] * 12)], (Scope.ACCOUNT, "openai/a")),
        ([shaken("b", ERROR, None, seconds=-30)], (Scope.ACCOUNT, "openai/a")),
    ],
)
def test_who_failed_since_it_began_and_answered_in_between_shares_it(others, found):
    (diagnosis,) = diagnose([*STEADY, *others], LATER)

    assert (diagnosis.scope, diagnosis.subject) == found
    assert diagnosis.targets == ("openai/a/list",)


@pytest.mark.parametrize(
    ("phase", "reason"),
    [
        (NoticePhase.IN_PROGRESS, PageReports("Move", "in progress", at(0), planned=True)),
        (NoticePhase.SCHEDULED, PageSilent(readable=True)),
        (NoticePhase.COMPLETED, PageSilent(readable=True)),
    ],
)
def test_a_maintenance_under_way_is_named_and_is_no_second_witness(phase, reason):
    work = Notice("1", "Move", None, phase, Impact.MAINTENANCE, began_at=at(0), planned=True)
    said = Corroboration(pages={"openai": StatusPage(readable=True, notices=(work,))})
    (found,) = diagnose(target_states(openai_a__list=ERROR), LATER, (), said)

    assert (found.reasons[-1], found.confidence) == (reason, Confidence.LOW)


def test_how_many_failed_in_between_is_said_beside_how_many_fail():
    (found,) = diagnose([*STEADY, shaken("b", ERROR, None), shaken("c", ERROR, None)], LATER)

    assert found.reasons[:2] == (FailingShare(1, 3), OthersShaken(2))
    assert found.confidence is Confidence.MEDIUM


@pytest.mark.parametrize(
    ("states", "names"),
    [
        ({"chat_v/m": ERROR, "chat_v/o": None, "list": None}, ("list", "v/o")),
        ({"chat_m": ERROR, "chat_n": ERROR, "chat_o": None, "embed_e": None}, ("embed", "o")),
        ({"chat_m": DENIED, "embed_e": None}, ("embed",)),
        ({"chat_m": ERROR, "embed_m": ERROR, "chat_o": None, "embed_e": None}, ("e", "o")),
    ],
)
def test_of_an_account_that_lost_a_part_the_models_that_still_answer_are_named_beside_those_that_fail(states, names):
    found = diagnose(
        target_states(openai_b__list=None, **{f"openai_a__{one}": it for one, it in states.items()}), LATER
    )

    assert {reason.names for one in found for reason in one.reasons if isinstance(reason, StillAnswering)} == {names}


def test_what_answered_long_before_the_latest_failure_is_not_said_to_answer():
    old, fresh = target_states(openai_a__chat=None), since(700, target_states(openai_a__count=None)[0])
    failing = target_states(openai_a__list=(ERROR, 14))
    (found,) = diagnose([*failing, *old, fresh], LATER)

    assert [one for one in found.reasons if isinstance(one, StillAnswering)] == [StillAnswering(("count",), at(760))]
