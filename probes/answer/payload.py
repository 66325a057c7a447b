"""Pure: the part of an answer that was asked for; one reader per wire format.

A reader takes a whole answer, or one event of a stream. Anything of an unexpected shape counts as nothing: answers are
untrusted.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, TypeGuard

from msgspec import Struct
from msgspec.structs import replace

from probes.model import Usage

Json = Mapping[str, Any]

MOST_TOKENS = 10**9
"""Tokens of one answer beyond which a count is nonsense."""
LEAST_BASE64 = 8
"""Fewest characters of a vector in base64."""
BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
DEEPEST = 8
"""Most levels of nesting to search."""
MOST_ENTRIES = 5
"""Most entries checked to recognize a list."""
MOST_CHARACTERS = 64 * 1024
"""Most characters of a long list searched for complete entries."""

LISTS = ("data", "models", "result")
"""Where a list of models is: OpenAI's and most; Google's and Cohere's; Cloudflare's. Together's is bare."""
NAMES = ("id", "name", "model")
COUNTS = ("input_tokens", "totalTokens")
SAID = (
    *("reasoning_content", "reasoning", "reasoning_details", "thinking", "thinking_blocks"),
    *("refusal", "audio", "images", "tool_calls", "function_call"),
)
"""Fields of a choice's message besides its content: OpenAI, DeepSeek, OpenRouter, Mistral, vLLM."""
GEMINI_COUNTS = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
OUTPUT_DETAILS = ("completion_tokens_details", "output_tokens_details")
TOLD_IN_PARTS = (".delta", "_text.done", "_part.done")
COHERE_SPEAKS = ("content-delta", "content-start", "tool-plan-delta", "tool-call-start", "tool-call-delta")
VISIBLE = re.compile(r"[^\s\x00-\x1f\x7f\u200b-\u200f\u2028-\u202f\u2060-\u2064\ufeff]")
"""A visible character."""
FRAME = frozenset({"type", "role", "id", "index", "signature", "thoughtSignature", "annotations", "logprobs"})
"""Fields around the content."""

CAPPED = frozenset({"length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"})
FILTERED = frozenset(
    {
        *("content_filter", "safety", "prohibited_content", "blocklist", "spii", "recitation", "image_safety"),
        *("refusal", "sensitive", "error_toxic", "model_armor"),
    }
)
"""Finish reasons set by a filter: OpenAI's, Google's, Anthropic's, Zhipu's, Cohere's."""
FAILED = re.compile(
    "error|fail|abort|cancel|time.?out|exception|insufficient|unavailable|overload|quota|balance|denied|invalid"
    "|suspend|banned|blocked",
    re.IGNORECASE,
)
"""A finish reason that names a failure.

DeepSeek's insufficient_system_resource, Zhipu's network_error, vLLM's abort.
"""

LONGEST_CONFESSION = 1_000
CONFESSION = re.compile(
    r"\s*(?:"
    r"(?:\[[\w .-]{2,30}\]:?\s?|(?:(?:API|upstream|gateway|proxy) )?error:\s?)(?:the |all )?"
    r"(?:upstream|providers?|channels?|backend)\b[^\n]{0,80}?"
    r"\b(?:returned|responded|failed|failure|error|timed out|unavailable|exhausted|unreachable|refused)\b[^\n]{0,300}"
    r"|(?:\[[\w .-]{2,30}\]:?\s?)?"
    r"(?:(?:(?:API|upstream|gateway|proxy|request|HTTP) )?error(?: code)?:?\s?|HTTP(?:/\d(?:\.\d)?)?)"
    r"[\s(]{0,2}(?:(?:HTTP|status(?: code)?):?\s)?[45]\d\d\)?[\s:·,-]{1,3}"
    r"(?:(?:unauthori[sz]ed|payment required|forbidden|too many requests|internal server error|bad gateway"
    r"|service (?:temporarily )?unavailable|gateway time-?out)\b[^\n]{0,300}|\{[^\n]{2,800}\})"
    r")\s*",
    re.IGNORECASE,
)
"""A gateway's error in place of a model's words: about its upstream, or a status and its phrase."""
CONFESSES = frozenset("[{AEGHPRUaeghpru \n")
"""First characters of such an error: nearly everything else a model says begins differently, or is shorter."""
SHORTEST_CONFESSION = 16
"""Fewest characters of a sentence that admits a failure."""

