"""The cluster in a terminal: a line for the leader, one for each machine, one for each place."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from monitor.diagnose.place_state import CLOCK_SAID_S, SILENT, is_clock_voteless
from monitor.words import count, duration

if TYPE_CHECKING:
    from monitor.store.place_report import PlaceNews
    from monitor.store.postgres.cluster import ClusterView, PlaceShipments


def cluster_lines(view: "ClusterView", places: Sequence[str]) -> Iterator[str]:
    """Yield the lines. `places`: those in the configuration; one that never shipped is named, too."""
    yield _leader(view)
    for host, processes in view.processes:
        yield f"{host}: {count(processes, 'node')} connected"
    known = {one.name: one for one in view.places}
    for name in places:
        yield _place(view, known[name]) if name in known else f"{name}: has never shipped anything"
    yield from (f"{name}: ships, and is none of [[locations]]" for name in known if name not in places)


def is_well(view: "ClusterView", places: Sequence[str]) -> bool:
    """Whether somebody leads, and each place was heard of lately."""
    heard = {one.name for one in view.places if view.now - one.heard_at < SILENT}
    return view.leader is not None and heard >= set(places)


def _leader(view: "ClusterView") -> str:
    if view.leader is None:
        return "nobody leads: start `run --role judge`, or look at the log of one"
    node, since_s = view.leader.node, (view.now - view.leader.began).total_seconds()
    return f"leader: {node.name}, process {node.pid} on {node.host}, for {duration(since_s)}"


def _place(view: "ClusterView", place: "PlaceShipments") -> str:
    ago = view.now - place.heard_at
    waits = f"; {count(place.waiting, 'result')} not judged yet" if place.waiting else ""
    silent = "silent: last " if ago >= SILENT else ""
    said = "".join(f"; {words}" for words in _told(place.told)) if place.told else ""
    return f"{place.name}: {silent}heard of {duration(max(ago.total_seconds(), 0))} ago{waits}{said}"


def _told(place: "PlaceNews") -> Iterator[str]:
    """Yield what a place says of itself: what waits there, how its clock is, what does not work."""
    if place.report.waiting:
        yield f"{count(place.report.waiting, 'result')} not shipped yet"
    if clock := place.clock:
        wrong = "" if abs(clock.least_s) <= CLOCK_SAID_S else ", which is wrong"
        wrong = ", which takes its vote" if is_clock_voteless(clock.least_s) else wrong
        yield f"its clock is {clock.low_s:+.1f} to {clock.high_s:+.1f} s ahead{wrong}"
    yield from place.report.warnings.values()
