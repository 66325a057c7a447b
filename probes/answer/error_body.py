"""Pure: status + headers + body → what an answer complains about, in any shape."""

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from probes.answer.echo import without_echo
from probes.answer.gateway_frame import ONLY_STATUS, UnframedSentence, lazy_pattern, provider_by_name, remove_frames
from probes.answer.literal import literals
from probes.answer.payload import is_relay_error
from probes.answer.proof import DONE, first_failure
from probes.answer.sse import is_stream, split_events

LONGEST = 32_000
"""Most characters read of an error; none is longer."""
LONGEST_MESSAGE = 2_000
"""Most characters kept of a layer's message, or searched for a page's title."""
LONGEST_MARK = 100
"""Most characters of a code or a type; anything longer is a sentence."""
DEEPEST = 10
"""Most levels of nesting to search."""
DEEPEST_PAGE = 4
"""Most levels at which an HTML page is still looked for within JSON."""
MOST_LAYERS = 12
"""Most layers read of one error."""
MOST_ITEMS = 5
"""Most items read of a list of errors."""

# Field names, folded: lower case, without underscores. Each vendor has its own.
CODES = ("code", "errorcode", "errcode", "statuscode", "status")
TYPES = ("type", "errortype", "errorclass", "status", "error")
REASONS = ("reason", "errorname", "errortype", "limitsource", "finishreason")
MESSAGES = (
    *("message", "msg", "errormessage", "errormsg", "errordescription", "error", "detail", "statusmsg"),
    *("faultstring", "description", "title", "raw", "reason", "result", "data"),
)
NESTED = (
    *("error", "errors", "errorinformation", "errorinfo", "lasterror", "innererror", "fault", "response", "body"),
    *("baseresp", "choices", "delta", "cause"),
    *("metadata", "raw", "details", "detail", "message", "msg", "description"),
)
IGNORED = frozenset(
    {
        *(
            "request",
            "requestbody",
            "input",
            "inputs",
            "messages",
            "contents",
            "content",
            "prompt",
            "tools",
            "functions",
        ),
        *("headers", "params", "parameters", "query", "options", "config", "stack", "stacktrace", "traceback", "usage"),
        *("previouserrors", "previousattempts", "attempts", "retries", "history"),
    }
)
"""Fields that may mention anything: echoes of the request, generated text, history. Any other may hold a cause."""
LISTED = ("details", "errors")

