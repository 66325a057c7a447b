"""Why a status source is not believed, as values; `monitor.sentence` puts them in words."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from probes.proxy import ProxyStopped


class Obstacle(StrEnum):
    """What kept us from its host."""

    NAME = "name"
    CERTIFICATE = "certificate"
    TLS = "tls"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    BROKEN = "broken"


class Detour(StrEnum):
    """Where a redirect leads that is not followed."""

    NOWHERE = "nowhere"
    OTHER_HOST = "other-host"
    PLAIN_HTTP = "plain-http"


class Bound(StrEnum):
    """A bound of ours on what is read."""

    REDIRECTS = "redirects"
    BYTES = "bytes"
    FEED_BYTES = "feed-bytes"
    ITEMS = "items"
    DEPTH = "depth"
    DATE_CHARACTERS = "date-characters"


class Defect(StrEnum):
    """What is wrong with an answer, where no fact is to be added."""

    ADDRESS = "address"
    NOT_HTTP = "not-http"
    COMPRESSION = "compression"
    CUT_OFF = "cut-off"
    UNASKED = "unasked"
    EMPTY = "empty"
    WEB_PAGE = "web-page"
    UNREADABLE = "unreadable"
    NOTHING_READ = "nothing-read"
    PARTLY_READ = "partly-read"
    NOT_JSON = "not-json"
    TOO_MANY_VALUES = "too-many-values"
    TOO_MANY_ELEMENTS = "too-many-elements"
    DOCUMENT_TYPE = "document-type"
    NOT_A_FEED = "not-a-feed"
    NO_HISTORY = "no-history"
    NO_SUCCESS = "no-success"
    NO_STATE = "no-state"
    NO_COMPONENT = "no-component"
    NO_COMPONENT_OR_INCIDENT = "no-component-or-incident"
    UNKNOWN_STATES = "unknown-states"
    BY_TURNS = "by-turns"


class HostUnreached(Struct, frozen=True, tag="host-unreached"):
    """Its host could not be reached; `proxy` is the proxy that a request got through, None without one."""

    by: Obstacle
    proxy: str | None = None


class PollTooSlow(Struct, frozen=True, tag="poll-too-slow"):
    """It was not done within `limit_s`; `silent`: not a byte came in that time."""

    limit_s: float
    silent: bool = False


class RedirectRefused(Struct, frozen=True, tag="redirect-refused"):
    """It redirects to where we do not follow; `host` is the other host, if that is why."""

    to: Detour
    host: str = ""


class StatusRefused(Struct, frozen=True, tag="status-refused"):
    """It answers with an HTTP status other than 200."""

    status: int


class BrowserChallenge(Struct, frozen=True, tag="browser-challenge"):
    """It wants proof of a browser; `status` is None where that came with HTTP 200."""

    status: int | None = None


class BoundExceeded(Struct, frozen=True, tag="bound-exceeded"):
    """It is larger than we read; `most` is the bound."""

    bound: Bound
    most: int


class Defective(Struct, frozen=True, tag="defective"):
    """It has a defect that needs no further fact."""

    defect: Defect


class FormUnknown(Struct, frozen=True, tag="form-unknown"):
    """It is in no form that this platform sends: neither JSON nor XML, or the wrong one of these."""

    platform: str


class ShapeUnknown(Struct, frozen=True, tag="shape-unknown"):
    """It is JSON, but not of the shape that this platform sends."""

    platform: str


class RootUnknown(Struct, frozen=True, tag="root-unknown"):
    """It is XML, but the first element is none of a feed: its own name, cut."""

    element: str


class XmlBroken(Struct, frozen=True, tag="xml-broken"):
    """It is XML that is not well-formed, first in this line."""

    line: int


class ComponentsUnknown(Struct, frozen=True, tag="components-unknown"):
    """It has so many components, and none of those we look for."""

    components: int


class ComponentsLost(Struct, frozen=True, tag="components-lost"):
    """It lacks `lost` of the `known` components that it had before."""

    lost: int
    known: int


class WentBack(Struct, frozen=True, tag="went-back"):
    """It is older than what it said before: its newest change is of `newest_at`."""

    newest_at: datetime


class PollBroken(Struct, frozen=True, tag="poll-broken"):
    """We failed to poll it through a fault of our own; `error` is the type of the error."""

    error: str


Misread = (
    Defective | BrowserChallenge | BoundExceeded | FormUnknown | ShapeUnknown | RootUnknown | XmlBroken
)  # fmt: skip
"""Why nothing could be read in an answer."""


class PlatformChanged(Struct, frozen=True, tag="platform-changed"):
    """Nothing could be read, and it has the marks of other platforms: it seems to have moved to one of `to`."""

    met: Misread
    to: tuple[str, ...]


Doubt = (
    Misread | PlatformChanged | HostUnreached | ProxyStopped | PollTooSlow | RedirectRefused | StatusRefused
    | ComponentsUnknown | ComponentsLost | WentBack | PollBroken
)  # fmt: skip