FIRST_NUMBER = re.compile(
    r'\A\{.{0,2000}?"(?:embedding|values|float)"\s*:\s*(?:\[\s*){1,2}-?\d[\d.eE+\-]*+(?=\s*[,\]])', re.DOTALL
)
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\Z)|[\[\]{}]', re.DOTALL)
CLOSING = {"[": "]", "{": "}"}


class AnswerPart(Struct, frozen=True):
    """What one event of a stream, or a whole answer, says; joined, what several of them say.

    `content`: it has something that was asked for: text, reasoning, a tool call, an entry, a vector, a count. `ended`:
    the generation ended, `capped` at the limit that we set, `filtered` by a content filter. `failed`: it names a
    failure. `usage`: so far.
    """

    content: bool = False
    ended: bool = False
    capped: bool = False
    filtered: bool = False
    failed: bool = False
    usage: Usage | None = None

    @property
    def holds(self) -> bool:
        """Whether it is what was asked for; a model that only reasoned up to the cap shows nothing, and counts."""
        return self.content or (self.capped and self.usage is not None and self.usage.tokens_out > 0)


NOTHING = AnswerPart()
SPEAKS = AnswerPart(content=True)
"""Most events of a stream."""


def join_parts(one: AnswerPart, other: AnswerPart) -> AnswerPart:
    """Return both combined."""
    if other is NOTHING or (other is SPEAKS and one.content):
        return one
    return AnswerPart(
        content=one.content or other.content,
        ended=one.ended or other.ended,
        capped=one.capped or other.capped,
        filtered=one.filtered or other.filtered,
        failed=one.failed or other.failed,
        usage=_most(one.usage, other.usage),
    )


def _most(one: Usage | None, other: Usage | None) -> Usage | None:
    if one is None or other is None:
        return one or other
    return Usage(
        max(one.tokens_in, other.tokens_in),
        max(one.tokens_out, other.tokens_out),
        max(one.tokens_reasoning, other.tokens_reasoning),
    )


# Generated text


def read_openai_chat(event: Any) -> AnswerPart:
    top = _object(event)
    told = NOTHING
    for choice in _objects(top.get("choices")):
        told = join_parts(told, _read_choice(choice))
    usage = _usage(top.get("usage"), "prompt_tokens", "completion_tokens", total="total_tokens")
    return replace(told, usage=usage) if usage else told


def _read_choice(choice: Json) -> AnswerPart:
    spoken = has_content(choice.get("delta")) or has_content(choice.get("message")) or _speaks(choice.get("text"))
    if spoken and _confesses(choice):
        return AnswerPart(failed=True)
    reason, error = choice.get("finish_reason"), choice.get("error")
    if not (reason or error):
        return SPEAKS if spoken else NOTHING
    ending = _ending(reason)
    return replace(ending, content=spoken, failed=ending.failed or bool(error))


def _confesses(choice: Json) -> bool:
    return any(is_relay_error(_object(choice.get(name)).get("content")) for name in ("delta", "message"))


def has_content(message: object) -> bool:
    """Whether a message in OpenAI's format has text, reasoning, or a tool call."""
    if not isinstance(message, dict):
        return False
    return (
        bool(message.get("content"))
        and _speaks(message["content"])
        or any(name in message and _speaks(message[name]) for name in SAID)
    )


def is_relay_error(said: object) -> TypeGuard[str]:
    """Whether the text in place of a model's words is, from start to end, a relay's error."""
    if not isinstance(said, str) or not SHORTEST_CONFESSION <= len(said) <= LONGEST_CONFESSION:
        return False
    if said[0] not in CONFESSES:
        return False
    return _is_error(said) if said.lstrip().startswith("{") else CONFESSION.fullmatch(said) is not None


def _is_error(text: str) -> bool:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(_object(_object(value).get("error")).get("message"), str)


