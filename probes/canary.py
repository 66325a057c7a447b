"""One bounded, timed probe → Observation. A provider's failure never raises here."""

import re
from asyncio import Lock, to_thread
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TypeVar
from urllib.parse import quote, urljoin, urlsplit

import aiohttp
import msgspec
from msgspec import Struct, field
from msgspec.structs import replace
from yarl import URL

from probes.answer.balance import raised_flag, read_credits, read_models
from probes.answer.classify import RulesOf, classify_answer, no_rules
from probes.answer.deprecation import read_warnings
from probes.answer.dialects import CODECS, question
from probes.answer.error_body import read_complaint, words_of
from probes.answer.limits_in_body import read_refused_limits
from probes.answer.limits_in_headers import merge_limits, read_limits, retry_after_s
from probes.answer.payload import NOTHING, AnswerPart, join_parts
from probes.answer.proof import Proof, Read, prove_part_sum, read_event, reader_for
from probes.answer.sse import Events
from probes.header import fold_names
from probes.model import (
    KEPT_WORDS,
    Account,
    Answer,
    Clock,
    Credit,
    Fault,
    HeaderWarning,
    Limit,
    Observation,
    Outcome,
    Phase,
    Target,
    TimeLimits,
    Timer,
    Usage,
    Verdict,
)
from probes.provider import Canary, Provider, Wording
from probes.proxy import choose_proxy
from probes.redact import redact
from probes.sanitize import clean_text, sanitize
from probes.transport.body import KEPT_BYTES, UnreadableBody, read_chunks, read_text
from probes.transport.certificate import CaFileError
from probes.transport.client import Connector, headers_for, make_socket, request_options
from probes.transport.failure import Failure, RequestTrace, explain_error, explain_proxy_answer
from probes.transport.progress import UNDER_WAY, Progress

KEPT_BODY = 4000
"""Most characters kept of the body of a bad answer."""
BLANK = re.compile(r"\{(model|month|month_s)\}")
LONG_ANSWER = 16 * 1024
"""Characters above which an answer is judged off the event loop: a hostile one of 64 KiB takes 0.3 s."""
LIST_BYTES = 2 * 1024 * 1024
"""Most bytes read of a list of models whose names we want; the longest known one has half of that."""
KEEPALIVE_S = 90
"""Seconds to keep an idle connection: longer than a canary's minute, as a new TLS handshake costs 8 times the CPU."""

GOOD = Verdict(None, "ok/stream")
UNPROVEN = "nothing of what was asked for is in this answer, although its status is good"
FAILURE = "the answer says that it is a failure, and not of which kind"
CUT = "the stream broke off before its answer was complete"
NESTED = "the answer is nested deeper than can be read"


T = TypeVar("T")


class Prober(Struct, frozen=True):
    """What every attempt needs. `turns` allows one running program per account.

    `long` allows one long answer to be judged at a time: several threads would keep the interpreter from the event
    loop.

    `rules_of` finds another provider's rules, for a bad answer that repeats what that one said. `secrets` are those of
    all accounts and channels: a gateway may leak to one account what it heard from another.
    """

    session: aiohttp.ClientSession
    wording: Wording
    clock: Clock
    timer: Timer
    patience: TimeLimits = TimeLimits()
    rules_of: RulesOf = no_rules
    turns: Mapping[str, Lock] = field(default_factory=lambda: defaultdict(Lock))
    long: Lock = field(default_factory=Lock)
    secrets: tuple[str, ...] = ()

    def secrets_of(self, account: Account) -> tuple[str, ...]:
        """Return the secrets that no answer to an account may show."""
        return self.secrets or tuple(account.secrets)

    async def beside(self, work: Callable[[], T]) -> T:
        """Run slow work in a thread, one piece at a time."""
        async with self.long:
            return await to_thread(work)

    def admit(self, value: T, account: Account | None = None) -> T:
        """Return a value from outside with every field cleaned and redacted."""
        secrets = self.secrets_of(account) if account else self.secrets
        return sanitize(value, lambda text: redact(clean_text(text), secrets))


