"""What is worth a message although every probe succeeds: a sign of what is coming."""

from datetime import datetime

from msgspec import Struct

from monitor.detect.reason import FindingReason, Remark
from probes.model import Blame, Confidence, Fault


class Finding(Struct, frozen=True):
    """One sign of trouble ahead, of an account or of one model there. `topic` tells several of one account apart.

    `since` is when it began, `seen_at` when it was last seen, on `target`. `rule` names what decided, `words` is what
    came back, `reasons` are what follows from it; a `str` is quoted as the provider or the user wrote it. `others` are
    targets that share it. `blamed` is None where the fault alone says who is to blame, and `confidence` is how sure
    that is. `of_model`: it depends on the model, so that only those that are asked for the same one tell of it.
    `passing`: its own numbers say that it is about to end, so an open incident goes on, but none is opened.
    """

    account: str
    fault: Fault
    since: datetime
    seen_at: datetime
    target: str
    rule: str
    words: Remark | str
    reasons: tuple[FindingReason | str, ...]
    model: str | None = None
    topic: str | None = None
    others: tuple[str, ...] = ()
    blamed: Blame | None = None
    confidence: Confidence = Confidence.HIGH
    of_model: bool = False
    passing: bool = False
