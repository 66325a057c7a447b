"""What the configuration says of a store: where it is, and how long it keeps what."""

from datetime import datetime, timedelta
from pathlib import Path

from msgspec import Struct


class StoreAddress(Struct, frozen=True):
    """The store of one location. The configuration writes it, and only the store looks for what is behind it.

    `url`: of the PostgreSQL that is shared with others, which may hold a password; "": there is none.
    """

    database: Path
    location: str
    url: str = ""

    def __repr__(self) -> str:
        return f"StoreAddress({self.full_name!r}, {self.location!r})"

    @property
    def name(self) -> str:
        """The short name, for messages."""
        return self._shared_name or self.database.name

    @property
    def full_name(self) -> str:
        """The name by which a person finds it."""
        return self._shared_name or str(self.database)

    @property
    def _shared_name(self) -> str:
        if not self.url:
            return ""
        from monitor.store.postgres.connection import database_name  # only where one is shared

        return database_name(self.url)


class Retention(Struct, frozen=True):
    """Days until results are deleted: single observations, hours and days."""

    raw_days: int = 14
    hourly_days: int = 100
    daily_days: int = 800

    def begins(self, now: datetime) -> dict[str, datetime]:
        """Return, by table, the time since when its rows are kept."""
        raw = now - timedelta(days=self.raw_days)
        return {
            **dict.fromkeys(("observation", "evidence", "ceiling"), raw),
            "hourly": now - timedelta(days=self.hourly_days),
            **dict.fromkeys(("daily", "daily_ceiling", "daily_credit"), now - timedelta(days=self.daily_days)),
        }


class WriterLimits(Struct, frozen=True):
    """How long a writer waits, and how much its stand-in keeps.

    `wait_s`: seconds to wait for the database's lock. `retry_wait_s`: the same at a retry after a refusal, as messages
    wait meanwhile. `again_s`: seconds from a refusal to that retry. `kept`: most observations kept in a stand-in; the
    oldest are dropped.
    """

    wait_s: float = 5.0
    retry_wait_s: float = 0.1
    again_s: float = 5.0
    kept: int = 50_000


USUAL_LIMITS = WriterLimits()
