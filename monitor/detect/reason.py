"""What the detectors found, as values; `monitor.sentence` puts them in words.

A remark stands in for the words of an answer where there is none to quote; a reason is what follows.
"""

from datetime import date, datetime
from enum import StrEnum

from msgspec import Struct

from monitor.detect.measure import Measure


class CreditLeft(Struct, frozen=True, tag="credit-left"):
    """The credit of one unit as reported; None: never reported."""

    unit: str
    left: float | None
    most: float | None = None
    used: float | None = None
    unlimited: bool = False


class CreditFloor(Struct, frozen=True, tag="credit-floor"):
    """The least of a unit that is left without a warning."""

    unit: str
    least: float


class CreditPace(Struct, frozen=True, tag="credit-pace"):
    """How much is used per day, and for how many days that lasts."""

    unit: str
    per_day: float
    days: float


class CreditEnds(Struct, frozen=True, tag="credit-ends"):
    """When it expires, whatever is left."""

    at: datetime


class FlapTurns(Struct, frozen=True, tag="flap-turns"):
    """How many turns, from up to down or back, in how many minutes."""

    turns: int
    minutes: int


class FlapHeld(Struct, frozen=True, tag="flap-held"):
    """How many turns in how many minutes, and how it is now; further ones are not reported one by one."""

    turns: int
    minutes: int
    is_down: bool


class FlapCalm(Struct, frozen=True, tag="flap-calm"):
    """After how many minutes without an outage it is calm, and after how many an outage is reported."""

    calm_min: int
    stayed_min: int


class RefusedBetween(Struct, frozen=True, tag="refused-between"):
    """How many answers since then were refusals, with good ones in between."""

    refusals: int
    since: datetime


class UnderReview(Struct, frozen=True, tag="under-review"):
    """What refusals among good answers are a sign of."""


class PaceRose(Struct, frozen=True, tag="pace-rose"):
    """How long it usually takes, and takes now; in short."""

    kind: Measure
    usual_s: float
    now_s: float
    since: datetime


class SlowerThanUsual(Struct, frozen=True, tag="slower-than-usual"):
    """What takes longer, its usual and present seconds, and since when."""

    kind: Measure
    usual_s: float
    now_s: float
    since: datetime


class LateAnswers(Struct, frozen=True, tag="late-answers"):
    """How many of the latest answers took longer than `most_s`, within which 95 % usually are."""

    kind: Measure
    late: int
    latest: int
    most_s: float


class RoseSlowly(Struct, frozen=True, tag="rose-slowly"):
    """It crept up: the last hour is slower than the last day."""


class PaceStays(Struct, frozen=True, tag="pace-stays"):
    """It takes `now_s` from now on, no longer `before_s`: it ended without going back."""

    kind: Measure
    now_s: float
    before_s: float


class PoolRose(Struct, frozen=True, tag="pool-rose"):
    """How many times as slow as usual; `model` is whose streams are slow, if it is streams. In short."""

    times: float
    since: datetime
    model: str | None = None


class PoolSlow(Struct, frozen=True, tag="pool-slow"):
    """At least `members` members of a group are `times` times as slow as each usually is."""

    members: int
    times: float
    since: datetime
    model: str | None = None


class PoolShare(Struct, frozen=True, tag="pool-share"):
    """The share of the latest answers, in [0, 1], that were slower than usual."""

    share: float


class PoolStays(Struct, frozen=True, tag="pool-stays"):
    """A group stays `times` times as slow as it was: it ended without going back."""

    times: float
    model: str | None = None


class Withheld(StrEnum):
    """How a refusal shows that limits were taken away."""

    VANISHED = "vanished"
    ZERO = "zero"
    SAID = "said"


class LimitsWithheld(Struct, frozen=True, tag="limits-withheld"):
    """A refusal shows that limits were taken away."""

    how: Withheld


class CeilingNow(Struct, frozen=True, tag="ceiling-now"):
    """A rate limit as it is and as it was; in short."""

    unit: str
    window_s: float | None
    now: float
    before: float


class CeilingFell(Struct, frozen=True, tag="ceiling-fell"):
    """A rate limit fell at an instant."""

    unit: str
    window_s: float | None
    now: float
    before: float
    since: datetime


class CeilingAnswers(Struct, frozen=True, tag="ceiling-answers"):
    """How many of the latest answers report the lower limit."""

    low: int
    latest: int


class CeilingUnit(Struct, frozen=True, tag="ceiling-unit"):
    """A limit is exactly the `part`th of what it was, so that it may now be reported in another unit."""

    part: float


class CeilingStays(Struct, frozen=True, tag="ceiling-stays"):
    """How a fall ended that did not come back; `told_at`: when the limit was last reported, if it no longer is."""

    unit: str
    window_s: float | None
    now: float
    before: float
    told_at: datetime | None = None


class HardlyLeft(Struct, frozen=True, tag="hardly-left"):
    """Hardly anything is left of a rate limit; in short."""

    unit: str
    window_s: float | None


class LessLeft(Struct, frozen=True, tag="less-left"):
    """Less than the share `least` of a rate limit is left, where `usual` is normal; both in [0, 1]."""

    unit: str
    window_s: float | None
    least: float
    usual: float


class UsedByOthers(Struct, frozen=True, tag="used-by-others"):
    """Something other than the canaries uses a limit up."""


class NotListed(Struct, frozen=True, tag="not-listed"):
    """A name that is missing from a list of `models` models; in short."""

    name: str
    models: int


class ModelGone(Struct, frozen=True, tag="model-gone"):
    """A list of `models` models lacks one that was there until then."""

    models: int
    until: datetime


class DateEntered(Struct, frozen=True, tag="date-entered"):
    """A day that the user entered."""

    on: date


class ReminderDue(Struct, frozen=True, tag="reminder-due"):
    """What ends on a day that the user entered."""

    name: str
    on: date


class ProviderWarns(Struct, frozen=True, tag="provider-warns"):
    """What the provider says beside its good answers, in its own words."""

    words: str


class AllSlow(Struct, frozen=True, tag="all-slow"):
    """Providers that share nothing but the road are slow together."""


class AtUsualPace(Struct, frozen=True, tag="at-usual-pace"):
    """How many other accounts of the provider answer as fast as usual."""

    accounts: int


Remark = (
    CreditLeft | FlapTurns | PaceRose | PaceStays | PoolRose | PoolStays | CeilingNow | CeilingStays | HardlyLeft
    | NotListed | DateEntered
)  # fmt: skip
"""What a detector says in place of an answer's words."""


class RemarkOn(Struct, frozen=True, tag="said-of"):
    """What was remarked of one account, or of one provider, among several; a `str` is quoted."""

    who: str
    words: Remark | str


FindingReason = (
    CreditLeft | CreditFloor | CreditPace | CreditEnds
    | FlapHeld | FlapCalm
    | RefusedBetween | UnderReview
    | SlowerThanUsual | LateAnswers | RoseSlowly | PaceStays
    | PoolSlow | PoolShare | PoolStays
    | LimitsWithheld | CeilingFell | CeilingAnswers | CeilingUnit | CeilingStays | LessLeft | UsedByOthers
    | ModelGone | ReminderDue | ProviderWarns
    | AllSlow | RemarkOn | AtUsualPace
)  # fmt: skip
"""What a detector gives as its reason."""
