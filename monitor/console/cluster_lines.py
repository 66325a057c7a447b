"""The cluster in a terminal: a line for the leader, one for each machine, one for each place."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from monitor.words import count, duration

if TYPE_CHECKING:
    from monitor.store.postgres.cluster import ClusterView, PlaceShipments

SILENT = timedelta(minutes=3)
"""Time without a shipment after which a place counts as silent."""


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
    return f"{place.name}: {silent}heard of {duration(max(ago.total_seconds(), 0))} ago{waits}"
