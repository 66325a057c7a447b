"""The wire formats: the smallest legal request, and the reader for its answer."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from probes.answer import payload
from probes.answer.payload import AnswerPart
from probes.provider import Dialect

PROMPT = "hi"
PROMPT_TOKENS = 10
"""Tokens billed for the prompt, with its frame: answers reported 8 to 10."""
CAP_TOKENS = 16
"""Tokens of output below which the Responses API refuses, and reasoning models fail before any text."""
COUNTING_TOKENS = 40
"""Tokens billed for the longer question, with its frame: 12 words, and no tokenizer splits them all in two."""


class Question(Struct, frozen=True):
    """What a model is asked. It is billed as `tokens_in`; `most_out` caps the generated tokens."""

    text: str
    tokens_in: int
    most_out: int


class Codec(Struct, frozen=True):
    """One dialect. `body` is None for a plain GET; `read` parses a whole answer, or one event of its stream.

    `most_out` is the usual cap on generated tokens. `whole` returns how much of a truncated long answer is complete;
    None where no good answer is that long.
    """

    body: Callable[[str, Question], dict[str, Any]] | None
    read: Callable[[Any], AnswerPart]
    most_out: int = CAP_TOKENS
    whole: Callable[[str], int] | None = None


def _openai_chat_body(model: str, question: Question) -> dict[str, Any]:
    return {
        "model": model,
        "messages": [{"role": "user", "content": question.text}],
        "max_completion_tokens": question.most_out,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def _openai_compatible_body(model: str, question: Question) -> dict[str, Any]:
    """Gateways and older servers know only `max_tokens`; OpenAI's reasoning models refuse it."""
    body = _openai_chat_body(model, question)
    body["max_tokens"] = body.pop("max_completion_tokens")
    return body


def _openai_responses_body(model: str, question: Question) -> dict[str, Any]:
    cap = question.most_out
    return {"model": model, "input": question.text, "max_output_tokens": cap, "store": False, "stream": True}


def _anthropic_body(model: str, question: Question) -> dict[str, Any]:
    messages = [{"role": "user", "content": question.text}]
    return {"model": model, "max_tokens": question.most_out, "messages": messages, "stream": True}


def _gemini_body(model: str, question: Question) -> dict[str, Any]:
    return {
        "contents": [{"role": "user", "parts": [{"text": question.text}]}],
        "generationConfig": {"maxOutputTokens": question.most_out},
    }


def _gemini_count_body(model: str, question: Question) -> dict[str, Any]:
    """A count has no generation settings: the AI Studio address refuses them."""
    return {"contents": [{"role": "user", "parts": [{"text": question.text}]}]}


def _anthropic_count_body(model: str, question: Question) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": question.text}]}


def _openai_embed_body(model: str, question: Question) -> dict[str, Any]:
    return {"model": model, "input": question.text}


def _gemini_embed_body(model: str, question: Question) -> dict[str, Any]:
    return {"content": {"parts": [{"text": question.text}]}}


def _cohere_embed_body(model: str, question: Question) -> dict[str, Any]:
    return {"model": model, "texts": [question.text], "input_type": "search_query", "embedding_types": ["float"]}


def _cohere_body(model: str, question: Question) -> dict[str, Any]:
    messages = [{"role": "user", "content": question.text}]
    return {"model": model, "messages": messages, "max_tokens": question.most_out, "stream": True}


CODECS: Mapping[Dialect, Codec] = {
    Dialect.LIST: Codec(None, payload.read_list, most_out=0, whole=payload.end_of_entries),
    Dialect.ACCOUNT: Codec(None, lambda _: payload.NOTHING, most_out=0),
    Dialect.OPENAI_CHAT: Codec(_openai_chat_body, payload.read_openai_chat),
    Dialect.OPENAI_COMPATIBLE: Codec(_openai_compatible_body, payload.read_openai_chat),
    Dialect.OPENAI_RESPONSES: Codec(_openai_responses_body, payload.read_openai_responses),
    Dialect.OPENAI_EMBED: Codec(_openai_embed_body, payload.read_openai_embed, most_out=0, whole=payload.end_of_number),
    Dialect.ANTHROPIC: Codec(_anthropic_body, payload.read_anthropic, most_out=1),
    Dialect.ANTHROPIC_COUNT: Codec(_anthropic_count_body, payload.read_count, most_out=0),
    Dialect.GEMINI: Codec(_gemini_body, payload.read_gemini),
    Dialect.GEMINI_COUNT: Codec(_gemini_count_body, payload.read_count, most_out=0),
    Dialect.GEMINI_EMBED: Codec(_gemini_embed_body, payload.read_gemini_embed, most_out=0, whole=payload.end_of_number),
    Dialect.COHERE: Codec(_cohere_body, payload.read_cohere, most_out=1),
    Dialect.COHERE_EMBED: Codec(_cohere_embed_body, payload.read_cohere_embed, most_out=0, whole=payload.end_of_number),
}


def question(dialect: Dialect, answer_tokens: int | None = None) -> Question:
    """Return a canary's question for an answer of `answer_tokens`; None: as few as the dialect allows.

    Counting to a number takes at least one token per number, and the cap ends it: all such answers are equally long.
    """
    if answer_tokens is None or not dialect.writes:
        return Question(PROMPT, PROMPT_TOKENS, CODECS[dialect].most_out)
    counting = f"Count from 1 to {answer_tokens}, with a blank between the numbers, and write nothing else."
    return Question(counting, COUNTING_TOKENS, answer_tokens)