def read_openai_responses(event: Any) -> AnswerPart:
    top = _object(event)
    kind = _text(top.get("type"))
    if kind.endswith(TOLD_IN_PARTS):
        return SPEAKS if any(_speaks(top.get(name)) for name in ("delta", "text", "part")) else NOTHING
    if kind in ("response.output_item.added", "response.output_item.done"):
        return AnswerPart(content=_item_speaks(_object(top.get("item"))))
    if kind in ("response.completed", "response.incomplete"):
        return replace(_read_response(_object(top.get("response"))), ended=True)
    if top.get("object") == "response" or (not kind and "output" in top):  # not streamed
        return _read_response(top)
    return AnswerPart(failed=kind in ("error", "response.failed"))


def _read_response(response: Json) -> AnswerPart:
    why = _object(response.get("incomplete_details")).get("reason")
    return replace(
        _ending(why, response.get("status")),
        content=any(map(_item_speaks, _objects(response.get("output")))),
        usage=_usage(response.get("usage"), "input_tokens", "output_tokens"),
    )


def _item_speaks(item: Json) -> bool:
    """Whether an output item has text, reasoning or a tool call."""
    if _text(item.get("type")).endswith("_call"):
        return True
    return any(_speaks(item.get(name)) for name in ("content", "summary", "encrypted_content"))


def read_anthropic(event: Any) -> AnswerPart:
    top = _object(event)
    match top.get("type"):
        case "content_block_delta":
            if is_relay_error(_object(top.get("delta")).get("text")):
                return AnswerPart(failed=True)
            return SPEAKS if _speaks(top.get("delta")) else NOTHING
        case "content_block_start":
            return AnswerPart(content=_block_speaks(_object(top.get("content_block"))))
        case "message_start":
            return AnswerPart(usage=_anthropic_usage(_object(top.get("message"))))
        case "message_delta":  # this has the reason; message_stop ends the stream
            ending = _ending(_object(top.get("delta")).get("stop_reason"))
            return replace(ending, ended=False, usage=_anthropic_usage(top))
        case "message" | None if top.get("type") or "stop_reason" in top:  # not streamed
            blocks = _objects(top.get("content"))
            if len(blocks) == 1 and is_relay_error(blocks[0].get("text")):
                return AnswerPart(failed=True)
            spoken = any(map(_block_speaks, blocks))
            return replace(_ending(top.get("stop_reason")), content=spoken, usage=_anthropic_usage(top))
        case "message_stop":
            return AnswerPart(ended=True)
    return NOTHING


def _block_speaks(block: Json) -> bool:
    return _text(block.get("type")).endswith("tool_use") or _speaks(block)


def _anthropic_usage(top: Json) -> Usage | None:
    return _usage(top.get("usage"), "input_tokens", "output_tokens")


def read_gemini(event: Any) -> AnswerPart:
    """Without `alt=sse`, its stream comes as a list of events."""
    told = NOTHING
    for one in event if isinstance(event, list) else [event]:
        told = join_parts(told, _read_gemini(_object(one)))
    return told


def _read_gemini(top: Json) -> AnswerPart:
    candidates = _objects(top.get("candidates"))
    ending = _ending(*(candidate.get("finishReason") for candidate in candidates))
    blocked = not candidates and bool(_object(top.get("promptFeedback")).get("blockReason"))
    return replace(
        ending,
        content=any(_speaks(_objects(_object(candidate.get("content")).get("parts"))) for candidate in candidates),
        filtered=ending.filtered or blocked,
        usage=_usage(top.get("usageMetadata"), *GEMINI_COUNTS, total="totalTokenCount"),
    )


def read_cohere(event: Any) -> AnswerPart:
    top = _object(event)
    kind = _text(top.get("type"))
    if kind and kind != "message-end":
        return SPEAKS if kind in COHERE_SPEAKS and _speaks(top.get("delta")) else NOTHING
    end = _object(top.get("delta")) if kind else top  # without a type it is not a stream
    said, counted = _object(top.get("message")), _object(end.get("usage"))
    return replace(
        _ending(end.get("finish_reason")),
        content=_speaks(_objects(said.get("content"))) or _speaks([said.get("tool_calls"), said.get("tool_plan")]),
        usage=_usage(counted.get("billed_units") or counted.get("tokens"), "input_tokens", "output_tokens"),
    )


# Text in formats that no canary requests, but people paste


