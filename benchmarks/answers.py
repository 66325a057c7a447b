"""Put every known answer into every frame: `python -m benchmarks.answers` writes RESULTS-answers.md.

It is the measure of one promise: what a client program, an SDK, a proxy or a gateway puts around a provider's words
does not change what they mean.
"""

import html
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from msgspec import Struct

from benchmarks.detection import table
from benchmarks.shapes import GARBAGE, GOOD
from probes.answer.classify import ACCOUNT_FAULTS, classify_answer
from probes.answer.command_output import classify_output
from probes.catalog import load_provider, load_wording, provider_ids, rules_by_name
from probes.model import Blame, Fault, Verdict
from probes.provider import Canary, Dialect, Provider

RESULTS = Path(__file__).with_name("RESULTS-answers.md")
SAMPLES = Path(__file__).parents[1] / "tests" / "samples"
WORDING = load_wording().rules
PROVIDERS = {id: load_provider(id) for id in provider_ids()}
RULES_OF = rules_by_name()
ANYBODY = PROVIDERS["openai-compatible"]

INTRODUCTION = """# What an answer means in every frame

Written by `python -m benchmarks.answers`; do not edit. Each sample of each provider's rules (tests/samples) is put
into each frame in which such answers were met, and judged anew. 'Kept': the fault is the one of the bare sample.
'Crossed': the blame went from the account to the provider or the road, or back.

What a frame does not carry cannot be kept, so these are left out and counted: a sample whose bare words, without
its HTTP status and headers, mean something else is not put into a frame that carries neither; one whose sentence
alone, or sentence and code, means something else is not put into a frame that carries no more than that; and no page
or empty body is put into a frame of words.
"""
"""What `Carried` says in code."""

SPOKEN = """## In a frame

The account is at the provider itself, so that its words stay words about it. `carries` is what a frame takes of the
answer.
"""
RELAYED = """## Through a gateway

The account is at a LiteLLM proxy, new-api or another gateway, which passes on what its own provider told it: there,
what is wrong with an account as a whole is the gateway's trouble (`server_error`), all else stays what it is.
"""
DIALECTS = """## Under a good status

Each wire format with nothing in it and with what belongs to no format: none may be good. And every good form: all must.
"""


class Sample(Struct, frozen=True):
    """One known answer: what it says and, judged bare, what it means."""

    provider: Provider
    rule: str
    status: int | None
    headers: Mapping[str, str]
    body: str
    fault: Fault | None
    code: str = ""
    sentence: str = ""

    @property
    def told(self) -> str:
        return str(self.status or "")


class Frame(Struct, frozen=True):
    """A way to pass an answer on. `carries`: "body", "sentence" or "code" (with the sentence)."""

    name: str
    put: Callable[[Sample], str]
    carries: str = "body"
    status: bool = True
    named: bool = True


