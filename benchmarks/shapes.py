"""Good answers of every wire format in every shape that was seen, and what is none in any of them.

Sources: the providers' API references, and recorded exchanges in the tests of https://github.com/traceloop/openllmetry,
https://github.com/maruel/genai and https://github.com/pydantic/pydantic-ai.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from probes.provider import Dialect

USAGE = {"prompt_tokens": 9, "completion_tokens": 16, "total_tokens": 25}
RESPONSE_USAGE = {"input_tokens": 9, "output_tokens": 16, "total_tokens": 25}
COHERE_USAGE = {"billed_units": {"input_tokens": 9, "output_tokens": 1}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
DONE = "data: [DONE]\n\n"


def sse(*events: Any, end: str = "\n\n", mark: str = "data: ") -> str:
    return "".join(f"{mark}{json.dumps(event)}{end}" for event in events)


def named(*events: Mapping[str, Any]) -> str:
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)


def chat(message: Mapping[str, Any], finish: str | None = "stop", **more: Any) -> str:
    said = {"role": "assistant", "content": None, **message}
    choice = {"index": 0, "message": said, "finish_reason": finish}
    return json.dumps({"id": "c", "object": "chat.completion", "choices": [choice], "usage": USAGE, **more})


def delta(change: Mapping[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    choices = [{"index": 0, "delta": change, "finish_reason": finish}]
    return {"id": "c", "object": "chat.completion.chunk", "choices": choices, **more}


def response(output: Iterable[Any], status: str = "completed", why: str | None = None, **more: Any) -> dict[str, Any]:
    head = {"id": "r", "object": "response", "status": status, "error": None, "output": list(output)}
    return {**head, "incomplete_details": {"reason": why} if why else None, "usage": RESPONSE_USAGE, **more}


def message(content: Iterable[Any], stop: str | None = "end_turn", tokens_out: int = 1) -> dict[str, Any]:
    usage = {"input_tokens": 9, "output_tokens": tokens_out}
    head = {"id": "m", "type": "message", "role": "assistant", "content": list(content)}
    return {**head, "stop_reason": stop, "usage": usage}


def message_stream(*blocks: Mapping[str, Any], stop: str = "end_turn") -> str:
    end = {"type": "message_delta", "delta": {"stop_reason": stop}, "usage": {"output_tokens": 1}}
    start = {"type": "message_start", "message": message([], None)}
    return named(start, {"type": "ping"}, *blocks, end, {"type": "message_stop"})


def candidate(parts: Iterable[Any] | None, finish: str | None = "STOP", **usage: int) -> dict[str, Any]:
    content = {"role": "model"} if parts is None else {"role": "model", "parts": list(parts)}
    one = {"content": content, "index": 0} | ({"finishReason": finish} if finish else {})
    return {"candidates": [one], "usageMetadata": {"promptTokenCount": 2, **usage}}


def cohere(content: Iterable[Any], finish: str = "COMPLETE", **more: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": list(content), **more}
    return {"id": "1", "message": said, "finish_reason": finish, "usage": COHERE_USAGE}


def cohere_stream(*events: Mapping[str, Any], finish: str = "MAX_TOKENS") -> str:
    start = {"type": "message-start", "id": "1", "delta": {"message": {"role": "assistant", "content": []}}}
    return named(start, *events, {"type": "message-end", "delta": {"finish_reason": finish, "usage": COHERE_USAGE}})


def cohere_delta(content: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "content-delta", "index": 0, "delta": {"message": {"content": content}}}


ROLE = delta({"role": "assistant", "content": ""})
HELLO = delta({"content": "Hello"})
STOP = delta({}, "stop")
LENGTH = delta({}, "length")
LAST_USAGE = {"id": "c", "object": "chat.completion.chunk", "choices": [], "usage": USAGE}
ITEM = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello"}]}
TEXT_BLOCK = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}}

CHAT = {
    "text": chat({"content": "Hello"}),
    "text in parts": chat({"content": [{"type": "text", "text": "Hello"}]}),
    "thinking in parts": chat({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]}),
    "reasoning only, as DeepSeek says it": chat({"content": "", "reasoning_content": "Hm"}, "length"),
    "reasoning only, as OpenRouter says it": chat({"content": "", "reasoning": "Hm"}, "length"),
    "a tool call": chat({"tool_calls": [CALL]}, "tool_calls"),
    "a call of a function": chat({"function_call": {"name": "look", "arguments": "{}"}}, "function_call"),
    "a picture": chat(
        {"content": "", "images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]}
    ),
    "a refusal in words": chat({"refusal": "No."}),
    "nothing visible at the cap, with tokens out": chat({"content": ""}, "length"),
    "nothing visible at the cap, as xAI counts it": chat(
        {"content": ""}, "length", usage={"prompt_tokens": 9, "completion_tokens": 0, "total_tokens": 25}
    ),
    "half a pair of surrogates": chat({"content": "\ud83d"}),
    "a logarithm of zero": chat({"content": "Hello"}, logprobs={"content": [{"token": "H", "logprob": float("-inf")}]}),
    "the older completions": json.dumps({"choices": [{"text": "Hello", "finish_reason": "length"}]}),
    "message beside an empty delta": json.dumps(
        {"choices": [{"message": {"content": "Hello"}, "delta": {"role": "assistant", "content": ""}}]}
    ),
    "no finish reason": chat({"content": "Hello"}, None),
    "an error that is null": chat({"content": "Hello"}, error=None, code=0, success=True, errors=[]),
    "usage first": json.dumps({"usage": USAGE, "choices": [{"message": {"content": "Hello"}}]}),
    "a sentence about errors": chat({"content": 'an "error": your account is banned'}),
    "base_resp that is fine": chat({"content": "Hello"}, base_resp={"status_code": 0, "status_msg": ""}),
    "blank lines first": f"\n         \n\n         \n{chat({'content': 'Hello'})}",
    "in a stream": sse(ROLE, HELLO, STOP) + DONE,
    "in a stream, usage last": sse(ROLE, HELLO, LENGTH, LAST_USAGE) + DONE,
    "in a stream, usage first": sse(LAST_USAGE, ROLE, HELLO, STOP) + DONE,
    "in a stream, comments first": ": PROCESSING\n\n: PROCESSING\n\n" + sse(HELLO, STOP) + DONE,
    "in a stream that forgets [DONE]": sse(HELLO, STOP),
    "in a stream that ends with [DONE] only": sse(HELLO) + DONE,
    "in a stream of CRLF": sse(HELLO, STOP, end="\r\n\r\n") + DONE,
    "in a stream of CR": sse(HELLO, STOP, end="\r\r") + DONE,
    "in a stream with a named ping": "event: ping\ndata: 12:00\n\n" + sse(HELLO, STOP) + DONE,
    "in a stream, half a pair of surrogates": sse(delta({"content": "\ud83d"}), STOP) + DONE,
    "in a stream without the blank": sse(HELLO, STOP, mark="data:") + DONE,
    "in a stream without empty lines": sse(ROLE, HELLO, STOP, end="\n") + "data: [DONE]\n",
    "in a stream with ids": "id: 1\nretry: 3000\n" + sse(HELLO) + "id: 2\n" + sse(STOP) + DONE,
    "in a stream with pings": "data: ping\n\n" + sse(HELLO) + "data:\n\n" + sse(STOP) + DONE,
    "in a stream with a byte order mark": "\ufeff" + sse(HELLO, STOP) + DONE,
    "in a stream, reasoning only": sse(ROLE, delta({"reasoning_content": "Hm"}), LENGTH) + DONE,
    "in a stream, a tool call": sse(ROLE, delta({"tool_calls": [CALL]}), delta({}, "tool_calls")) + DONE,
    "in a stream, nothing visible at the cap": sse(ROLE, LENGTH, LAST_USAGE) + DONE,
    "in a stream, finish reasons that are empty": sse(delta({"content": "Hello"}, ""), STOP) + DONE,
    "in a stream of one event, whole": f"data: {chat({'content': 'Hello'})}\n\n{DONE}",
}

RESPONSES = {
    "text": json.dumps(response([ITEM])),
    "reasoning, then the cap": json.dumps(
        response([{"type": "reasoning", "summary": []}], "incomplete", "max_output_tokens")
    ),
    "without its kind": json.dumps({"id": "r", "status": "completed", "output": [ITEM]}),
    "in a stream of whole parts": named(
        {"type": "response.output_text.done", "text": "Hello"},
        {"type": "response.completed", "response": response([])},
    ),
    "a summary of reasoning": json.dumps(
        response([{"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]}])
    ),
    "a tool call": json.dumps(response([{"type": "function_call", "name": "look", "arguments": "{}"}])),
    "in a stream": named(
        {"type": "response.created", "response": response([], "in_progress", usage=None)},
        {"type": "response.output_text.delta", "delta": "Hello"},
        {"type": "response.completed", "response": response([ITEM])},
    ),
    "in a stream that tells all at its end": named({"type": "response.completed", "response": response([ITEM])}),
    "in a stream, nothing visible at the cap": named(
        {"type": "response.created", "response": response([], "in_progress", usage=None)},
        {"type": "response.incomplete", "response": response([], "incomplete", "max_output_tokens")},
    ),
    "in a stream, arguments of a call": named(
        {"type": "response.function_call_arguments.delta", "delta": "{}"},
        {"type": "response.completed", "response": response([])},
    ),
}

ANTHROPIC = {
    "text": json.dumps(message([{"type": "text", "text": "Hello"}])),
    "thinking": json.dumps(message([{"type": "thinking", "thinking": "Hm", "signature": "x"}], "max_tokens")),
    "a tool call": json.dumps(message([{"type": "tool_use", "id": "t", "name": "look", "input": {}}], "tool_use")),
    "nothing visible at the cap": json.dumps(message([], "max_tokens")),
    "nothing visible at the end of the context": json.dumps(message([], "model_context_window_exceeded")),
    "in a stream": message_stream(TEXT_BLOCK),
    "in a stream, at the cap": message_stream(TEXT_BLOCK, stop="max_tokens"),
    "in a stream, nothing visible at the cap": message_stream(stop="max_tokens"),
    "in a stream, thinking": message_stream(
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm"}}
    ),
    "in a stream, a tool call": message_stream(
        {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "name": "look", "input": {}}},
        stop="tool_use",
    ),
}

GEMINI = {
    "text": json.dumps(candidate([{"text": "Hello"}], candidatesTokenCount=1)),
    "a thought": json.dumps(candidate([{"text": "Hm", "thought": True}], "MAX_TOKENS")),
    "a tool call": json.dumps(candidate([{"functionCall": {"name": "look", "args": {}}}])),
    "no parts at the cap, with thoughts": json.dumps(candidate(None, "MAX_TOKENS", thoughtsTokenCount=14)),
    "no parts at the cap, with a total": json.dumps(candidate(None, "MAX_TOKENS", totalTokenCount=16)),
    "ratings beside it": json.dumps(candidate([{"text": "Hello"}]) | {"promptFeedback": {"safetyRatings": [{}]}}),
    "text, then a filter": sse(candidate([{"text": "Hello"}], None), candidate(None, "SAFETY")),
    "in a stream": sse(candidate([{"text": "Hel"}], None), candidate([{"text": "lo"}]), end="\r\n\r\n"),
    "in a stream with ratings": sse(candidate([{"text": "Hello"}]) | {"promptFeedback": {"safetyRatings": [{}]}}),
    "in a stream that came as a list": json.dumps([candidate([{"text": "Hel"}], None), candidate([{"text": "lo"}])]),
    "in a stream, no parts at the cap": sse(candidate(None, "MAX_TOKENS", thoughtsTokenCount=14)),
}

COHERE = {
    "text": json.dumps(cohere([{"type": "text", "text": "Hello"}])),
    "thinking": json.dumps(cohere([{"type": "thinking", "thinking": "Hm"}], "MAX_TOKENS")),
    "a tool call": json.dumps(cohere([], "TOOL_CALL", tool_calls=[CALL])),
    "a plan": json.dumps(cohere([], "TOOL_CALL", tool_plan="I look.")),
    "nothing visible at the cap": json.dumps(cohere([], "MAX_TOKENS")),
    "in a stream": cohere_stream(cohere_delta({"text": "Hello"})),
    "in a stream, thinking": cohere_stream(cohere_delta({"thinking": "Hm"})),
    "in a stream, nothing visible at the cap": cohere_stream(),
    "in a stream, a tool call": cohere_stream(
        {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": CALL}}}, finish="TOOL_CALL"
    ),
}

ENTRY = {"id": "m", "object": "model", "owned_by": "system"}
LISTS = {
    "OpenAI's": json.dumps({"object": "list", "data": [ENTRY]}),
    "Anthropic's": json.dumps({"data": [{"type": "model", "id": "m"}], "has_more": False, "first_id": "m"}),
    "Google's": json.dumps({"models": [{"name": "models/m", "displayName": "M"}], "nextPageToken": "x"}),
    "Cohere's": json.dumps({"models": [{"name": "m", "endpoints": ["chat"]}]}),
    "Cloudflare's": json.dumps({"success": True, "errors": [], "messages": [], "result": [{"id": "1", "name": "m"}]}),
    "Together's": json.dumps([{"id": "m", "type": "chat"}]),
}

OPENAI_EMBED = {
    "numbers": json.dumps({"object": "list", "data": [{"index": 0, "embedding": [0.1, -0.2]}], "usage": USAGE}),
    "base64": json.dumps({"object": "list", "data": [{"index": 0, "embedding": "AAAAAAAAgD8="}]}),
}
GEMINI_EMBED = {"numbers": json.dumps({"embedding": {"values": [0.1, -0.2]}})}
COHERE_EMBED = {"numbers": json.dumps({"id": "1", "embeddings": {"float": [[0.1, -0.2]]}, "texts": ["hi"]})}
ANTHROPIC_COUNT = {"tokens": '{"input_tokens": 8}'}
GEMINI_COUNT = {"tokens": '{"totalTokens": 2, "promptTokensDetails": []}'}

GOOD: Mapping[Dialect, Mapping[str, str]] = {
    Dialect.LIST: LISTS,
    Dialect.OPENAI_CHAT: CHAT,
    Dialect.OPENAI_COMPATIBLE: CHAT,
    Dialect.OPENAI_RESPONSES: RESPONSES,
    Dialect.OPENAI_EMBED: OPENAI_EMBED,
    Dialect.ANTHROPIC: ANTHROPIC,
    Dialect.ANTHROPIC_COUNT: ANTHROPIC_COUNT,
    Dialect.GEMINI: GEMINI,
    Dialect.GEMINI_COUNT: GEMINI_COUNT,
    Dialect.GEMINI_EMBED: GEMINI_EMBED,
    Dialect.COHERE: COHERE,
    Dialect.COHERE_EMBED: COHERE_EMBED,
}
"""What must be good to the canary that asks in this format."""

FOREIGN = {
    "Cohere's first version": '{"response_id": "1", "text": "Hello", "finish_reason": "COMPLETE"}',
    "Ollama's own": '{"model": "m", "message": {"role": "assistant", "content": "Hello"}, "done": true}',
    "Bedrock's Converse": '{"output": {"message": {"content": [{"text": "Hello"}]}}, "stopReason": "max_tokens"}',
    "Ollama's own thought": '{"model": "m", "message": {"content": "", "thinking": "Well"}, "done": true}',
    "Ollama's own stream": '{"message": {"content": "Hel"}, "done": false}\n{"message": {}, "done": true}\n',
    "Ollama's stream of a thought": '{"response": "", "thinking": "W", "done": false}\r\n'
    '{"response": "", "done": true, "done_reason": "length"}',
    "DashScope's own": '{"output": {"text": "Hello", "finish_reason": "stop"}, "request_id": "1"}',
    "DashScope's own stream": "id:1\nevent:result\n:HTTP_STATUS/200\n"
    'data:{"output":{"choices":[{"message":{"content":"H"},"finish_reason":"null"}]}}\n\nid:2\nevent:result\n'
    'data:{"output":{"choices":[{"message":{"content":""},"finish_reason":"stop"}]}}\n\n',
    "DashScope's own choices": '{"output": {"choices": [{"message": {"content": [{"text": "Hi"}]},'
    ' "finish_reason": "length"}]}}',
    "Cloudflare's own": '{"result": {"response": "Hello"}, "success": true, "errors": [], "messages": []}',
    "Cloudflare's own stream": 'data: {"response":"Hello","p":"abc"}\n\ndata: {"response":"","p":"a"}\n\n' + DONE,
}
"""Good answers in forms that no canary asks for."""

REFUSED = {
    "a line of Ollama's stream that fails": '{"response": "Hel", "done": false}\n{"error": "out of memory"}\n',
    "DashScope's failing end": '{"output": {"text": "Hel", "finish_reason": "error"}}',
    "object of an error": '{"object":"error","message":"Your account is suspended","code":403}',
    "error beside a list": '{"object":"list","data":[{"id":"m"}],"error":{"message":"Invalid API key"}}',
    "error beside words": chat({"content": "Hello"}, error={"message": "Invalid API key"}),
    "success that is false": '{"success": false, "result": [{"id": "m", "name": "m"}], "errors": [{"code": 10000}]}',
    "base_resp": chat({"content": "Hello"}, base_resp={"status_code": 1004, "status_msg": "login fail"}),
    "an error of a choice": '{"choices": [{"error": {"message": "Overloaded"}, "message": {"content": "Hel"}}]}',
    "a failing end": chat({"content": "Hel"}, "error"),
    "DeepSeek's failing end": chat({"content": "Hel"}, "insufficient_system_resource"),
    "Zhipu's failing end": chat({"content": "Hel"}, "network_error"),
    "vLLM's failing end": chat({"content": "Hel"}, "abort"),
    "Cohere's failing end": json.dumps(cohere([{"type": "text", "text": "Hel"}], "ERROR")),
    "a failed response": json.dumps(response([ITEM], "failed", error={"code": "server_error", "message": "x"})),
    "an error in a stream": sse(HELLO) + sse({"error": {"message": "Overloaded", "code": 502}}) + DONE,
    "a named error in a stream": sse(HELLO) + 'event: error\ndata: {"message": "Overloaded"}\n\n' + DONE,
    "words of an error in a stream": sse(HELLO) + "data: upstream request failed\n\n" + DONE,
    "a failing end of a stream": sse(HELLO, delta({}, "error")) + DONE,
    "an error in Anthropic's stream": named({"type": "message_start", "message": message([], None)}, TEXT_BLOCK)
    + named({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    "a failed response in a stream": named(
        {"type": "response.output_text.delta", "delta": "Hel"},
        {"type": "response.failed", "response": response([], "failed", error={"code": "server_error"})},
    ),
    "a failing code beside a list": '{"code":401,"msg":"token expired","data":[{"id":"m"}]}',
    "an errcode beside a list": '{"errcode":40001,"errmsg":"invalid credential","data":[{"id":"m"}]}',
    "a failing status beside a list": '{"status":"error","message":"no access","data":[{"id":"m"}]}',
    "ok that is false": '{"ok":false,"data":[{"id":"m"}]}',
    "success that is the word false": '{"success":"false","data":[{"id":"m"}]}',
    "a code in a stream": sse(HELLO, {"code": 500, "message": "upstream error"}) + DONE,
    "an exception in a stream": sse(HELLO) + 'event: Exception\ndata: {"message": "Overloaded"}\n\n' + DONE,
    "an error in a stream that says no more": sse(HELLO) + "event: error\n\n" + DONE,
    "bare JSON in a stream": sse(HELLO) + '{"error":{"message":"Overloaded"}}\n\n' + DONE,
    "a list of an error": '[{"error": {"code": 401, "message": "Invalid API key"}}]',
}
"""What names a failure under a good status."""

EMPTY = {
    "an entry that is a notice": '{"data": [{"id": "maintenance", "title": "We are down"}]}',
    "an entry that is an error": '{"data": [{"id": "m", "object": "error"}]}',
    "an error in place of words": '{"choices": [{"message": {"content": {"error": "x"}}, "finish_reason": "stop"}]}',
    "an error among parts": '{"type": "message", "content": [{"type": "error", "text": "x"}], "stop_reason": "stop"}',
    "nothing that can be seen": '{"choices": [{"message": {"content": "\\u200b\\ufeff"}, "finish_reason": "stop"}]}',
    "words in place of parts": '{"candidates": [{"content": {"parts": "OK"}, "finishReason": "STOP"}]}',
    "a word in place of a part": '{"candidates": [{"content": {"parts": ["OK"]}, "finishReason": "STOP"}]}',
    "Ollama's stream that broke off": '{"response": "H", "done": false}\n{"response": "i", "done": false}\n',
    "a line of Ollama's stream alone": '{"message": {"content": "Hel"}, "done": false}',
    "Ollama's stream without a word": '{"response": "", "done": false}\n{"response": "", "done": true}\n',
    "DashScope's stream that broke off": "id:1\nevent:result\n"
    'data:{"output":{"choices":[{"message":{"content":"H"},"finish_reason":"null"}]}}\n\n',
    "Cloudflare's own without a word": '{"result": {"response": ""}, "success": true, "errors": []}',
    "code": '{"code":401,"msg":"无效的令牌","data":null}',
    "negative code": '{"code":-2001,"message":"[请求deepseek失败]: Authorization Failed (invalid token)","data":null}',
    "errcode": '{"errcode": 40001, "errmsg": "invalid credential", "data": {}}',
    "Tencent's": '{"Response":{"Error":{"Code":"AuthFailure","Message":"Invalid credential"},"RequestId":"r"}}',
    "nothing": "",
    "blanks": "  \n ",
    "null": "null",
    "a number": "5",
    "a text": '"fine"',
    "an object of nothing": "{}",
    "a list of nothing": "[]",
    "words": "OK",
    "maintenance": '{"status":"maintenance"}',
    "ok": '{"status":"ok"}',
    "a login": '{"code":200,"data":"请先登录"}',
    "fine, and null": '{"code":0,"msg":"success","data":null}',
    "fine, and an empty object": '{"code":0,"msg":"success","data":{}}',
    "fine, and nested nothing": '{"code":0,"data":{"list":[],"total":0}}',
    "no choices": '{"choices":[]}',
    "choices that are null": '{"choices":null}',
    "choices of nothing": '{"choices":[{}]}',
    "choices that are a text": '{"choices":"Hello"}',
    "choices that are texts": '{"choices":["Hello"]}',
    "an empty message": chat({"content": ""}),
    "a message of blanks": chat({"content": " \n"}),
    "a message in a list": f'[{chat({"content": "Hello"})[:-1]}, "id": 5}}]',
    "a message that is null": '{"choices":[{"message":null,"finish_reason":"stop"}]}',
    "a cap without tokens": json.dumps({"choices": [{"message": {"content": ""}, "finish_reason": "length"}]}),
    "a cap with no token out": chat({"content": ""}, "length", usage={"prompt_tokens": 9, "completion_tokens": 0}),
    "tool calls of nothing": chat({"content": "", "tool_calls": []}),
    "data that is a text": '{"object":5,"data":"x"}',
    "data of texts": '{"data":["gpt-4"]}',
    "lists in a list": '[[{"id":"m"}]]',
    "entries that are errors": '{"data":[{"name":"UnauthorizedError","message":"Invalid token"}]}',
    "data of lists": '{"data":[[]]}',
    "entries without a name": '{"data":[{"object":"model"}]}',
    "entries with an empty name": '{"data":[{"id":""}]}',
    "no data": '{"object":"list","data":[]}',
    "data that is null": '{"object":"list","data":null}',
    "no models": '{"models":[]}',
    "an empty vector": '{"data":[{"embedding":[]}]}',
    "a vector of texts": '{"data":[{"embedding":["a"]}]}',
    "a vector of yes and no": '{"data":[{"embedding":[true,false]}]}',
    "a vector of words": '{"data":[{"embedding":"service unavailable"}]}',
    "no values": '{"embedding":{"values":[]}}',
    "no embeddings": '{"embeddings":{"float":[]}}',
    "no tokens": '{"input_tokens":0,"totalTokens":0}',
    "tokens that are a text": '{"input_tokens":"8","totalTokens":"many"}',
    "no candidates": '{"candidates":[],"usageMetadata":{"promptTokenCount":2}}',
    "a candidate without content": json.dumps(candidate(None)),
    "a candidate at the cap without thoughts": json.dumps(candidate(None, "MAX_TOKENS")),
    "a candidate with empty text": json.dumps(candidate([{"text": ""}])),
    "a candidate that ended otherwise": json.dumps(candidate(None, "OTHER")),
    "a message without content": json.dumps(message([])),
    "a message of empty text": json.dumps(message([{"type": "text", "text": ""}])),
    "Cohere's empty message": json.dumps(cohere([])),
    "an empty response": json.dumps(response([])),
    "a response in progress": json.dumps(response([], "in_progress", usage=None)),
    "only [DONE]": DONE,
    "only comments": ": keep-alive\n\n: keep-alive\n\n",
    "only pings": "data: ping\n\ndata: ping\n\n",
    "only usage": sse(LAST_USAGE) + DONE,
    "a role and a stop": sse(ROLE, STOP) + DONE,
    "a role and a cap without tokens": sse(ROLE, LENGTH) + DONE,
    "a stream of nothing": sse({}, {}) + DONE,
    "Anthropic's empty stream": message_stream(),
    "an empty block in Anthropic's stream": message_stream(
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    ),
    "a stream of a blank": sse(ROLE, delta({"content": " "}), STOP) + DONE,
    "Cohere's empty stream": cohere_stream(finish="COMPLETE"),
    "Google's empty stream": sse(candidate(None)),
    "an empty response in a stream": named({"type": "response.completed", "response": response([])}),
    "the beginning of a response": named({"type": "response.created", "response": response([], "in_progress")}),
    "a login page": "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>",
    "a maintenance page": "<html><body><h1>We'll be back soon</h1></body></html>",
    "half an answer": chat({"content": "Hello"})[:60],
    "a cut stream": sse(ROLE, HELLO),
    "a cut stream of Anthropic's": named({"type": "message_start", "message": message([], None)}, TEXT_BLOCK),
    "a cut stream of Google's": sse(candidate([{"text": "Hel"}], None)),
}
"""What holds nothing, or not all, of what anybody asked for."""

ENDLESS = {"endless brackets": "[" * 3000, "endless objects": '{"data":' * 3000}
"""What goes deeper than anybody reads."""

GARBAGE: Mapping[str, str] = REFUSED | EMPTY | ENDLESS
"""What must be good to nobody."""

STRANGE_STARTS = {
    "a bomb": '{"data": "' + "a" * 70_000,
    "brackets": '{"data": [' + "[" * 70_000,
    "entries of nothing": '{"data": [' + "{}," * 40_000,
    "another list": '{"errors": [' + '{"id": "m"},' * 10_000,
    "an error, then a list": '{"error": {"message": "Invalid API key"}, "data": [' + '{"id": "m"},' * 10_000,
    "words": "[" + "a" * 70_000,
    "a list of numbers": "[" + "1," * 40_000,
}
"""Answers longer than what is read of them that are none."""
