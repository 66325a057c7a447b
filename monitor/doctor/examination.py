"""All that was found out before it is judged: values, and None for what was not known in time."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from msgspec import Struct

from monitor.config.config import Config
from monitor.detect.health import Health
from monitor.diagnose.stage_failure import FailingStage
from monitor.diagnose.status_source import StatusSource
from monitor.doctor.host_check import HostCheck
from monitor.storage_refusal import StorageRefusal
from monitor.store.checkup import StoreCheckup
from monitor.store.overlap import Overlap
from probes.document import Problem


class StoredFacts(Struct, frozen=True, kw_only=True):
    """What the store tells of its monitor. `beat`: when it last probed; None: never. `pause`: the usual one.

    `gaps`: times without a probe. `unsent`: the channels whose latest message fails, with the reason. `said`: what
    rounds have warned of, and not taken back.
    """

    beat: datetime | None
    refusal: StorageRefusal | None
    failing: tuple[FailingStage, ...]
    overlap: Overlap | None
    healths: Mapping[str, Health]
    sources: Mapping[str, StatusSource]
    unsent: tuple[tuple[str, str], ...]
    pause: timedelta
    gaps: tuple[tuple[datetime, datetime], ...]
    said: tuple[str, ...]


class WrittenPlace(Struct, frozen=True):
    """A folder or file that is written. `holds`: what for; `closed`: why this user cannot write there, else None.

    `open_to`: who else may read it though nobody should; `free_bytes`: None: not known.
    """

    path: Path
    holds: str
    closed: str | None = None
    open_to: str | None = None
    free_bytes: int | None = None


class Library(Struct, frozen=True):
    """One that is used: its version, None: it is missing; and the versions that pyproject.toml allows."""

    name: str
    version: str | None
    allowed: str


class Program(Struct, frozen=True):
    """What runs. `libraries`: None if the program is not installed as a package. `changed_at`: of its files.

    `holder_began`: when the process that holds the store was started; None: none does, or that is not known.
    """

    python: str
    python_allowed: str | None
    libraries: tuple[Library, ...] | None
    changed_at: datetime | None
    holder_began: datetime | None


class PublishedPage(Struct, frozen=True):
    """The page as last written, and when; None: never."""

    made_at: datetime | None
    name: str


class Examination(Struct, frozen=True, kw_only=True):
    """Everything. `config` is the part of the file that can be used; `problems`: what is wrong with the rest.

    `sent`: how the test message to each channel went, None: accepted; None: none was sent. Of `store`, `stored`,
    `places`, `program` and `page` None is not known.
    """

    now: datetime
    config: Config
    problems: tuple[Problem, ...]
    environment: Mapping[str, str]
    user: int
    hosts: tuple[HostCheck, ...]
    store: StoreCheckup | None = None
    stored: StoredFacts | None = None
    places: tuple[WrittenPlace, ...] | None = None
    program: Program | None = None
    page: PublishedPage | None = None
    sent: Mapping[str, str | None] | None = None
