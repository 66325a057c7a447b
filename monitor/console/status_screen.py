"""The first screen of `status`: what is broken, how bad, whose trouble, and what works instead."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from monitor import words
from monitor.console.invocation import hint
from monitor.console.status_table import objective_table, target_table
from monitor.console.table import Table, TableCell, fill, lay_out
from monitor.console.terminal import Colour, paint
from monitor.diagnose.incident import Incident, Severity, accounts_of_targets
from monitor.publish.account_row import AccountRow, account_rows
from monitor.publish.headline import Headline, write_headline
from monitor.publish.incident_text import gravest_first, top_incidents
from monitor.publish.incident_timeline import standing_replies
from monitor.publish.snapshot import CROWD, IncidentView, Snapshot, Substitute
from monitor.publish.status import MARKS, CurrentState, Mark
from monitor.sentence.translation import ENGLISH, PageLanguage
from probes.phrase import in_english

COLOURS = {
    Mark.DOWN: Colour.RED,
    Mark.PARTLY: Colour.RED,
    Mark.SUSPECTED: Colour.YELLOW,
    Mark.UNKNOWN: Colour.YELLOW,
    Mark.AT_RISK: Colour.YELLOW,
    Mark.UP: Colour.GREEN,
}
GRAVITY = {
    Severity.CRITICAL: Colour.RED,
    Severity.MAJOR: Colour.YELLOW,
    Severity.WARNING: Colour.YELLOW,
    Severity.INFO: None,
}
FOLD = 10
"""Number of accounts of which the same is told from which they share a few lines."""
INDENT = 2
NAMED = 3
"""Most accounts named as working instead."""
ACCOUNT_TITLES = ("state", "account", "for", "why")


class StatusScreen(Struct, frozen=True):
    """What `status` shows. `rows`: of the accounts asked for; `targets`: with each canary; `most`: columns of text.

    `unwatched`: no monitor has looked for too long. `speech`: English, with the zone that times are told in.
    """

    snapshot: Snapshot
    now: CurrentState
    headline: Headline
    rows: Sequence[AccountRow]
    incidents: Sequence[IncidentView]
    targets: bool = False
    most: int | None = None
    is_one_of_many: bool = False
    unwatched: bool = False
    speech: PageLanguage = ENGLISH


def make_screen(
    snapshot: Snapshot,
    now: CurrentState,
    ids: Collection[str],
    *,
    down: bool = False,
    targets: bool,
    most: int | None,
    unwatched: bool = False,
    speech: PageLanguage = ENGLISH,
) -> StatusScreen:
    """Return the screen of these accounts. `down`: list only those that are not known to work."""
    rows = [row for row in account_rows(snapshot, now, speech) if row.id in ids]
    asked = _narrowed(snapshot, ids)
    open_ids = {view.incident.id for view in asked.open_incidents}
    about = replace(
        now,
        incidents=tuple(one for one in now.incidents if one.id in open_ids),
        signals=tuple(one for one in now.signals if one.id in open_ids),
    )
    return StatusScreen(
        snapshot=asked,
        now=now,
        headline=write_headline(asked, about, speech),
        rows=[row for row in rows if not down or not row.mark.works],
        incidents=[view for view in top_incidents(snapshot) if view.incident.id in open_ids],
        targets=targets,
        most=most,
        is_one_of_many=len(ids) == 1 < len(now.marks),
        unwatched=unwatched,
        speech=speech,
    )


def _narrowed(snapshot: Snapshot, ids: Collection[str]) -> Snapshot:
    """Return the snapshot with these accounts alone, and what is about them or about no account at all."""
    providers = tuple(
        replace(one, accounts=tuple(it for it in one.accounts if it.id in ids)) for one in snapshot.providers
    )
    about = {*ids, *(one.id for one in providers if one.accounts)}
    return replace(
        snapshot,
        providers=providers,
        open_incidents=tuple(view for view in snapshot.open_incidents if _concerns(view.incident, about)),
        objectives=tuple(view for view in snapshot.objectives if view.objective.subject in about),
    )


def _concerns(incident: Incident, about: Collection[str]) -> bool:
    hit = accounts_of_targets(incident.targets)
    return not hit.isdisjoint(about) if hit else incident.about.provider in {"", *about}


def screen_lines(screen: StatusScreen) -> Iterator[str]:
    """Yield the lines of each part, an empty one between two; a part without lines leaves none."""
    is_first = True
    for part in _parts(screen):
        lines = list(part)
        yield from ([""] if lines and not is_first else [])
        yield from lines
        is_first = is_first and not lines


def _parts(screen: StatusScreen) -> Iterator[Iterable[str]]:
    yield _head(screen)
    yield _incident_lines(screen)
    yield _account_lines(screen)
    yield _caution_lines(screen)
    if screen.targets:
        yield from (_target_lines(row, screen) for row in screen.rows)
    if screen.snapshot.objectives:
        yield lay_out(objective_table(screen.snapshot.objectives), screen.most)
    yield _overlap_lines(screen)


def _head(screen: StatusScreen) -> Iterator[str]:
    """Yield the state of all in one sentence, but of a single account, whose row is enough; and the warnings."""
    first = screen.headline
    if not screen.is_one_of_many:
        lead = f"{first.lead}." if screen.incidents else first.sentence  # the incidents below tell the causes
        said = fill(" ".join(filter(None, (lead, first.rest))), screen.most)
        yield from (paint(line, COLOURS[first.mark]) for line in said)
    if screen.unwatched:
        yield f"Nobody is watching: start `{hint('run')}`, or `{hint('once')}` each minute from cron."
    for warning in screen.snapshot.warnings:
        yield from (paint(line, Colour.YELLOW) for line in fill(f"Warning: {warning}.", screen.most, INDENT))


def _incident_lines(screen: StatusScreen) -> Iterator[str]:
    """Yield the gravest incident at length, and in short each other that no row tells."""
    in_rows = _told_in_rows(screen)
    for number, view in enumerate(gravest_first(screen.incidents, screen.snapshot.accounts_by_id())):
        if view.incident.id in in_rows:
            continue
        yield from _titled(view, screen)
        said = _at_length(view, screen) if not number or screen.targets else [_in_short(view, screen)]
        for line in said:
            yield from (f"{' ' * INDENT}{one}" for one in fill(line, screen.most and screen.most - INDENT, INDENT))


def _told_in_rows(screen: StatusScreen) -> Mapping[str, IncidentView]:
    """Return the incidents told below the row of the one account that they are about: all but the gravest."""
    if screen.targets:
        return {}
    of_rows = {row.incident.id for row in screen.rows if row.incident}
    return {
        view.incident.id: view
        for view in gravest_first(screen.incidents, screen.snapshot.accounts_by_id())[1:]
        if view.incident.id in of_rows and len(accounts_of_targets(view.incident.targets)) == 1
    }


def _titled(view: IncidentView, screen: StatusScreen) -> Iterator[str]:
    incident = view.incident
    lasted = words.duration((screen.now.at - incident.opened_at).total_seconds())
    drill = "DRILL, nothing is wrong: " if incident.drill else ""
    said = f"{incident.severity.upper()} {drill}{words.title(incident)}; "
    said += f"{words.whose_fault_hedged(incident)}, for {lasted}"
    for number, line in enumerate(fill(said, screen.most, INDENT)):
        yield paint(line, GRAVITY[incident.severity]) if not number else line


def _at_length(view: IncidentView, screen: StatusScreen) -> Iterator[str]:
    if view.advice:
        yield f"What to do: {in_english(view.advice)}"
    if view.instead is not None:
        best = [_seen(one, screen) for one in view.instead[:NAMED]]
        yield f"Works instead: {'; '.join(best) or 'nothing that is known'}"
    yield from (f"{said}." for said in standing_replies(view, screen.now.at, screen.speech))
    yield f"More: {hint(f'incidents {view.incident.id}')}"


def _seen(one: Substitute, screen: StatusScreen) -> str:
    ago = words.duration((screen.now.at - one.seen_at).total_seconds())
    caution = f"; {one.caution}" if one.caution else ""
    return f"{one.account} (seen working {ago} ago{caution})"


def _in_short(view: IncidentView, screen: StatusScreen) -> str:
    whose = words.whose_fault_hedged(view.incident)
    best = view.instead[0].account if view.instead else "nothing known"
    said = (f"{one[:1].lower()}{one[1:]}" for one in standing_replies(view, screen.now.at, screen.speech))
    return "; ".join((whose, *([] if view.instead is None else [f"instead: {best}"]), *said, view.incident.id))


def _account_lines(screen: StatusScreen) -> Iterator[str]:
    alike = Counter((row.mark, row.why) for row in screen.rows if row.is_quiet)
    many = {one for one, number in alike.items() if number >= FOLD and not screen.targets}
    told = [row for row in screen.rows if not row.is_quiet or (row.mark, row.why) not in many]
    shown = told if screen.targets else told[:CROWD]
    if shown:
        yield from lay_out(_account_table(shown, screen), screen.most)
    if more := len(told) - len(shown):
        yield f"and {more} more: {hint('status --down --targets')}"
    for mark, why in (one for one in alike if one in many):
        yield from _fold([row for row in screen.rows if row.is_quiet and (row.mark, row.why) == (mark, why)], screen)


def _account_table(rows: Sequence[AccountRow], screen: StatusScreen) -> Table:
    told = _told_in_rows(screen)
    notes = {
        number: _in_short(told[row.incident.id], screen)
        for number, row in enumerate(rows)
        if row.incident and row.incident.id in told
    }
    return Table(ACCOUNT_TITLES, [_cells(row, screen) for row in rows], notes)


def _target_lines(row: AccountRow, screen: StatusScreen) -> Iterator[str]:
    yield paint(row.id, Colour.BOLD)
    yield from lay_out(target_table(row, screen.now, screen.speech), screen.most)


def _cells(row: AccountRow, screen: StatusScreen) -> tuple[TableCell | str, ...]:
    lasted = words.duration((screen.now.at - row.since).total_seconds()) if row.since else "-"
    return (
        TableCell(MARKS[row.mark], COLOURS[row.mark], whole=True),
        row.id,
        TableCell(lasted, whole=True),
        _why(row, screen),
    )


def _why(row: AccountRow, screen: StatusScreen) -> str:
    """Say what is wrong, and whose trouble that is if no incident says it; of what works, when it answered."""
    if row.mark is Mark.UP and not row.why:
        seen = [target.seen_at for target in row.view.targets if target.counts and target.seen_at]
        return f"answered {words.duration((screen.now.at - max(seen)).total_seconds())} ago" if seen else ""
    fault = row.view.fault
    if row.incident or not row.mark.is_trouble or fault is None:
        return row.why
    return f"{row.why} ({words.BLAMES[fault.blame]})"


def _fold(rows: Sequence[AccountRow], screen: StatusScreen) -> Iterator[str]:
    """Yield the names of accounts of which the same is told; of a crowd, how many of each provider."""
    mark, why = rows[0].mark, rows[0].why
    if len(screen.rows) > CROWD:
        names = [f"{number} of {provider}" for provider, number in Counter(row.provider for row in rows).items()]
    else:
        names = [row.id for row in rows]
    said = f"{MARKS[mark]} ({len(rows)}{f', {why}' if why else ''}): {', '.join(names)}"
    first, *others = fill(said, screen.most, INDENT)
    yield first.replace(MARKS[mark], paint(MARKS[mark], COLOURS[mark]), 1)
    yield from others


def _caution_lines(screen: StatusScreen) -> Iterator[str]:
    """Yield the first of the cautions about accounts that are offered all the same; at length, each of them."""
    told = defaultdict[str, list[str]](list)
    for row in screen.rows:
        if row.mark.works and row.caution and not row.caution.withheld:
            told[str(row.caution.words)].append(row.id)
    for caution, ids in list(told.items())[: None if screen.targets else 1]:
        about = ids[0] if len(ids) == 1 else f"{ids[0]} and others ({len(ids)} in all)"
        yield from fill(f"Caution about {about}: {caution}.", screen.most, INDENT)


def _overlap_lines(screen: StatusScreen) -> Iterator[str]:
    if one := screen.snapshot.overlap:
        since, last = (screen.speech.moment(at).words for at in (one.since, one.last))
        rounds, span = words.count(one.count, "round"), f"from {since} to {last}"
        yield from fill(f"{rounds} of `once` left out, {span}: another process was still at work.", screen.most, INDENT)
