"""What a process has while it holds a store for writing, whatever is behind it."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from monitor.storage_refusal import StorageRefusal
from monitor.store.reader import Reader
from monitor.store.standby import StorageEvent, WritePlace
from monitor.store.writer import Writer

P = ParamSpec("P")
T = TypeVar("T")


class HeldStore(Protocol):
    """Not for use by two threads at once.

    `refusal`: why the database takes nothing now. `events`: what happened to it, not yet reported. `recall` writes what
    the process still knows in memory, wherever writing goes on.
    """

    place: WritePlace
    refusal: StorageRefusal | None
    events: list[StorageEvent]
    is_resumed: bool
    recall: Callable[[Writer], None]

    @property
    def reader(self) -> Reader:
        """A reader of wherever writes go now."""

    def do(self, work: Callable[Concatenate[Writer, P], T], *args: P.args, **named: P.kwargs) -> T:
        """Run `work` on the database. Raises StoreError."""

    def tidy(self, work: Callable[[Writer], T]) -> T | None:
        """Run housekeeping; None: the database takes no writes now."""

    def doubt(self) -> None:
        """Check a reader's report that the database is broken."""

    def is_holder(self) -> bool:
        """Whether nobody else writes."""
