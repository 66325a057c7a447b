"""What the configuration says of a store: where it is, and how long it keeps what."""

from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

from msgspec import Struct


class StoreAddress(Struct, frozen=True):
    """The store of one location. The configuration writes it, and only the store looks for what is behind it.

    `url`: of the PostgreSQL that is shared with others, which may hold a password; "": there is none. `cluster`: the
    name of those that share it.
    """

    database: Path
    location: str
    url: str = ""
    cluster: str = "main"

    def __repr__(self) -> str:
        return f"StoreAddress({self.full_name!r}, {self.location!r})"

    @property
    def name(self) -> str:
        """The short name, for messages."""
        return shared_name(self.url) if self.url else self.database.name

    @property
    def own_name(self) -> str:
        """The name of the file here, also where a store is shared."""
        return self.database.name

    @property
    def full_name(self) -> str:
        """The name by which a person finds it."""
        return shared_name(self.url) if self.url else str(self.database)

    @property
    def secrets(self) -> list[str]:
        """The parts of the URL that no text may show, as they stand in it and as they are meant."""
        user, _, _ = self.url.partition("://")[2].rpartition("@")
        password = user.partition(":")[2]
        return list(dict.fromkeys([self.url, user, password, unquote(password)])) if password else []


def shared_name(url: str) -> str:
    """Return what a person knows a shared database by: its name and its servers, without user and password.

    A password may hold what parts a URL, unescaped: what stands before the last "@" is never shown.
    """
    body = url.partition("://")[2]
    address = body.rpartition("@")[2] if "@" in body else body
    if "@" in body.partition("?")[0] or "@" not in body:
        server, _, name = address.partition("?")[0].partition("/")
        return f"{name or 'postgres'}@{server or 'this machine'}"
    return "the shared database"


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
