"""Outages → the days and shares of a line of the public page: in time, not in answers; pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from monitor.publish.public_incident import OutagePhase, PublicIncident
from monitor.publish.public_part import PublicPart
from monitor.publish.status import Mark
from monitor.publish.uptime import WINDOWS_D, Shares, first_seen, whole_windows
from monitor.slo.indicator import Cell

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MINUTE = timedelta(minutes=1)


def outage_days(part: PublicPart, outages: Sequence[PublicIncident], now: datetime) -> list[Cell]:
    """Return the last days in minutes of outage, of partial outage and well; empty where nobody looked."""
    phases = [phase for outage in outages for phase in outage.phases]
    return [_minutes(cell, phases, now) for cell in part.days]


def part_since(part: PublicPart) -> datetime | None:
    """Return since when a part is watched; None: it never was."""
    return part.watched_since or first_seen(part.days)


def part_windows(part: PublicPart) -> int:
    return whole_windows(part_since(part), part.cells, part.days)


def outage_shares(part: PublicPart, outages: Sequence[PublicIncident], now: datetime) -> Shares:
    """Return the share of watched time without an outage in each window; a partial one counts by its share."""
    phases = [phase for outage in outages for phase in outage.phases]
    return tuple(
        _share(part.cells, HOUR, phases, part, now) if days == 1 else _share(part.days[-days:], DAY, phases, part, now)
        for days in WINDOWS_D
    )


def _share(
    cells: Sequence[Cell], step: timedelta, phases: Sequence[OutagePhase], part: PublicPart, now: datetime
) -> float | None:
    watched = lost = 0.0
    for cell in filter(_is_watched, cells):
        start, end = max(cell.at, part.watched_since or cell.at), min(cell.at + step, now)
        length = max((end - start).total_seconds(), 0.0)
        watched += length
        lost += min(length, sum(phase.lost_s(start, end, now) for phase in phases))
    return 1 - lost / watched if watched else None


def _is_watched(cell: Cell) -> bool:
    return cell.ok + cell.degraded + cell.failed > 0


def _minutes(cell: Cell, phases: Sequence[OutagePhase], now: datetime) -> Cell:
    if not _is_watched(cell):
        return Cell(cell.at, unknown=min(cell.unknown, 1))
    end = min(cell.at + DAY, now)
    whole = max((end - cell.at) // MINUTE, 1)
    phases = [one for one in phases if one.start < end and (one.end is None or one.end > cell.at)]
    if not phases:  # the common case
        return Cell(cell.at, ok=whole)
    lost = {mark: timedelta() for mark in (Mark.DOWN, Mark.PARTLY)}
    for phase in phases:
        lost[phase.mark] += phase.overlap(cell.at, end, now)
    down = min(_rounded(lost[Mark.DOWN]), whole)
    partly = min(_rounded(lost[Mark.PARTLY]), whole - down)
    return Cell(cell.at, ok=whole - down - partly, degraded=partly, failed=down)


def _rounded(lost: timedelta) -> int:
    """Return minutes, at least one where anything was lost: an outage of seconds is on the page, too."""
    return -(-lost // MINUTE)
