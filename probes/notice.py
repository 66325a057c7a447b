"""Types of status sources: what a provider's public page says about itself, and how far we trust it."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from probes.doubt import Doubt


class NoticePhase(StrEnum):
    """How far an incident or a maintenance has come. UNKNOWN: the source did not say."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    UNKNOWN = "unknown"

    @property
    def is_open(self) -> bool:
        """True while it lasts, also for UNKNOWN; a maintenance that has not begun is not open."""
        return self not in (NoticePhase.RESOLVED, NoticePhase.COMPLETED, NoticePhase.SCHEDULED)


class Impact(StrEnum):
    """How bad it is, in ascending order. UNKNOWN ranks below MINOR, so that any known impact wins over it."""

    NONE = "none"
    MAINTENANCE = "maintenance"
    UNKNOWN = "unknown"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return list(Impact).index(self)

    # A StrEnum would compare alphabetically.
    def __lt__(self, other: str) -> bool:
        return self.rank < Impact(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= Impact(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > Impact(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= Impact(other).rank


class Trust(StrEnum):
    """What one poll is worth. UNCHANGED: the source says that the last content still holds."""

    READ = "read"
    UNCHANGED = "unchanged"
    DOUBTFUL = "doubtful"


CLAIMS = {
    Impact.MAINTENANCE: "under maintenance",
    Impact.MINOR: "degraded",
    Impact.MAJOR: "outage",
    Impact.CRITICAL: "full outage",
}
"""Words for a component's state where no notice was posted."""
WHOLE_PAGE = "All of the page"
UNTITLED = "a notice without a title"


class Claim(Struct, frozen=True):
    """What a page shows without a notice: the state of one of our components, of the whole page if `part` is None."""

    part: str | None
    impact: Impact

    @property
    def title(self) -> str:
        return f"{self.part or WHOLE_PAGE}: {CLAIMS[self.impact]}"


class Notice(Struct, frozen=True):
    """One incident or maintenance, as its source reports it. All texts are plain and bounded, but not escaped.

    `id` is stable within its source. `url` is http or https. `text` is the newest update. A None time was not given, or
    was impossible. `planned` is a maintenance: no outage until it is in progress. If not `posted`, nobody wrote a
    notice, but the page shows one of our components (or all of it) in that state.
    """

    id: str
    title: str
    url: str | None
    phase: NoticePhase
    impact: Impact
    components: tuple[str, ...] = ()
    began_at: datetime | None = None
    updated_at: datetime | None = None
    ended_at: datetime | None = None
    text: str = ""
    planned: bool = False
    posted: bool = True

    @property
    def is_open(self) -> bool:
        return self.phase.is_open

    @property
    def claim(self) -> Claim | None:
        """What it stands for if nobody wrote it; None: somebody did."""
        if self.posted or self.impact not in CLAIMS:
            return None
        return Claim(self.components[0] if self.components else None, self.impact)

    @property
    def times(self) -> tuple[datetime, ...]:
        return tuple(time for time in (self.began_at, self.updated_at, self.ended_at) if time)

    @property
    def stage(self) -> tuple[str, ...]:
        """Words for how far it has come, and for what the source left out."""
        if not self.posted:
            return ("no notice posted",)
        phase = self.phase.replace("_", " ")
        return (phase,) if self.times else (phase, "undated")


class ComponentState(Struct, frozen=True):
    """The state of one component."""

    name: str
    impact: Impact


class Validators(Struct, frozen=True):
    """Validators from the source, for a conditional request next time."""

    etag: str | None = None
    last_modified: str | None = None


class Bulletin(Struct, frozen=True):
    """Result of one poll of one source. `source` is `provider/feed`.

    `problem` says why it is DOUBTFUL, and is None otherwise. `impact` is None when the source does not
    say: no component, no open notice, no overall status. `newest_at` is when the source last changed, by its own
    account. An UNCHANGED bulletin holds no notices of its own. `unread` counts items, or states of our components, that
    could not be read, plus one where the page says that something is wrong but not what. If it is not 0, silence is not
    good news.
    """

    source: str
    at: datetime
    trust: Trust
    problem: Doubt | None = None
    notices: tuple[Notice, ...] = ()
    components: tuple[ComponentState, ...] = ()
    impact: Impact | None = None
    newest_at: datetime | None = None
    unread: int = 0
    validators: Validators = Validators()
    latency_s: float | None = None
    status: int | None = None

    def __post_init__(self) -> None:
        if (self.problem is None) == (self.trust is Trust.DOUBTFUL):
            raise ValueError(f"{self.source}: a problem is told exactly when a bulletin is doubtful")
