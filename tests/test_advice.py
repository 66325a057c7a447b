"""What a person is told to do next."""

import pytest
from msgspec.structs import replace

from probes.advice import ADVICE, advise
from probes.catalog import load_provider
from probes.model import Blame, Fault
from probes.provider import NoPage

OPENAI = load_provider("openai")
GATEWAY = load_provider("openai-compatible")


@pytest.mark.parametrize("fault", Fault)
def test_each_fault_has_its_advice_in_one_or_two_sentences(fault):
    assert ADVICE.keys() == set(Fault)
    for provider in (OPENAI, GATEWAY):
        text = advise(fault, provider)
        assert text.endswith(".")
        assert 1 <= text.count(". ") + 1 <= 2


@pytest.mark.parametrize("fault", OPENAI.help)
def test_the_providers_address_is_in_the_advice(fault):
    assert OPENAI.help[fault] in advise(fault, OPENAI)


def test_where_there_is_no_page_the_reason_is_told_and_whom_to_write_to():
    help = {Fault.ACCOUNT_SUSPENDED: NoPage(none="no appeal form is published", mail="help@example.com")}
    assert advise(Fault.ACCOUNT_SUSPENDED, replace(OPENAI, help=help)).endswith(
        "No appeal form is published: write to help@example.com and name the request id."
    )
    help = {Fault.ACCOUNT_SUSPENDED: NoPage(none="no appeal form is published")}
    assert advise(Fault.ACCOUNT_SUSPENDED, replace(OPENAI, help=help)).endswith("account. No appeal form is published.")


@pytest.mark.parametrize("fault", Fault)
def test_without_an_address_nothing_points_nowhere(fault):
    text = advise(fault, GATEWAY)

    assert "http" not in text
    assert not {"{", "}", "None"} & set(text)


def test_a_suspended_account_stops_its_traffic_and_appeals():
    assert advise(Fault.ACCOUNT_SUSPENDED, OPENAI) == (
        "Stop automated traffic with this key and do not move it to another account. "
        "Appeal at https://openai.com/form/appeal/ and name the request id."
    )


@pytest.mark.parametrize(
    "fault",
    [
        fault
        for fault in Fault
        if fault.blame is Blame.PROVIDER and fault not in (Fault.INVALID_RESPONSE, Fault.MODEL_RETIRING)
    ],
)
def test_a_fault_of_the_provider_cannot_be_mended_here(fault):
    assert "nothing on your side helps: wait, or switch" in advise(fault, OPENAI)