class RawAnswer(Struct):
    """What came over the wire. `received` are the bytes kept, `whole` whether that is all of them."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    received: bytearray = field(default_factory=bytearray)
    body: str = ""
    whole: bool = True


class AnswerContent(Struct):
    """What the answer says: its parts so far, usage, balances, and the models on offer; None: no list."""

    heard: AnswerPart = NOTHING
    usage: Usage = Usage()
    credits: tuple[Credit, ...] = ()
    offer: tuple[str, ...] | None = None


class Attempt(Struct):
    """What is known so far of a running attempt. `words` is why it failed, where we say it ourselves."""

    at: datetime
    started: float
    raw: RawAnswer = field(default_factory=RawAnswer)
    content: AnswerContent = field(default_factory=AnswerContent)
    words: str = ""
    ttft_s: float | None = None
    ended_s: float | None = None
    asked: str = ""
    progress: Progress = field(default_factory=Progress)
    phase: Phase | None = None


def open_session(version: str) -> aiohttp.ClientSession:
    """Return the one session of the process: no cookies, no memory of redirects, no `.netrc`, our own user agent."""
    return aiohttp.ClientSession(
        connector=Connector(limit=0, keepalive_timeout=KEEPALIVE_S, socket_factory=make_socket),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": f"provider-monitor/{version}", "Accept-Encoding": "identity"},
        auto_decompress=False,
    )


async def attempt_request(prober: Prober, provider: Provider, account: Account, target: Target) -> Observation:
    """Probe once and return the observation; `account.key` is None only where none is needed."""
    this = Attempt(prober.clock(), prober.timer())
    try:
        return await _attempt(prober, provider, account, target, this)
    except RecursionError:  # whichever of its parsers hit the stack limit
        this.raw.headers, this.raw.body, this.words, this.content.usage = {}, "", NESTED, Usage()
        verdict = Verdict(Fault.INVALID_RESPONSE, "transport/nested")
        return _observe(this, verdict, prober.timer() - this.started, provider, prober.secrets_of(account), target, ())


async def _attempt(prober: Prober, provider: Provider, account: Account, target: Target, this: Attempt) -> Observation:
    verdict, failure = None, None
    try:
        verdict = await _ask(prober, provider, account, target, this)
    except (aiohttp.ClientError, OSError, UnreadableBody, CaFileError, ValueError) as error:
        failure = error
    duration_s = (_is_proven(this) and this.ended_s) or prober.timer() - this.started

    def conclude() -> Observation:
        told = verdict or _verdict(prober, provider, account, target, this, failure)
        signs = _signs(prober, provider, account, this)
        return _observe(this, told, duration_s, provider, prober.secrets_of(account), target, signs)

    is_long = max(len(this.raw.received), len(this.raw.body)) > LONG_ANSWER
    return await prober.beside(conclude) if is_long else conclude()


def _verdict(
    prober: Prober, provider: Provider, account: Account, target: Target, this: Attempt, failure: Exception | None
) -> Verdict:
    """Return what an answer means, or what broke it off."""
    if failure is None:
        return _understood(prober, provider, target, this)
    told = GOOD if _is_proven(this) else _classify_partial(prober, provider, account, target, this)
    return told or _classify_failure(failure, this, prober.patience)


async def _ask(prober: Prober, provider: Provider, account: Account, target: Target, this: Attempt) -> Verdict | None:
    """Send the request and read the answer; return its meaning only where its words need not be judged."""
    canary = provider.canaries[target.canary]
    dialect = canary.spoken(target.canary, account)
    write, asking = CODECS[dialect].body, question(dialect, account.answer_tokens)
    body = {**write(target.model or "", asking), **canary.body} if write else None
    asked = this.asked = url_of(provider, account, canary, target, this.at)
    proxy = this.progress.proxy = choose_proxy(account.way.proxies, asked)
    UNDER_WAY.set(this.progress)
    async with prober.session.request(
        "POST" if body else "GET",
        _url(asked),
        headers={**_headers(provider, account, canary, body), **headers_for(proxy, asked)},
        data=msgspec.json.encode(body) if body else None,
        allow_redirects=False,  # a redirect could carry the key anywhere
        timeout=_time_limits(prober.patience),
        **request_options(account.way, asked),
    ) as response:
        this.progress.phase = Phase.BODY
        if refused := explain_proxy_answer(
            response.status, response.headers, RequestTrace(asked, this.progress, prober.patience)
        ):
            return _stopped(refused, this)
        this.raw.status, this.raw.headers = response.status, response.headers
        if 300 <= response.status < 400:
            return _classify_redirect(response, this)
        if response.status == 200 and _is_stream(this.raw.headers):
            if await _listen(prober, reader_for(canary), response, this):
                return GOOD
        else:
            this.raw.body, this.raw.whole = await read_text(
                response, LIST_BYTES if canary.offers else KEPT_BYTES, this.raw.received
            )
    return None


def _understood(prober: Prober, provider: Provider, target: Target, this: Attempt) -> Verdict:
    canary = provider.canaries[target.canary]
    verdict = _classify(prober, provider, canary, this.asked, this)
    if verdict.fault is None:
        return _learn(canary, this, verdict)
    this.words = _unproven(this, verdict)
    return verdict


def _classify_redirect(response: aiohttp.ClientResponse, this: Attempt) -> Verdict:
    """Return what a 3xx answer means: most redirect, and the others fit no request of ours."""
    location = this.raw.headers.get("Location", "")
    if response.status not in REDIRECTS and not location:
        this.words = f"answers HTTP {response.status}, which is no answer to what was asked"
        return Verdict(Fault.INVALID_RESPONSE, f"status/{response.status}")
    this.words = f"redirects to {_destination(str(response.url), location)}; not followed, since that sends the key on"
    return Verdict(Fault.INVALID_RESPONSE, "transport/redirect")


REDIRECTS = frozenset({301, 302, 303, 307, 308})


def _classify(prober: Prober, provider: Provider, canary: Canary, asked: str, this: Attempt) -> Verdict:
    return classify_answer(
        provider,
        prober.wording.rules,
        this.raw.status,
        this.raw.headers,
        this.raw.body,
        canary,
        whole=this.raw.whole,
        asked=asked,
        rules_of=prober.rules_of,
    )


def _classify_partial(
    prober: Prober, provider: Provider, account: Account, target: Target, this: Attempt
) -> Verdict | None:
    """Return what an interrupted answer means, if its status or the part received says what is wrong."""
    if this.raw.status is None or this.words:
        return None
    canary = provider.canaries[target.canary]
    this.raw.body = this.raw.received.decode("utf-8", "replace")
    verdict = _classify(prober, provider, canary, url_of(provider, account, canary, target, this.at), this)
    return None if verdict.fault is None or verdict.rule.startswith("answer/") else verdict


def _unproven(this: Attempt, verdict: Verdict) -> str:
    """Return our own words for what is wrong where the answer itself gives no reason."""
    if verdict.rule == "answer/cut":
        this.phase = Phase.BODY
        return CUT
    if not verdict.rule.startswith("answer/") or verdict.rule == "answer/filtered":
        return ""
    told = words_of(read_complaint(this.raw.status, this.raw.headers, this.raw.body))
    if verdict.rule == "answer/failure":
        return told or FAILURE
    return f"{UNPROVEN}: {told}" if told else UNPROVEN


def _is_stream(headers: Mapping[str, str]) -> bool:
    return headers.get("Content-Type", "").partition(";")[0].strip().lower() == "text/event-stream"


def _learn(canary: Canary, this: Attempt, verdict: Verdict) -> Verdict:
    """Note what else a good answer says; return its final meaning: a blocked key can still get a 200."""
    wire = CODECS[canary.dialect]
    if not (wire.body or canary.credit or canary.flags or canary.offers):
        return verdict
    try:
        answer = msgspec.json.decode(this.raw.body)
    except (msgspec.DecodeError, RecursionError):
        return verdict
    this.content.usage = wire.read(answer).usage or this.content.usage
    this.content.credits = read_credits(canary.credit, answer) if canary.credit else ()
    this.content.offer = read_models(canary.offers, answer, canary.offers_prefix) if canary.offers else None
    fault = raised_flag(canary.flags, answer)
    return Verdict(fault, f"flag/{fault}") if fault else verdict


async def _listen(prober: Prober, read: Read, response: aiohttp.ClientResponse, this: Attempt) -> bool:
    """Read a stream to its end, so that its connection can be reused; return whether it proves itself good."""
    events, heard = Events(), this.raw.received
    async for chunk in read_chunks(response):
        heard += chunk
        for event in events.feed(chunk):
            _note(read_event(read, event), prober.timer() - this.started, this)
    for event in events.end():
        _note(read_event(read, event), prober.timer() - this.started, this)
    this.raw.body, this.raw.whole = heard.decode("utf-8", "replace"), len(heard) < KEPT_BYTES
    return _is_proven(this)


def _is_proven(this: Attempt) -> bool:
    return this.ended_s is not None and prove_part_sum(this.content.heard, streamed=True) is Proof.GOOD


def url_of(provider: Provider, account: Account, canary: Canary, target: Target, at: datetime) -> str:
    path = canary.path or ""
    base = "" if path.startswith("https://") else (account.base or provider.base or "").rstrip("/")
    if "{" not in path:
        return base + path
    month = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    blanks = {
        "model": quote(target.model or "", safe="/:@"),
        "month": f"{month:%Y-%m-%dT%H:%M:%SZ}",
        "month_s": f"{month.timestamp():.0f}",
    }
    return base + BLANK.sub(lambda blank: blanks[blank[1]], path)


@lru_cache(8)
def _time_limits(patience: TimeLimits) -> aiohttp.ClientTimeout:
    """Return aiohttp's timeouts. It rounds those above five seconds up to the next second, to end many together."""
    return aiohttp.ClientTimeout(patience.total_s, connect=patience.connect_s, sock_read=patience.silence_s)


