"""Core types: what is probed, what came back, and what it means."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import force_setattr

from probes.proxy import DIRECT_EGRESS, Egress
from probes.target_id import account_id, answerer_id, located_id, target_id

Clock = Callable[[], datetime]
"""Returns the current time as aware UTC."""
Timer = Callable[[], float]
"""Returns monotonic seconds from an arbitrary start."""


class TimeLimits(Struct, frozen=True):
    """Seconds that one probe may take: to connect, between two reads, and in total."""

    connect_s: float = 10
    silence_s: float = 30
    total_s: float = 60


class Outcome(StrEnum):
    """How one attempt ended. UNKNOWN: we could not probe; it counts as neither up nor down."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Phase(StrEnum):
    """The stage at which a request failed; all earlier ones succeeded.

    NAME: resolving the host. CONNECT: no connection yet. PROXY: reaching the proxy, or waiting for it to let us
    through. TLS: connected, but no secure connection yet. REQUEST: our request was not fully sent. FIRST_BYTE: sent,
    but no response headers came. BODY: the answer began but did not end.
    """

    NAME = "name"
    CONNECT = "connect"
    PROXY = "proxy"
    TLS = "tls"
    REQUEST = "request"
    FIRST_BYTE = "first_byte"
    BODY = "body"


class Blame(StrEnum):
    """Whose fault it is. PATH is the network between: region, edge, egress."""

    ACCOUNT = "account"
    PROVIDER = "provider"
    PATH = "path"
    US = "us"
    UNKNOWN = "unknown"


class Fault(StrEnum):
    """What is wrong, in one word; docs/reference/faults.md explains each."""

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
    """How sure a verdict is: based on the provider's own code, on its wording, or only on the HTTP status."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Verdict(Struct, frozen=True):
    """What an answer means. `fault` is None when the answer is good; `rule` names the rule that matched."""

    fault: Fault | None
    rule: str
    confidence: Confidence = Confidence.HIGH

    @property
    def blame(self) -> Blame | None:
        return self.fault.blame if self.fault else None


class Account(Struct, frozen=True):
    """One key at one provider. `key` is None when its reference could not be read: see `problem`.

    `base` replaces the provider's base address (a gateway, a proxy, a region). `admin_key` may read the organization's
    costs, None where there is none. `command` replaces the program and arguments of a command canary; `environment` is
    what that program gets on top of the usual variables. `headers` and `secret_headers` are sent with every request, by
    lower-case name; no name is in both. Values of the latter must never be shown. `dialects` are wire formats by
    canary, where they differ from the provider's. `way` is how its requests leave. `answer_tokens` is the answer length
    to ask for in tokens, None: as short as possible. `priority`: 1 (gravest to lose) to 5; None: not told.
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
    way: Egress = DIRECT_EGRESS
    answer_tokens: int | None = None
    priority: int | None = None

    def __repr__(self) -> str:
        return f"Account({self.id})"

    @property
    def id(self) -> str:
        return account_id(self.provider, self.name)

    @property
    def secrets(self) -> list[str]:
        """Everything that must never appear in a text."""
        keys = [key for key in (self.key, self.admin_key) if key]
        return [*keys, *self.environment.values(), *self.secret_headers.values(), *self.way.proxies.secrets]


class Target(Struct, frozen=True):
    """One canary of one account: the thing that is up or down. `model` is None where none is named.

    `host` is the account's own address, None where the provider's is used: two gateways of one kind are two companies.
    `location` is the place that probes it; "" where only one place watches. `answerer` is who answers: the provider, or
    whatever runs at the account's own address; `look` is the `id` without the place. They are computed once, since each
    probe reads them hundreds of times.
    """

    account: str
    provider: str
    canary: str
    model: str | None = None
    host: str | None = None
    location: str = ""
    id: str = ""
    answerer: str = ""
    look: str = ""

    def __post_init__(self) -> None:
        look = target_id(self.account, self.canary, self.model)
        force_setattr(self, "look", look)
        force_setattr(self, "id", located_id(look, self.location) if self.location else look)
        force_setattr(self, "answerer", answerer_id(self.provider, self.host))


def limit_key(unit: str, window_s: float | None) -> tuple[str, int]:
    """Return the key of a limit wherever it is kept: the unit and the window in whole seconds, 0 for none."""
    return unit, round(window_s or 0)


class Limit(Struct, frozen=True):
    """One rate limit as last reported. None: not reported. `window_s` and `reset_s` are seconds from now."""

    unit: str
    window_s: float | None
    limit: float | None
    remaining: float | None
    reset_s: float | None = None

    @property
    def key(self) -> tuple[str, int]:
        return limit_key(self.unit, self.window_s)


class Credit(Struct, frozen=True):
    """A balance or an allowance, as reported. None: not reported.

    `unit` is a currency (`USD`) or what is counted (`requests`). `left` is also None where it is `unlimited`.
    `expires_at` is when the key or the credit expires.
    """

    unit: str
    left: float | None = None
    most: float | None = None
    used: float | None = None
    unlimited: bool = False
    expires_at: datetime | None = None


class HeaderWarning(Struct, frozen=True):
    """A header's warning of a coming fault, next to an answer that may be good. `rule` names what matched."""

    fault: Fault
    rule: str
    words: str


class ControlAnswer(Struct, frozen=True):
    """Result of a call without a key. `fault` is None when the API itself answered, even with a refusal.

    Any other fault blocks everybody who calls from here, whatever the key.
    """

    at: datetime
    fault: Fault | None = None
    status: int | None = None
    latency_s: float | None = None


class Usage(Struct, frozen=True):
    """Tokens that an answer was billed for. `tokens_reasoning` is part of `tokens_out`, shown or not."""

    tokens_in: int = 0
    tokens_out: int = 0
    tokens_reasoning: int = 0


KEPT_WORDS = 300
"""Most characters kept of an answer's words, or of a header."""


class Answer(Struct, frozen=True):
    """Proof of a bad answer, already redacted: the rule that matched and the words of the answer.

    `body` is cut to a readable length. `phase` is the stage that failed; None where the connection was fine and the
    answer itself was bad.
    """

    rule: str
    words: str
    confidence: Confidence = Confidence.HIGH
    body: str = ""
    retry_after_s: float | None = None
    phase: Phase | None = None


class Observation(Struct, frozen=True):
    """One attempt's result. `at` is when it began (aware UTC).

    `latency_s` is the whole attempt; `ttft_s` the time until the first piece of generated content as this client sees
    it (OpenTelemetry: time to first chunk). None: not measured. `status` is None when no HTTP answer came. `cost_usd`
    is None when the model's price is not known. `limits` is None when the answer did not mention limits. `fault` is set
    exactly when the outcome is DEGRADED or FAILED, `answer` exactly when it is not OK; for UNKNOWN it says why we could
    not probe. `offer` holds the names of all models on offer, None when the answer was no such list.
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
    signs: tuple[HeaderWarning, ...] = ()

    def __post_init__(self) -> None:
        if (self.fault is None) != (self.outcome in (Outcome.OK, Outcome.UNKNOWN)):
            raise ValueError(f"{self.target.id}: outcome {self.outcome} does not go with fault {self.fault}")
        if (self.answer is None) != (self.outcome is Outcome.OK):
            raise ValueError(f"{self.target.id}: an answer is kept exactly when the outcome is not ok")

    @property
    def phase(self) -> Phase | None:
        """The stage that failed; None where none did."""
        return self.answer.phase if self.answer else None
