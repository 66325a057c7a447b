"""What a diagnosis rests on, as values: each is a claim about now, re-checked each time it is reported.

`monitor.sentence` puts them in words.
"""

from datetime import datetime, timedelta

from msgspec import Struct

from monitor.detect.reason import FindingReason, Remark
from monitor.stage import Stage
from probes.doubt import Doubt
from probes.model import Fault
from probes.notice import Claim


class CanaryFailure(Struct, frozen=True):
    """What some canaries get. `status` is None if there was no answer."""

    canaries: tuple[str, ...]
    status: int | None
    fault: Fault


class Symptom(Struct, frozen=True, tag="symptom"):
    """What the failing canaries get."""

    met: tuple[CanaryFailure, ...]


class FailingShare(Struct, frozen=True, tag="share"):
    """How many of the accounts that were probed since the trouble began fail alike."""

    failing: int
    seen: int


class NoOtherAccount(Struct, frozen=True, tag="alone"):
    """No other account can tell: none is watched there, or none was probed alike since."""

    watched: int


class OthersShaken(Struct, frozen=True, tag="shaken"):
    """How many other accounts have failed alike since the trouble began, with good answers in between."""

    accounts: int


class Siblings(Struct, frozen=True, tag="siblings"):
    """How many other accounts of the provider have answered well since the trouble began, the oldest at `seen_at`."""

    well: int
    seen_at: datetime


class StillAnswering(Struct, frozen=True, tag="answering"):
    """What still answers beside it: canaries, or other models where one model fails.

    `seen_at` is the oldest of their latest answers; None: found by an earlier version.
    """

    names: tuple[str, ...]
    seen_at: datetime | None = None


class ControlAnswered(Struct, frozen=True, tag="knocked"):
    """What a control probe met. `fault` is None if the API answered it, be it with a refusal."""

    at: datetime
    fault: Fault | None
    status: int | None
    latency_s: float | None


class PageReports(Struct, frozen=True, tag="posted"):
    """What the provider's page reports: trouble, or, if `planned`, a maintenance under way.

    `since` is None if it gives no date, `claim` with a posted notice.
    """

    title: str
    stage: str
    since: datetime | None
    planned: bool = False
    claim: Claim | None = None


class PageSilent(Struct, frozen=True, tag="unposted"):
    """The provider's page reports no trouble. Not `whole`: some of it cannot be read; not `readable`: nothing can."""

    readable: bool
    whole: bool = True


class AccountsRefused(Struct, frozen=True, tag="refused"):
    """How many of `of` accounts are refused: those of a group, or, with no `group`, all that are watched here."""

    accounts: int
    of: int
    group: str = ""


class Undecided(Struct, frozen=True, tag="undecided"):
    """The provider's key service may be down, or all that this owner has may be lost; and what will decide it."""


class OneModelFails(Struct, frozen=True, tag="lone"):
    """One model fails for all `accounts` that ask for it, while another model answers them."""

    accounts: int


class NothingAnswers(Struct, frozen=True, tag="unanswered"):
    """How many targets at how many providers fail before any answer: all that were probed."""

    targets: int
    providers: int


class ProvidersUnreachable(Struct, frozen=True, tag="unreached"):
    """How many of the providers are unreachable from here."""

    out: int
    providers: int


class NeutralHosts(Struct, frozen=True, tag="elsewhere"):
    """Whether this machine reaches hosts that have nothing to do with any provider."""

    reached: bool


class SeenFrom(Struct, frozen=True, tag="seen-from"):
    """The places, of several that watch, from which it fails: all that have looked since it began."""

    places: tuple[str, ...]


class OnlyFrom(Struct, frozen=True, tag="only-from"):
    """It fails from these places only: it was `answered` from those since it began, the last time at `seen_at`."""

    places: tuple[str, ...]
    answered: tuple[str, ...]
    seen_at: datetime


class RoadFails(Struct, frozen=True, tag="road-fails"):
    """How many of the providers fail from one place, while other places reach them."""

    place: str
    out: int
    providers: int


class NotHeard(Struct, frozen=True, tag="not-heard"):
    """Nothing was heard of a place since then."""

    place: str
    since: datetime


class ClockOff(Struct, frozen=True, tag="clock-off"):
    """By how many seconds a place's clock is ahead of the shared store's, at least; negative: behind it.

    `voteless`: by so much that what the place sees counts for nothing.
    """

    place: str
    off_s: float
    voteless: bool


class SourceDoubted(Struct, frozen=True, tag="source-doubted"):
    """Why a status source cannot be believed; a `str` is quoted: an earlier version wrote it."""

    problem: Doubt | str


class SourceStale(Struct, frozen=True, tag="source-stale"):
    """No poll of a status source has been read for STALE."""


class BudgetBurnt(Struct, frozen=True, tag="budget-burnt"):
    """The share, in [0, 1], that was bad in a long window, and in a short one (None: not probed); `allowed` is the
    limit.

    `watched` is how much of the long window was watched; None: nearly all of it. `latency_s` is the promised latency in
    seconds; None: the promise is availability.
    """

    window: timedelta
    share: float
    allowed: float
    short_window: timedelta
    short_share: float | None
    watched: timedelta | None = None
    latency_s: float | None = None


class BudgetLasts(Struct, frozen=True, tag="budget-lasts"):
    """How many times as fast as allowed the budget of `window_days` is used, and how many hours it would last."""

    times: float
    window_days: int
    lasts_h: float


class StageFailed(Struct, frozen=True, tag="stage-failed"):
    """A stage of this monitor failed; `error` is the type of the last error. `lasting`: again and again."""

    stage: Stage
    error: str
    lasting: bool


class WholeErrorLogged(Struct, frozen=True, tag="whole-error-logged"):
    """Where the error can be read, and that nothing else stopped."""


class NobodyWatched(Struct, frozen=True, tag="nobody-watched"):
    """Nothing was probed or recorded."""


class NoLongerWatched(Struct, frozen=True, tag="no-longer-watched"):
    """How an incident ends whose subject left the configuration."""


class DrillWanted(Struct, frozen=True, tag="drill-wanted"):
    """Somebody asked for a drill."""


class DrillOnly(Struct, frozen=True, tag="drill-only"):
    """What replaces an answer in a drill."""


DiagnosisReason = (
    Symptom | FailingShare | NoOtherAccount | OthersShaken | Siblings | StillAnswering | ControlAnswered
    | PageReports | PageSilent | AccountsRefused
    | Undecided | OneModelFails | NothingAnswers | ProvidersUnreachable | NeutralHosts
    | SeenFrom | OnlyFrom | RoadFails | NotHeard | ClockOff
    | SourceDoubted | BudgetBurnt | BudgetLasts | StageFailed | WholeErrorLogged
    | NobodyWatched | NoLongerWatched | DrillWanted
)  # fmt: skip
"""What the diagnosis itself finds."""
Unread = Doubt | SourceStale | str
"""Why a status source is unreadable; a `str` is quoted: an earlier version wrote it."""
Reason = DiagnosisReason | FindingReason | str
"""A `str` is quoted as is: written by the user, or by a version from before these values."""
AnswerWords = Remark | DrillOnly | str
"""What came back; a `str` is an answer's own words, or what an earlier version wrote in their place."""
