"""Whether a 2xx answer holds what was asked for: garbage is good to nobody, and no good answer is refused."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.shapes import CHAT, EMPTY, ENDLESS, FOREIGN, GARBAGE, GOOD, REFUSED, STRANGE_STARTS, chat, delta, sse
from probes.answer.classify import classify_answer
from probes.answer.proof import Proof, prove, prove_any
from probes.catalog import load_provider, load_wording, provider_ids
from probes.model import Fault
from probes.provider import Canary, Dialect
from probes.transport.body import KEPT_BYTES
from tests.rows import each_row

WORDING = load_wording().rules
ASKING = {dialect: Canary(dialect=dialect, path="/", source="https://example.com") for dialect in GOOD}
PROVIDERS = {id: load_provider(id) for id in provider_ids()}
BY_ADDRESS = [
    pytest.param(provider, canary, id=f"{provider.id}-{name}")
    for provider in PROVIDERS.values()
    for name, canary in provider.canaries.items()
    if canary.dialect is not Dialect.COMMAND
]


def shapes(table):
    return [
        pytest.param(dialect, body, id=f"{dialect}: {why}") for dialect in table for why, body in table[dialect].items()
    ]


@each_row(("dialect", "body"), shapes(GOOD))
def test_a_good_answer_is_good_in_every_shape(dialect, body):
    assert prove(ASKING[dialect], body) is Proof.GOOD
    assert prove_any([], body) is Proof.GOOD


@each_row("body", FOREIGN.values(), ids=FOREIGN)
def test_a_form_that_no_canary_asks_for_is_known_and_answers_none(body):
    assert prove_any([], body) is Proof.GOOD
    assert all(prove(canary, body) is not Proof.GOOD for canary in ASKING.values())


@each_row(("provider", "canary"), BY_ADDRESS)
def test_garbage_is_good_to_no_canary_of_any_provider(provider, canary):
    good = [why for why, body in GARBAGE.items() if prove(canary, body) is Proof.GOOD]

    # A server of one's own may have no model yet.
    assert good == (["no data", "data that is null"] if "object == 'list'" in (canary.holds or "") else [])


@pytest.mark.parametrize("provider", [one for one in PROVIDERS.values() if not one.is_command], ids=lambda one: one.id)
def test_what_proves_nothing_is_a_fault_whatever_its_words_say(provider):
    """Words are judged by what is proven and by the provider's rules: canaries to which it proves the same are alike.

    Most of the time would go into rules for what is endless, which is judged where a whole answer is.
    """
    unlike = {
        (why, proof): canary
        for canary in provider.canaries.values()
        for why, body in GARBAGE.items()
        if why not in ENDLESS and (proof := prove(canary, body)) is not Proof.GOOD
    }
    fine = [
        why
        for (why, _), canary in unlike.items()
        if classify_answer(provider, WORDING, 200, {}, GARBAGE[why], canary).fault is None
    ]

    assert len(unlike) >= len(GARBAGE) - len(ENDLESS) - 2
    assert fine == []


@each_row("why", GARBAGE)
def test_garbage_is_good_to_nobody(why):
    assert prove_any([], GARBAGE[why]) is not Proof.GOOD


@each_row("why", REFUSED)
def test_what_names_a_failure_is_one_to_whoever_asked(why):
    assert prove_any([], REFUSED[why]) is Proof.FAILED


def test_an_answer_to_another_question_is_no_answer():
    """Most answers in one format are empty in every other: the list is no chat, and the chat no vector."""
    wrong = [
        (asked, told, why)
        for asked in (Dialect.LIST, Dialect.ANTHROPIC, Dialect.GEMINI, Dialect.OPENAI_EMBED, Dialect.COHERE_EMBED)
        for told in GOOD
        if told is not asked
        for why, body in GOOD[told].items()
        if prove(ASKING[asked], body) is Proof.GOOD
    ]

    assert wrong == []


@each_row(
    ("body", "proof"),
    [
        (EMPTY["only [DONE]"], Proof.EMPTY),
        (EMPTY["a cut stream"], Proof.CUT),
        (EMPTY["half an answer"], Proof.UNREADABLE),
        (EMPTY["a login page"], Proof.UNREADABLE),
        (chat({"content": None}, "content_filter"), Proof.FILTERED),
        (chat({"content": "Hel"}, "content_filter"), Proof.GOOD),
        (sse(delta({}, "content_filter")), Proof.FILTERED),
        ('{"promptFeedback": {"blockReason": "OTHER"}}', Proof.FILTERED),
        ('{"id": "m", "type": "message", "content": [], "stop_reason": "refusal"}', Proof.FILTERED),
        (CHAT["in a stream"].replace("[DONE]", "[DONE] "), Proof.GOOD),
    ],
)
def test_what_is_not_good_says_how(body, proof):
    assert prove_any([], body) is proof


# Longer than what is read


def test_a_long_list_is_good_when_its_first_entry_is_whole():
    models = [{"id": f"m-{number}", "about": "x" * 90, "tags": ["a", {"b": "]}"}]} for number in range(2_000)]
    for told in ({"object": "list", "data": models}, {"success": True, "errors": [], "result": models}, models):
        assert prove(ASKING[Dialect.LIST], json.dumps(told)[:KEPT_BYTES], whole=False) is Proof.GOOD


@pytest.mark.parametrize(
    "preamble", [{"note": "see [the docs]"}, {"messages": [{"code": 1, "message": "x"}]}, {"note": "x" * 5_000}]
)
def test_what_stands_before_a_long_list_is_no_matter(preamble):
    told = json.dumps({**preamble, "data": [{"id": "m", "about": "x" * 200}] * 1_000})

    assert prove(ASKING[Dialect.LIST], told[:KEPT_BYTES], whole=False) is Proof.GOOD


def test_a_long_list_without_a_whole_entry_proves_nothing():
    told = json.dumps({"data": [{"id": "m", "about": "x" * 2 * KEPT_BYTES}]})

    assert prove(ASKING[Dialect.LIST], told[:KEPT_BYTES], whole=False) is Proof.UNREADABLE


def test_a_stream_of_words_that_we_stop_reading_was_not_cut_by_the_server():
    """Some gateways know no cap, and a model may think for long."""
    told = (sse(delta({"content": "Hello"})) * 2_000)[:KEPT_BYTES]
    canary = ASKING[Dialect.OPENAI_CHAT]

    assert (prove(canary, told, whole=False), prove(canary, told)) == (Proof.GOOD, Proof.FAILED)


def test_a_long_vector_is_good_when_it_has_begun():
    for dialect, told in (
        (Dialect.OPENAI_EMBED, {"object": "list", "data": [{"index": 0, "embedding": [-0.25] * 20_000}]}),
        (Dialect.GEMINI_EMBED, {"embedding": {"values": [1e-05] * 20_000}}),
        (Dialect.COHERE_EMBED, {"id": "1", "embeddings": {"float": [[1] * 40_000]}}),
    ):
        assert prove(ASKING[dialect], json.dumps(told)[:KEPT_BYTES], whole=False) is Proof.GOOD


@each_row("why", STRANGE_STARTS)
@each_row("dialect", [*GOOD])
def test_what_merely_begins_like_an_answer_is_none(dialect, why):
    assert prove(ASKING[dialect], STRANGE_STARTS[why][:KEPT_BYTES], whole=False) is not Proof.GOOD


# What a provider's file says


def test_an_empty_list_is_good_only_where_the_file_says_so():
    empty = '{"object": "list", "data": []}'

    for garbage in ("[1, 2]", '["x"]', '[], "detail": "Unauthorized"'):
        assert prove(PROVIDERS["ollama"].canaries["list"], f'{{"object": "list", "data": {garbage}}}') is Proof.EMPTY
    assert prove(PROVIDERS["ollama"].canaries["list"], '{"object": "list"}') is Proof.EMPTY
    assert prove(PROVIDERS["ollama"].canaries["list"], empty) is Proof.GOOD
    assert prove(PROVIDERS["vllm"].canaries["list"], empty) is Proof.EMPTY


def test_a_balance_is_good_when_it_tells_of_credit_or_raises_a_flag():
    canary = PROVIDERS["deepseek"].canaries["balance"]

    assert prove(canary, '{"is_available": true, "balance_infos": []}') is Proof.EMPTY
    assert prove(canary, '{"is_available": false, "balance_infos": []}') is Proof.GOOD


# By its words


@each_row(
    ("why", "expected"),
    [
        ("code", Fault.INVALID_KEY),
        ("negative code", Fault.INVALID_KEY),
        ("Tencent's", Fault.INVALID_KEY),
        ("object of an error", Fault.ACCOUNT_SUSPENDED),
        ("an error in Anthropic's stream", Fault.OVERLOADED),
        ("DeepSeek's failing end", Fault.OVERLOADED),
        ("Zhipu's failing end", Fault.SERVER_ERROR),
        ("vLLM's failing end", Fault.SERVER_ERROR),
        ("a failing end of a stream", Fault.SERVER_ERROR),
        ("maintenance", Fault.SERVER_ERROR),
        ("no choices", Fault.INVALID_RESPONSE),
        ("only [DONE]", Fault.INVALID_RESPONSE),
    ],
)
def test_a_good_status_does_not_hide_what_the_answer_says(why, expected):
    assert classify_answer(PROVIDERS["openai-compatible"], WORDING, 200, {}, GARBAGE[why]).fault is expected


# Whatever comes

JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "message", "delta", "content", "parts", "candidates", "data", "embedding", "type", "usage"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSONS, st.booleans())
def test_no_answer_makes_a_reader_fail(told, streamed):
    body = sse(told) if streamed else json.dumps(told)

    assert all(isinstance(prove(canary, body), Proof) for canary in ASKING.values())


@pytest.mark.parametrize(
    "body",
    [
        "[" * 60_000,
        "data: {\n" * 8_000,
        ": \n" * 20_000,
        "data: x\n\n" * 7_000,
        '{"a":' * 12_000,
        STRANGE_STARTS["brackets"],
    ],
    ids=lambda body: body[:9],
)
def test_a_hostile_answer_is_read_in_a_moment(body):
    began = time.thread_time()
    for canary in ASKING.values():
        prove(canary, body[:KEPT_BYTES], whole=False)

    assert time.thread_time() - began < 3
