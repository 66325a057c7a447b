"""What the public templates show: finished words, and no field for anything that a stranger may not see."""

from typing import ClassVar

from msgspec import Struct

from monitor.publish.headline import Headline
from monitor.publish.history_bar import HistoryBar
from monitor.publish.status import Mark
from monitor.publish.view_model import NoticeRow, UptimeShare
from monitor.words import Moment


class PublicFrame(Struct, frozen=True):
    """What is the same on every public page. `made` is None on a page that no longer changes: it cannot grow old."""

    site: str
    simulated: bool
    made: Moment | None
    due: Moment | None
    fresh_s: int
    up: str = ""

    public: ClassVar[bool] = True


class ProviderLine(Struct, frozen=True):
    """One provider: how it is, and each kind of canary with its mark and that in words."""

    name: str
    mark: Mark
    state: str
    abilities: tuple[tuple[str, Mark, str], ...]
    ninety: HistoryBar
    shares: tuple[UptimeShare, ...]


class PublicRow(Struct, frozen=True):
    """An incident of a provider as a line of a list. None is a drill, as the shared templates ask."""

    href: str
    title: str
    mark: Mark
    blame: str
    began: Moment
    lasted: str
    lead: str

    drill: ClassVar[bool] = False


class PublicStory(Struct, frozen=True):
    """The page of one incident of a provider."""

    row: PublicRow
    is_open: bool
    ended: Moment | None
    scope: str
    announced: str | None


class PublicMonth(Struct, frozen=True):
    name: str
    href: str
    rows: tuple[PublicRow, ...]


class PublicPages(Struct, frozen=True):
    """What the providers' own pages say, and which of them are quiet."""

    notices: tuple[NoticeRow, ...]
    quiet: tuple[str, ...]


class PublicFront(Struct, frozen=True):
    """The first page."""

    headline: Headline
    lines: tuple[ProviderLine, ...]
    open: tuple[PublicRow, ...]
    recent: tuple[PublicRow, ...]
    pages: PublicPages
