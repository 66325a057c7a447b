"""What is on record and believed now, for commands that print a part of it."""

from contextlib import closing
from datetime import UTC, datetime

from monitor.config.config import Config
from monitor.publish.collect import take
from monitor.publish.snapshot import Snapshot
from monitor.store.connection import open_reader


def take_snapshot(config: Config) -> Snapshot:
    """Raises StoreError when there is no database yet, or it cannot be read."""
    with closing(open_reader(config.database)) as db:
        return take(db, config, datetime.now(UTC))