def _phrase(sample: Sample) -> str:
    phrases = {400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found"}
    phrases |= {429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable"}
    return f"{sample.told} {phrases.get(sample.status or 0, '')}".strip()


def _parsed(sample: Sample) -> Any:
    try:
        return json.loads(sample.body)
    except ValueError:
        return sample.body


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _inspected(value: Any) -> str:
    """As Node.js prints an object."""
    match value:
        case dict():
            inner = ", ".join(
                f"{name if name.isidentifier() else repr(name)}: {_inspected(one)}" for name, one in value.items()
            )
            return f"{{ {inner} }}"
        case list():
            return f"[ {', '.join(map(_inspected, value))} ]"
        case str():
            return json.dumps(value, ensure_ascii=False) if "'" in value else "'" + value.replace("\n", "\\n") + "'"
    return json.dumps(value)


def _page(title: str, text: str) -> str:
    return f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>"


CLASSES = {
    400: "BadRequestError",
    401: "AuthenticationError",
    402: "APIStatusError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
    503: "ServiceUnavailableError",
}
EXCEPTIONS = {
    "azure-openai": "Azure",
    "deepseek": "Deepseek",
    "fireworks": "Fireworks_ai",
    "gemini": "Gemini",
    "openai": "OpenAI",
    "openrouter": "Openrouter",
    "together": "Together_ai",
    "vertex": "VertexAI",
    "xai": "Xai",
}
LOG = "2026-11-21 03:26:11,120 - worker - DEBUG - request to model m with 12 messages prepared, temperature 0.2; "
ECHO = (
    'Request was: {"model": "m", "messages": [{"role": "user", "content": "' + "the quick brown fox " * 150 + '"}]}\n'
)
BANNER = """OpenAI Codex v0.155.1
--------
workdir: /tmp/x
model: gpt-6.2-sol
provider: openai
approval: never
sandbox: read-only
session id: 00000000-0000-0000-0000-000000000000
--------
"""


def _sdk(sample: Sample) -> str:
    status = sample.status or 0
    return CLASSES.get(status, "InternalServerError" if status >= 500 else "APIStatusError")


def _exception(sample: Sample) -> str:
    return EXCEPTIONS.get(sample.provider.id, sample.provider.id.replace("-", "_").capitalize()) + "Exception"


def _litellm(sample: Sample, said: str) -> str:
    return f"litellm.{_sdk(sample)}: {_sdk(sample)}: {_exception(sample)} - {said}"


def _upper(name: str) -> str:
    return "".join(part.capitalize() for part in name.replace("-", "_").split("_")) if "_" in name else name


FRAMES = (
    Frame("the same, listed", lambda one: f"[{one.body}]"),
    Frame("the same, spaced out", lambda one: json.dumps(_parsed(one), indent=4)),
    Frame("a string in JSON", lambda one: _dumped(one.body)),
    Frame("a string in a string", lambda one: _dumped(_dumped(one.body))),
    Frame("`error` is a string of it", lambda one: _dumped({"error": one.body})),
    Frame("`detail` of FastAPI", lambda one: _dumped({"detail": _parsed(one)})),
    Frame("`detail`, a string", lambda one: _dumped({"detail": f"Error code: {one.told} - {one.body}"})),
    Frame(
        "three objects deep", lambda one: _dumped({"error": {"error": {"message": "failed", "error": _parsed(one)}}})
    ),
    Frame("three strings deep", lambda one: _dumped({"message": _dumped({"message": _dumped({"message": one.body})})})),
    Frame("escaped for HTML", lambda one: html.escape(one.body)),
    Frame("escaped for HTML in a page", lambda one: _page("Error", html.escape(one.body))),
    Frame("a page around the sentence", lambda one: _page("Error", html.escape(one.sentence)), "sentence"),
    Frame("an event of a stream", lambda one: f": ok\n\nevent: error\ndata: {_dumped(_parsed(one))}\n\n"),
    Frame("data of a stream", lambda one: f"data: {_dumped({'error': _parsed(one)})}\n\ndata: [DONE]\n\n"),
    Frame("Python's repr", lambda one: repr(_parsed(one))),
    Frame("Python's repr of bytes", lambda one: repr(one.body.encode())),
    Frame("printed by Node.js", lambda one: _inspected(_parsed(one))),
    Frame("SDK with a dictionary", lambda one: f"openai.{_sdk(one)}: Error code: {one.told} - {_parsed(one)!r}"),
    Frame("SDK in TypeScript", lambda one: f"{_sdk(one)}: {one.told} {one.sentence}", "sentence"),
    Frame("API Error", lambda one: f"API Error: {one.told} {one.body}"),
    Frame("log lines before it", lambda one: LOG * 30 + f"\nERROR {one.told}: {one.body}"),
    Frame("3 kB of the request before it", lambda one: ECHO + one.body),
    Frame("3 kB before the sentence", lambda one: ECHO + f"Error: {one.sentence}", "sentence"),
    Frame(
        "unexpected status, url",
        lambda one: f"unexpected status {_phrase(one)}: {one.body}, url: https://x.example/v1/responses",
    ),
    Frame(
        "unexpected status, cause",
        lambda one: (
            f"unexpected status {_phrase(one)}: local proxy failed while handling endpoint /responses. model: m; "
            f"upstream_status: HTTP {one.told}; cause: {one.sentence} (request id: 20260819093313579253583), "
            "url: http://127.0.0.1:15721/v1/responses"
        ),
        "sentence",
    ),
    Frame(
        "stream disconnected",
        lambda one: f"stream error: stream disconnected before completion: {one.sentence}",
        "sentence",
        False,
    ),
    Frame("retries exhausted", lambda one: f"retries exhausted: last error: {one.sentence}", "sentence", False),
    Frame("a client's crosses", lambda one: f"✖ Error: {one.sentence}", "sentence", False),
    Frame("Chinese around it", lambda one: f"[请求失败]: 调用模型接口返回错误: {one.body}"),
    Frame("Chinese before the sentence", lambda one: f"请求失败，错误信息：{one.sentence}", "sentence", False),
    Frame("German before the sentence", lambda one: f"Fehler: {one.sentence}", "sentence", False),
    Frame("Russian before it", lambda one: f"Ошибка: {one.told}: {one.body}"),
    Frame(
        "gRPC", lambda one: f"rpc error: code = {_upper(one.code) or 'Unknown'} desc = {one.sentence}", "code", False
    ),
    Frame(
        "AWS",
        lambda one: (
            f"An error occurred ({one.code}) when calling the ConverseStream operation (reached max retries: 4): "
            f"{one.sentence}"
        ),
        "code",
    ),
    Frame(
        "Google's client",
        lambda one: f'{one.told} {one.sentence} [reason: "{one.code}" domain: "googleapis.com"]',
        "code",
    ),
    Frame("googleapi in Go", lambda one: f"googleapi: Error {one.told}: {one.sentence}, {one.code}", "code"),
    Frame(
        "go-openai",
        lambda one: f"error, status code: {one.told}, status: {_phrase(one)}, message: {one.sentence}",
        "sentence",
    ),
    Frame(
        "a chain in Go",
        lambda one: f'failed to run agent: call model: POST "https://x.example/v1/chat": {_phrase(one)}: {one.body}',
    ),
    Frame(
        "a chain in Java",
        lambda one: (
            "java.util.concurrent.CompletionException: com.example.ApiException: call failed; nested exception is "
            f"com.example.HttpException: {one.told}: {one.body}"
        ),
    ),
    Frame("a chain in Rust", lambda one: f"Error: failed to send request\n\nCaused by:\n    {one.told}: {one.body}"),
    Frame(
        "LangChain",
        lambda one: f"langchain_core.exceptions.OutputException: Error calling model: {_sdk(one)}: {one.body}",
    ),
    Frame(
        "LiteLLM, an object",
        lambda one: _litellm(one, f"{one.body}. Received Model Group=m\nAvailable Model Group Fallbacks=None"),
    ),
    Frame("LiteLLM, a sentence", lambda one: _litellm(one, f"{one.sentence}. Received Model Group=m"), "sentence"),
    Frame("a client's log as JSON", lambda one: _dumped({"level": "error", "err": _parsed(one), "msg": "chat failed"})),
    Frame("`data` beside another message", lambda one: _dumped({"code": 1, "msg": "fail", "data": _parsed(one)})),
    Frame("`upstream` beside it", lambda one: _dumped({"error": "call failed", "upstream": {"body": _parsed(one)}})),
    Frame("the AI SDK's fields", lambda one: _dumped({"name": "AI_APICallError", "responseBody": one.body})),
    Frame(
        "the AI SDK's retries",
        lambda one: f"AI_RetryError: Failed after 3 attempts. Last error: {one.sentence}",
        "sentence",
        False,
    ),
    Frame("Spanish before the sentence", lambda one: f"Error al llamar a la API: {one.sentence}", "sentence", False),
    Frame(
        "Japanese before the sentence", lambda one: f"APIの呼び出しに失敗しました: {one.sentence}", "sentence", False
    ),
    Frame("Korean before the sentence", lambda one: f"API 호출 오류: {one.sentence}", "sentence", False),
    Frame("code and sentence", lambda one: f"{one.code}: {one.sentence}", "code"),
    Frame("no status, from memory", lambda one: f"it says {one.body} since this morning", "body", False),
)
"""All are of an account at the provider itself, or of a client program of its owner."""

GATEWAYS = (
    Frame(
        "LiteLLM, an object",
        lambda one: _dumped({"error": {"message": _litellm(one, one.body), "type": None, "code": str(one.status)}}),
    ),
    Frame(
        "LiteLLM, a sentence",
        lambda one: _dumped(
            {"error": {"message": _litellm(one, one.sentence) + ". Received Model Group=m", "code": str(one.status)}}
        ),
        "sentence",
    ),
    Frame(
        "new-api, upstream_error",
        lambda one: _dumped({"error": {"message": one.body, "type": "upstream_error"}}),
        named=False,
    ),
    Frame(
        "OpenRouter",
        lambda one: _dumped(
            {
                "error": {
                    "message": "Provider returned error",
                    "code": one.status,
                    "metadata": {"raw": one.body, "provider_name": one.provider.name},
                }
            }
        ),
    ),
)


def samples() -> list[Sample]:
    """Return every sample of every provider; those of a program are of its last line."""
    return [_read(path) for path in sorted(SAMPLES.glob("*/*.http"))]


def _read(path: Path) -> Sample:
    head, _, body = path.read_text().partition("\n\n")
    first, *lines = head.split("\n")
    provider = PROVIDERS.get(path.parent.name, ANYBODY)
    status: int | None = int(first.split(" ")[1])
    if first.startswith("EXIT"):
        status, body = None, body.strip().split("\n")[-1].removeprefix("ERROR: ")
    headers = dict(line.split(": ", 1) for line in lines) if lines else {}
    bare = Sample(provider, path.stem, status, headers, body.strip(), None)
    sentence, code = _told(bare.body)
    return Sample(
        provider, path.stem, status, headers, bare.body, _judge(bare, bare.body, headers).fault, code, sentence
    )


def _told(body: str) -> tuple[str, str]:
    """Return sentence and code of an answer, as an SDK would take them out of it."""
    try:
        value = json.loads(body)
    except ValueError:
        return (body if "{" not in body else ""), ""
    return _first(value, ("message", "msg", "status_msg", "error_msg", "detail", "error")), _first(
        value, ("code", "type", "reason", "status")
    )


def _first(value: Any, names: Sequence[str]) -> str:
    """Return the text of that name that lies deepest, so that it is the cause."""
    match value:
        case dict():
            inside = next(
                filter(None, (_first(one, names) for one in value.values() if isinstance(one, dict | list))), ""
            )
            texts = (value[name] for name in names if isinstance(value.get(name), str) and value[name])
            return inside or next((text for text in texts if not text.isdigit()), "")
        case list():
            return next(filter(None, (_first(one, names) for one in value)), "")
    return ""


def _judge(
    sample: Sample, text: str, headers: Mapping[str, str], *, status: bool = True, at: Provider | None = None
) -> Verdict:
    provider = at or sample.provider
    if provider.is_command:
        return classify_output(provider, WORDING, 1, text, RULES_OF)[0]
    return classify_answer(provider, WORDING, sample.status if status else None, headers, text, rules_of=RULES_OF)


def carried(sample: Sample, frame: Frame, at: Provider | None = None) -> str:
    """Return why a sample cannot be known in a frame; empty when it can. `at`: who else judges it, without its name."""
    if not sample.body or sample.body.startswith("<") or sample.rule.startswith("page-") or sample.fault is None:
        return "page, empty or good"
    if not sample.body.startswith(("{", "[")) and frame.carries != "sentence":
        return "no object"
    if frame.carries != "body" and not sample.sentence:
        return "no sentence"
    if frame.carries == "code" and not sample.code:
        return "no code"
    alone = {
        "body": sample.body,
        "sentence": sample.sentence,
        "code": _dumped({"error": {"code": sample.code, "message": sample.sentence}}),
    }[frame.carries]
    known = _judge(sample, alone, {}, status=frame.status, at=at)
    if frame.name.startswith("LiteLLM") and sample.provider.relays and not at:
        return "a gateway's own"
    return (
        "" if known.fault is sample.fault and not known.rule.startswith("status/") else "known by more than it carries"
    )


Tally = Counter[str]


def spoken(known: Sequence[Sample], frames: Iterable[Frame] = FRAMES) -> Iterator[tuple[Frame, Tally, list[str]]]:
    """Yield for each frame what became of all samples, and which were lost."""
    for frame in frames:
        tally, lost = Tally(), []
        for sample in known:
            if why := carried(sample, frame):
                tally[why] += 1
                continue
            told = _judge(sample, frame.put(sample), {}, status=frame.status)
            _count(tally, lost, sample, sample.fault, told)
        yield frame, tally, lost


def relayed(known: Sequence[Sample]) -> Iterator[tuple[Frame, Tally, list[str]]]:
    """Yield the same for what a gateway relays, to which other accounts are not ours."""
    for frame in GATEWAYS:
        at = PROVIDERS[
            "openrouter" if frame.name == "OpenRouter" else "litellm" if "LiteLLM" in frame.name else "new-api"
        ]
        tally, lost = Tally(), []
        for sample in known:
            if sample.provider.relays or sample.provider.is_command:
                tally["a gateway or a program itself"] += 1
                continue
            if why := carried(sample, frame, None if frame.named else at):
                tally[why] += 1
                continue
            right = Fault.SERVER_ERROR if sample.fault in ACCOUNT_FAULTS else sample.fault
            _count(tally, lost, sample, right, _judge(sample, frame.put(sample), {}, at=at))
        yield frame, tally, lost


def _count(tally: Tally, lost: list[str], sample: Sample, right: Fault | None, told: Verdict) -> None:
    tally["tried"] += 1
    if told.fault is right:
        tally["kept"] += 1
        return
    lost.append(f"{sample.provider.id}/{sample.rule}: {told.fault} by {told.rule}, right is {right}")
    if right and told.fault and _crosses(right.blame, told.fault.blame):
        tally["crossed"] += 1
        lost[-1] += " CROSSED"


def _crosses(one: Blame, other: Blame) -> bool:
    theirs = (Blame.PROVIDER, Blame.PATH)
    return (one is Blame.ACCOUNT and other in theirs) or (other is Blame.ACCOUNT and one in theirs)


def rows(results: Iterable[tuple[Frame, Tally, list[str]]]) -> Iterator[Sequence[str]]:
    yield "frame", "carries", "tried", "kept", "crossed", "left out"
    whole = Tally()
    for frame, tally, _ in results:
        whole += tally
        yield frame.name, frame.carries, *_cells(tally)
    yield "all", "", *_cells(whole)


def _cells(tally: Tally) -> tuple[str, ...]:
    left = sum(tally.values()) - tally["tried"] - tally["kept"] - tally["crossed"]
    share = f"{tally['kept']} ({tally['kept'] / max(tally['tried'], 1):.1%})"
    return str(tally["tried"]), share, str(tally["crossed"]), str(left)


def dialects() -> Iterator[Sequence[str]]:
    """Yield for each wire format how many of its empty and strange answers, and of its good ones, are ok."""
    yield "wire format", "nothing in it", "ok", "good forms", "ok"
    for dialect, good in GOOD.items():
        yield str(dialect), *map(str, (len(GARBAGE), _good(dialect, GARBAGE), len(good), _good(dialect, good)))


def _good(dialect: Dialect, bodies: Mapping[str, str]) -> int:
    asked = Canary(dialect=dialect, path="/", source="https://example.com")
    return sum(classify_answer(ANYBODY, WORDING, 200, {}, body, asked).fault is None for body in bodies.values())


def main() -> None:
    begun, known = monotonic(), samples()
    inside, through = list(spoken(known)), list(relayed(known))
    tables = {SPOKEN: rows(inside), RELAYED: rows(through), DIALECTS: dialects()}
    parts = [f"{text}\n{table(lines)}\n" for text, lines in tables.items()]
    lost = [f"- {frame.name}: {one}" for frame, _, all in (*inside, *through) for one in all]
    parts.append("## What was lost\n\n" + ("\n".join(lost) or "Nothing.") + "\n")
    took = f"{len(known)} samples; it took {monotonic() - begun:.0f} s.\n"
    RESULTS.write_text("\n".join([INTRODUCTION, took, *parts]))
    sys.stdout.write(RESULTS.read_text())


if __name__ == "__main__":
    main()
