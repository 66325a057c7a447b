"""Headers that warn beside good answers: which do, which do not, and how much of them is kept."""

import re

import pytest
from multidict import CIMultiDict

from probes.answer.deprecation import read_warnings
from probes.catalog import load_provider, load_wording, provider_ids
from probes.model import KEPT_WORDS, Fault, HeaderWarning
from probes.provider import Signal
from tests.rows import each_row

SHARED = ("wording", load_wording().signals)
OWN = {id: (id, load_provider(id).signals) for id in provider_ids()}


def seen(headers, provider="openai"):
    return read_warnings(*OWN[provider], CIMultiDict(headers)) + read_warnings(*SHARED, CIMultiDict(headers))


@pytest.mark.parametrize(
    ("provider", "header", "value", "fault", "rule"),
    [
        *(
            ("azure-openai", "x-ratelimit-abusepenalty-active", value, Fault.LIMIT_COLLAPSE, "abuse-penalty")
            for value in ("True", "true", " TRUE")
        ),
        (
            *("cohere", "x-api-warning", "model 'command' is deprecated and will be removed September 15 2025."),
            *(Fault.MODEL_RETIRING, "deprecated"),
        ),
        ("cohere", "X-API-Warning", "model 'x' will be removed soon", Fault.MODEL_RETIRING, "deprecated"),
    ],
)
def test_a_provider_warns_in_its_own_header(provider, header, value, fault, rule):
    assert seen({header: value}, provider) == (
        HeaderWarning(fault, f"{provider}/{rule}", f"{header.lower()}: {value}"),
    )


@pytest.mark.parametrize(
    ("header", "value", "rule"),
    [
        ("Deprecation", "@1688169599", "deprecation"),
        ("deprecation", "true", "deprecation"),
        ("Deprecation", "Sun, 11 Nov 2018 23:59:59 GMT", "deprecation"),
        ("Sunset", "Sat, 31 Dec 2026 23:59:59 GMT", "sunset"),
        ("Warning", '299 - "This model is deprecated"', "warning"),
        ("Warning", '299 api.example.com "gpt-old will be retired on 2027-01-01"', "warning"),
    ],
)
def test_the_headers_of_the_standards_warn_at_every_provider(header, value, rule):
    (sign,) = seen({header: value})

    assert (sign.fault, sign.rule) == (Fault.MODEL_RETIRING, f"wording/{rule}")


@each_row(
    ("provider", "headers"),
    [
        ("azure-openai", {"x-ratelimit-abusepenalty-active": "False"}),
        ("azure-openai", {"x-ratelimit-abusepenalty-active": ""}),
        ("openai", {"x-ratelimit-abusepenalty-active": "True"}),
        ("cohere", {"x-api-warning": "your trial key is limited"}),
        ("openai", {"deprecation": "false"}),
        ("openai", {"deprecation": ""}),
        ("openai", {"sunset": "never"}),
        ("openai", {"warning": '110 anderson/1.3.37 "Response is stale"'}),
        ("openai", {"warning": '299 - "the cluster is busy"'}),
        ("openai", {"warning": '199 - "deprecated"'}),
        ("openai", {"x-request-id": "deprecated"}),
        ("openai", {}),
    ],
)
def test_what_warns_of_nothing_is_no_sign(provider, headers):
    assert seen(headers, provider) == ()


def test_of_a_long_warning_the_beginning_is_kept():
    (sign,) = seen({"x-api-warning": "deprecated " + "x" * 100_000}, "cohere")

    assert len(sign.words) == KEPT_WORDS + len("x-api-warning: ")


def test_what_stands_far_behind_is_not_searched():
    assert seen({"x-api-warning": "x" * 100_000 + " deprecated"}, "cohere") == ()


def test_several_warnings_are_told_each_by_its_rule():
    told = seen({"x-api-warning": "deprecated", "sunset": "Sat, 31 Dec 2026 23:59:59 GMT"}, "cohere")

    assert [sign.rule for sign in told] == ["cohere/deprecated", "wording/sunset"]


def test_a_signal_without_a_value_is_there_when_its_header_is():
    signal = Signal(id="any", header="x-gone", fault=Fault.MODEL_RETIRING, source="https://docs.example.com")

    assert [sign.rule for sign in read_warnings("own", [signal], {"x-gone": ""})] == ["own/any"]
    assert read_warnings("own", [signal], {"x-here": ""}) == ()


@each_row("signals", [SHARED, *OWN.values()], ids=["wording", *OWN])
def test_each_signal_can_be_read_and_says_where_it_was_found(signals):
    for signal in signals[1]:
        re.compile(signal.value)
        assert signal.source.startswith(("https://", "unverified: "))
