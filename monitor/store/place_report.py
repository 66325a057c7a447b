"""What a place tells of itself beside what it sees: to the shared store, and from there to the judge that leads."""

from collections.abc import Mapping
from datetime import timedelta

from msgspec import Struct, field

from probes.model import ControlAnswer


class ClockOffset(Struct, frozen=True):
    """The seconds by which a clock is ahead of the shared store's: between these two, as the way there and back takes
    its time; negative: behind.
    """

    low_s: float
    high_s: float

    @property
    def least_s(self) -> float:
        """The smallest that it can be."""
        return max(self.low_s, 0.0) + min(self.high_s, 0.0)


class PlaceReport(Struct, frozen=True):
    """What a place says. `controls` and `online`: what its calls without a key met, by answerer, and whether neutral
    hosts answer; None: not asked. `warnings`: what does not work there, by a key. `waiting`: results not shipped yet.
    """

    controls: Mapping[str, ControlAnswer] = field(default_factory=dict)
    online: bool | None = None
    warnings: Mapping[str, str] = field(default_factory=dict)
    waiting: int = 0


class PlaceNews(Struct, frozen=True):
    """What is known of a place. `silent`: how long nothing was heard of it, by the shared store's clock. `clock`: None
    if it was never measured.
    """

    name: str
    silent: timedelta
    report: PlaceReport = PlaceReport()
    clock: ClockOffset | None = None
