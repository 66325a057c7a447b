"""The few wire formats: the smallest legal request out, first content and usage in."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from probes.model import Usage
from probes.provider import Dialect

PROMPT = "hi"
PROMPT_TOKENS = 10
"""What the prompt is billed as, its frame included: 8 to 10 where answers told."""
CAP_TOKENS = 16
"""Below this the Responses API refuses the request, and reasoning models end in an error before any text."""

Json = Mapping[str, Any]


class Piece(Struct, frozen=True):
    """What one event of a stream says. `content`: generated text or reasoning came. `usage`: so far."""

    content: bool = False
    ended: bool = False
    failed: bool = False
    usage: Usage | None = None


class Wire(Struct, frozen=True):
    """One dialect. `body` is None for a plain GET; `read` understands one event of its stream, or its whole answer.

    `most_out` is the cap on generated tokens that the body asks for. `long`: a good answer may be longer
    than what we read of it.
    """

    body: Callable[[str], dict[str, Any]] | None
    read: Callable[[Json], Piece]
    most_out: int = CAP_TOKENS
    long: bool = False


NOTHING = Piece()


def _openai_chat_body(model: str) -> dict[str, Any]:
    return {
        "model": model,
        "messages": [{"role": "user", "content": PROMPT}],
        "max_completion_tokens": CAP_TOKENS,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def _openai_compatible_body(model: str) -> dict[str, Any]:
    """Gateways and older servers know `max_tokens` only; OpenAI's reasoning models refuse it."""
    body = _openai_chat_body(model)
    body["max_tokens"] = body.pop("max_completion_tokens")
    return body


def _openai_responses_body(model: str) -> dict[str, Any]:
    return {"model": model, "input": PROMPT, "max_output_tokens": CAP_TOKENS, "store": False, "stream": True}


def _anthropic_body(model: str) -> dict[str, Any]:
    return {"model": model, "max_tokens": 1, "messages": [{"role": "user", "content": PROMPT}], "stream": True}


def _gemini_body(model: str) -> dict[str, Any]:
    return {
        "contents": [{"role": "user", "parts": [{"text": PROMPT}]}],
        "generationConfig": {"maxOutputTokens": CAP_TOKENS},
    }


def _gemini_count_body(model: str) -> dict[str, Any]:
    """The settings of a generation are no field of a count: the AI Studio address refuses them."""
    return {"contents": [{"role": "user", "parts": [{"text": PROMPT}]}]}


def _anthropic_count_body(model: str) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": PROMPT}]}


def _openai_embed_body(model: str) -> dict[str, Any]:
    return {"model": model, "input": PROMPT}


def _gemini_embed_body(model: str) -> dict[str, Any]:
    return {"content": {"parts": [{"text": PROMPT}]}}


def _cohere_embed_body(model: str) -> dict[str, Any]:
    return {"model": model, "texts": [PROMPT], "input_type": "search_query", "embedding_types": ["float"]}


def _cohere_body(model: str) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 1, "stream": True}


def _read_openai_chat(event: Json) -> Piece:
    choices = event.get("choices") or [{}]
    delta = choices[0].get("delta") or {}
    return Piece(
        content=bool(delta.get("content") or delta.get("reasoning_content") or delta.get("reasoning")),
        ended=choices[0].get("finish_reason") is not None,
        failed=bool(event.get("error")) or choices[0].get("finish_reason") == "error",
        usage=_usage(event.get("usage"), "prompt_tokens", "completion_tokens"),
    )


def _read_openai_responses(event: Json) -> Piece:
    if event.get("object") == "response":  # not streamed: the whole answer
        return Piece(usage=_usage(event.get("usage"), "input_tokens", "output_tokens"))
    kind = event.get("type", "")
    if kind.endswith(".delta"):
        return Piece(content=bool(event.get("delta")))
    if kind in ("response.completed", "response.incomplete"):
        return Piece(ended=True, usage=_usage(event["response"].get("usage"), "input_tokens", "output_tokens"))
    return Piece(failed=kind in ("error", "response.failed"))


