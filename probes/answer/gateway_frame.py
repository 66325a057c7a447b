"""Pure: a sentence as programs and gateways pass it on → the sentence, and what its frame says.

A frame is what they put around the provider's words: `Error code: 401 - `, `litellm.RateLimitError: CerebrasException -
`, `rpc error: code = Unavailable desc = `. It may name the provider, an HTTP status or the provider's own name for the
error. Bounded in work: no pattern here looks further than a few hundred characters.
"""

import re
from functools import cache
from http import HTTPStatus

from msgspec import Struct

from probes.answer.known_name import known_names, plain

MOST_PEELS = 12
"""Most frames removed from one message."""
MOST_MARKS = 24
"""Most names kept of one frame."""
KNOWN = known_names()
ENDS_OF_HOSTS = "|".join(sorted({host.rpartition(".")[2] for host in KNOWN.hosts}))
"""Top-level domains below which a host can be one of KNOWN, as alternatives of a pattern."""

CLASSES = {
    "authenticationerror": 401,
    "permissiondeniederror": 403,
    "notfounderror": 404,
    "badrequesterror": 400,
    "invalidrequesterror": 400,
    "unprocessableentityerror": 422,
    "ratelimiterror": 429,
    "toomanyrequestserror": 429,
    "badgatewayerror": 502,
    "serviceunavailableerror": 503,
    "apistatuserror": 0,
    "apierror": 0,
    "clienterror": 0,
    "apiconnectionerror": 0,
    "apiresponsevalidationerror": 0,
}
"""SDK classes named after an HTTP status (0: any): they say no more than it."""

PHRASES = "|".join(
    sorted(
        {status.phrase.replace(" ", r"[\s_]") for status in HTTPStatus if status >= 400}
        | {"Unavailable", r"Gateway\sTime-?out", r"Service\sTemporarily\sUnavailable", r"Authorization\sRequired"}
        | {r"Request\sEntity\sToo\sLarge", r"Unprocessable\sEntity", r"Bad\sresponse", r"Origin\sDNS\sError"}
        | {r"Connection\stimed\sout", r"A\stimeout\soccurred", r"Web\sserver\sis\sdown"},
        key=len,
        reverse=True,
    )
)
STATUS = rf"(?:HTTP(?:/\d(?:\.\d)?)?[\s:-]{{0,3}})?\(?[1-5]\d\d\)?(?:[\s:,-]{{1,3}}(?:{PHRASES})\b)?"
IN_BRACKETS = rf"(?:\s?[(\[]?{STATUS}[)\]]?)?"
ONLY_STATUS = (
    r"(?i:[\W_]*+(?:(?:error|status(?: code)?|http)[\W_]*+)*"
    rf"(?:{STATUS}|(?:{PHRASES}))?[\W_]*+(?:error|exception)?[\W_]*+)"
)

