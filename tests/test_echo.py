"""What an answer repeats of our request is out of what rules search; a link for people is not."""

import time

import pytest

from probes.answer.echo import without_echo


@pytest.mark.parametrize(
    ("sentence", "left"),
    [
        ("Invalid URL (GET /v1/dashboard/billing/subscription)", "Invalid URL (GET /v1/)"),
        ("Cannot GET /dashboard/billing/usage", "Cannot GET /"),
        ("404 page not found: /dashboard/billing/subscription", "404 page not found: /"),
        ("Not Found: https://gw.example.com/dashboard/billing/subscription", "Not Found: /"),
        ("path: /v1/user/balance, status 404", "path: /v1/, status 404"),
        (
            "Client error '402' for url 'https://x.example/openai/v1/chat/completions?q=1'",
            "Client error '402' for url '/v1/'",
        ),
        ('Post "https://gw.example.com/billing/x": dial tcp', 'Post "/": dial tcp'),
        ("{'role': 'user', 'content': 'my account was banned'}", "{'role': 'user', 'content': \"\"}"),
        ('Invalid input: {"prompt": "out of credits"}', 'Invalid input: {"prompt": ""}'),
    ],
)
def test_what_repeats_a_request_is_taken_out(sentence, left):
    assert without_echo(sentence) == left


@pytest.mark.parametrize(
    "sentence",
    [
        "Add credits at https://platform.openai.com/account/billing",
        "see https://ai.google.dev/gemini-api/docs/rate-limits",
        "see https://docs.cohere.com/v2/docs/rate-limits",
        "Please navigate to https://api.together.xyz/settings/billing to upgrade",
        "Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 0",
        "models/gemini-0 is not found for API version v1beta",
        "The model `openai/gpt-oss/20b` and/or TPM/RPM",
    ],
)
def test_links_for_people_and_names_of_models_and_metrics_stay(sentence):
    assert without_echo(sentence) == sentence


def test_which_address_is_meant_stays_known():
    told = without_echo("This model is only supported in v1/responses and not in v1/chat/completions.")

    assert told == "This model is only supported in v1/ and not in v1/"


def test_a_known_address_is_taken_out_as_a_whole_only():
    told = without_echo(
        "billing.example.com refused /billing/list: billing is off", "https://billing.example.com/billing/list"
    )

    assert told.split() == ["refused", ":", "billing", "is", "off"]


@pytest.mark.parametrize(
    "unit", ["/v1/", "https://a/v1/", "'content': '", "a/", "GET /", "/a", "url ", "'content': '\\"]
)
def test_a_hostile_sentence_takes_a_time_that_grows_with_its_length(unit):
    short, long = (_seconds(unit * (length // len(unit))) for length in (2_000, 4_000))

    assert long < 4 * short + 0.02


def _seconds(text):
    def once():
        begun = time.thread_time()
        without_echo(text)
        return time.thread_time() - begun

    return min(once() for _ in range(3))
