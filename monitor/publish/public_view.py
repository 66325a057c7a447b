"""The values of the public templates: finished words, and no field for anything private."""

from typing import ClassVar

from msgspec import Struct

from monitor.publish.headline import Headline
from monitor.publish.history_bar import HistoryBar
from monitor.publish.status import Mark
from monitor.publish.view_model import LinkedText, NoticeRow, UptimeShare
from monitor.words import Moment


class SiteLink(Struct, frozen=True):
    """A link in the site's own words. `code`: the language of the page it leads to, "" if that is no question."""

    text: str
    href: str
    code: str = ""


class PublicBrand(Struct, frozen=True):
    """What makes the page its owner's. `logo`: a file of the site, "" without one. `themed`: it has a theme.css.

    `mail`: a mailto: link, "" without one. `calendar`: the address of the calendar, for programs that subscribe to it.
    `address` and `picture`: of the page and its picture for link previews, "" if where the site is reached is unknown.
    """

    logo: str = ""
    themed: bool = False
    header: tuple[SiteLink, ...] = ()
    footer: tuple[SiteLink, ...] = ()
    footer_words: str = ""
    mail: str = ""
    calendar: str = "maintenance.ics"
    languages: tuple[SiteLink, ...] = ()
    address: str = ""
    picture: str = ""


class PublicFrame(Struct, frozen=True):
    """What is the same on every public page. The fields are as of the private one's."""

    site: str
    simulated: bool
    made: Moment | None
    due: Moment | None
    fresh_s: int
    span: str
    up: str = ""
    brand: PublicBrand = PublicBrand()

    public: ClassVar[bool] = True


class PublicLine(Struct, frozen=True):
    """One provider or service: its state, and each kind of canary of a provider with its mark and the mark in words."""

    name: str
    about: str
    mark: Mark
    state: str
    abilities: tuple[tuple[str, Mark, str], ...]
    ninety: HistoryBar
    shares: tuple[UptimeShare, ...]

    @property
    def is_mixed(self) -> bool:
        """Whether its abilities are not all as it is itself."""
        return any(mark is not self.mark for _, mark, _ in self.abilities)


class PublicGroup(Struct, frozen=True):
    """Services under one name, "" if they have none."""

    name: str
    lines: tuple[PublicLine, ...]


class PublicUpdate(Struct, frozen=True):
    """One update of an incident. `words`: what a person added, "" if `title` says it all."""

    at: Moment
    title: str
    words: str = ""


class PublicRow(Struct, frozen=True):
    """A public incident as a line of a list. `whose` and `lead` are "" for a service.

    `drill` is for the shared templates: none is a drill.
    """

    href: str
    name: str
    title: str
    mark: Mark
    whose: str
    began: Moment
    lasted: str
    lead: str
    updates: tuple[PublicUpdate, ...] = ()

    drill: ClassVar[bool] = False


class PublicStory(Struct, frozen=True):
    """The page of one public incident."""

    row: PublicRow
    is_open: bool
    ended: Moment | None
    scope: str
    announced: str | None


class PublicMonth(Struct, frozen=True):
    name: str
    href: str
    rows: tuple[PublicRow, ...]


class PublicStatusPages(Struct, frozen=True):
    """The notices on the providers' status pages, and which pages have none."""

    notices: tuple[NoticeRow, ...]
    quiet: tuple[str, ...]

    dark: ClassVar[tuple[str, ...]] = ()


class PlannedRow(Struct, frozen=True):
    """A maintenance ahead or under way. `until`: in words, of the same day only the time. `href`: "" for our own."""

    name: str
    words: str
    begins: Moment
    until: str
    under_way: bool
    href: str = ""


class PublicFront(Struct, frozen=True):
    """The front page. `intro`: the owner's own words; `detail`: what stands below the headline; `groups`: services."""

    headline: Headline
    detail: tuple[LinkedText, ...]
    intro: str
    groups: tuple[PublicGroup, ...]
    providers: tuple[PublicLine, ...]
    open: tuple[PublicRow, ...]
    recent: tuple[PublicRow, ...]
    planned: tuple[PlannedRow, ...]
    pages: PublicStatusPages
