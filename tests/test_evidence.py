"""What came back, in as few lines as show it: one target, an account, the accounts of a provider."""

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from monitor.alert.channel import Format
from monitor.alert.evidence import SHOWN, evidence_lines
from monitor.diagnose.diagnosis import Evidence
from monitor.sentence.translation import ENGLISH
from probes.model import Fault, Phase
from tests.conftest import at
from tests.test_text import OPENED, message

OVERLOADED = Evidence("openai/a/list", at(0), Fault.OVERLOADED, "engine", "Sorry (req_1)", 503, "req_1")


def met(target, seconds=0, **facts):
    return replace(OVERLOADED, target=target, at=at(seconds), **facts)


def many(accounts, *canaries, provider="openai", **facts):
    return [met(f"{provider}/a{number:02}/{canary}", **facts) for number in range(accounts) for canary in canaries]


def lines(*evidence, **how):
    found, more = evidence_lines(evidence, ENGLISH, **how)
    return [one.who for one in found], more


@pytest.mark.parametrize(
    ("evidence", "who"),
    [
        ([met("openai/a/chat/gpt-5")], ["openai/a/chat/gpt-5"]),
        ([met("openai/a/chat/gpt-5"), met("openai/a/list")], ["openai/a (chat/gpt-5, list)"]),
        ([met("openai/a/list"), met("openai/b/list")], ["openai/a/list", "openai/b/list"]),
        (many(SHOWN, "chat", "list"), [f"openai/a{number:02} (chat, list)" for number in range(SHOWN)]),
        (many(56, "chat", "list"), ["openai (56 accounts: a00, a01, a02, a03, and 52 more)"]),
        (
            [*many(8, "list", provider="groq"), *many(20, "list")],
            [
                "openai (20 accounts: a00, a01, a02, a03, and 16 more)",
                "groq (8 accounts: a00, a01, a02, a03, and 4 more)",
            ],
        ),
    ],
)
def test_answers_that_are_alike_are_one_line(evidence, who):
    assert lines(*evidence) == (who, 0)


@pytest.mark.parametrize("other", [{"fault": Fault.TIMEOUT}, {"status": 529}, {"rule": "other"}, {"phase": Phase.TLS}])
def test_an_answer_of_another_kind_has_a_line_of_its_own(other):
    assert len(lines(met("openai/a/chat"), met("openai/a/list", **other))[0]) == 2
    assert len(lines(*many(56, "chat"), *many(56, "list", **other))[0]) == 2


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize(
    ("fault", "phase", "said"),
    [
        (Fault.CONNECTION_FAILED, Phase.TLS, "connection_failed, during the TLS handshake"),
        (Fault.TIMEOUT, Phase.FIRST_BYTE, "timeout, before the answer began"),
        (Fault.TIMEOUT, Phase.BODY, "timeout, in the middle of the answer"),
        (Fault.CONNECTION_FAILED, Phase.NAME, "connection_failed, while its name was being resolved"),
        (Fault.CONNECTION_FAILED, Phase.PROXY, "connection_failed, at the proxy"),
    ],
)
def test_a_message_says_where_on_the_road_a_look_ended(form, fault, phase, said):
    one = met("openai/a/list", fault=fault, phase=phase, status=None, request_id=None)
    text = message(change=replace(OPENED, incident=replace(OPENED.incident, evidence=(one,))), form=form)

    assert said in text.body


@pytest.mark.parametrize(
    ("fault", "phase"), [(Fault.CONNECTION_FAILED, Phase.CONNECT), (Fault.PROXY_FAILED, Phase.PROXY)]
)
def test_where_it_ended_is_not_said_twice(fault, phase):
    (line,), _ = evidence_lines([met("openai/a/list", fault=fault, phase=phase)], ENGLISH)

    assert line.ended == ""


def test_a_name_in_the_words_makes_no_other_kind_but_a_figure_of_its_own_does():
    evidence = [met("openai/a/chat", words="usual 1 s, now 9 s"), met("openai/a/list", words="usual 2 s, now 8 s")]

    assert len(lines(*evidence)[0]) == 1
    assert len(lines(*evidence, apart=True)[0]) == 2


def test_the_latest_answer_is_the_one_that_is_shown():
    (line,), _ = evidence_lines(
        [met("openai/a/chat", 20, request_id="new"), met("openai/a/list", 10, request_id="old")], ENGLISH
    )

    assert (line.request_id, line.status, line.fault) == ("new", 503, Fault.OVERLOADED)


def test_what_is_too_much_is_counted():
    each_otherwise = [met(f"openai/a{number:02}/list", rule=str(number)) for number in range(20)]

    assert lines(*each_otherwise)[1] == 20 - SHOWN
    assert lines() == ([], 0)


@given(some.lists(some.tuples(some.sampled_from("abcdefghijkl"), some.sampled_from("xyz"), some.integers(0, 30))))
def test_a_message_has_never_more_lines_than_it_may_and_each_is_said_once(answers):
    who, more = lines(*(met(f"openai/{account}/{canary}", rule=str(rule)) for account, canary, rule in answers))

    assert len(who) <= SHOWN
    assert bool(who) is bool(answers)
    assert more == 0 or len(who) == SHOWN


@pytest.mark.parametrize("form", Format)
def test_a_message_of_56_accounts_can_be_read_at_a_glance(form):
    incident = replace(OPENED.incident, evidence=(*many(56, "list", "chat"), *many(9, "count", rule="other")))
    text = message(change=replace(OPENED, incident=incident), form=form)

    assert "openai (56 accounts: a00, a01, a02, a03, and 52 more)" in text.body
    assert text.body.count("req_1") == 4  # two request ids, and two sentences that name them
    too_many = replace(incident, evidence=tuple(met(f"openai/a{n:02}/list", rule=str(n)) for n in range(30)))
    assert "... and 22 more" in message(change=replace(OPENED, incident=too_many), form=form).body
