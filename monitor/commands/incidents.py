"""`incidents`: print open and past incidents, or the story of one, or add a note to it."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from monitor import words
from monitor.alert.incident_note import IncidentNote
from monitor.config.config import Config
from monitor.console.alert_history import replying_user, save_note
from monitor.console.configuration import load_with_accounts, read_with
from monitor.console.incident_story import reply_reports, story_lines, story_report
from monitor.console.report import add_formats, print_report
from monitor.console.report_row import IncidentReport, StoryReport
from monitor.console.selection import argument_error, select_one
from monitor.console.snapshot import take_snapshot
from monitor.console.table import Table, TableCell, print_lines, print_table
from monitor.console.terminal import DOWN, UP, Colour, Print, print_line
from monitor.console.width import width
from monitor.diagnose.incident import Incident
from monitor.publish.incident_text import build_story, newest_first
from monitor.publish.public_incident import PublicIncident, showing
from monitor.publish.snapshot import IncidentView
from monitor.sentence.translation import PageLanguage

USAGE = 'write incidents INCIDENT, or incidents note INCIDENT "WORDS"'
LAST = 20
"""Incidents that are listed, unless another number is asked for."""
NONE = "no incident is on record; `status` shows what is seen, and `drill ACCOUNT` rehearses an incident"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "words",
        nargs="*",
        metavar="INCIDENT",
        help='tell all about it: its id, or a part of that; note INCIDENT "WORDS" adds a note to it',
    )
    add_formats(parser)
    parser.add_argument("--last", type=int, metavar="N", help=f"print at most N (default: {LAST})")
    parser.add_argument(
        "--public", action="store_true", help="note: show its words, but no name, on the public site, too"
    )
    parser.add_argument("--by", metavar="NAME", help="note: who writes it (default: your login)")


def run(arguments: Namespace) -> int:
    match arguments.words:
        case ["note", *rest]:
            config = load_with_accounts(arguments)
            _refuse(arguments, ("json", "csv", "last"), "is for what is printed, and `incidents note` adds a note")
            add_note(config, arguments, rest, datetime.now(UTC), print_line)
            return UP
        case [_, _, *_]:
            raise argument_error(f'"{arguments.words[1]}"', "is too much", USAGE)
    _refuse(arguments, ("public", "by"), "is for `incidents note`")
    if arguments.words:
        _refuse(arguments, ("last",), "is for the list of incidents")
    return read_with(arguments, partial(_print, arguments))


def _print(arguments: Namespace, config: Config) -> int:
    snapshot = take_snapshot(config)
    views = [*snapshot.open_incidents, *newest_first(snapshot.past_incidents)]
    speech = PageLanguage(zone=config.rules.zone)
    if arguments.words:
        return _tell(views, arguments, snapshot.made_at, speech)
    shown = views[: LAST if arguments.last is None else arguments.last]
    reports = [_report(view) for view in shown]
    print_report(arguments, IncidentReport, reports, lambda: print_table(_table(shown, snapshot.made_at, speech), NONE))
    return DOWN if snapshot.open_incidents else UP


def _refuse(arguments: Namespace, options: Sequence[str], why: str) -> None:
    """Raise DocumentError if one of these options is given."""
    for option in options:
        given = getattr(arguments, option)
        if given is not None and given is not False:  # 0 is given, and equal to False
            raise argument_error(f"--{option}", why, "leave it out")


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
        replies=reply_reports(view),
    )


def _told(view: IncidentView) -> list[str]:
    return sorted({f"{one.channel}: {one.state}" for one in view.told})


def _tell(views: Sequence[IncidentView], arguments: Namespace, now: datetime, speech: PageLanguage) -> int:
    """Tell all about one incident; the exit code says whether that one is open."""
    known = {view.incident.id: view for view in views}
    view = known[select_one(list(known), arguments.words[0], "incident")]
    report = story_report(build_story(view, now), view)
    print_report(
        arguments, StoryReport, [report], lambda: print_lines(story_lines(build_story(view, now, speech), width()))
    )
    return DOWN if view.incident.closed_at is None else UP


def add_note(config: Config, arguments: Namespace, said: Sequence[str], now: datetime, say: Print) -> None:
    """Have a note to an incident saved, open or closed. Raises DocumentError and StoreError."""
    if len(said) < 2:
        raise argument_error("note", f"lacks {'its words' if said else 'an incident and its words'}", USAGE)
    note = save_note(config, said[0], " ".join(said[1:]), replying_user(arguments), now, public=arguments.public)
    say(f"{note.incident}: noted{f'; {_where_public(config, note)}' if note.public else ''}")


def _where_public(config: Config, note: IncidentNote) -> str:
    """Say where the public site shows a note: of a service that may be an incident that ended before these words."""
    if config.public_folder is None:
        return "no public site is made: set public_folder in [site]"
    speech = PageLanguage(zone=config.rules.zone)
    places = [_place(one, speech) for one in showing(note, take_snapshot(config))]
    if places:
        return f"the next public page shows it with {' and '.join(places)}"
    return "the public site does not show it: no provider or service there was down because of this incident"


def _place(one: PublicIncident, speech: PageLanguage) -> str:
    ended = f" to {speech.moment(one.closed_at, one.opened_at).words}" if one.closed_at else ", which is open"
    return f"the incident of {one.name} since {speech.moment(one.opened_at).words}{ended}"


def _table(views: Sequence[IncidentView], now: datetime, speech: PageLanguage) -> Table:
    return incident_table(views, now, speech) if width() else incident_lines(views, speech)


def incident_table(views: Sequence[IncidentView], now: datetime, speech: PageLanguage) -> Table:
    """Return two lines for each incident, for a person: in a table neither its id nor its title gives way."""
    notes = {number: _note(view) for number, view in enumerate(views)}
    return Table(("state", "began", "lasted", "incident"), [_cells(view, now, speech) for view in views], notes)


def _cells(view: IncidentView, now: datetime, speech: PageLanguage) -> tuple[TableCell | str, ...]:
    incident = view.incident
    lasted = (incident.closed_at or now) - incident.opened_at
    return (
        _state(incident),
        TableCell(speech.moment(incident.opened_at, now).words, whole=True),
        TableCell(words.duration(lasted.total_seconds()), whole=True),
        _title(incident),
    )


def _note(view: IncidentView) -> str:
    told = ", ".join(_told(view)) or "nobody"
    return f"{view.incident.id}; {words.whose_fault_hedged(view.incident)}; told: {told}"


def incident_lines(views: Sequence[IncidentView], speech: PageLanguage) -> Table:
    """Return one line for each incident, for a pipe."""
    return Table(("id", "what", "blame", "began", "ended", "told"), [_line(view, speech) for view in views])


def _line(view: IncidentView, speech: PageLanguage) -> tuple[TableCell | str, ...]:
    incident = view.incident
    return (
        incident.id,
        _title(incident),
        words.BLAMES[incident.blame],
        speech.moment(incident.opened_at).words,
        speech.moment(incident.closed_at).words if incident.closed_at else "open",
        ", ".join(_told(view)),
    )


def _state(incident: Incident) -> TableCell:
    return TableCell("ended", whole=True) if incident.closed_at else TableCell("open", Colour.RED, whole=True)


def _title(incident: Incident) -> str:
    return f"{'DRILL ' if incident.drill else ''}{words.title(incident)}"
