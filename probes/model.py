"""The nouns: what is watched, what was seen, and what it means."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import force_setattr

from probes.identity import account_id, answerer_id, target_id
from probes.proxy import STRAIGHT, Way

Clock = Callable[[], datetime]
"""Tells aware UTC."""
Timer = Callable[[], float]
"""Seconds from some instant on, never set back."""


class TimeLimits(Struct, frozen=True):
    """How long one look may take: to connect, to be silent, and in all. Seconds."""

    connect_s: float = 10
    silence_s: float = 30
    total_s: float = 60


class Outcome(StrEnum):
    """How one attempt ended. UNKNOWN: we could not look; it counts as neither up nor down."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Phase(StrEnum):
    """Which part of the road a request was on when it failed; that before it was passed.

    NAME: its address was asked for. CONNECT: no connection yet. PROXY: between us and the proxy, until that lets us
    through. TLS: connected, and no secure connection yet. REQUEST: what we ask was not sent whole. FIRST_BYTE: sent,
    and the head of an answer did not come. BODY: the answer began, and did not end.
    """

    NAME = "name"
    CONNECT = "connect"
    PROXY = "proxy"
    TLS = "tls"
    REQUEST = "request"
    FIRST_BYTE = "first_byte"
    BODY = "body"


class Blame(StrEnum):
    """Whose fault it is. PATH is the road between: region, edge, egress."""

    ACCOUNT = "account"
    PROVIDER = "provider"
    PATH = "path"
    US = "us"
    UNKNOWN = "unknown"


class Fault(StrEnum):
    """What is wrong, in one word; the README explains each."""

    INVALID_KEY = "invalid_key"
    ACCOUNT_SUSPENDED = "account_suspended"
    PERMISSION_DENIED = "permission_denied"
    VERIFICATION_REQUIRED = "verification_required"
    QUOTA_EXHAUSTED = "quota_exhausted"
    RATE_LIMITED = "rate_limited"
    MODEL_UNAVAILABLE = "model_unavailable"
    CONTENT_FILTERED = "content_filtered"
    BAD_REQUEST = "bad_request"
    REGION_BLOCKED = "region_blocked"
    BLOCKED_BY_EDGE = "blocked_by_edge"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    CONNECTION_FAILED = "connection_failed"
    PROXY_FAILED = "proxy_failed"
    INVALID_RESPONSE = "invalid_response"
    SLOW = "slow"
    LIMIT_COLLAPSE = "limit_collapse"
    LOW_BALANCE = "low_balance"
    EXPIRES_SOON = "expires_soon"
    MODEL_RETIRING = "model_retiring"
    UNCLASSIFIED = "unclassified"

    @property
    def blame(self) -> Blame:
        return BLAMES[self]


BLAMES = {
    Fault.INVALID_KEY: Blame.ACCOUNT,
    Fault.ACCOUNT_SUSPENDED: Blame.ACCOUNT,
    Fault.PERMISSION_DENIED: Blame.ACCOUNT,
    Fault.VERIFICATION_REQUIRED: Blame.ACCOUNT,
    Fault.QUOTA_EXHAUSTED: Blame.ACCOUNT,
    Fault.RATE_LIMITED: Blame.ACCOUNT,
    Fault.MODEL_UNAVAILABLE: Blame.ACCOUNT,
    Fault.CONTENT_FILTERED: Blame.US,
    Fault.BAD_REQUEST: Blame.US,
    Fault.REGION_BLOCKED: Blame.PATH,
    Fault.BLOCKED_BY_EDGE: Blame.PATH,
    Fault.OVERLOADED: Blame.PROVIDER,
    Fault.SERVER_ERROR: Blame.PROVIDER,
    Fault.TIMEOUT: Blame.PROVIDER,
    Fault.CONNECTION_FAILED: Blame.PATH,
    Fault.PROXY_FAILED: Blame.PATH,
    Fault.INVALID_RESPONSE: Blame.PROVIDER,
    Fault.SLOW: Blame.PROVIDER,
    Fault.LIMIT_COLLAPSE: Blame.ACCOUNT,
    Fault.LOW_BALANCE: Blame.ACCOUNT,
    Fault.EXPIRES_SOON: Blame.ACCOUNT,
    Fault.MODEL_RETIRING: Blame.PROVIDER,
    Fault.UNCLASSIFIED: Blame.UNKNOWN,
}


