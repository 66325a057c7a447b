"""What each command reports to programs: one type for a row of its `--json` and `--csv`.

Fields are added without a new version of the format, never removed or changed. Times are UTC. `null` is not known or
does not apply.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct

from monitor.alert.case import OutboxState, Step
from monitor.alert.channel import Format
from monitor.alert.reply import ReplyKind
from monitor.diagnose.incident import ChangeKind, Severity
from monitor.diagnose.subject import Scope
from monitor.doctor.remark import Remark
from probes.model import Blame, Confidence, Fault, Outcome


class AccountReport(Struct, frozen=True):
    """One account, as `status --csv` lists it, the worst first; `status --json` holds more, in a format of its own."""

    account: str
    provider: str
    mark: str
    usable: bool | None
    fault: Fault | None
    since: datetime | None
    why: str
    incident: str | None


class ReplyReport(Struct, frozen=True):
    """What a person answered to an incident, or a silence that held its messages, or the early end of that.

    `until`: when it ends by itself; `reason`: of a silence.
    """

    kind: ReplyKind
    at: datetime
    by: str
    until: datetime | None
    reason: str


class NoteReport(Struct, frozen=True):
    """What a person wrote about an incident. `public`: the public site shows the words, too."""

    at: datetime
    by: str
    text: str
    public: bool


class IncidentReport(Struct, frozen=True):
    """One incident. `closed_at`: null while it is open; `told`: each channel and how its last message went.

    `replies`: oldest first; of the snoozes only the latest, and of the acknowledgements the first of each person.
    """

    id: str
    title: str
    scope: Scope
    subject: str
    severity: Severity
    fault: Fault
    blame: Blame
    confidence: Confidence
    opened_at: datetime
    closed_at: datetime | None
    drill: bool
    signal: bool
    parent: str | None
    told: list[str]
    replies: list[ReplyReport]


class StoryEvent(Struct, frozen=True):
    """One step in the life of an incident."""

    at: str
    words: str
    error: str | None


class StoryProof(Struct, frozen=True):
    """One failing answer."""

    target: str
    at: str
    fault: str
    answer: str
    request_id: str | None
    rule: str
    words: str


class StoryReport(Struct, frozen=True):
    """One incident in full, in the words of its page. `instead`: null if no other account need be named.

    `events` are all that happened, replies and notes among them; these are also given as values.
    """

    id: str
    title: str
    is_open: bool
    severity: str
    scope: str
    whose: str
    advice: str
    instead: list[str] | None
    reasons: list[str]
    targets: list[str]
    events: list[StoryEvent]
    evidence: list[StoryProof]
    replies: list[ReplyReport]
    notes: list[NoteReport]


class PickReport(Struct, frozen=True):
    """The account of a provider to use now; null: none is known to work. `caution`: why it may be lost next."""

    provider: str
    account: str | None
    caution: str | None


class FeedReport(Struct, frozen=True):
    """One status source. `problem`: why it is not believed; `said`: its open and planned notices."""

    id: str
    page: str
    readable: bool
    read_at: datetime | None
    problem: str | None
    unread: int
    said: list[str]


class CheckLevel(StrEnum):
    """How grave a finding of `check` is: with an error it exits with 2."""

    ERROR = "error"
    WARNING = "warning"
    FACT = "fact"


class CheckReport(Struct, frozen=True):
    """One finding. `words`: the line that a person reads.

    Of an error, `file`, `key` and `repair` are parts of it; `key` is "" where it is about the file as a whole. `value`
    is what stands at the key, and null where that may be a secret.
    """

    level: CheckLevel
    words: str
    file: str | None = None
    key: str | None = None
    repair: str | None = None
    value: str | None = None


class CostReport(Struct, frozen=True):
    """The most that the canaries of one account use in 30 days, and what it may use."""

    account: str
    calls: float
    tokens: float | None
    usd: float | None
    budget_tokens: int
    budget_usd: float


class MaintenanceReport(Struct, frozen=True):
    """One maintenance window of the next 30 days, and what it covers."""

    start: datetime
    end: datetime
    name: str
    covers: str


class ProviderReport(Struct, frozen=True):
    """One known provider. `unverified` of its `facts` were not checked yet."""

    id: str
    name: str
    canaries: list[str]
    rules: int
    facts: int
    unverified: int
    key_variables: list[str]
    checked: date


class StaleFactReport(Struct, frozen=True):
    """One fact that was not read again for so long; `provider` is "wording" for what all share.

    `fact`: its dotted path in the provider's file; `source`: the address to read, or words that begin with
    "unverified"; `checked`: when it was read last.
    """

    provider: str
    fact: str
    checked: date
    age_days: int
    verified: bool
    source: str


class ProbeReport(Struct, frozen=True):
    """One answer. `words` and `rule`: what a bad one says, and what recognized it."""

    account: str
    canary: str
    model: str | None
    outcome: Outcome
    fault: Fault | None
    status: int | None
    first_token_s: float | None
    total_s: float | None
    tokens_per_s: float | None
    words: str | None
    rule: str | None


class SettingReport(Struct, frozen=True):
    """What one setting would have reported of the recorded past. `current`: it is the present one.

    `found` of the `outages` that the present setting reports are reported by this one, too, `delay_s` (median) after
    their first failure.
    """

    failures: int
    blip_s: float
    current: bool
    incidents: int
    messages: int
    delay_s: float | None
    found: int
    outages: int


class SilenceReport(Struct, frozen=True):
    """One active silence, and what it covers."""

    id: str
    until: datetime | None
    covers: str
    by: str
    reason: str


class MessageReport(Struct, frozen=True):
    """One message that was sent or is to be. `incident`: null for what is about none."""

    at: datetime
    channel: str
    step: Step
    incident: str | None
    about: str
    state: OutboxState
    tries: int
    error: str | None


class ChannelTestReport(Struct, frozen=True):
    """The test of one channel. `error`: null if it was accepted."""

    channel: str
    error: str | None


class ExplanationReport(Struct, frozen=True):
    """What one channel is told of an incident now. `due`: null: nothing; `why`: the rule that fires, or holds it back.

    `sent`: the steps that it was told, each with its time.
    """

    incident: str
    title: str
    channel: str
    due: Step | None
    why: str
    sent: list[str]


class PreviewReport(Struct, frozen=True):
    """What one channel would be sent about an incident. `priority`: as its service calls it, null: it knows none.

    `link`: what a tap opens, null: nothing. `requests`: what would travel, each with method, url, headers and body;
    null if it is not sent over HTTP. Keys are shown as three asterisks.
    """

    channel: str
    incident: str
    step: Step
    service: str
    priority: str | None
    link: str | None
    format: Format
    title: str
    body: str
    requests: list[dict[str, Any]] | None


class ReplayedMessageReport(Struct, frozen=True):
    """One message that today's rules would have sent. `state`, `tries` and `error`: of the one sent then.

    They are null if none was. `together`: number of messages in the list that it was sent in.
    """

    at: datetime
    channel: str
    step: Step
    incident: str | None
    about: str
    together: int
    state: OutboxState | None
    tries: int | None
    error: str | None


class DrillReport(Struct, frozen=True):
    """How one message of a drill went. `held_if_real`: what holds a real message of this now; null: nothing."""

    channel: str
    step: Step
    state: OutboxState
    error: str | None
    held_if_real: str | None


class LogKind(StrEnum):
    """What a line of the log tells: a probe, or a change of an incident."""

    PROBE = "probe"
    CHANGE = "change"


class LogReport(Struct, frozen=True):
    """One probe, with its answer, or one change of an incident. `words`: the line that a person reads, without time."""

    at: datetime
    kind: LogKind
    words: str
    account: str | None = None
    canary: str | None = None
    model: str | None = None
    outcome: Outcome | None = None
    fault: Fault | None = None
    status: int | None = None
    latency_s: float | None = None
    change: ChangeKind | None = None
    incident: str | None = None


ROWS: dict[str, type[Struct]] = {
    "incidents": IncidentReport,
    "incident": StoryReport,
    "pick": PickReport,
    "feeds": FeedReport,
    "check": CheckReport,
    "cost": CostReport,
    "doctor": Remark,
    "drill": DrillReport,
    "maintenance": MaintenanceReport,
    "providers": ProviderReport,
    "providers-stale": StaleFactReport,
    "probe": ProbeReport,
    "tune": SettingReport,
    "silence": SilenceReport,
    "alerts-history": MessageReport,
    "alerts-test": ChannelTestReport,
    "alerts-explain": ExplanationReport,
    "alerts-preview": PreviewReport,
    "alerts-replay": ReplayedMessageReport,
}
"""The row of each report, by the name of its schema."""
