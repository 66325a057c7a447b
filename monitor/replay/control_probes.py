"""What neutral hosts and control probes said, as far as the reasons of recorded incidents show it; pure."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from monitor.diagnose.incident import Change, Incident
from monitor.diagnose.reason import ControlAnswered, NeutralHosts
from monitor.state.belief import ControlResult
from probes.model import ControlAnswer, Target

NEVER = datetime.max.replace(tzinfo=UTC)
AGAIN = timedelta(minutes=1)
"""Time between control probes of one provider while there is a doubt."""


class ControlSpan(Struct, frozen=True):
    """From one change of an incident to the next: what neutral hosts said (None: nothing), and the control probes."""

    begin: datetime
    end: datetime
    reached: bool | None
    controls: Mapping[str, ControlAnswer]


class ControlHistory(Struct, frozen=True):
    """What neutral hosts and control probes said, as far as the reasons of incidents show it.

    From each of `starts` until the next one, those of `words` at its index hold.
    """

    starts: Sequence[datetime]
    words: Sequence[Sequence[ControlSpan]]

    @classmethod
    def of(cls, record: Iterable[Change], targets: Mapping[str, Target]) -> "ControlHistory":
        useful = [one for one in _spans(record, targets) if one.reached is not None or one.controls]
        its = sorted(useful, key=lambda one: one.begin)
        starts = sorted({at for one in its for at in (one.begin, one.end)})
        return cls(starts, [[one for one in its if one.begin <= at < one.end] for at in starts])

    def at(self, at: datetime) -> ControlResult:
        """Return what was known at that instant."""
        place = bisect_right(self.starts, at) - 1
        words = self.words[place] if place >= 0 else ()
        online = next((one.reached for one in reversed(words) if one.reached is not None), None)
        controls = {id: control for one in words for id, control in one.controls.items() if control.at <= at}
        return ControlResult({id: replace(one, at=max(one.at, at - AGAIN)) for id, one in controls.items()}, online)


def _spans(record: Iterable[Change], targets: Mapping[str, Target]) -> Iterator[ControlSpan]:
    changes: dict[str, list[Change]] = defaultdict(list)
    for change in record:
        changes[change.incident.id].append(change)
    for its in changes.values():
        end = its[-1].incident.closed_at or NEVER
        begins = [min(its[0].incident.opened_at, its[0].at), *(change.at for change in its[1:])]
        for change, begin, next_at in zip(its, begins, [*begins[1:], end], strict=True):
            yield _span(change.incident, begin, min(next_at, end), targets)


def _span(incident: Incident, begin: datetime, end: datetime, targets: Mapping[str, Target]) -> ControlSpan:
    reached = next((one.reached for one in incident.reasons if isinstance(one, NeutralHosts)), None)
    controls = [
        ControlAnswer(one.at, one.fault, one.status, one.latency_s)
        for one in incident.reasons
        if isinstance(one, ControlAnswered)
    ]
    answerers = {targets[id].answerer for id in incident.members & targets.keys()}
    return ControlSpan(
        begin, end, reached, dict.fromkeys(answerers, controls[-1]) if controls and len(answerers) == 1 else {}
    )
