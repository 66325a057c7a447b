"""A diagnosis: whose fault it is, how wide, how sure we are; and the faults that concern more than one canary."""

from datetime import datetime

from msgspec import Struct

from monitor.diagnose.reason import AnswerWords, Reason
from monitor.diagnose.subject import Scope, Subject
from probes.model import Blame, Confidence, Fault, Phase


class Evidence(Struct, frozen=True):
    """One failing answer, redacted, as an appeal needs it; `phase` is the part of the road that failed, if one did."""

    target: str
    at: datetime
    fault: Fault
    rule: str
    words: AnswerWords
    status: int | None = None
    request_id: str | None = None
    phase: Phase | None = None


class Diagnosis(Struct, frozen=True):
    """What is wrong, `about` what; `since` is when the first target failed.

    `targets` are those that fail now. Not `settled`: within seconds others may turn out to share it, or not, so it is
    too early to open an incident. A `signal` warns of what is coming while everything works; it has no failing targets.
    `blamed` is None where the fault alone says who is to blame.
    """

    about: Subject
    fault: Fault
    confidence: Confidence
    since: datetime
    reasons: tuple[Reason, ...]
    targets: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    settled: bool = True
    signal: bool = False
    blamed: Blame | None = None

    @property
    def scope(self) -> Scope:
        return self.about.scope

    @property
    def subject(self) -> str:
        """Its display name."""
        return str(self.about)

    @property
    def blame(self) -> Blame:
        return self.blamed or self.fault.blame


GRAVITY = (
    Fault.ACCOUNT_SUSPENDED,
    Fault.INVALID_KEY,
    Fault.VERIFICATION_REQUIRED,
    Fault.QUOTA_EXHAUSTED,
    Fault.REGION_BLOCKED,
    Fault.BLOCKED_BY_EDGE,
    Fault.PERMISSION_DENIED,
    Fault.LIMIT_COLLAPSE,
    Fault.RATE_LIMITED,
    Fault.MODEL_UNAVAILABLE,
    Fault.LOW_BALANCE,
    Fault.EXPIRES_SOON,
    Fault.MODEL_RETIRING,
    Fault.SERVER_ERROR,
    Fault.OVERLOADED,
    Fault.CONNECTION_FAILED,
    Fault.TIMEOUT,
    Fault.PROXY_FAILED,
    Fault.INVALID_RESPONSE,
    Fault.UNCLASSIFIED,
    Fault.BAD_REQUEST,
    Fault.CONTENT_FILTERED,
    Fault.SLOW,
)
"""The gravest first: of several faults of one account the first here names the incident."""
ACCOUNT_WIDE = frozenset(
    {Fault.ACCOUNT_SUSPENDED, Fault.INVALID_KEY, Fault.QUOTA_EXHAUSTED, Fault.VERIFICATION_REQUIRED}
)
"""Faults that concern the whole account even if only one canary meets them."""
FLAP = "flap"
"""The rule of flapping."""
