"""The good answers: what each endpoint returns when all is well, whole and streamed, in its own format.

Sources: the providers' API references, and recorded exchanges in the tests of https://github.com/traceloop/openllmetry
and https://github.com/maruel/genai, read 2026-11-21.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

Json = Mapping[str, Any]

WORDS = ("Hello", " from", " the", " simulator", ".")
"""Every model's answer, unless it is told to count: one word, one token."""
TOKENS_IN = 9


class GenerationRequest(Struct, frozen=True):
    """A request to generate, as far as the answer depends on it. `cap` is None when it sets no output cap.

    `counts_to` is the number up to which it is told to count, 0 where it is not.
    """

    id: str
    at: datetime
    model: str
    cap: int | None
    usage_wanted: bool
    counts_to: int = 0

    @property
    def all_words(self) -> tuple[str, ...]:
        return tuple(f"{number} " for number in range(1, self.counts_to + 1)) or WORDS

    @property
    def words(self) -> tuple[str, ...]:
        return self.all_words[: self.cap]

    @property
    def text(self) -> str:
        return "".join(self.words)

    @property
    def cut(self) -> bool:
        return len(self.words) < len(self.all_words)

    @property
    def unix_s(self) -> int:
        return int(self.at.timestamp())


Stream = tuple[bytes, tuple[bytes, ...]]
"""What precedes the first word, and the pieces from the first word to the end."""


class WireFormat(Struct, frozen=True):
    """One endpoint's request and answer.

    `stream` is None where nothing is generated. `caps` are the fields that may hold the output cap, which must not be
    below `least_cap`.
    """

    whole: Callable[[GenerationRequest], Json]
    stream: Callable[[GenerationRequest], Stream] | None
    required: tuple[str, ...]
    caps: tuple[str, ...]
    least_cap: int = 1
    required_headers: tuple[str, ...] = ()


def to_json_bytes(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def sse_data(event: Json, end: bytes = b"\n\n") -> bytes:
    """Return one unnamed server-sent event."""
    return b"data: " + to_json_bytes(event) + end


def sse_named(event: Json) -> bytes:
    """Return one server-sent event named after its type."""
    return f"event: {event['type']}\n".encode() + sse_data(event)


DONE = b"data: [DONE]\n\n"


# OpenAI chat completions, also used by Groq and the gateways


def _chat(ask: GenerationRequest) -> Json:
    message = {"role": "assistant", "content": ask.text, "refusal": None}
    return {
        "id": f"chatcmpl-{ask.id}",
        "object": "chat.completion",
        "created": ask.unix_s,
        "model": ask.model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(ask)}],
        "usage": _chat_usage(ask),
        "service_tier": "default",
        "system_fingerprint": None,
    }


def _chat_stream(ask: GenerationRequest, closing: Json | None = None) -> Stream:
    def chunk(choices: Sequence[Json], more: Json) -> bytes:
        head = {"id": f"chatcmpl-{ask.id}", "object": "chat.completion.chunk", "created": ask.unix_s}
        return sse_data({**head, "model": ask.model, "system_fingerprint": None, "choices": choices, **more})

    def delta(change: Json, finish: str | None = None) -> Sequence[Json]:
        return [{"index": 0, "delta": change, "logprobs": None, "finish_reason": finish}]

    usage = {"usage": None} if ask.usage_wanted else {}
    words = [chunk(delta({"content": word}), usage) for word in ask.words]
    end = [chunk(delta({}, _finish(ask)), {**usage, **(closing or {})})]
    if ask.usage_wanted:
        end.append(chunk([], {"usage": _chat_usage(ask)}))
    return chunk(delta({"role": "assistant", "content": "", "refusal": None}), usage), (*words, *end, DONE)


def _groq_stream(ask: GenerationRequest) -> Stream:
    return _chat_stream(ask, {"x_groq": {"id": f"req_{ask.id}", "usage": _chat_usage(ask)}})


def _finish(ask: GenerationRequest) -> str:
    return "length" if ask.cut else "stop"