def _read_anthropic(event: Json) -> Piece:
    match event.get("type"):
        case "content_block_delta":
            return Piece(content=True)
        case "message_start":
            return Piece(usage=_usage(event["message"].get("usage"), "input_tokens", "output_tokens"))
        case "message_delta" | "message":  # the latter is a whole answer, not streamed
            return Piece(usage=_usage(event.get("usage"), "input_tokens", "output_tokens"))
        case "message_stop":
            return Piece(ended=True)
        case "error":
            return Piece(failed=True)
    return NOTHING


def _read_gemini(event: Json) -> Piece:
    candidate = (event.get("candidates") or [{}])[0]
    parts = (candidate.get("content") or {}).get("parts") or []
    return Piece(
        content=any(part.get("text") for part in parts),
        ended="finishReason" in candidate,
        # A refusal by the safety filter has no content; the classifier tells it from a good answer.
        failed="error" in event or "promptFeedback" in event or candidate.get("finishReason") == "SAFETY",
        usage=_usage(event.get("usageMetadata"), "promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount"),
    )


def _read_cohere(event: Json) -> Piece:
    match event.get("type"):
        case "content-delta":
            return Piece(content=True)
        case "message-end":
            delta = event.get("delta") or {}
            tokens = (delta.get("usage") or {}).get("billed_units")
            return Piece(
                ended=True,
                failed=delta.get("finish_reason") == "ERROR",
                usage=_usage(tokens, "input_tokens", "output_tokens"),
            )
        case None:  # not streamed: the whole answer
            return Piece(usage=_usage((event.get("usage") or {}).get("billed_units"), "input_tokens", "output_tokens"))
    return NOTHING


def _read_openai_embed(answer: Json) -> Piece:
    return Piece(usage=_usage(answer.get("usage"), "prompt_tokens"))


def _read_gemini_embed(answer: Json) -> Piece:
    return Piece(usage=_usage(answer.get("usageMetadata"), "promptTokenCount"))


def _read_cohere_embed(answer: Json) -> Piece:
    return Piece(usage=_usage((answer.get("meta") or {}).get("billed_units"), "input_tokens"))


def _usage(counts: Json | None, tokens_in: str, *tokens_out: str) -> Usage | None:
    if not counts:
        return None
    return Usage(int(counts.get(tokens_in) or 0), sum(int(counts.get(name) or 0) for name in tokens_out))


WIRES: Mapping[Dialect, Wire] = {
    Dialect.LIST: Wire(None, lambda _: NOTHING, most_out=0, long=True),
    Dialect.ACCOUNT: Wire(None, lambda _: NOTHING, most_out=0),
    Dialect.OPENAI_CHAT: Wire(_openai_chat_body, _read_openai_chat),
    Dialect.OPENAI_COMPATIBLE: Wire(_openai_compatible_body, _read_openai_chat),
    Dialect.OPENAI_RESPONSES: Wire(_openai_responses_body, _read_openai_responses),
    Dialect.OPENAI_EMBED: Wire(_openai_embed_body, _read_openai_embed, most_out=0, long=True),
    Dialect.ANTHROPIC: Wire(_anthropic_body, _read_anthropic, most_out=1),
    Dialect.ANTHROPIC_COUNT: Wire(_anthropic_count_body, lambda _: NOTHING, most_out=0),
    Dialect.GEMINI: Wire(_gemini_body, _read_gemini),
    Dialect.GEMINI_COUNT: Wire(_gemini_count_body, lambda _: NOTHING, most_out=0),
    Dialect.GEMINI_EMBED: Wire(_gemini_embed_body, _read_gemini_embed, most_out=0, long=True),
    Dialect.COHERE: Wire(_cohere_body, _read_cohere, most_out=1),
    Dialect.COHERE_EMBED: Wire(_cohere_embed_body, _read_cohere_embed, most_out=0, long=True),
}