@lru_cache(2_000)
def _url(address: str) -> URL:
    """Parse an address. Cached, since the same few are used again and again."""
    try:
        return URL(address)
    except ValueError:
        raise aiohttp.InvalidURL(address) from None


def _headers(provider: Provider, account: Account, canary: Canary, body: object) -> dict[str, str]:
    headers = fold_names(provider.headers)
    auth, key = provider.auth.header.lower(), account.admin_key if canary.admin else account.key
    if key is not None:
        headers[auth] = provider.auth.value.replace("{key}", key)
    if account.headers or account.secret_headers:
        headers |= _own_headers(account, canary, auth)
    if body:
        headers["content-type"] = "application/json"
    return headers


def _own_headers(account: Account, canary: Canary, auth: str) -> dict[str, str]:
    """Return the account's own headers to send with a request.

    They may replace the key, but not the administration key. Away from the base address they were not asked for, and a
    secret meant for the gate in front of the base must not go there.
    """
    own = {**account.headers, **account.secret_headers}
    if canary.admin:
        own.pop(auth, None)
    return {name: value for name, value in own.items() if name == auth} if canary.is_elsewhere else own


def _note(piece: AnswerPart, now_s: float, this: Attempt) -> None:
    this.content.heard = join_parts(this.content.heard, piece)
    this.content.usage = this.content.heard.usage or this.content.usage
    if piece.content and this.ttft_s is None:
        this.ttft_s = now_s
    if piece.ended:
        this.ended_s = now_s