def _chat_usage(ask: GenerationRequest) -> Json:
    spoken = len(ask.words)
    return {"prompt_tokens": TOKENS_IN, "completion_tokens": spoken, "total_tokens": TOKENS_IN + spoken}


# OpenAI responses


def _response(ask: GenerationRequest) -> Json:
    return _response_now(ask, "incomplete" if ask.cut else "completed", [_output_item(ask)])


def _response_now(ask: GenerationRequest, status: str, output: Sequence[Json]) -> Json:
    ended = status != "in_progress"
    return {
        "id": f"resp_{ask.id}",
        "object": "response",
        "created_at": ask.unix_s,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "model": ask.model,
        "output": output,
        "store": False,
        "usage": _responses_usage(ask) if ended else None,
    }


def _output_item(ask: GenerationRequest) -> Json:
    part = {"type": "output_text", "annotations": [], "logprobs": [], "text": ask.text}
    status = "incomplete" if ask.cut else "completed"
    return {"id": f"msg_{ask.id}", "type": "message", "status": status, "role": "assistant", "content": [part]}


def _responses_usage(ask: GenerationRequest) -> Json:
    spoken = len(ask.words)
    return {
        "input_tokens": TOKENS_IN,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": spoken,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": TOKENS_IN + spoken,
    }


def _responses_stream(ask: GenerationRequest) -> Stream:
    at = {"item_id": f"msg_{ask.id}", "output_index": 0, "content_index": 0}
    item = _output_item(ask)
    whole = _response(ask)
    started = _response_now(ask, "in_progress", [])
    lead: list[Json] = [
        {"type": "response.created", "response": started},
        {"type": "response.in_progress", "response": started},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
        {"type": "response.content_part.added", **at, "part": {**item["content"][0], "text": ""}},
    ]
    rest: list[Json] = [
        *({"type": "response.output_text.delta", **at, "delta": word} for word in ask.words),
        {"type": "response.output_text.done", **at, "text": ask.text},
        {"type": "response.content_part.done", **at, "part": item["content"][0]},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": f"response.{whole['status']}", "response": whole},
    ]
    events = [sse_named({**event, "sequence_number": number}) for number, event in enumerate(lead + rest)]
    return b"".join(events[: len(lead)]), tuple(events[len(lead) :])


# Anthropic messages


def _message(ask: GenerationRequest) -> Json:
    stop = "max_tokens" if ask.cut else "end_turn"
    return _message_now(ask, [{"type": "text", "text": ask.text}], stop, len(ask.words))


def _message_now(ask: GenerationRequest, content: Sequence[Json], stop: str | None, spoken: int) -> Json:
    return {
        "id": f"msg_{ask.id}",
        "type": "message",
        "role": "assistant",
        "model": ask.model,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {
            "input_tokens": TOKENS_IN,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": spoken,
            "service_tier": "standard",
        },
    }


def _message_stream(ask: GenerationRequest) -> Stream:
    stop = "max_tokens" if ask.cut else "end_turn"
    lead: list[Json] = [
        {"type": "message_start", "message": _message_now(ask, [], None, 1)},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
    ]
    rest: list[Json] = [
        *({"type": "content_block_delta", "index": 0, "delta": _text_delta(word)} for word in ask.words),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": stop, "stop_sequence": None},
            "usage": {"output_tokens": len(ask.words)},
        },
        {"type": "message_stop"},
    ]
    return b"".join(map(sse_named, lead)), tuple(map(sse_named, rest))


def _text_delta(word: str) -> Json:
    return {"type": "text_delta", "text": word}


# Gemini


def _generated(ask: GenerationRequest) -> Json:
    return _candidate(ask, ask.text, ends=True)


def _candidate(ask: GenerationRequest, text: str, *, ends: bool) -> Json:
    spoken = len(ask.words)
    candidate: dict[str, Any] = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
    usage = {"promptTokenCount": TOKENS_IN, "totalTokenCount": TOKENS_IN + (spoken if ends else 0)}
    if ends:
        candidate["finishReason"] = "MAX_TOKENS" if ask.cut else "STOP"
        usage["candidatesTokenCount"] = spoken
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": ask.model, "responseId": ask.id}