END = r"\s?[:：]\s?"
LOOSE_END = r"\s?[:,-]\s?"
LATER = r"\b(?:[^:：{\n]|:(?=\S)){0,160}[:：]\s"
"""Some words, perhaps an address, and the colon after them."""
TROUBLE = (
    "error|err|fatal|errors? occurred|failed|failure|failure reason|oops|sorry|reason|details?|message|msg"
    "|fehler|erreur|errore|erro|fout|fel|b[łl][aą]d|hata|ошибка|エラー|오류|失败|異常|异常|提示"
    "|错误|錯誤|报错|出错了?|错误信息|错误详情|失败原因|原因"
)
ASKED = "API|request|call|HTTP|server|upstream|model|LLM|chat|completion|agent|client|SDK"
DOING = (
    "while|when|in|during|calling|fetching|invoking|running|creating|generating|communicating|making|sending|processing"
)
TO_DO = (
    "call|complete|create|generate|fetch|get|make|send|execute|invoke|run|stream|chat|process|connect|query|request"
    "|start|obtain|perform|post|list|load|do"
)
CANONICAL = (
    "ResourceExhausted|PermissionDenied|Unauthenticated|InvalidArgument|ServiceUnavailable|TooManyRequests|Forbidden"
    "|NotFound|DeadlineExceeded|FailedPrecondition|Unauthorized"
)
FRAMES = (
    # from a terminal or a log: bullets, crosses, warning signs, the time, the level
    r"""[^\w\s"'{\[<(（【「“$¥＄￥/-]{1,8}(?=\s|\w)""",
    r"-{1,3}\s",
    r"\[?\d{4}-\d\d-\d\d[T\s]\d\d:\d\d:\d\d[\d.,]{0,10}(?:Z|[+-]\d\d:?\d\d)?\]?[\s:-]",
    r"\[?(?-i:ERROR|ERR|FATAL|CRITICAL|WARN|WARNING|INFO|PANIC)\b\]?[\s:|-]{1,4}",
    r"[\[【][^\]】\n]{1,60}[\]】]\s?[:：]?\s?(?=\S)",
    # the word "error", in any language
    rf"[({{\[（【]?(?:last\s)?(?:{TROUBLE})[)\]）】]?{END.replace('：', '：=')}",
    # exceptions, and error names before a colon
    r"(?:[\w$-]{1,60}[.:/]{1,2}){0,8}\w{0,60}(?:Error|Exception|Failure|Fault|Throwable)\b"
    r"(?:\s?[(\[][^)\]\n]{0,120}[)\]])?\s?(?::|\s[-–—]\s)\s?",
    rf"(?:[\w$-]{{1,60}}\.){{1,8}}(?:{CANONICAL})\s?[:(-]\s?",
    rf"(?-i:[A-Z]{{4,40}}|[A-Za-z][A-Za-z0-9]{{0,40}}(?:_[A-Za-z0-9]{{1,40}}){{1,8}}){END}(?<=\s)",
    r"thread\s'[^']{1,60}'\spanicked\sat\s[^\n]{1,120}?:\d+:\d+:\s",
    r"(?:panic|Uncaught|Unhandled(?:\sPromise)?\sRejection|Exception\sin\sthread\s\"[^\"]{0,60}\")[\s:]{1,2}",
    # statuses
    rf"API\sError(?:\s\(?{STATUS}\)?)?\s?(?:[:·,-]\s?|(?=[{{\[<]))",
    r"(?:unexpected\s|last\s|bad\s|error\s|upstream[\s_])?(?:HTTP\s)?(?:response\s)?status(?:[\s_]?code)?\s?[:=]?\s?"
    rf"{STATUS}\s?[:,;.-]{{0,2}}\s?(?=\S)",
    r"error,\s(?=status)",
    rf"(?:googleapi:\s)?Error(?:\scode)?\s?[:=]?\s?{STATUS}{LOOSE_END}",
    rf"[(\[]?{STATUS}[)\]]?\s?[:：,·-]\s?",
    rf"[(\[]{STATUS}[)\]]\s",
    r"[45]\d\d\s{1,2}(?=(?-i:[A-Z])|[^\x00-\x7f]|[\"'{\[<])",
    rf"[45]\d\d\s(?:{PHRASES})\b\s?",
    rf"(?:{PHRASES})\s?[:：]\s",
    r"""(?:GET|POST|PUT)\s["']?[^\s"']{1,300}["']?\s?:\s""",
    # clients that retry, and streams
    r"stream\s(?:error|disconnected\sbefore\scompletion|closed\sbefore\s[\w.]{1,30}|ended\sunexpectedly|failed|aborted)"
    + LOOSE_END,
    r"(?:all\s|max(?:imum)?\s)?(?:retries|retry\s(?:attempts|limit)|attempts)\s(?:exhausted|exceeded|failed)"
    rf"(?:\s(?:after|with)\s[^:]{{1,40}})?{LOOSE_END}",
    r"exceeded\sretry\slimit,?\slast\s(?:status|error)\s?:\s?",
    r"(?:giving\sup|failed)\safter\s\d{1,3}\s(?:attempts?|retries|tries)\s?[:.,-]\s?",
    r"(?:re(?:connecting|trying))\b.{0,40}?\d{1,2}/\d{1,2}\)?\s?[:,-]?\s?(?=\S)",
    # RPC: gRPC, AWS
    r"rpc\serror:\scode\s=\s\w{1,40}\sdesc\s=\s",
    r"An\serror\soccurred\s\(\w{1,80}\)\swhen\scalling\sthe\s\w{1,60}\soperation(?:\s\([^)]{0,60}\))?\s?:\s?",
    r"operation\serror\s[\w\s]{1,60}:\s\w{1,60}[,:]\s",
    r"(?:response\s)?body\s?[:=]\s?(?=[<{\[\"'“])",
    r"https?\sresponse\serror\sStatusCode:\s?\d{3},\s(?:RequestID:\s?[\w-]{0,60},\s)?",
    # who failed to do what
    rf"(?:the\s)?(?:[\w-]{{1,30}}\s){{0,3}}?(?:{ASKED})\s(?:request\s|call\s|response\s|server\s)?"
    r"(?:error|failed|failure|exception|returned(?:\san?)?(?:\serror)?|错误|异常)(?:\s(?:occurred|code|status|with))?"
    rf"{IN_BRACKETS}(?:\s?[:：]|\s-)\s?",
    r"(?:upstream|provider|backend|origin|gateway)(?:\s\w{1,20}){0,2}?"
    r"\s(?:error|failed|failure|said|returned(?:\san?)?(?:\serror)?|responded(?:\swith)?)(?:\sfrom\s[^:：]{1,40})?"
    rf"{IN_BRACKETS}(?:\s?[:：]|\s-)\s?",
    r"(?:error|response|message)\s(?:returned\s)?(?:from|by)\s[^:：\n]{1,60}[:：]\s?",
    rf"(?:error|exception|problem|failure)\s(?:{DOING}){LATER}",
    rf"(?:error|erro|errore|erreur|fehler|fout|ошибка)\s(?:al|ao|en|lors|beim|bei|durante|nel|nella|bij|при)\b{LATER}",
    rf"(?:{ASKED})\s(?:returned|responded\swith|replied\swith)\s(?:an?\s)?(?:unexpected\s|bad\s|error\s)?"
    rf"(?:HTTP\s)?status(?:\scode)?\s?:?\s?{STATUS}\s?[:,-]\s?",
    rf"(?:{TO_DO})\s[\w\s]{{1,40}}:\s",
    rf"(?:failed|unable|could\snot|cannot|can't|couldn't)\s(?:to\s)?(?:{TO_DO}){LATER}",
    r"(?:failed|unable|could(?:\snot|n.t))\s?(?:to\s)?connect\swith\sthese\ssettings\s",
    r"(?:failed|unable|could\snot)\s?(?:to\s)?(?:connect\sto|reach)\s(?:the\s)?(?:API|server|provider)[.:]\s(?=\S)",
    r"[^:：\n]{0,40}(?:に失敗しました|エラー(?:が発生しました)?|오류|실패)[^:：\n]{0,20}" + END,
    r"(?:请求|调用|接口|上游|服务|模型|网络|验证|校验|测试|检查|连接|生成|获取)[^:：\n]{0,40}?(?:失败|错误|异常|报错|出错|返回)[^:：\n]{0,20}"
    + END,
    r"(?:Provider|model|upstream_status|request_id|type|param)\s?[:=]\s?[^;\n]{1,80};\s?",
)
"""How the text around a sentence begins; each ends where the next begins."""
HEAD = rf"(?i:\s*(?:{'|'.join(f'(?:{frame})' for frame in FRAMES)}))"
JUMP = (
    r"(?i:(?:\b(?:root\s)?cause(?:d\sby)?\s?[:=：]\s?"
    r"|\bnested\sexception\sis\s"
    r"|\bAPI\sError\s?[:(]\s?\(?[45]\d\d\)?[\s:·]{1,3}"
    r"|\bdesc\s=\s"
    r"|\b[A-Z]\w{2,40}Exception\s-\s"
    r"|[,;({]\s?(?:error[\s_]?)?message[\"']?\s?[:=]\s?"
    r"|\b(?:err|error|msg)=\""
    r"|\berror\sfrom\s(?:provider|upstream)[^:]{0,60}:\s?"
    r"|\bUpstream\s(?:error|request\sfailed)(?:\sfrom\s[^:]{1,40})?:\s?"
    r"|(?:返回|响应)(?:内容|结果|错误|信息)?\s?[:：]\s?)"
    r"(?=[\"'\s(]{0,3}\S{2}))"
)
"""What comes right before the cause, wherever that is."""
TAIL = (
    r"(?i:[,;\s(]{1,3}(?:url|uri)\s?[:=]\s?[\"']?(?:https?://|/)\S*"
    r"|\.?\s?Received\sModel\sGroup="
    r"|\s?Available\sModel\sGroup\sFallbacks="
    r"|\s?LiteLLM\sRetried:"
    r"|[\s,;(]{1,3}(?:x-)?(?:request|trace|log)[\s_-]?id\s?[:=]?\s?[\w-]{6,80}"
    r"|\s?For\smore\sinformation\scheck:\s?https?://"
    r"|\s+at\s(?:[\w$.<>]{1,100}\s?\(|(?:async\s)?[\w$.<>]{1,60}\s\(|file://)"
    r"|\s?Traceback\s\(most\srecent"
    r"|\s?\"\s(?:status|code|provider|model|component|elapsed|request_id)=)"
)
"""What comes after a cause."""