PAGE = re.compile(r"<(?:!doctype ?html|html|head|body|title|center|h1)\b", re.IGNORECASE)
PAGE_WITHIN = re.compile(
    r"""<!doctype ?html|<html\b|(?:^|(?<=[:=>\s"'\d]))<(?:head|body|title|center|h1)\b[^<>]{0,200}>\s*<""",
    re.IGNORECASE,
)
PAGE_END = "</html>"
EDGE_LINE = re.compile(r"error code: \d{3,4}", re.IGNORECASE)
MARKED_UP = re.compile(r"<(?:[!?/]|[a-z][\w-]*(?::[a-z][\w-]*)?[\s>/])", re.IGNORECASE)
"""How an HTML page or an XML document begins; some languages print their objects like this too."""
MARKUP = re.compile(r"<(script|style|svg)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)|<[^<>]*>?", re.IGNORECASE | re.DOTALL)
SPACE = re.compile(r"\s+")
BROKEN = re.compile(r"(?<=[\u4e00-\u9fff，、])[ \t]{0,20}\r?\n[ \t]{0,40}(?=[\u4e00-\u9fff])")
"""A line break inside a Chinese sentence, which has no spaces."""
ENTITY = re.compile(r"&(?:amp;)?(?:quot|#34|#39|#x27|#x22|apos|lt);", re.IGNORECASE)
PRINTED_BYTES = re.compile(r"(?:\\x[89a-f][0-9a-f]){2,}", re.IGNORECASE)
CLIENT_CHECK = re.compile(r"(\btype validation failed: value: .*?)\.\s{1,3}error message:.*", re.DOTALL | re.IGNORECASE)
"""What a client's own check appends to the answer that it quotes."""
ENDED = r"\b(?:suspended|suspension|banned|terminated|terminat(?:ed|ion)|deactivated|disabled|blocked)\b"
GUESS = re.compile(
    r"可能(?:是[^，,。；;\n]{1,24}[，,、]?或者?是?|[^，,。；;\n]{1,24}[，,、]?也(?:有)?可能是?)[^，,。；;\n]{1,24}"
    r"|\b(?:may|might|could) (?:be|have been) (?:because|due to|caused by)\b[^.\n]{1,100}\bor\b[^.\n]{1,100}"
    rf"|\b(?:may|might|could|can|will) (?:lead to|result in|cause|get)\b[^.\n]{{0,60}}{ENDED}"
    rf"|\bavoid\b[^.,\n]{{0,60}}{ENDED}|\b(?:is|are|was|has)(?: not|n't)(?: been)?(?: \w+)? {ENDED}"
    r"|(?:未|没有|沒有)被?(?:封禁|停用|禁用|冻结|凍結)",
    re.IGNORECASE,
)
"""Words that assert nothing: two causes between which a client guesses, what may still come, and what has not."""
SPELLED_OUT = re.compile(r"\\u((?!d[89a-f])[0-9a-f]{4})", re.IGNORECASE)
BLOCK = re.compile(
    r"</?(?:p|div|h\d|li|ul|ol|br|hr|td|th|tr|table|pre|title|center|body|head|html)\b[^<>]*>", re.IGNORECASE
)
PARTING = "\x1e"
MOST_BLOCKS = 12
"""Most blocks, or sentences, read of a page."""
SHORTEST_SENTENCE = 5
"""Fewest characters of a block that says anything."""
LONGEST_SERVER_PHRASE = 600
"""Most characters of a server's own phrase; anything longer was written by a person."""
SERVER_PHRASES = (
    r"(?i)(?!.*unauthori[sz]ed)[\W_]*+(?:you (?:do not|don't) have permission to access\b.*"
    r"|the requested (?:url|resource|page)\b.*|the page you .*|an error occurred\W*|access (?:is )?denied\W*"
    r"|(?:nginx|openresty)\S*"
    r"|.*\b(?:webmaster|server administrator|hosting provider|cloudflare tunnel|ray id)\b.*"
    rf"|{ONLY_STATUS})"
)
"""What web servers write on a page that says no more than its status."""
EDGE_PHRASES = re.compile(
    r"_cf_chl_opt|challenges\.cloudflare\.com|challenge-platform/h/|_Incapsula_Resource|captcha-delivery\.com"
    r"|perimeterx|px-captcha|awswaf\.com|aws-waf-token|errors\.aliyun\.com|x5secdata|ddos-guard|sucuri\.net|geetest",
    re.IGNORECASE,
)
SCRIPTED = "edge-script"
"""The mark of a page that only a script fills with words, by what it loads."""
TITLE = re.compile(r"<title[^<>]{0,200}>([^<]{0,300})", re.IGNORECASE)
OF_TROUBLE = re.compile(
    r"error|\b[45]\d\d\b|forbidden|denied|unauthori|bad (request|gateway)|not found|exception|fail|unavailable"
    r"|错误|异常|失败|fehler|erreur|ошибка",
    re.IGNORECASE,
)

NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_.:][A-Za-z0-9]+)*")
NAME_JOINT = re.compile(r"[-_.:]+|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
BROAD_NAMES = ("invalid_request_error", "invalid_request", "unknown_error")
"""Names too broad to read as words."""
TRADITIONAL = str.maketrans(
    (
        "並併傢儘儲內兩凍刪劃動務區參員問啓啟單噹嚮國團夠實審對帳弔張彔態憑戶換擁據擠敗數時暫曏會棄業機權沒滿"
        "為無爲狀環異當發盡確祕積節範終組結絡統綁維網緊線總織繫臉蔘號製覈規訂計訪許註証認誤調請證護負費資賬踰"
        "載輪週進遊過達違郵釦銷錄錯録鎖鐘鑑鑒鑰長閉開閱閲關隊險隻雙靈項預頻額風飽餘驗體髮點齡齣電檢洩營執連帐"
        "攔牆脅惡構產響應碼僅則擋擊徑"
    ),
    (
        "并并家尽储内两冻删划动务区参员问启启单当向国团够实审对账吊张录态凭户换拥据挤败数时暂向会弃业机权没满"
        "为无为状环异当发尽确秘积节范终组结络统绑维网紧线总织系脸参号制核规订计访许注证认误调请证护负费资账逾"
        "载轮周进游过达违邮扣销录错录锁钟鉴鉴钥长闭开阅阅关队险只双灵项预频额风饱余验体发点龄出电检泄营执连账"
        "拦墙胁恶构产响应码仅则挡击径"
    ),
)
"""Traditional characters of the rules, and their simplified forms; add those of new rules. 帐 is a common 账."""


class Layer(Struct, frozen=True):
    """One error object, or one sentence, of an answer. Marks are in lower case.

    `message` is the sentence for people; `words` is what rules search: the sentence, the other sentences next to it and
    the names of quotas, in simplified Chinese, without frames and echoes of our request. `names` are the marks as
    words: `NotEnoughBalance` is `Not Enough Balance`. `statuses` are the HTTP statuses that a frame names, `named` is
    the provider that it names. `relayed`: a gateway repeats what its own provider said about an account that is not
    ours, or a page it got. `page`: it came as an HTML page or as a CDN's one-line text, not from the API itself.
    `frame`: it is the text around a cause, and counts only when nothing inside it does.
    """

    codes: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    message: str = ""
    words: str = ""
    names: str = ""
    statuses: tuple[int, ...] = ()
    named: str = ""
    relayed: bool = False
    page: bool = False
    frame: bool = False


class Complaint(Struct, frozen=True):
    """What an answer complains about, the innermost cause first.

    `status` is the HTTP status, or the one in the body where HTTP gives none or a good one.
    """

    status: int | None
    layers: tuple[Layer, ...]


def read_complaint(status: int | None, headers: Mapping[str, str], body: str, asked: str = "") -> Complaint:
    """Return what an answer says is wrong, in any shape; `asked` is our address. Never raises."""
    text = body.lstrip("\ufeff \t\r\n")
    text = (_failed_event(text) if is_stream(text) else text)[:LONGEST].strip()
    told = _header_marks(headers)
    page = _is_page(text) or "cf-mitigated" in told.reasons
    found = islice(_page_layers(text) if page else _text_layers(text, 0), MOST_LAYERS)
    layers = tuple(_completed(layer, told, asked) for layer in found) or (_completed(Layer(), told, asked),)
    return Complaint(_status_that_counts(status, layers), layers)


def _completed(layer: Layer, told: Layer, asked: str) -> Layer:
    return replace(
        layer,
        types=layer.types + told.types,
        reasons=layer.reasons + told.reasons,
        message=layer.message[:LONGEST_MESSAGE],
        words=GUESS.sub(" ", _simplify(without_echo(layer.words, asked))),
    )


def words_of(complaint: Complaint) -> str:
    """Return the sentence of the innermost cause, for people. It may still contain secrets."""
    for layer in complaint.layers:
        if layer.message:
            return layer.message
    marks = (mark for layer in complaint.layers for mark in layer.codes + layer.types + layer.reasons)
    return next(marks, "")


# Reading: objects inside objects, JSON inside strings, sentences around JSON, pages.


def _failed_event(stream: str) -> str:
    """Return the data of the first event that reports a failure, or else of the last one."""
    event = first_failure(stream) or next(
        (one for one in reversed([*split_events(stream)]) if one.data.strip() != DONE), None
    )
    return event.data.decode("utf-8", "replace") if event else ""


def _text_layers(text: str, depth: int) -> Iterator[Layer]:
    text = html.unescape(html.unescape(text)) if ENTITY.search(text) else text
    text = PRINTED_BYTES.sub(_decoded_bytes, text) if "\\x" in text else text
    text = CLIENT_CHECK.sub(r"\1", text)
    if MARKED_UP.match(text):
        text = _visible(text)
    text, page = _without_page(text) if depth == 0 else (text, "")
    outside = _squeeze(_ends(text))
    frame = remove_frames(outside)
    if page:
        inside = list(_page_layers(page))
    else:
        inside = [layer for value in literals(text) for layer in _layers(value, depth + 1)]
    told = [_framed(layer, frame) for layer in inside]
    yield from told
    if text and not _is_json(text) or not told:
        yield from () if told else _last_line_layers(text)
        yield from _sentence_layers(outside, frame, bool(told))


def _is_json(text: str) -> bool:
    """Whether a text is one JSON value, with nothing around it."""
    if not text.startswith(("{", "[{")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return not text.endswith("}")  # the cut-off part has the rest
    return True


def _without_page(text: str) -> tuple[str, str]:
    """Return a line, or a log, without the page that it quotes, and that page; complete JSON keeps its own."""
    is_json = text.startswith(("{", "[{")) and text.endswith(("}", "]"))
    if is_json or not (page := PAGE_WITHIN.search(text)):
        return text, ""
    end = text.lower().find(PAGE_END, page.end())
    end = len(text) if end < 0 else end + len(PAGE_END)
    return f"{text[: page.start()]} {text[end:]}".strip(), text[page.start() : end]


def _last_line_layers(text: str) -> Iterator[Layer]:
    """Yield the last line, as a program ends with its conclusion, after its traces and the echoed prompt."""
    lines = text[-LONGEST_MESSAGE:].rstrip().rsplit("\n", 1)
    if len(lines) == 2 and (frame := remove_frames(_squeeze(lines[1]))).inside:
        yield _framed(Layer(message=_squeeze(_ends(text)), words=frame.inside), frame)


def _framed(layer: Layer, frame: UnframedSentence) -> Layer:
    """Return a layer with what the frame around it says, where it does not say so itself."""
    return replace(
        layer,
        statuses=layer.statuses + frame.statuses,
        named=layer.named or frame.named,
        relayed=layer.relayed or frame.relayed,
    )


def _sentence_layers(outside: str, frame: UnframedSentence, has_cause: bool) -> Iterator[Layer]:
    """Yield what is inside a sentence's frame, then all of it as the frame; or all of it when it has none."""
    marks = Layer(
        codes=(*map(str, frame.statuses), *frame.marks), types=frame.marks, reasons=frame.marks, message=outside
    )
    if not outside:
        return
    if frame.inside and not has_cause:
        yield _framed(replace(marks, words=frame.inside, names=_spell([frame.inside])), frame)
    elif frame.rest not in ("", outside):
        yield _framed(replace(marks, words=frame.rest, frame=True), frame)
    yield replace(marks, words=outside, statuses=frame.statuses, frame=frame.inside != outside)


def _page_layers(page: str, depth: int = 0) -> Iterator[Layer]:
    """Yield the API's JSON on a page, its sentences, all of it as a page, and its status alone.

    A page with a general error title is from a server that passes on what it was told; any other is read as a page
    first.
    """
    blocks = [block for part in _visible(BLOCK.sub(PARTING, page)).split(PARTING) if (block := part.strip())]
    for block in blocks[:MOST_BLOCKS]:
        yield from (layer for value in literals(block) for layer in _layers(value, depth + 1))
    sentences = [_squeeze(block) for block in blocks]
    whole = _of_a_page(page, sentences)
    inside = [layer for sentence in _api_words_on(page, sentences) for layer in _text_layers(sentence, depth + 1)]
    title = TITLE.search(page[:LONGEST_MESSAGE])
    yield from (*inside, whole) if title is None or lazy_pattern(ONLY_STATUS).fullmatch(title[1]) else (whole, *inside)
    yield replace(whole, frame=True)


def _api_words_on(page: str, sentences: Sequence[str]) -> Iterator[str]:
    """Yield what the API may have said on an error page."""
    title = TITLE.search(page[:LONGEST_MESSAGE])
    if title is None or not title[1].strip() or OF_TROUBLE.search(title[1]):
        said = (one for one in sentences[:MOST_BLOCKS] if len(one) > SHORTEST_SENTENCE)
        yield from (
            one for one in said if len(one) > LONGEST_SERVER_PHRASE or not lazy_pattern(SERVER_PHRASES).fullmatch(one)
        )


def _of_a_page(page: str, sentences: Iterable[str]) -> Layer:
    whole = _squeeze(" ".join(sentences))
    marks = (SCRIPTED,) if EDGE_PHRASES.search(page) else ()
    return Layer(reasons=marks, message=whole, words=whole[:LONGEST_MESSAGE], page=True)


def _layers(value: Any, depth: int) -> Iterator[Layer]:
    if depth > DEEPEST:
        return
    match value:
        case dict():
            yield from _object_layers(value, depth)
        case list():
            for item in value[:MOST_ITEMS]:
                yield from _layers(item, depth + 1)
        case str() if "{" in value or "<" in value or ENTITY.search(value):
            yield from _string_layers(value, depth)


def _string_layers(text: str, depth: int) -> Iterator[Layer]:
    """Yield the JSON or the page in a string; its sentences belong to the object that holds it."""
    text = html.unescape(html.unescape(text)) if ENTITY.search(text) else text
    frame = remove_frames(_squeeze(_ends(text)))
    if depth < DEEPEST_PAGE and _is_page(frame.inside):
        found = _page_layers(text[max(text.find("<"), 0) :], depth)
        inside = [replace(layer, relayed=True) for layer in found]
    else:
        inside = [layer for value in literals(text) for layer in _layers(value, depth + 1)]
    yield from (_framed(layer, frame) for layer in inside)


def _object_layers(top: dict[str, Any], depth: int) -> Iterator[Layer]:
    fields = {name.lower().replace("_", ""): value for name, value in top.items()}
    found = _layers_inside(fields, depth)
    if not _is_relay(fields):
        yield from found
        return
    named = provider_by_name(str(fields.get("providername", "")))
    yield from (replace(layer, relayed=True, named=layer.named or named) for layer in found)


def _layers_inside(fields: Mapping[str, Any], depth: int) -> Iterator[Layer]:
    layer = _layer(fields)
    told = False
    others = (name for name in fields if name not in NESTED and name not in IGNORED)
    for name in (*NESTED, *others):
        value = fields.get(name)
        # Next to a message, the lists `details` and `errors` (Google's) are marks of this same error.
        if not (name in LISTED and isinstance(value, list) and layer.message):
            for inner in _layers(value, depth + 1):
                told = told or isinstance(value, str)
                yield inner
    yield from (inner for text in _confessions(fields) for inner in _text_layers(text, depth + 1))
    if layer != Layer():
        yield from _peeled(layer, told)


def _confessions(fields: Mapping[str, Any]) -> Iterator[str]:
    """Yield relay errors that stand in place of a model's words."""
    said = fields.get("content")
    blocks = _objects(said) if isinstance(said, list) else []
    yield from (
        text for text in (said, fields.get("text"), *(one.get("text") for one in blocks)) if is_relay_error(text)
    )


def _peeled(layer: Layer, has_cause: bool) -> Iterator[Layer]:
    """Yield the layer with its sentences unframed, then the whole as the frame; or just the layer.

    `has_cause`: JSON inside its sentence was already read, so the sentence is only its frame.
    """
    frames = [remove_frames(sentence) for sentence in layer.words.split("\n")]
    inside = "\n".join(frame.inside for frame in frames if frame.inside)
    if inside == layer.words or (not inside and layer.codes + layer.types + layer.reasons):
        yield layer
        return
    marks = tuple(mark for frame in frames for mark in frame.marks)
    if not has_cause and inside:
        framed = _framed(layer, next((frame for frame in frames if frame.named), frames[0]))
        yield replace(
            framed,
            types=layer.types + marks,
            reasons=layer.reasons + marks,
            statuses=tuple(status for frame in frames for status in frame.statuses),
            words=inside,
        )
    yield replace(layer, frame=True)


def _is_relay(fields: Mapping[str, Any]) -> bool:
    """Whether a gateway relays it.

    OpenRouter names the provider and whose key it was; new-api only the kind of error.
    """
    if fields.get("type") == "upstream_error":
        return True
    return bool(fields.get("providername") and fields.get("raw")) and fields.get("isbyok") is not True


def _layer(fields: Mapping[str, Any]) -> Layer:
    listed = [item for name in LISTED for item in _objects(fields.get(name))]
    sentences = [_squeeze(_ends(fields[name])) for name in MESSAGES if isinstance(fields.get(name), str)]
    if isinstance(param := fields.get("param"), str) and " " in param:
        sentences.append(_squeeze(param))
    hints = [hint for item in listed for hint in _hints(item)]
    return Layer(
        codes=_marks(fields, CODES) + tuple(mark for item in listed for mark in _marks(item, ("code",))),
        types=_marks(fields, TYPES),
        reasons=_marks(fields, REASONS) + tuple(mark for item in listed for mark in _marks(item, ("reason",))),
        message=next(filter(None, sentences), ""),
        words="\n".join(filter(None, sentences + hints)),
        names=_spell(fields[name] for name in (*CODES, *TYPES, *REASONS, *MESSAGES) if name in fields),
    )


def _hints(item: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a rule may search in one of Google's details: its sentence and the quota's name."""
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
    # AWS prefixes the name with a namespace and a hash sign.
    return tuple(mark.rpartition("#")[2].lower() for mark in told if 0 < len(mark) <= LONGEST_MARK)


def _simplify(text: str) -> str:
    """Return a text with the traditional Chinese characters of our rules simplified, so that one rule covers both."""
    return text if text.isascii() else text.translate(TRADITIONAL)


def _spell(values: Iterable[Any]) -> str:
    """Return the names among some values as words, one line each."""
    names = {value: None for value in values if isinstance(value, str) and len(value) <= LONGEST_MARK}
    told = (name for name in names if NAME.fullmatch(name) and name.lower() not in BROAD_NAMES)
    return "\n".join(NAME_JOINT.sub(" ", name) for name in told)


def _squeeze(text: str) -> str:
    text = SPELLED_OUT.sub(lambda found: chr(int(found[1], 16)), text) if "\\u" in text else text
    text = text[: 2 * LONGEST_MESSAGE].replace("\u2019", "'")
    return SPACE.sub(" ", text if text.isascii() else BROKEN.sub("", text)).strip()


def _decoded_bytes(found: re.Match[str]) -> str:
    """Decode UTF-8 bytes as Python prints them."""
    return bytes.fromhex(found[0].replace("\\x", "")).decode("utf-8", "replace")


def _ends(text: str) -> str:
    """Return the beginning and the end of a text: an echo may come before the cause, or after it."""
    if len(text) <= 2 * LONGEST_MESSAGE:
        return text
    return f"{text[: LONGEST_MESSAGE - 1]}\n{text[-LONGEST_MESSAGE:]}"


def _is_page(text: str) -> bool:
    return EDGE_LINE.fullmatch(text) is not None or (text.startswith("<") and PAGE.search(text[:2000]) is not None)


def _visible(page: str) -> str:
    return html.unescape(MARKUP.sub(" ", page))


def _header_marks(headers: Mapping[str, str]) -> Layer:
    """Return the marks in headers: AWS names an exception there, Cloudflare a challenge, Azure a penalty."""
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
