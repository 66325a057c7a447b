"""One status source as the monitor follows it: what is believed of it from one poll to the next; pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from monitor.diagnose.corroboration import StatusPage, is_trouble
from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.incident import Announcement
from monitor.diagnose.reason import SourceDoubted, SourceStale, Unread
from monitor.diagnose.subject import Scope, read_subject
from probes.doubt import Doubt
from probes.feeds.consistency import SourceMemory, check_consistency
from probes.feeds.merge import KEPT, renew_bulletin
from probes.model import Confidence, Fault
from probes.notice import Bulletin, Notice, NoticePhase, Trust, Validators
from probes.target_id import provider_of

STALE = timedelta(minutes=30)
"""Time without a poll that could be read after which a source is unreadable, whatever it said last."""

BELIEVED = timedelta(days=1)
"""Time after its first reading in which a notice without date and phase counts as current; KEPT if it says open."""

PATIENCE = timedelta(hours=6)
"""Time of doubt after which a source is worth one quiet message: somebody should check whether it moved."""


class StatusSource(Struct, frozen=True):
    """What is remembered of one status source. `last` is the latest bulletin that can be believed; None: none yet.

    `problem` says why the latest poll cannot be believed, since `doubtful_since`; None: it can; a `str`: an earlier
    version wrote it. `failures` and `quiet_polls` count those in a row. `published` says when each notice appeared,
    also of those that are no longer believed.
    """

    id: str
    polled_at: datetime | None = None
    last: Bulletin | None = None
    seen: SourceMemory = SourceMemory()
    validators: Validators = Validators()
    problem: Doubt | str | None = None
    doubtful_since: datetime | None = None
    failures: int = 0
    quiet_polls: int = 0
    published: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def provider(self) -> str:
        return provider_of(self.id)

    @property
    def notices(self) -> tuple[Notice, ...]:
        return self.last.notices if self.last else ()

    @property
    def unread(self) -> int:
        return self.last.unread if self.last else 0

    def is_readable(self, now: datetime) -> bool:
        return self.problem is None and self.last is not None and now - self.last.at < STALE


def update_source(source: StatusSource, polled: Bulletin) -> StatusSource:
    """Return what is believed after one more poll."""
    bulletin, seen = check_consistency(source.seen, polled)
    bulletin = renew_bulletin(source.last, bulletin)
    if bulletin.trust is Trust.DOUBTFUL:
        return StatusSource(
            id=source.id,
            polled_at=bulletin.at,
            last=source.last,
            seen=seen,
            validators=bulletin.validators,
            problem=bulletin.problem,
            doubtful_since=source.doubtful_since or bulletin.at,
            failures=source.failures + 1,
            published=source.published,
        )
    published = dict(source.published) if bulletin.trust is Trust.UNCHANGED else {}
    for one in bulletin.notices:
        published[one.id] = source.published.get(one.id) or _published_at(one, source, bulletin)
    alive = tuple(one for one in bulletin.notices if not _is_stale(one, published[one.id], bulletin.at))
    bulletin = replace(bulletin, notices=alive)
    is_quiet = not any(notice.is_open for notice in alive)
    return StatusSource(
        id=source.id,
        polled_at=bulletin.at,
        last=bulletin,
        seen=seen,
        validators=bulletin.validators,
        quiet_polls=source.quiet_polls + 1 if is_quiet else 0,
        published=published,
    )


def _published_at(notice: Notice, source: StatusSource, bulletin: Bulletin) -> datetime:
    """Return when a notice appeared: providers backdate notices, so the date is kept between two polls."""
    dated = notice.began_at or bulletin.at
    return dated if source.last is None else min(max(dated, source.last.at), bulletin.at)


def _is_stale(notice: Notice, first_read_at: datetime, now: datetime) -> bool:
    """Whether it has been there too long without a date: old and ongoing trouble look the same.

    A component's state on the page has no date, and holds as long as it is shown.
    """
    if notice.times or not notice.posted:
        return False
    return now - first_read_at >= (BELIEVED if notice.phase is NoticePhase.UNKNOWN else KEPT)


def is_news(before: StatusSource, after: StatusSource) -> bool:
    """Whether a poll may change what is believed: another trouble, or one more failure in a row."""
    return (before.problem, before.notices) != (after.problem, after.notices) or after.failures > 1


def why_unread(source: StatusSource, now: datetime) -> Unread | None:
    """Return why a source is unreadable; None if it is readable, or was not read yet."""
    if source.problem is not None or source.is_readable(now):
        return source.problem
    return SourceStale() if source.last else None


def diagnose_unreadable(sources: Iterable[StatusSource], now: datetime) -> list[Diagnosis]:
    """Return a sign for each source that could not be believed for hours: it may have moved."""
    return [
        Diagnosis(
            about=read_subject(Scope.SOURCE, source.id),
            fault=Fault.INVALID_RESPONSE,
            confidence=Confidence.HIGH,
            since=source.doubtful_since,
            reasons=(SourceDoubted(source.problem),) if source.problem else (),
            targets=(),
            evidence=(),
            signal=True,
        )
        for source in sources
        if source.doubtful_since and now - source.doubtful_since >= PATIENCE
    ]


def find_announcements(sources: Iterable[StatusSource], now: datetime) -> list[Announcement]:
    """Return when and where these sources began to report the troubles that are open."""
    return [
        Announcement(source.published[notice.id], notice.title, notice.url, source.id, notice.id)
        for source in sources
        if source.is_readable(now)
        for notice in source.notices
        if is_trouble(notice)
    ]


def read_status_page(sources: Iterable[StatusSource], now: datetime) -> StatusPage:
    """Return what a provider's sources say together. A doubtful source says nothing."""
    readable = [source for source in sources if source.is_readable(now)]
    notices = tuple(notice for source in readable for notice in source.notices)
    return StatusPage(bool(readable), notices, is_whole=not any(source.unread for source in readable))
