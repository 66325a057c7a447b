"""What an answer complains of, in every shape that was seen."""

import json

from probes.answer.error_body import Layer, read_complaint, words_of
from tests.rows import each_row

LAYER = Layer(("teapot",), ("kind",), (), "Short and stout.", "Short and stout.")


@each_row(
    "body",
    [
        '{"error": {"message": "Short and stout.", "type": "kind", "code": "teapot"}}',
        '[{"error": {"message": "Short and stout.", "type": "kind", "code": "teapot"}}]',
        '{"message": "Short and stout.", "type": "kind", "code": "teapot"}',
        '{"Message": "Short and stout.", "__type": "com.example.api#kind", "errorCode": "teapot"}',
        '{"errors": [{"message": "Short and stout.", "type": "kind", "code": "Teapot"}], "success": false}',
        '{"error_msg": "Short and stout.", "error_type": "kind", "error_code": "teapot"}',
        '{"detail": {"message": "Short\\nand  stout.", "type": "kind", "code": "teapot"}}',
        '{"error": {"error": {"message": "Short and stout.", "type": "kind", "code": "teapot"}}}',
        '{"error": {"message": "Short\n and stout.", "type": "kind", "code": "teapot"}}',
        "{'error': {'message': 'Short and stout.', 'type': 'kind', 'param': None, 'code': 'teapot'}}",
        'b\'{\\n  "error": {\\n "message": "Short and stout.", "type": "kind", "code": "teapot"}}\'',
        'SomeError: it said {"error": {"message": "Short and stout.", "type": "kind", "code": "teapot"}} twice',
        '"{\\"error\\": {\\"message\\": \\"Short and stout.\\", \\"type\\": \\"kind\\", \\"code\\": \\"teapot\\"}}"',
        'event: error\ndata: {"error": {"message": "Short and stout.", "type": "kind", "code": "teapot"}}\n\n',
        ': hello\n\ndata: {"error": {"message": "Short and stout.", "type": "kind", "code": "teapot"}}\n\n',
        '{"error": {"message": "{\\"message\\": \\"Short and stout.\\", '
        '\\"type\\": \\"kind\\", \\"code\\": \\"teapot\\"}"}}',
        '{"code": "Outer", "description": "{\\"error\\":{\\"message\\":\\"Short and stout.\\",'
        '\\"type\\":\\"kind\\",\\"code\\":\\"teapot\\"}}"}',
        '{"error": {"message": "Provider returned error", "metadata": {"raw": '
        '"{\\"message\\": \\"Short and stout.\\", \\"type\\": \\"kind\\", \\"code\\": \\"teapot\\"}"}}}',
        '{"error": {"message": "Short and stout.", "type": "kind", "code": "teapot", "param": "cut he',
    ],
)
def test_the_innermost_cause_is_found_in_every_shape(body):
    first = read_complaint(400, {}, body).layers[0]

    assert (first.codes, first.message) == (("teapot",), "Short and stout.")
    assert "kind" in first.types


@each_row(
    ("body", "sentence"),
    [
        ("", ""),
        ("null", "null"),
        ("Too hot", "Too hot"),
        ('{"error": "Too hot"}', "Too hot"),
        ('{"detail": "Too hot"}', "Too hot"),
        ('{"error": "hot", "error_description": "Too hot"}', "Too hot"),
        ('{"code": 7, "error": "Too hot"}', "Too hot"),
        ('{"errors": [{"status": "403", "title": "Forbidden", "detail": "Too hot"}]}', "Too hot"),
        ('{"detail": [{"type": "missing", "loc": ["body"], "msg": "Too hot", "input": {}}]}', "Too hot"),
        ('{"base_resp": {"status_code": 1008, "status_msg": "Too hot"}}', "Too hot"),
        ('{"fault": {"faultstring": "Too hot"}}', "Too hot"),
        ('{"error": {"code": "1308"}}', "1308"),
        ("<html><head><title>Too\nhot</title><script>var a = '<b>';</script></head></html>", "Too hot"),
        ("<?xml version='1.0'?><Error><Message>Too hot</Message></Error>", "Too hot"),
        ('\ufeff  {"message": "It\u2019s hot"}', "It's hot"),
    ],
)
def test_the_sentence_for_people_is_the_innermost_one(body, sentence):
    assert words_of(read_complaint(400, {}, body)) == sentence


def test_googles_details_are_marks_of_the_same_error():
    body = {
        "error": {
            "code": 429,
            "message": "You exceeded your current quota.",
            "status": "RESOURCE_EXHAUSTED",
            "errors": [{"message": "Quota exceeded.", "reason": "rateLimitExceeded"}],
            "details": [
                {"reason": "RATE_LIMIT_EXCEEDED", "metadata": {"quota_limit_value": "0", "service": "example"}},
                {"violations": [{"quotaId": "RequestsPerDay-FreeTier"}]},
                {"links": [{"description": "Learn more", "url": "https://example.com"}]},
            ],
        }
    }
    (layer,) = read_complaint(429, {}, json.dumps(body)).layers

    assert layer.message == "You exceeded your current quota."
    assert layer.types == ("resource_exhausted",)
    assert set(layer.reasons) == {"rate_limit_exceeded", "ratelimitexceeded"}
    assert layer.words.split("\n")[1:] == ["quota_limit_value=0", "RequestsPerDay-FreeTier", "Quota exceeded."]


def test_an_exception_named_in_a_header_is_a_type():
    headers = {"X-Amzn-ErrorType": "ThrottlingException:http://internal.example.com/"}

    assert read_complaint(400, headers, '{"message": "Wait."}').layers[0].types == ("throttlingexception",)
