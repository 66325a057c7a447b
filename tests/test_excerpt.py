"""What people paste in place of an answer: curl's output, events out of a stream, half a list."""

import json
from time import process_time

import pytest

from probes.answer.classify import classify_answer, classify_pasted
from probes.answer.command_output import classify_output
from probes.answer.excerpt import Excerpt, prove_excerpt, read_excerpt
from probes.answer.proof import Proof
from probes.catalog import load_provider, load_wording
from probes.model import Fault
from tests.rows import each_row

WORDING = load_wording().rules
PROVIDER = load_provider("openai-compatible")
CHUNK = '{"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "Hi"}}]}'
LISTED = '{"object": "list", "data": [{"id": "m-1", "object": "model"}, {"id": "m-2", "obj'


def pasted(text):
    return classify_answer(PROVIDER, WORDING, None, {}, text)


@each_row(
    "text",
    [
        f"data: {CHUNK}\n\ndata: {CHUNK}\n\n",
        f'data: {CHUNK}\n\ndata: {{"object": "chat.comp',
        f"{CHUNK}\n{CHUNK}",
        f"[2026-01-02 03:04:05][INFO] Generated packet: {CHUNK}",
        f"  % Total    % Received\n100   420  100   333\n{CHUNK}",
        LISTED,
        '{"object": "list", "data": [{"id": "m-1", "created": XXXXXX}]}%',
        '{"role": "assistant", "content": "Hello"}',
        '{"role": "assistant", "content": "", "reasoning": "The user greets."}',
        '{"model": "m", "message": {"role": "assistant", "content": "Hi"}, "done": false}',
        '[{"generated_text": "Hello"}]',
        '{"response": "你好", "history": [["Hi", "你好"]], "status": 200}',
        '{"data": [{"embedding": [0.0022, ...], "index": 0}], "object": "list"}',
        '{"data": [{"embedding": [\n0.1,\n ...\n -0.2], "index": 0}], "object": "list"}',
        "Message(id='msg_1', content=[TextBlock(\n    text='Hello', type='text')])",
        "ModelResponse(choices=[Choices(finish_reason='stop', message=Message(content=\"Hi\", role='assistant'))])",
        "ChatCompletionMessage(content='', refusal=None, role='assistant', tool_calls=[Call(id='x')])",
        '{"model_remains": [{"model_name": "m", "remains_time": 10}]}',
        '{"limits": {"weekly": {"usage": 0.4}}}',
        '{"code": 200, "data": {"limits": [{"type": "CREDIT_LIMIT", "remaining": 3}]}}',
        f"[root@host ~]# curl http://127.0.0.1:8000/v1/models\n{LISTED}",
        '{"results": [{"outputText": "Hello"}]}',
        '{"content": "Hello", "stop": true}',
        '{"choices": [{"message": {"content": "Hi", "refusal": None}, "finish_reason": "stop"}], "usage": {"a": 1,',
        'data: {\n  id: "chatcmpl-1",\n  choices: [{ message: { content:\n "Hi", }, finish_reason: "stop", }, ],\n},',
        "GenerateContentResponse(\n  done=True,\n  result=glm.X({ candidates: [ { content: { parts: [{'text': 'Hi'",
        '"response": {"body": [{"type": "chat.completion.chunk", "data": {"choices": [{"delta": {"content": "The", "x"',
        '"id": "meta/m-1",\n "object": "model",\n "owned_by": "vllm",',
        '{"data": [{"id": "m-1", "object": "model", "limits": ["2/minute", "300/day"], "public": True},',
        '{"choices": [{"message": {"content": "Your quota is exceeded when you have no balance"}, "index": 0}], "us',
    ],
)
def test_a_part_of_a_good_answer_that_was_pasted_is_good_though_nobody_is_sure(text):
    verdict = pasted(text)

    assert verdict.fault is None
    assert verdict.rule in ("ok/excerpt", "ok/2xx")


@pytest.mark.parametrize(
    "text",
    [
        '{"object": "response", "status": "completed", "error": null, "output": []}',
        '{"object": "chat.completion", "choices": []}',
        '{"candidates": []}',
        '{"candidates": [{"finishReason": "OTHER", "index": 0}]}',
        '{"model": "m", "message": {"role": "assistant", "content": ""}, "done": true}',
        '{"created": 1, "data": [], "usage": {"total_tokens": 0}}%',
    ],
)
def test_an_answer_that_holds_nothing_is_none_also_without_its_status(text):
    assert pasted(text).fault is Fault.INVALID_RESPONSE


@each_row(
    ("text", "expected"),
    [
        ("Hello", Fault.UNCLASSIFIED),
        ("Message(id='msg_1', content='')", Fault.UNCLASSIFIED),
        ("Response(finish_reason='stop', text='Hi') failed", Fault.UNCLASSIFIED),
        ("Response(finish_reason='stop', text='')", Fault.UNCLASSIFIED),
        ("Request(max_tokens=1, content='Hi')", Fault.UNCLASSIFIED),
        (
            '{"choices": [{"message": {"content": "Hi"}}], "error": {"message": "insufficient balance"}',
            Fault.QUOTA_EXHAUSTED,
        ),
        ('{"role": "user", "content": "hi"}', Fault.UNCLASSIFIED),
        ('{"messages": [{"role": "user", "content": "hi"}]}', Fault.UNCLASSIFIED),
        (f'Error: quota exceeded, billing needed {{"messages": []}} {CHUNK}', Fault.QUOTA_EXHAUSTED),
        (f'data: {CHUNK}\n\ndata: {{"error": {{"message": "Overloaded"}}}}\n\n', Fault.OVERLOADED),
    ],
)
def test_what_holds_no_part_of_a_good_answer_or_names_a_trouble_is_not_good(text, expected):
    assert pasted(text).fault is expected