EXCEPTION = r"\b[A-Z]\w{2,40}Exception - "
RELAY = re.compile(rf"{EXCEPTION}|\bupstream error from\b|^\W*provider returned error", re.IGNORECASE)
"""How a gateway introduces what its own provider said."""
LITELLM = re.compile(rf"\blitellm\.(?s:.{{0,400}}?){EXCEPTION}|{EXCEPTION}(?s:.{{0,2000}})\bReceived Model Group=")
ANOTHER = "another"
"""A provider that no file describes."""
CALLED = r"[\w.-]{2,30}"
NAMED = (
    r"([A-Za-z_]{2,40}?)_?Exception\s-\s"
    rf"|\b[Pp]rovider(?:[\s_]name)?[\"']?\s?[:=]\s?[\"']?({CALLED}(?:\s[A-Z][\w.-]{{1,20}}){{0,2}})"
    rf"|(?:请求|调用|访问)\s?({CALLED}?)\s?(?:的?接口|服务|API|api|模型)?\s?(?:失败|错误|异常|报错|返回)"
    rf"|\b(?:error|response|message)\sfrom\s(?:the\s)?(?:provider\s|upstream\s)?\(?({CALLED}(?:\s[A-Z][\w.-]{{1,20}})?)"
    r"|(?<![\w.-])([\w.]{2,24}(?:\s[A-Z]\w{1,16})?)\s(?:API|SDK)\s(?:error|request|call|returned|错误|返回|报错)"
    r"|(?<![\w.-])([\w.-]{2,24})\s?[:：]\s"
    r"|\[([A-Za-z][\w\s-]{1,30}?)(?:\s(?:Error|API))?\]"
    rf"|\b((?:[\w-]{{1,60}}\.){{1,5}}(?:{ENDS_OF_HOSTS}))\b"
    r"|\b(anthropic|groq|mistralai|cohere|cerebras|together|botocore|google|ollama)"
    r"\.[\w.]{0,60}(?:Error|Exception|Exhausted|Denied)"
)
"""Where a frame names whose words it contains."""
SPEAKER = re.compile(r"([\w.-]{2,24})\s?[:：]\s?")
IDENTIFIER = re.compile(
    r"(?<![\w./@:-])(?:[A-Za-z][A-Za-z0-9]*(?:[_.][A-Za-z0-9]+)+"
    r"|(?:[a-z]+[A-Z]|[A-Z]+[a-z0-9]+[A-Z])[A-Za-z0-9]+)(?![\w/@-])"
)
"""A program's name for an error: with underscores or dots, or in camel case."""
TOLD_MARK = re.compile(
    r"\b(?:code|type|reason|error|status)[\"']?\s?[:=]\s?[\"'“]?(?!\w+\s?[:=])([A-Za-z][\w.-]{2,60}|\d{3,6})\b"
    r"|\(([A-Za-z][\w.-]{3,60}|\d{4,6})\)"
    r"|(?<!\w)((?-i:[A-Z]{4,40}))(?=:\s|\Z)",
    re.IGNORECASE,
)
TOLD_STATUS = re.compile(
    r"(?:^|(?<![\w.])(?:status(?:[\s_]?code)?|http(?:/\d(?:\.\d)?)?|code|error|returned|with|got|response)\b[\"']?)"
    r"[^\w\n]{0,4}(?:http\W{0,2})?([45]\d\d)\b(?![.,]?\d)",
    re.IGNORECASE,
)
NOTHING_SAID = frozenset(
    {"error", "errors", "code", "status", "none", "null", "unknown", "failed", "exception", "message"}
)
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class UnframedSentence(Struct, frozen=True):
    """A sentence without its frame, and what that frame says.

    `inside` is empty when there is only a frame; then `rest`, the remainder, says no more than a status. `marks` are
    error names, in lower case; `statuses` are HTTP statuses; `named` is the provider that said it, by its file.
    `relayed`: in the form in which gateways pass on what their own provider said.
    """

    inside: str
    rest: str = ""
    marks: tuple[str, ...] = ()
    statuses: tuple[int, ...] = ()
    named: str = ""
    relayed: bool = False


