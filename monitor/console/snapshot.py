"""The present state and its record, for commands that print a part of it."""

from datetime import UTC, datetime

from monitor.backend import open_store
from monitor.config.config import Config
from monitor.publish.collect import build_snapshot, read_freshness
from monitor.publish.snapshot import Snapshot


def take_snapshot(config: Config) -> Snapshot:
    """Raises StoreError if there is no database yet, or it cannot be read."""
    with open_store(config.store).reading() as stored:
        return build_snapshot(stored, config, datetime.now(UTC))


def is_unwatched(config: Config) -> bool:
    """Whether no monitor has looked for too long; one that looks but cannot write is watching. Raises StoreError."""
    with open_store(config.store).reading() as stored:
        seen = read_freshness(stored.marks, config, datetime.now(UTC))
        return not stored.marks.refusal() and (seen.age_s is None or seen.age_s > seen.most_s)
