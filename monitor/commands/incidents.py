"""`incidents`: print open and past incidents, or the story of one."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import datetime

from monitor import words
from monitor.console.configuration import load_with_accounts
from monitor.console.incident_story import story_lines, story_report
from monitor.console.report import add_formats, print_report
from monitor.console.report_row import IncidentReport, StoryReport
from monitor.console.selection import select_one
from monitor.console.snapshot import take_snapshot
from monitor.console.table import Table, TableCell, format_moment, print_lines, print_table
from monitor.console.terminal import DOWN, UP, Colour
from monitor.console.width import width
from monitor.diagnose.incident import Incident
from monitor.publish.incident_text import build_story, newest_first
from monitor.publish.snapshot import IncidentView

NONE = "no incident is on record; `status` shows what is seen, and `drill ACCOUNT` rehearses an incident"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("incident", nargs="?", metavar="INCIDENT", help="tell all about it: its id, or a part of that")
    add_formats(parser)
    parser.add_argument("--last", type=int, default=20, metavar="N", help="print at most N (default: 20)")


def run(arguments: Namespace) -> int:
    snapshot = take_snapshot(load_with_accounts(arguments))
    views = [*snapshot.open_incidents, *newest_first(snapshot.past_incidents)]
    if arguments.incident:
        return _tell(views, arguments, snapshot.made_at)
    shown = views[: arguments.last]
    reports = [_report(view) for view in shown]
    print_report(arguments, IncidentReport, reports, lambda: print_table(_table(shown, snapshot.made_at), NONE))
    return DOWN if snapshot.open_incidents else UP


def _report(view: IncidentView) -> IncidentReport:
    it = view.incident
    return IncidentReport(
        id=it.id,
        title=words.title(it),
        scope=it.scope,
        subject=it.subject,
        severity=it.severity,
        fault=it.fault,
        blame=it.blame,
        confidence=it.confidence,
        opened_at=it.opened_at,
        closed_at=it.closed_at,
        drill=it.drill,
        signal=it.signal,
        parent=it.parent,
        told=_told(view),
    )


def _told(view: IncidentView) -> list[str]:
    return sorted({f"{one.channel}: {one.state}" for one in view.told})


def _tell(views: Sequence[IncidentView], arguments: Namespace, now: datetime) -> int:
    """Tell all about one incident; the exit code says whether that one is open."""
    known = {view.incident.id: view for view in views}
    view = known[select_one(list(known), arguments.incident, "incident")]
    told = build_story(view, now)
    print_report(arguments, StoryReport, [story_report(told)], lambda: print_lines(story_lines(told, width())))
    return DOWN if view.incident.closed_at is None else UP


def _table(views: Sequence[IncidentView], now: datetime) -> Table:
    return incident_table(views, now) if width() else incident_lines(views)


def incident_table(views: Sequence[IncidentView], now: datetime) -> Table:
    """Return two lines for each incident, for a person: in a table neither its id nor its title gives way."""
    notes = {number: _note(view) for number, view in enumerate(views)}
    return Table(("state", "began", "lasted", "incident"), [_cells(view, now) for view in views], notes)


def _cells(view: IncidentView, now: datetime) -> tuple[TableCell | str, ...]:
    incident = view.incident
    lasted = (incident.closed_at or now) - incident.opened_at
    return (
        _state(incident),
        TableCell(words.moment(incident.opened_at, now).words, whole=True),
        TableCell(words.duration(lasted.total_seconds()), whole=True),
        _title(incident),
    )


def _note(view: IncidentView) -> str:
    told = ", ".join(_told(view)) or "nobody"
    return f"{view.incident.id}; {words.whose_fault_hedged(view.incident)}; told: {told}"


def incident_lines(views: Sequence[IncidentView]) -> Table:
    """Return one line for each incident, for a pipe."""
    return Table(("id", "what", "blame", "began", "ended", "told"), [_line(view) for view in views])


def _line(view: IncidentView) -> tuple[TableCell | str, ...]:
    incident = view.incident
    return (
        incident.id,
        _title(incident),
        words.BLAMES[incident.blame],
        format_moment(incident.opened_at),
        format_moment(incident.closed_at) if incident.closed_at else "open",
        ", ".join(_told(view)),
    )


def _state(incident: Incident) -> TableCell:
    return TableCell("ended", whole=True) if incident.closed_at else TableCell("open", Colour.RED, whole=True)


def _title(incident: Incident) -> str:
    return f"{'DRILL ' if incident.drill else ''}{words.title(incident)}"