@pytest.mark.parametrize(
    "text",
    [
        'data: {"type": "content_block_start", "content_block": {"type": "text", "text": ""}}\n'
        '   data: {"type": "message_delta", "delta": {"stop_reason": "refusal"}}\n   data: {"type": "message_stop"}',
        '{"candidates": [{"finishReason": "SAFETY"}]}!',
    ],
)
def test_what_a_filter_withheld_is_told_as_that(text):
    assert pasted(text).fault is Fault.CONTENT_FILTERED


def test_with_a_status_a_part_of_an_answer_is_cut():
    assert classify_answer(PROVIDER, WORDING, 200, {}, f"data: {CHUNK}\n\n").fault is Fault.INVALID_RESPONSE


@pytest.mark.parametrize(
    "text",
    [
        'HTTP/2 403 \r\nserver: cloudflare\r\nCF-Mitigated: challenge\r\n\r\n{"a": 1}',
        'HTTP/1.1 403 Forbidden\nServer: cloudflare\ncf-mitigated:challenge\n\n{"a": 1}',
        "HTTP/1.1 200 Connection established\r\n\r\n"
        'HTTP/2 403\r\nserver: cloudflare\r\ncf-mitigated: challenge\r\n\r\n{"a": 1}',
        "* Trying 192.0.2.1:443...\n> GET /v1/models HTTP/2\n> host: api.example\n> \n* Request sent\n"
        '< HTTP/2 403 \n< server: cloudflare\n< cf-mitigated: challenge\n< \n{ [15 bytes data]\n{"a": 1}',
    ],
)
def test_what_curl_prints_is_taken_apart(text):
    headers = {"server": "cloudflare", "cf-mitigated": "challenge"}

    assert read_excerpt(text) == Excerpt(403, headers, '{"a": 1}')


def test_a_head_alone_is_taken_apart_too():
    text = "HTTP/2 403\ncf-mitigated: challenge\nserver: cloudflare"

    assert read_excerpt(text) == Excerpt(403, {"cf-mitigated": "challenge", "server": "cloudflare"}, "")


@pytest.mark.parametrize("text", ["", "{}", "<html>\n< a\n", "HTTP/1.1 is old", "Error: HTTP/1.1 403 Forbidden\n\nx"])
def test_a_body_that_has_no_head_stays_as_it_is(text):
    assert read_excerpt(text) == Excerpt(None, {}, text)


def test_the_longest_paste_is_read_in_time():
    began = process_time()

    for part in ("HTTP/1.1 200 OK\n", "a:\n", '{"choices":[', "< ", "data: {\n\n", json.dumps({"role": "user"})):
        long = part * (64_000 // len(part))
        read_excerpt(long)
        read_excerpt(f"< HTTP/1.1 200 OK\n{long}")
        prove_excerpt(long)
    assert process_time() - began < 5


def test_nothing_can_be_said_of_what_is_no_answer():
    assert prove_excerpt("") is None
    assert prove_excerpt("Hello") is None
    assert prove_excerpt(CHUNK) is Proof.GOOD


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"HTTP/2 200\ncontent-type: text/event-stream\n\ndata: {CHUNK}\n\n", None),
        (f"$ ask\nstatus: 200\n{LISTED}", None),
        (LISTED, None),
        ('{"object": "list", "data": [{"id": "m-', Fault.INVALID_RESPONSE),
        (f"data: {CHUNK}\n\n", Fault.INVALID_RESPONSE),
        ("HTTP/2 200\n\ndata: [DONE]\n\n", Fault.INVALID_RESPONSE),
        ("all is well", Fault.INVALID_RESPONSE),
    ],
)
def test_what_no_connection_would_bring_shows_that_a_person_cut_it(text, expected):
    assert classify_pasted(PROVIDER, WORDING, 200, {}, text)[0].fault is expected


@pytest.mark.parametrize(("code", "expected"), [(401, Fault.INVALID_KEY), (255, Fault.UNCLASSIFIED)])
def test_a_status_in_place_of_a_program_s_exit_code_is_read_as_one(code, expected):
    assert classify_output(load_provider("codex"), (), code, "it did not work")[0].fault is expected


def test_a_list_that_is_longer_than_what_is_read_is_good_as_it_is_to_a_probe():
    models = ", ".join(f'{{"id": "m-{number}", "object": "model"}}' for number in range(3000))
    text = f'{{"object": "list", "data": [{models}'

    assert len(text) > 70_000
    assert classify_pasted(PROVIDER, WORDING, 200, {}, text)[0].fault is None
    assert classify_pasted(PROVIDER, WORDING, 200, {}, "[" * 70_000)[0].fault is Fault.INVALID_RESPONSE