def _classify_failure(error: Exception, this: Attempt, patience: TimeLimits) -> Verdict:
    """Note what failed, and at which stage; return what it means."""
    return _stopped(explain_error(error, RequestTrace(this.asked, this.progress, patience)), this)


def _stopped(failure: Failure, this: Attempt) -> Verdict:
    this.words, this.phase = failure.words, failure.phase
    is_of_the_answer = failure.fault is Fault.BAD_REQUEST and failure.phase in (Phase.FIRST_BYTE, Phase.BODY)
    return Verdict(Fault.INVALID_RESPONSE if is_of_the_answer else failure.fault, failure.rule)


def _destination(asked: str, location: str) -> str:
    """Return where a redirect leads, without user and query: either may hold a secret."""
    try:
        goal = urlsplit(urljoin(asked, location))
        port = f":{goal.port}" if goal.port else ""
    except ValueError:
        return "another address"
    is_web = location and goal.hostname and goal.scheme in ("http", "https")
    path = quote(goal.path, safe="/:@%", errors="replace")  # lone surrogates cannot be quoted
    return f"{goal.scheme}://{goal.hostname}{port}{path}" if is_web else "another address"


def _signs(prober: Prober, provider: Provider, account: Account, this: Attempt) -> tuple[HeaderWarning, ...]:
    signs = read_warnings(provider.id, provider.signals, this.raw.headers)
    signs += read_warnings("wording", prober.wording.signals, this.raw.headers)
    return tuple(replace(sign, words=redact(sign.words, prober.secrets_of(account))) for sign in signs) if signs else ()


