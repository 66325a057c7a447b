"""The times of the latest beats, by each clock."""

from datetime import datetime, timedelta

from msgspec import Struct, field

from monitor.store.clock import ClockReading


class BeatTimes(Struct, kw_only=True):
    """`clocks`: their last readings. `set_by`: how far the clock was set since the previous process ran.

    `beaten_at`: end of the last beat in seconds of uptime, None before the first; `beat_at`: the same by the clock,
    also of the previous process. `tracked_at`: when each target's track was last saved.
    """

    clocks: ClockReading
    set_by: timedelta = timedelta(0)
    beaten_at: float | None = None
    beat_at: datetime | None = None
    tracked_at: dict[str, datetime] = field(default_factory=dict)
