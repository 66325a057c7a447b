"""The present state and its record, for commands that print a part of it."""

from datetime import UTC, datetime

from monitor.config.config import Config
from monitor.publish.collect import build_snapshot
from monitor.publish.snapshot import Snapshot
from monitor.store.store import open_store


def take_snapshot(config: Config) -> Snapshot:
    """Raises StoreError if there is no database yet, or it cannot be read."""
    with open_store(config.store).reading() as stored:
        return build_snapshot(stored, config, datetime.now(UTC))
