"""The values of the public templates: finished words, and no field for anything private."""

from typing import ClassVar

from msgspec import Struct

from monitor.publish.headline import Headline
from monitor.publish.history_bar import HistoryBar
from monitor.publish.status import Mark
from monitor.publish.view_model import NoticeRow, UptimeShare
from monitor.words import Moment


class PublicFrame(Struct, frozen=True):
    """What is the same on every public page. `made`: None on a page that never changes again, so is never stale."""

    site: str
    simulated: bool
    made: Moment | None
    due: Moment | None
    fresh_s: int
    up: str = ""

    public: ClassVar[bool] = True


class ProviderLine(Struct, frozen=True):
    """One provider: its state, and each kind of canary with its mark and the mark in words."""

    name: str
    mark: Mark
    state: str
    abilities: tuple[tuple[str, Mark, str], ...]
    ninety: HistoryBar
    shares: tuple[UptimeShare, ...]

    @property
    def is_mixed(self) -> bool:
        """Whether its abilities are not all as it is itself."""
        return any(mark is not self.mark for _, mark, _ in self.abilities)


class PublicRow(Struct, frozen=True):
    """A provider incident as a line of a list. `drill` is for the shared templates: none is a drill."""

    href: str
    title: str
    mark: Mark
    whose: str
    began: Moment
    lasted: str
    lead: str

    drill: ClassVar[bool] = False


class PublicUpdate(Struct, frozen=True):
    """What people wrote for the public about an incident."""

    at: Moment
    text: str


class PublicStory(Struct, frozen=True):
    """The page of one provider incident."""

    row: PublicRow
    is_open: bool
    ended: Moment | None
    scope: str
    announced: str | None
    updates: tuple[PublicUpdate, ...] = ()


class PublicMonth(Struct, frozen=True):
    name: str
    href: str
    rows: tuple[PublicRow, ...]


class PublicStatusPages(Struct, frozen=True):
    """The notices on the providers' status pages, and which pages have none."""

    notices: tuple[NoticeRow, ...]
    quiet: tuple[str, ...]

    dark: ClassVar[tuple[str, ...]] = ()


class PublicFront(Struct, frozen=True):
    """The front page."""

    headline: Headline
    lines: tuple[ProviderLine, ...]
    open: tuple[PublicRow, ...]
    recent: tuple[PublicRow, ...]
    pages: PublicStatusPages