@cache
def lazy_pattern(source: str) -> re.Pattern[str]:
    """Return a lazily compiled pattern: the first bad answer pays for it, not the start."""
    return re.compile(source)


def remove_frames(text: str) -> UnframedSentence:
    """Return what is inside all frames of a sentence of at most a few thousand characters. Never raises."""
    named = provider_in_frame(text) or (ANOTHER if LITELLM.search(text) else "")
    rest = _rest(text)
    return UnframedSentence(
        inside="" if lazy_pattern(ONLY_STATUS).fullmatch(rest) else rest,
        rest=rest,
        marks=_marks_in(text),
        statuses=_statuses_in(text),
        named=named,
        relayed=bool(named) and RELAY.search(text) is not None,
    )


def _rest(text: str) -> str:
    text = _without_tail(text.strip())
    for _ in range(MOST_PEELS):
        begin = _end_of_frame(text)
        if not text[begin:].strip() or not begin:
            break
        text = text[begin:].strip()
    return text.strip("\"'“”‘’` ")


def _end_of_frame(text: str) -> int:
    if head := lazy_pattern(HEAD).match(text) or _named_speaker(text):
        return head.end()
    jump = lazy_pattern(JUMP).search(text)
    return jump.end() if jump else 0


def _named_speaker(text: str) -> re.Match[str] | None:
    speaker = SPEAKER.match(text)
    return speaker if speaker and provider_by_name(speaker[1]) else None