def _observe(
    this: Attempt,
    verdict: Verdict,
    duration_s: float,
    provider: Provider,
    secrets: Sequence[str],
    target: Target,
    signs: tuple[HeaderWarning, ...],
) -> Observation:
    paid = this.content.usage != Usage()
    return Observation(
        target=target,
        at=this.at,
        outcome=outcome_of(verdict.fault),
        latency_s=duration_s,
        ttft_s=this.ttft_s,
        status=this.raw.status,
        request_id=_request_id(provider, secrets, this.raw.headers),
        usage=this.content.usage,
        cost_usd=provider.cost_usd(target.model, this.content.usage.tokens_in, this.content.usage.tokens_out)
        if paid
        else None,
        limits=_limits(this, provider),
        fault=verdict.fault,
        answer=_answer(this, verdict, secrets) if verdict.fault else None,
        credits=this.content.credits,
        offer=_redacted_names(this.content.offer, secrets) if this.content.offer else None,
        signs=signs,
    )


def _limits(this: Attempt, provider: Provider) -> tuple[Limit, ...] | None:
    told = read_limits(this.raw.headers, provider.windows, this.at)
    if this.raw.status not in (403, 429):
        return told
    return merge_limits([*(told or ()), *(read_refused_limits(this.raw.body, provider.windows, this.at) or ())])


def _answer(this: Attempt, verdict: Verdict, secrets: Sequence[str]) -> Answer:
    told = this.words or words_of(read_complaint(this.raw.status, this.raw.headers, this.raw.body))
    return Answer(
        rule=verdict.rule,
        words=redact(told[: 2 * KEPT_WORDS], secrets)[:KEPT_WORDS],
        confidence=verdict.confidence,
        # Cut first, since redaction is slow; an echo halved by the cut is still found by its first half.
        body=redact(this.raw.body[: KEPT_BODY + KEPT_WORDS], secrets)[:KEPT_BODY],
        retry_after_s=retry_after_s(this.raw.headers, this.raw.body, this.at)
        if this.raw.status in (429, 503, 529)
        else None,
        phase=this.phase,
    )


def _redacted_names(names: Sequence[str], secrets: Sequence[str]) -> tuple[str, ...]:
    """Return model names without secrets that a gateway may have put into one, or spread over several."""
    told = "\n".join(names)
    if redact(told, secrets) == told:
        return tuple(names)
    each = "\n".join(redact(name, secrets) for name in names)
    return tuple(redact(each, secrets).split("\n"))


def _request_id(provider: Provider, secrets: Sequence[str], headers: Mapping[str, str]) -> str | None:
    found = next((headers[name] for name in provider.request_id if name in headers), None)
    return redact(found[:KEPT_WORDS], secrets)[:100] if found else None


def outcome_of(fault: Fault | None) -> Outcome:
    if fault is None:
        return Outcome.OK
    return Outcome.DEGRADED if fault in (Fault.RATE_LIMITED, Fault.SLOW, Fault.LIMIT_COLLAPSE) else Outcome.FAILED