def read_cohere_v1(answer: Any) -> AnswerPart:
    top = _object(answer)
    return replace(_ending(top.get("finish_reason")), content=_speaks(top.get("text")))


def read_ollama(answer: Any) -> AnswerPart:
    """Each line of its stream is an object like the whole answer; the last one is done."""
    top = _object(answer)
    said, done = _object(top.get("message")), top.get("done") is True
    return replace(
        _ending(top.get("done_reason")),
        content=_speaks([said.get("content"), said.get("thinking"), top.get("response"), top.get("thinking")]),
        ended=done,
        usage=_usage(top, "prompt_eval_count", "eval_count") if done else None,
    )


def read_dashscope(answer: Any) -> AnswerPart:
    """Its native format; while streaming, the finish reason is the string `null`."""
    top = _object(_object(answer).get("output"))
    told = AnswerPart(content=_speaks(top.get("text")))
    for choice in [top, *_objects(top.get("choices"))]:
        told = join_parts(told, _read_choice(choice if choice.get("finish_reason") != "null" else _unended(choice)))
    return told


def _unended(choice: Json) -> Json:
    return {name: value for name, value in choice.items() if name != "finish_reason"}


def read_cloudflare(answer: Any) -> AnswerPart:
    """Its native format; each event of its stream has a padding `p`."""
    top = _object(answer)
    said = top if "p" in top else _object(top.get("result"))
    return AnswerPart(content=_speaks(said.get("response")) or _speaks(said.get("tool_calls")))


def read_generated(answer: Any) -> AnswerPart:
    """Completion-only servers: Hugging Face's TGI, Amazon's Titan, llama.cpp, ChatGLM's own."""
    top = _object(_first(answer) if isinstance(answer, list) else answer)
    titan = _object(_first(top.get("results"))).get("outputText")
    llama = top.get("content") if type(top.get("stop")) is bool else None
    glm = top.get("response") if isinstance(top.get("history"), list) else None
    return AnswerPart(content=_speaks([top.get("generated_text"), titan, llama, glm]))


def read_program(answer: Any) -> AnswerPart:
    """JSON output of subscription clients: Claude Code's result or list of events, Codex' events."""
    events = _objects(answer) if isinstance(answer, list) else [_object(answer)]
    failed = any(one.get("is_error") is True or one.get("type") == "turn.failed" for one in events)
    failed = failed or any(_text(one.get("subtype")).startswith("error") for one in events)
    return AnswerPart(content=_speaks(texts_of_program(answer)), failed=failed)


def texts_of_program(answer: Any) -> list[str]:
    """Return the model's answers in one event of a subscription client, or in several."""
    found: list[str] = []
    for event in _objects(answer) if isinstance(answer, list) else [_object(answer)]:
        item, told = _object(event.get("item")), _object(event.get("msg"))
        if event.get("type") == "result":
            found.append(_text(event.get("result")))
        if event.get("type") == "item.completed" and item.get("type") == "agent_message":
            found.append(_text(item.get("text")))
        if told.get("type") == "agent_message":
            found.append(_text(told.get("message")))
    return [text for text in found if text.strip()]


def read_allowance(answer: Any) -> AnswerPart:
    """The remaining allowance of a plan: MiniMax, Ollama's cloud, Zhipu."""
    top = _object(answer)
    told = (top.get("model_remains"), _object(top.get("data")).get("limits"))
    return AnswerPart(content=any(map(_objects, told)) or bool(_object(top.get("limits"))))


def read_converse(answer: Any) -> AnswerPart:
    top = _object(answer)
    said = _object(_object(top.get("output")).get("message")).get("content")
    return replace(_ending(top.get("stopReason")), content=_speaks(said))


# Vectors, lists, counts


def read_openai_embed(answer: Any) -> AnswerPart:
    top = _object(answer)
    vector = _object(_first(top.get("data"))).get("embedding")
    return AnswerPart(content=_is_vector(vector), usage=_usage(top.get("usage"), "prompt_tokens"))


def read_gemini_embed(answer: Any) -> AnswerPart:
    top = _object(answer)
    vector = _object(top.get("embedding")).get("values")
    return AnswerPart(content=_is_vector(vector), usage=_usage(top.get("usageMetadata"), "promptTokenCount"))