def _without_tail(text: str) -> str:
    tail = lazy_pattern(TAIL).search(text)
    return text[: tail.start()] if tail and tail.start() else text


def provider_in_frame(text: str) -> str:
    """Return the provider that a frame names, by its file, or ""."""
    for found in lazy_pattern(NAMED).finditer(text):
        name = found[found.lastindex or 0]
        if id := KNOWN.hosts.get(name.lower()) or provider_by_name(name):
            return id
    return ""


def provider_by_name(name: str) -> str:
    """Return the provider that programs call by this name, or ""."""
    return KNOWN.names.get(plain(name).removesuffix("chat"), "")


def _marks_in(text: str) -> tuple[str, ...]:
    named = [found[0] for found in IDENTIFIER.finditer(text)]
    told = [found[1] or found[2] or found[3] for found in TOLD_MARK.finditer(text)]
    names = [name for name in (named + told)[:MOST_MARKS] if "_" in name or _folded(name) not in CLASSES]
    names = [name for name in names if name.lower() not in NOTHING_SAID]
    return tuple(dict.fromkeys(mark for name in names for mark in _spellings(name)))


def _folded(name: str) -> str:
    return plain(name.rpartition(".")[2])


def _spellings(name: str) -> tuple[str, ...]:
    """`ResourceExhausted` is RESOURCE_EXHAUSTED in the same API's JSON."""
    last = name.rpartition(".")[2]
    return name.lower(), last.lower(), CAMEL.sub("_", last).lower()


def _statuses_in(text: str) -> tuple[int, ...]:
    told = tuple(int(status) for status in TOLD_STATUS.findall(text))
    classes = (CLASSES.get(_folded(found[0]), 0) for found in IDENTIFIER.finditer(text))
    return told or tuple(status for status in classes if status)
