"""When the beats were, by each clock."""

from datetime import datetime, timedelta

from msgspec import Struct, field

from monitor.store.clock import Reading


class BeatTimes(Struct, kw_only=True):
    """`clocks` is how they last stood, `set_by` by how much the clock was set since the process before us.

    `beaten_at` is when, by the uptime, a beat last came to its end, None: none yet; `beat_at` when by the clock, of the
    process before us too. `tracked_at` is when each target's track was last written.
    """

    clocks: Reading
    set_by: timedelta = timedelta(0)
    beaten_at: float | None = None
    beat_at: datetime | None = None
    tracked_at: dict[str, datetime] = field(default_factory=dict)
