"""Pure: status + headers + body → what an answer complains of, in whatever shape it says it."""

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from probes.proof import failing
from probes.sse import is_stream

LONGEST = 32_000
"""No error is longer; what comes after is not read."""
LONGEST_MESSAGE = 2_000
LONGEST_MARK = 100
DEEPEST = 10
MOST_LAYERS = 12
MOST_ITEMS = 5

# Field names, folded: lower case, without underscores. Each vendor has its own.
CODES = ("code", "errorcode", "errcode", "statuscode", "status")
TYPES = ("type", "errortype", "status", "error")
REASONS = ("reason", "errorname", "errortype", "limitsource", "finishreason")
MESSAGES = (
    *("message", "msg", "errormessage", "errormsg", "errordescription", "error", "detail", "statusmsg"),
    *("faultstring", "description", "title", "raw", "reason", "result", "data"),
)
NESTED = (
    *("error", "errors", "innererror", "fault", "response", "body", "baseresp", "choices", "delta", "cause"),
    *("metadata", "raw", "details", "detail", "message", "msg", "description"),
)
LISTED = ("details", "errors")

PAGE = re.compile(r"<(?:!doctype html|html|head|body|title|center|h1)\b", re.IGNORECASE)
EDGE_LINE = re.compile(r"error code: \d{3,4}", re.IGNORECASE)
MARKUP = re.compile(r"<(script|style|svg)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)|<[^<>]*>?", re.IGNORECASE | re.DOTALL)
SPACE = re.compile(r"\s+")
TOLD_STATUS = re.compile(r"(?:^|\b(?:status|status code|error code|http|code)[:= ]+)([45]\d\d)\b", re.IGNORECASE)
# A string that is never closed runs to the end: looking for its end from each quote anew would take its square.
PYTHON_TOKEN = re.compile(
    r""""(?:[^"\\]|\\(?:.|\Z))*(?:"|\Z)|'((?:[^'\\]|\\(?:.|\Z))*)(?:'|\Z)|\b(None|True|False)\b""", re.DOTALL
)
PYTHON_WORDS = {"None": "null", "True": "true", "False": "false"}
NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_.:][A-Za-z0-9]+)*")
NAME_JOINT = re.compile(r"[-_.:]+|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
BROAD_NAMES = ("invalid_request_error", "invalid_request", "unknown_error")
"""They stand beside anything, so their words mean nothing."""
PAIR = re.compile(r'"(code|type|status|reason|message|detail|error)"\s*:\s*(?:"((?:[^"\\]|\\.)+)|(\d+))')
TRADITIONAL = str.maketrans(
    (
        "並併傢儘儲內兩凍刪劃動務區參員問啓啟單噹嚮國團夠實審對帳弔張彔態憑戶換擁據擠敗數時暫曏會棄業機權沒滿"
        "為無爲狀環異當發盡確祕積節範終組結絡統綁維網緊線總織繫臉蔘號製覈規訂計訪許註証認誤調請證護負費資賬踰"
        "載輪週進遊過達違郵釦銷錄錯録鎖鐘鑑鑒鑰長閉開閱閲關隊險隻雙靈項預頻額風飽餘驗體髮點齡齣帐"
    ),
    (
        "并并家尽储内两冻删划动务区参员问启启单当向国团够实审对账吊张录态凭户换拥据挤败数时暂向会弃业机权没满"
        "为无为状环异当发尽确秘积节范终组结络统绑维网紧线总织系脸参号制核规订计访许注证认误调请证护负费资账逾"
        "载轮周进游过达违邮扣销录错录锁钟鉴鉴钥长闭开阅阅关队险只双灵项预频额风饱余验体发点龄出账"
    ),
)
"""Characters of the rules, traditional and as the rules write them; a new one of a rule is added. 帐 is a common 账."""
JSON = json.JSONDecoder(strict=False)  # people paste answers with raw line breaks inside strings


class Layer(Struct, frozen=True):
    """One error object, or one sentence, of an answer. Marks are in lower case.

    `message` is the sentence for people; `words` is all that rules search: the sentence, the other
    sentences beside it and the names of quotas, in simplified Chinese. `names` are the marks as words:
    `NotEnoughBalance` is `Not Enough Balance`. `relayed`: a gateway repeats here what its own provider
    told it, of an account that is not ours.
    """

    codes: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    message: str = ""
    words: str = ""
    names: str = ""
    relayed: bool = False


class Complaint(Struct, frozen=True):
    """What an answer complains of, the innermost cause first.

    `status` is the HTTP status, or the one told in the body where HTTP gives none or a good one.
    `page`: it came as an HTML page or as a CDN's one line, not from the API itself.
    """

    status: int | None
    layers: tuple[Layer, ...]
    page: bool = False


def read(status: int | None, headers: Mapping[str, str], body: str) -> Complaint:
    """Return what an answer says is wrong, in whatever shape it says it. Never raises."""
    text = body.lstrip("\ufeff \t\r\n")
    text = (_failed_event(text) if is_stream(text) else text)[:LONGEST].strip()
    told = _told_by_headers(headers)
    page = _is_page(text) or "cf-mitigated" in told.reasons
    found = [_sentence(_visible(text))] if page else list(islice(_text_layers(text, 0), MOST_LAYERS))
    layers = tuple(
        replace(layer, types=layer.types + told.types, reasons=layer.reasons + told.reasons)
        for layer in found or [Layer()]
    )
    return Complaint(_status_that_counts(status, layers), layers, page)


def words(complaint: Complaint) -> str:
    """Return the sentence of the innermost cause, for people. It may still hold secrets."""
    for layer in complaint.layers:
        if layer.message:
            return layer.message
    marks = (mark for layer in complaint.layers for mark in layer.codes + layer.types + layer.reasons)
    return next(marks, "")


# Reading: objects inside objects, JSON inside strings, sentences around JSON, pages.


def _failed_event(stream: str) -> str:
    """Return the data of the first event that tells of trouble, or nothing."""
    event = failing(stream)
    return event.data.decode("utf-8", "replace") if event else ""


def _text_layers(text: str, depth: int) -> Iterator[Layer]:
    inner = decode(text)
    yield from _layers(inner, depth + 1)
    if text and not (inner and text.startswith(("{", "["))):
        sentence = _sentence(_visible(text) if text.startswith("<") else text)
        yield replace(sentence, codes=tuple(TOLD_STATUS.findall(text[:200])))


def _layers(value: Any, depth: int) -> Iterator[Layer]:
    if depth > DEEPEST:
        return
    match value:
        case dict():
            yield from _object_layers(value, depth)
        case list():
            for item in value[:MOST_ITEMS]:
                yield from _layers(item, depth + 1)
        case str() if "{" in value:
            yield from _layers(decode(value), depth + 1)


def _object_layers(top: dict[str, Any], depth: int) -> Iterator[Layer]:
    fields = {name.lower().replace("_", ""): value for name, value in top.items()}
    found = _layers_inside(fields, depth)
    yield from (replace(layer, relayed=True) for layer in found) if _is_relay(fields) else found


def _layers_inside(fields: Mapping[str, Any], depth: int) -> Iterator[Layer]:
    layer = _layer(fields)
    for name in NESTED:
        value = fields.get(name)
        # Beside a message, the lists `details` and `errors` (Google's) are marks of this same error.
        if not (name in LISTED and isinstance(value, list) and layer.message):
            yield from _layers(value, depth + 1)
    if layer != Layer():
        yield layer


def _is_relay(fields: Mapping[str, Any]) -> bool:
    """OpenRouter names who answered and says whose key it was; new-api names only the kind of error."""
    if fields.get("type") == "upstream_error":
        return True
    return bool(fields.get("providername") and fields.get("raw")) and fields.get("isbyok") is not True


def _layer(fields: Mapping[str, Any]) -> Layer:
    listed = [item for name in LISTED for item in _objects(fields.get(name))]
    sentences = [_squeeze(fields[name]) for name in MESSAGES if isinstance(fields.get(name), str)]
    if isinstance(param := fields.get("param"), str) and " " in param:
        sentences.append(_squeeze(param))
    hints = [hint for item in listed for hint in _hints(item)]
    return Layer(
        codes=_marks(fields, CODES) + tuple(mark for item in listed for mark in _marks(item, ("code",))),
        types=_marks(fields, TYPES),
        reasons=_marks(fields, REASONS) + tuple(mark for item in listed for mark in _marks(item, ("reason",))),
        message=next(filter(None, sentences), ""),
        words=_simplify("\n".join(filter(None, sentences + hints))),
        names=_spell(fields[name] for name in (*CODES, *TYPES, *REASONS, *MESSAGES) if name in fields),
    )


def _hints(item: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a rule may search in one of Google's details: its sentence and the quota it names."""
    if isinstance(item.get("message"), str):
        yield _squeeze(item["message"])
    for violation in _objects(item.get("violations")):
        yield _squeeze(str(violation.get("quotaId", "")))
    metadata = item.get("metadata")
    if isinstance(metadata, dict):
        yield from (f"{name}={metadata[name]}" for name in ("quota_limit", "quota_limit_value") if name in metadata)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value[:MOST_ITEMS] if isinstance(item, dict)] if isinstance(value, list) else []


def _marks(fields: Mapping[str, Any], names: Iterable[str]) -> tuple[str, ...]:
    values = (fields.get(name) for name in names)
    told = (str(value).strip() for value in values if isinstance(value, str | int) and not isinstance(value, bool))
    # AWS writes a namespace and a hash sign before the name.
    return tuple(mark.rpartition("#")[2].lower() for mark in told if 0 < len(mark) <= LONGEST_MARK)


def _sentence(text: str) -> Layer:
    sentence = _squeeze(text)
    return Layer(message=sentence, words=_simplify(sentence), names=_spell([sentence]))


def _simplify(text: str) -> str:
    """Return a text with the traditional Chinese characters that rules use made simplified, so that a rule is one."""
    return text if text.isascii() else text.translate(TRADITIONAL)


def _spell(values: Iterable[Any]) -> str:
    """Return the names among some values as words, a line for each."""
    names = {value: None for value in values if isinstance(value, str) and len(value) <= LONGEST_MARK}
    told = (name for name in names if NAME.fullmatch(name) and name.lower() not in BROAD_NAMES)
    return "\n".join(NAME_JOINT.sub(" ", name) for name in told)


def _squeeze(text: str) -> str:
    return SPACE.sub(" ", text[:LONGEST_MESSAGE].replace("\u2019", "'")).strip()


def decode(text: str) -> Any:
    """Return the first JSON or Python literal in a text; of a broken one the pairs that can be seen; else None."""
    start = 0 if text.startswith("[") else text.find("{")
    if start < 0:
        return None
    for spell in (str, _requoted, _unescaped):
        try:
            return JSON.raw_decode(spell(text[start:]))[0]
        except (ValueError, RecursionError):
            continue
    return {name: string or number for name, string, number in reversed(PAIR.findall(text))} or None


def _requoted(literal: str) -> str:
    return PYTHON_TOKEN.sub(_json_token, literal)


def _json_token(token: re.Match[str]) -> str:
    if token[1] is not None:
        return '"' + token[1].replace("\\'", "'").replace('"', '\\"').replace("\\x", "\\u00") + '"'
    return PYTHON_WORDS.get(token[2], token[0])


def _unescaped(text: str) -> str:
    """JSON that was printed as a string once too often."""
    return text.replace("\\n", " ").replace('\\"', '"')


def _is_page(text: str) -> bool:
    return EDGE_LINE.fullmatch(text) is not None or (text.startswith("<") and PAGE.search(text[:2000]) is not None)


def _visible(page: str) -> str:
    return html.unescape(MARKUP.sub(" ", page))[:LONGEST_MESSAGE]


def _told_by_headers(headers: Mapping[str, str]) -> Layer:
    """Return the marks that stand in headers: AWS names an exception there, Cloudflare a challenge, Azure a penalty."""
    found = {name.lower(): value for name, value in headers.items()}
    exception = found.get("x-amzn-errortype", "").partition(":")[0].lower()
    told = {
        "cf-mitigated": bool(found.get("cf-mitigated")),
        "abusepenalty-active": found.get("x-ratelimit-abusepenalty-active", "").strip().lower() == "true",
    }
    return Layer(types=(exception,) if exception else (), reasons=tuple(mark for mark, holds in told.items() if holds))


def _status_that_counts(status: int | None, layers: Sequence[Layer]) -> int | None:
    if status is not None and not 200 <= status < 300:
        return status
    told = (int(code) for layer in reversed(layers) for code in layer.codes if re.fullmatch("[45][0-9][0-9]", code))
    return next(told, status)