def _generated_stream(ask: GenerationRequest) -> Stream:
    *first, last = ask.words
    pieces = [_candidate(ask, word, ends=False) for word in first] + [_candidate(ask, last, ends=True)]
    return b"", tuple(sse_data(piece, b"\r\n\r\n") for piece in pieces)


# Cohere v2


def _cohere_chat(ask: GenerationRequest) -> Json:
    message = {"role": "assistant", "content": [{"type": "text", "text": ask.text}]}
    return {"id": ask.id, "message": message, **_cohere_end(ask)}


def _cohere_end(ask: GenerationRequest) -> Json:
    tokens = {"input_tokens": TOKENS_IN, "output_tokens": len(ask.words)}
    finish = "MAX_TOKENS" if ask.cut else "COMPLETE"
    return {"finish_reason": finish, "usage": {"billed_units": tokens, "tokens": tokens}}


def _cohere_stream(ask: GenerationRequest) -> Stream:
    def content(kind: str, text: Json) -> Json:
        return {"type": kind, "index": 0, "delta": {"message": {"content": text}}}

    message = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    lead = [
        {"type": "message-start", "id": ask.id, "delta": {"message": message}},
        content("content-start", {"type": "text", "text": ""}),
    ]
    rest = [
        *(content("content-delta", {"text": word}) for word in ask.words),
        {"type": "content-end", "index": 0},
        {"type": "message-end", "delta": _cohere_end(ask)},
    ]
    return b"".join(map(sse_named, lead)), (*map(sse_named, rest), DONE)


# Lists of models


def openai_list(models: Sequence[str]) -> Json:
    entries = [{"id": model, "object": "model", "created": 1735689600, "owned_by": "system"} for model in models]
    return {"object": "list", "data": entries}


def anthropic_list(models: Sequence[str]) -> Json:
    made = "2025-01-01T00:00:00Z"
    entries = [{"type": "model", "id": model, "display_name": model, "created_at": made} for model in models]
    ends = {"first_id": models[0], "last_id": models[-1]} if models else {"first_id": None, "last_id": None}
    return {"data": entries, "has_more": False, **ends}


def gemini_list(models: Sequence[str]) -> Json:
    methods = ["generateContent", "countTokens"]
    return {
        "models": [
            {"name": f"models/{model}", "displayName": model, "supportedGenerationMethods": methods} for model in models
        ]
    }


def cohere_list(models: Sequence[str]) -> Json:
    return {"models": [{"name": model, "endpoints": ["chat"], "is_deprecated": False} for model in models]}


# The dialects

CHAT = WireFormat(
    whole=_chat,
    stream=_chat_stream,
    required=("model", "messages"),
    caps=("max_completion_tokens", "max_tokens"),
)
GROQ_CHAT = WireFormat(whole=_chat, stream=_groq_stream, required=CHAT.required, caps=CHAT.caps)
RESPONSES = WireFormat(
    whole=_response,
    stream=_responses_stream,
    required=("model", "input"),
    caps=("max_output_tokens",),
    least_cap=16,
)
MESSAGES = WireFormat(
    whole=_message,
    stream=_message_stream,
    required=("model", "max_tokens", "messages"),
    caps=("max_tokens",),
    required_headers=("anthropic-version",),
)
COUNT_MESSAGES = WireFormat(
    whole=lambda _: {"input_tokens": TOKENS_IN},
    stream=None,
    required=("model", "messages"),
    caps=(),
    required_headers=MESSAGES.required_headers,
)
GENERATE = WireFormat(
    whole=_generated,
    stream=_generated_stream,
    required=("contents",),
    caps=("maxOutputTokens",),
)
COUNT_CONTENTS = WireFormat(
    whole=lambda _: {"totalTokens": TOKENS_IN},
    stream=None,
    required=("contents",),
    caps=(),
)
COHERE_CHAT = WireFormat(
    whole=_cohere_chat,
    stream=_cohere_stream,
    required=("model", "messages"),
    caps=("max_tokens",),
)
