"""An answer as the sample of a rule: nothing in it tells who asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.redact import mask_secrets
from probes.sample import Sample, anonymous, doubtful, read_sample, sample_text
from tests.rows import each_row

UUID = "3f2b8c1e-9d4a-4b6f-8e21-5a7c9d0e1f23"


def clean(body, headers=None, secrets=(), ids=()):
    return anonymous(Sample(400, headers or {}, body), secrets, ids)


@each_row(
    ("said", "shown"),
    [
        ("key sk-proj-abcdefgh0123456789 is wrong", "key [redacted] is wrong"),
        ("the key hunter2-of-ours is wrong", "the key [redacted] is wrong"),
        ("write to bob@example.com", "write to [redacted]"),
        ("organization org-Ab12Cd34Ef56 is gone", "organization org-00000000 is gone"),
        (f"request {UUID} failed", "request 00000000-0000-0000-0000-000000000000 failed"),
        ("trace 4bf92f3577b34da6a3ce929d0e0e4736", "trace 00000000000000000000000000000000"),
        ("from 198.51.100.77 you", "from 203.0.113.1 you"),
        ("from 2001:0db8:85a3:0000:0000:8a2e:0370:7334", "from 203.0.113.1"),
        ("workdir /home/alice/src", "workdir /home/user/src"),
        ('{"created": 1764565200, "account": 882134455012}', '{"created": 1000000000, "account": 100000000000}'),
        ("limit of 30000 in 1.5 s, gpt-4.1-nano, HTTP 429", "limit of 30000 in 1.5 s, gpt-4.1-nano, HTTP 429"),
        (r"key \u0073\u006b\u002Dproj-abcdefgh0123456789 is wrong", "key [redacted] is wrong"),
        (r"\u0022 \u005c \\u0041 \u00e9", r"\u0022 \u005c \\u0041 \u00e9"),
        ("workspace_budget_exceeded_for_this_project", "workspace_budget_exceeded_for_this_project"),
    ],
)
def test_what_tells_who_asked_is_masked_and_what_tells_why_stays(said, shown):
    assert clean(said, secrets=["hunter2-of-ours"]).body == shown


def test_headers_that_may_tell_who_asked_are_left_out():
    headers = {
        **{"Content-Type": "application/json", "Retry-After": "3", "X-RateLimit-Limit": "5", "X-Request-Id": "req_9a"},
        **{"Set-Cookie": "session=1", "openai-organization": "acme", "Authorization": "Bearer x", "Via": "proxy.acme"},
    }

    assert clean("", headers, ids=["x-request-id"]).headers == {
        "content-type": "application/json",
        "retry-after": "3",
        "x-ratelimit-limit": "5",
        "x-request-id": "00000000",
    }


def test_what_may_be_a_name_is_pointed_out():
    body = '{"user": "Alice Smith", "organization": "[redacted]", "team": "00000000", "message": "no"}'

    assert list(doubtful(Sample(400, {}, body))) == ["Alice Smith"]


@pytest.mark.parametrize(
    ("sample", "first"),
    [
        (Sample(402, {"server": "nginx"}, '{"error": {}}\n'), "HTTP/1.1 402 Payment Required"),
        (Sample(529, {}, ""), "HTTP/1.1 529"),
        (Sample(1, {}, "no seat\n\nleft\n", is_output=True), "EXIT 1"),
    ],
)
def test_a_sample_is_read_as_it_was_written(sample, first):
    text = sample_text(sample)
    read = read_sample(text)

    assert text.split("\n", 1)[0] == first
    assert (read.status, read.headers, read.is_output) == (sample.status, sample.headers, sample.is_output)
    assert read.body.strip() == sample.body.strip()


@given(st.text(max_size=200))
def test_no_sample_holds_what_looks_like_a_key(said):
    body = clean(f"{said} sk-proj-abcdefgh0123456789 {said}").body

    assert "abcdefgh" not in body
    assert mask_secrets(body) == body