def read_cohere_embed(answer: Any) -> AnswerPart:
    top = _object(answer)
    told = top.get("embeddings")
    vectors = _object(told).get("float") if isinstance(told, dict) else told
    usage = _usage(_object(top.get("meta")).get("billed_units"), "input_tokens")
    return AnswerPart(content=_is_vector(_first(vectors)), usage=usage)


def read_list(answer: Any) -> AnswerPart:
    """A list must hold at least one entry with a name."""
    lists = [answer.get(name) for name in LISTS] if isinstance(answer, dict) else [answer]
    entries = (entry for its in lists if isinstance(its, list) for entry in _objects(its[:MOST_ENTRIES]))
    return AnswerPart(content=any(map(_is_named, entries)))


def end_of_entries(text: str) -> int:
    """Return the end of the last complete entry of a top-level list; 0 when there is none."""
    stack, end = list[str](), 0
    for token in TOKEN.finditer(text[:MOST_CHARACTERS]):
        mark = token[0]
        if mark in CLOSING:
            stack.append(CLOSING[mark])
        elif stack and mark == stack[-1]:
            stack.pop()
            end = token.end() if mark == "}" and len(stack) <= 2 and stack[-1:] == ["]"] else end
    return end


def end_of_number(text: str) -> int:
    """Return the end of a vector's first number; 0 when there is none."""
    number = FIRST_NUMBER.match(text)
    return number.end() if number else 0


def read_count(answer: Any) -> AnswerPart:
    return AnswerPart(content=any(_count(_object(answer).get(name)) for name in COUNTS))


# Shared


def _ending(*reasons: object) -> AnswerPart:
    """Return what the finish reasons mean."""
    said = [reason.lower() for reason in reasons if reason and isinstance(reason, str)]
    if not said:
        return NOTHING
    return AnswerPart(
        ended=True,
        capped=not CAPPED.isdisjoint(said),
        filtered=not FILTERED.isdisjoint(said),
        failed=any(FAILED.search(reason) for reason in said if reason not in FILTERED),
    )


def _speaks(value: object, depth: int = 0) -> bool:
    """Whether a value contains anything generated, at any depth."""
    if depth > DEEPEST:
        return False
    match value:
        case str():
            return VISIBLE.search(value) is not None
        case list():
            return any(_speaks(inner, depth + 1) for inner in value)
        case dict() if value.get("error") or value.get("type") == "error":
            return False
        case dict():
            return any(_speaks(inner, depth + 1) for name, inner in value.items() if name not in FRAME)
    return False


def _is_named(entry: Json) -> bool:
    """Whether an entry has a model's name; an error may have one too, but also a message."""
    if any(entry.get(name) for name in ("error", "message", "msg", "title")) or entry.get("object") == "error":
        return False
    return any(isinstance(entry.get(name), str) and entry[name].strip() for name in NAMES)


def _is_vector(value: object) -> bool:
    """Whether it is a vector of numbers, plain or in base64."""
    if isinstance(value, list):
        return bool(value) and all(type(number) in (int, float) for number in value)
    return isinstance(value, str) and len(value) >= LEAST_BASE64 and BASE64.fullmatch(value) is not None


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _first(value: object) -> object:
    return value[0] if isinstance(value, list) and value else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _usage(counts: object, tokens_in: str, *tokens_out: str, total: str = "") -> Usage | None:
    """Return the usage. xAI's reasoning, and sometimes Google's, is included in the `total` only."""
    if not isinstance(counts, dict) or not counts:
        return None
    asked, told = _count(counts.get(tokens_in)), sum(_count(counts.get(name)) for name in tokens_out)
    unnamed = max(_count(counts.get(total)) - asked - told, 0)
    return Usage(asked, told + unnamed, max(unnamed, _reasoning(counts)))


def _reasoning(counts: Json) -> int:
    """Return the reasoning tokens: from Google's field, or from those of OpenAI's two APIs."""
    details = (_object(counts.get(name)).get("reasoning_tokens") for name in OUTPUT_DETAILS)
    return max(_count(counts.get("thoughtsTokenCount")), *map(_count, details))


def _count(value: object) -> int:
    """Return a number of tokens; 0 for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return int(value) if 0 < value <= MOST_TOKENS else 0