class Confidence(StrEnum):
    """How sure a verdict is: the provider's own code, its wording, or only the HTTP status."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Verdict(Struct, frozen=True):
    """What an answer means. `fault` is None when the answer is good; `rule` names what decided."""

    fault: Fault | None
    rule: str
    confidence: Confidence = Confidence.HIGH

    @property
    def blame(self) -> Blame | None:
        return self.fault.blame if self.fault else None


class Account(Struct, frozen=True):
    """One key at one provider. `key` is None when its reference could not be read: see `problem`.

    `base` replaces the provider's base address (a gateway, a proxy, a region). `admin_key` is the key
    that may read the costs of the organization, None where there is none. `command` replaces the
    program and arguments of a canary that runs one; `environment` is what that program gets besides the
    usual variables. `headers` and `secret_headers` are sent with each request, by names in lower case; none
    is in both. What is said in the latter no text may show. `dialects` are wire formats by canary, where they are
    not the provider's. `way` is how its requests leave. `answer_tokens` is how long an answer is asked for, None: as
    short as can be.
    """

    name: str
    provider: str
    key: str | None = None
    base: str | None = None
    problem: str | None = None
    tags: tuple[str, ...] = ()
    note: str = ""
    admin_key: str | None = None
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_headers: Mapping[str, str] = field(default_factory=dict)
    dialects: Mapping[str, str] = field(default_factory=dict)
    way: Way = STRAIGHT
    answer_tokens: int | None = None

    def __repr__(self) -> str:
        return f"Account({self.id})"

    @property
    def id(self) -> str:
        return account_id(self.provider, self.name)

    @property
    def secrets(self) -> list[str]:
        """What no text may show."""
        keys = [key for key in (self.key, self.admin_key) if key]
        return [*keys, *self.environment.values(), *self.secret_headers.values(), *self.way.proxies.secrets]


class Target(Struct, frozen=True):
    """One canary of one account: the thing that is up or down. `model` is None where none is named.

    `host` is the account's own address, None where the provider's is asked: two gateways of one kind
    are two companies. `answerer` is who answers: the provider, or what stands at the account's own address. It and `id`
    are made of the others, once: they are asked for hundreds of times a look.
    """

    account: str
    provider: str
    canary: str
    model: str | None = None
    host: str | None = None
    id: str = ""
    answerer: str = ""

    def __post_init__(self) -> None:
        force_setattr(self, "id", target_id(self.account, self.canary, self.model))
        force_setattr(self, "answerer", answerer_id(self.provider, self.host))


def limit_key(unit: str, window_s: float | None) -> tuple[str, int]:
    """Two limits with one key are one limit wherever they are kept: whole seconds, 0 for no window."""
    return unit, round(window_s or 0)


class Limit(Struct, frozen=True):
    """One rate limit as last told. None: not told. `window_s` and `reset_s` are seconds from now."""

    unit: str
    window_s: float | None
    limit: float | None
    remaining: float | None
    reset_s: float | None = None

    @property
    def key(self) -> tuple[str, int]:
        return limit_key(self.unit, self.window_s)


class Credit(Struct, frozen=True):
    """What is left of money, or of an allowance, as told. None: not told.

    `unit` is a currency (`USD`) or what is counted (`requests`). `left` is None, too, where it is
    `unlimited`. `expires_at` is when the key or the credit ends by itself.
    """

    unit: str
    left: float | None = None
    most: float | None = None
    used: float | None = None
    unlimited: bool = False
    expires_at: datetime | None = None


class Sign(Struct, frozen=True):
    """What a header told of trouble to come, beside an answer that may be good. `rule` names what decided."""

    fault: Fault
    rule: str
    words: str


class ControlAnswer(Struct, frozen=True):
    """What a call without a key met. `fault` is None when the API itself answered, be it with a refusal.

    Any other fault stands in the way of everybody who calls from here, whatever the key.
    """

    at: datetime
    fault: Fault | None = None
    status: int | None = None
    latency_s: float | None = None


class Usage(Struct, frozen=True):
    """Tokens that an answer was billed for. Of `tokens_out`, `tokens_reasoning` were thought, shown or not."""

    tokens_in: int = 0
    tokens_out: int = 0
    tokens_reasoning: int = 0


KEPT_WORDS = 300
"""Characters that are kept of the words of an answer, or of a header."""


class Answer(Struct, frozen=True):
    """Proof of what was not good, already redacted: the rule that decided and the words of the answer.

    `body` is cut to what a person can read. `phase` is the part of the road that failed; None where none did, and the
    answer itself was not good.
    """

    rule: str
    words: str
    confidence: Confidence = Confidence.HIGH
    body: str = ""
    retry_after_s: float | None = None
    phase: Phase | None = None


class Observation(Struct, frozen=True):
    """One attempt's result. `at` is when it began (aware UTC).

    `latency_s` is the whole attempt; `ttft_s` the time until the first piece of generated content as
    this client sees it (OpenTelemetry: time to first chunk). None: not measured. `status` is None when
    no HTTP answer came. `cost_usd` is None when the model's price is not known. `limits` is None when
    the answer said nothing of limits. `fault` is set exactly when the outcome is DEGRADED or FAILED,
    `answer` exactly when it is not OK; an UNKNOWN one says there why we could not look. `offer` holds the
    names of all models that are on offer, None when the answer was no such list.
    """

    target: Target
    at: datetime
    outcome: Outcome
    latency_s: float | None = None
    ttft_s: float | None = None
    status: int | None = None
    request_id: str | None = None
    usage: Usage = Usage()
    cost_usd: float | None = None
    limits: tuple[Limit, ...] | None = None
    fault: Fault | None = None
    answer: Answer | None = None
    credits: tuple[Credit, ...] = ()
    offer: tuple[str, ...] | None = None
    signs: tuple[Sign, ...] = ()

    def __post_init__(self) -> None:
        if (self.fault is None) != (self.outcome in (Outcome.OK, Outcome.UNKNOWN)):
            raise ValueError(f"{self.target.id}: outcome {self.outcome} does not go with fault {self.fault}")
        if (self.answer is None) != (self.outcome is Outcome.OK):
            raise ValueError(f"{self.target.id}: an answer is kept exactly when the outcome is not ok")

    @property
    def phase(self) -> Phase | None:
        """Which part of the road failed; None where none did."""
        return self.answer.phase if self.answer else None
