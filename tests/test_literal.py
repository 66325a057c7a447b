"""JSON and literals are found in any text, and what is broken gives up its pairs."""

import time

import pytest

from probes.answer.literal import TOKEN, decode_literal, literals

ERROR = {"error": {"message": "It's bad", "code": None}}


@pytest.mark.parametrize(
    "text",
    [
        '{"error": {"message": "It\'s bad", "code": null}}',
        'b\'{"error": {"message": "It\\\'s bad", "code": null}}\'',
        "{'error': {'message': \"It's bad\", 'code': None}}",
        '{ error: { message: "It\'s bad", code: undefined } }',
        '{"error"=>{"message"=>"It\'s bad", "code"=>nil}}',
        '"{\\"error\\": {\\"message\\": \\"It\'s bad\\", \\"code\\": null}}"',
        'x {\\\\\\"error\\\\\\": {\\\\\\"message\\\\\\": \\\\\\"It\'s bad\\\\\\", \\\\\\"code\\\\\\": null}} tail',
        'SomeError: {"error": {"message": "It\'s bad", "code": null}} twice',
    ],
)
def test_a_literal_is_read_in_every_spelling(text):
    assert decode_literal(text) == ERROR


def test_every_literal_of_a_text_is_found():
    text = 'Request was {"model": "m", "messages": [{"role": "user"}]}, and then came {"error": {"message": "x"}}.'

    assert list(literals(text))[1] == {"error": {"message": "x"}}


def test_a_broken_one_gives_up_its_pairs_after_what_is_whole():
    text = '{"error": {"message": "x", "metadata": {"a": 1}, "code": "teapot", "param": "cut he'

    assert list(literals(text)) == [{"a": 1}, {"message": "x", "code": "teapot"}]
    assert decode_literal(text) == {"message": "x", "code": "teapot"}


def test_rust_s_debug_output_gives_up_its_pairs():
    assert decode_literal('ApiError { message: "x", type: Some("kind"), code: Some(String("teapot")) }') == {
        "message": "x",
        "type": "kind",
        "code": "teapot",
    }


@pytest.mark.parametrize("items", ["1, ...", "1, ...]", "..., 1", "1\n...\n2", "1, …, 2", '"..."', "{'a': 1, ...}"])
def test_dots_stand_for_items_that_somebody_left_out(items):
    (read,) = literals(f'{{"data": [{items.removesuffix("]")}]}}')

    assert read["data"]
    assert all(item in (1, 2, "...", {"a": 1}) for item in read["data"])


@pytest.mark.parametrize("text", ["", "words", "[tag] words", "{x}"])
def test_a_text_without_any_has_none(text):
    assert decode_literal(text) is None


@pytest.mark.parametrize("text", ['"' + '\\"' * 50, "'" + "\\'" * 50, '"\\', "'cut he"])
def test_a_string_that_is_never_closed_is_looked_through_once(text):
    assert len(TOKEN.findall(text)) == 1


@pytest.mark.parametrize(
    "unit", ["{'", '{"a":', "{a:", '{\\"', "{", "[", "{'a': 'b', ", 'message="', "{a: [... ", "{a: , … "]
)
def test_a_hostile_text_takes_a_time_that_grows_with_its_length(unit):
    short, long = (_seconds(unit * (length // len(unit))) for length in (16_000, 32_000))

    assert long < 4 * short + 0.02


def _seconds(text):
    def once():
        begun = time.thread_time()
        list(literals(text))
        return time.thread_time() - begun

    return min(once() for _ in range(3))
