"""One incident in full at the terminal: the values of its page."""

from collections.abc import Iterator, Sequence

from monitor.alert.reply import without_replaced
from monitor.console.report_row import NoteReport, ReplyReport, StoryEvent, StoryProof, StoryReport
from monitor.console.table import Table, fill, lay_out, without_empty
from monitor.console.terminal import Colour, paint
from monitor.publish.snapshot import IncidentView
from monitor.publish.view_model import AccountProofs, IncidentRow, IncidentStory, ProofRow, SubstituteRow
from probes.target_id import part_of

INDENT = 2


def story_report(told: IncidentStory, view: IncidentView) -> StoryReport:
    row = told.row
    return StoryReport(
        id=row.id,
        title=row.title,
        is_open=told.is_open,
        severity=told.severity,
        scope=told.scope,
        whose=row.blame,
        advice=" ".join(_advice(row)),
        instead=None if told.instead is None else [one.account for one in told.instead],
        reasons=list(row.reasons),
        targets=list(told.targets),
        events=[StoryEvent(one.at.iso, one.words, one.error) for one in told.events],
        evidence=[_proof_report(one) for one in told.proofs],
        replies=reply_reports(view),
        notes=[NoteReport(one.at, one.by, one.text, one.public) for one in view.notes],
    )


def reply_reports(view: IncidentView) -> list[ReplyReport]:
    return [ReplyReport(one.kind, one.at, one.by, one.until, one.reason) for one in without_replaced(view.replies)]


def _proof_report(one: ProofRow) -> StoryProof:
    return StoryProof(one.target, one.at.iso, one.fault, one.status, one.request_id, one.rule, one.words)


def story_lines(told: IncidentStory, most: int | None) -> Iterator[str]:
    """Yield what happened, why it is believed, what to do and what the answers were."""
    yield from _head(told, most)
    for title, paragraphs in _chapters(told):
        if paragraphs:
            yield ""
            yield paint(title, Colour.BOLD)
            yield from (f"{' ' * INDENT}{line}" for text in paragraphs for line in _filled(text, most))
    for title, table in (("What happened", _events(told)), *_evidence(told.answers)):
        yield ""
        yield paint(title, Colour.BOLD)
        yield from (f"{' ' * INDENT}{line}" for line in lay_out(table, most and most - INDENT))


def _filled(text: str, most: int | None) -> list[str]:
    return fill(text, most and most - INDENT, INDENT)


def _head(told: IncidentStory, most: int | None) -> Iterator[str]:
    row = told.row
    yield from (paint(line, Colour.BOLD) for line in fill(f"{'DRILL ' if row.drill else ''}{row.title}", most, INDENT))
    when = f"Since {row.began.words}, for {row.lasted}: open"
    if told.ended:
        when = f"From {row.began.words} to {told.ended.words}: ended after {row.lasted}"
    yield from fill(f"{when}. {told.severity}, about {told.scope}. Id: {row.id}", most, INDENT)
    for said in row.replies:
        yield from fill(f"{said}.", most, INDENT)
    if row.parent:
        yield from fill(f"Part of {row.parent}.", most, INDENT)


def _chapters(told: IncidentStory) -> Iterator[tuple[str, Sequence[str]]]:
    row = told.row
    sure = f" ({row.certainty})" if row.certainty else ""
    yield "Whose fault", [f"{row.blame}{sure}. {told.blame_at_length}"]
    yield "What to do" if told.is_open else "What there was to do", _advice(row)
    if told.instead is not None:
        known = [_substitute(one) for one in told.instead]
        yield "Working instead", known or ["No substitute is known."]
    yield "Why we think so", row.reasons
    yield "Who knew first", [row.lead] if row.lead else []


def _advice(row: IncidentRow) -> list[str]:
    text = "".join(piece.text for piece in row.advice)
    return [line for line in text.splitlines() if line]


def _substitute(one: SubstituteRow) -> str:
    return f"{one.account}, seen working {one.seen.words}{f'; {one.caution}' if one.caution else ''}"


def _events(told: IncidentStory) -> Table:
    rows = [(one.at.words, f"{one.words}{f': {one.error}' if one.error else ''}") for one in told.events]
    return Table(("when", "what"), rows)


def _evidence(answers: Sequence[AccountProofs]) -> Iterator[tuple[str, Table]]:
    """Yield the answers of each account in a table of its own."""
    for its in answers:
        yield f"What came back to {its.account}", _proof_table(its.proofs)


def _proof_table(proofs: Sequence[ProofRow]) -> Table:
    rows = [
        (
            part_of(one.target),
            one.at.words,
            one.fault,
            ", ".join(filter(None, (one.status, one.phase))),
            one.request_id or "",
        )
        for one in proofs
    ]
    notes = {number: f'"{one.words}" ({one.rule})' for number, one in enumerate(proofs) if one.words}
    return without_empty(Table(("canary", "at", "means", "answer", "request id"), rows, notes))
