"""A snapshot → the files of the public site: providers only. Whatever is not taken here does not get there.

Of an account only whether and when it was probed is used; the state of a provider comes from the provider's own
incidents and its own status page. Accounts at a base URL of their own, and providers that the user defined, do not
appear at all. The templates get `public_view` and nothing else.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from msgspec.structs import asdict, replace

from monitor.publish.headline import Headline
from monitor.publish.history_bar import draw_days
from monitor.publish.incident_text import incidents_by_notice
from monitor.publish.json_text import encode
from monitor.publish.paths import incident_page, month_page
from monitor.publish.private_site import link_prefix, render_history, render_program_files, stage_of_note
from monitor.publish.public_incident import PublicIncident, is_providers_own, public_incidents, public_providers
from monitor.publish.public_view import (
    ProviderLine,
    PublicFrame,
    PublicFront,
    PublicMonth,
    PublicRow,
    PublicStatusPages,
    PublicStory,
    PublicUpdate,
)
from monitor.publish.render import SiteTemplates, load_templates
from monitor.publish.snapshot import ProviderView, Snapshot, SourceView
from monitor.publish.source_text import build_status_pages
from monitor.publish.status import MARKS, CurrentState, Mark, current_state, mark_target, worst_mark
from monitor.publish.summary import Component, IncidentEntry, SiteSummary, announced_maintenances, iso_millis
from monitor.publish.translation import PageLanguage
from monitor.publish.uptime import WINDOWS_D
from monitor.publish.view_model import UptimeShare
from monitor.slo.indicator import Cell, availability
from monitor.words import capitalize
from probes.model import Blame
from probes.target_id import provider_of

FIXED = ("style.css", "page.js")
ROBOTS = b"User-agent: *\nAllow: /\n"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MINUTE = timedelta(minutes=1)
RECENT = 5
VERSION = 1
ABILITIES = frozenset({"list", "chat", "responses", "embed", "count", "command"})
"""Canaries that are shown: a user-defined one may reveal something about the user."""


def render(snapshot: Snapshot) -> dict[str, bytes]:
    """Return the content of every file of the public site by its relative path."""
    it = load_templates(snapshot.manner.language, snapshot.manner.own)
    speech, made_at = it.speech, snapshot.made_at
    providers = public_providers(snapshot)
    outages = public_incidents(snapshot, providers)
    told = _sources(snapshot, providers)
    now = current_state(snapshot)
    lines = tuple(_line(one, outages, snapshot, now, speech) for one in providers)
    around = _frame(snapshot, speech)
    first = PublicFront(
        headline=_headline(lines, speech),
        lines=lines,
        open=tuple(_row(one, made_at, speech) for one in outages if one.closed_at is None),
        recent=tuple(_row(one, made_at, speech) for one in [one for one in outages if one.closed_at][:RECENT]),
        pages=_pages(told, snapshot, speech),
    )
    files = {name: it.copy(name) for name in (*FIXED, *it.added)}
    files["robots.txt"] = ROBOTS
    files["favicon.svg"] = it.fill("favicon.svg", mark=first.headline.mark)
    files["index.html"] = it.fill("public.html", frame=around, **asdict(first))
    files["404.html"] = it.fill(
        "404.html", frame=replace(around, up=link_prefix(snapshot.manner.public_url), made=None)
    )
    files |= dict(render_history(_months(outages, made_at, speech), around, it, ()))
    for outage in outages:
        files[incident_page(outage.id)] = _incident(outage, around, made_at, it)
    files["status.json"] = _status(snapshot, providers, lines)
    files["schema/status.json"] = it.copy("schema/public-status.json")
    return files | dict(
        render_program_files(_board(snapshot, providers, lines, outages, told, first.headline, speech), it)
    )


def _frame(snapshot: Snapshot, speech: PageLanguage) -> PublicFrame:
    due = snapshot.made_at + timedelta(seconds=snapshot.fresh_s)
    return PublicFrame(
        site=snapshot.manner.public_title,
        simulated=snapshot.simulated,
        made=speech.moment(snapshot.made_at),
        due=speech.moment(due, snapshot.made_at),
        fresh_s=int(snapshot.fresh_s),
    )


def _sources(snapshot: Snapshot, providers: Sequence[ProviderView]) -> list[SourceView]:
    ids = {provider.id for provider in providers}
    return [source for source in snapshot.sources if provider_of(source.id) in ids]


def _pages(sources: Sequence[SourceView], snapshot: Snapshot, speech: PageLanguage) -> PublicStatusPages:
    providers = {provider_of(source.id) for source in sources}
    theirs = (view.incident for view in snapshot.open_incidents if is_providers_own(view.incident, providers))
    told = build_status_pages(sources, snapshot.made_at, speech, incidents_by_notice(theirs))
    return PublicStatusPages(notices=told.notices, quiet=told.quiet)


def _line(
    provider: ProviderView,
    outages: Sequence[PublicIncident],
    snapshot: Snapshot,
    now: CurrentState,
    speech: PageLanguage,
) -> ProviderLine:
    its = [outage for outage in outages if outage.provider == provider.id]
    mark = _mark(provider, its, now)
    hours, days = _cells(provider, its, snapshot.made_at)
    return ProviderLine(
        name=provider.name,
        mark=mark,
        state=speech.say(MARKS[mark]),
        abilities=_abilities(provider, mark, now, speech),
        ninety=draw_days(days, speech),
        shares=_shares(hours, days, snapshot.manner.slo, speech),
    )


def _mark(provider: ProviderView, outages: Sequence[PublicIncident], now: CurrentState) -> Mark:
    """Return a provider's mark: up while one account works, as the others then fail for reasons of their own."""
    open_ones = [outage for outage in outages if outage.closed_at is None]
    if now.offline:
        return Mark.UNKNOWN
    if open_ones:
        return worst_mark([outage.mark for outage in open_ones])
    targets = [target for account in provider.accounts if not account.own_host for target in account.targets]
    works = any(mark_target(target, now) is Mark.UP for target in targets if not target.aside)
    return Mark.UP if works else Mark.UNKNOWN


def _abilities(
    provider: ProviderView, mark: Mark, now: CurrentState, speech: PageLanguage
) -> tuple[tuple[str, Mark, str], ...]:
    """Return each kind of canary, and whether an account proves that it works."""
    kinds: dict[str, bool] = {}
    for account in provider.accounts:
        for target in account.targets:
            if target.canary in ABILITIES and not (target.aside or account.own_host):
                kinds[target.canary] = kinds.get(target.canary, False) or mark_target(target, now) is Mark.UP
    marks = {kind: Mark.UP if works and mark is Mark.UP else mark if mark.is_trouble else Mark.UNKNOWN
             for kind, works in kinds.items()}  # fmt: skip
    return tuple((kind, its, speech.say(MARKS[its])) for kind, its in marks.items())


def _cells(provider: ProviderView, outages: Sequence[PublicIncident], now: datetime) -> tuple[list[Cell], list[Cell]]:
    """Return the last hours and days in minutes of outage, of trouble and well; empty cells without observations."""
    return (
        [_minutes(cell, HOUR, outages, now) for cell in provider.cells],
        [_minutes(cell, DAY, outages, now) for cell in provider.days],
    )


def _minutes(cell: Cell, length: timedelta, outages: Sequence[PublicIncident], now: datetime) -> Cell:
    if not cell.ok + cell.degraded + cell.failed:
        return Cell(cell.at, unknown=min(cell.unknown, 1))
    end = min(cell.at + length, now)
    whole = max((end - cell.at) // MINUTE, 1)
    down = _total(cell.at, end, now, [one for one in outages if one.mark is Mark.DOWN])
    partly = _total(cell.at, end, now, [one for one in outages if one.mark is not Mark.DOWN])
    down = min(down, whole)
    partly = min(partly, whole - down)
    return Cell(cell.at, ok=whole - down - partly, degraded=partly, failed=down)


def _total(start: datetime, end: datetime, now: datetime, outages: Iterable[PublicIncident]) -> int:
    return sum((outage.overlap(start, end, now) for outage in outages), timedelta()) // MINUTE


def _shares(hours: Sequence[Cell], days: Sequence[Cell], slo: float, speech: PageLanguage) -> tuple[UptimeShare, ...]:
    """Return the share of time without an outage of the whole provider; trouble with a part counts as good."""
    shares = []
    for length in WINDOWS_D:
        cells = hours if length == 1 else days[-length:]
        good = sum(cell.ok + cell.degraded for cell in cells)
        share = availability(good, good + sum(cell.failed for cell in cells))
        window = speech.say("24 h") if length == 1 else speech.say("{n} d", n=length)
        said = speech.say("no data") if share is None else speech.percent(share)
        shares.append(UptimeShare(window, said, share is not None and share < slo))
    return tuple(shares)


def _headline(lines: Sequence[ProviderLine], speech: PageLanguage) -> Headline:
    """Give the state of the providers in a sentence."""
    sick = [line for line in lines if line.mark.is_trouble]
    unknown = [line for line in lines if line.mark is Mark.UNKNOWN]
    if not lines:
        return Headline(Mark.UNKNOWN, speech.say("No provider is watched yet"))
    if sick:
        lead = speech.many(len(sick), "{n} provider has trouble", "{n} providers have trouble")
        return Headline(
            worst_mark([line.mark for line in sick]), lead, tuple(f"{line.name}: {line.state}" for line in sick)
        )
    if unknown:
        lead = speech.many(len(unknown), "{n} provider is not fully known", "{n} providers are not fully known")
        return Headline(Mark.UNKNOWN, lead, tuple(line.name for line in unknown))
    return Headline(Mark.UP, speech.say("All providers we watch work"))


def _row(outage: PublicIncident, made_at: datetime, speech: PageLanguage) -> PublicRow:
    until = outage.closed_at or made_at
    return PublicRow(
        href=incident_page(outage.id),
        title=f"{outage.name}: {speech.fault(outage.fault)}",
        mark=outage.mark,
        whose=capitalize(speech.blame(Blame.PROVIDER)),
        began=speech.moment(outage.opened_at),
        lasted=speech.duration((until - outage.opened_at).total_seconds()),
        lead=capitalize(speech.lead(outage.lead)),
    )


def _months(outages: Sequence[PublicIncident], made_at: datetime, speech: PageLanguage) -> list[PublicMonth]:
    """Return the months, newest first, with their closed incidents."""
    found: dict[str, list[PublicIncident]] = {}
    for outage in outages:
        if outage.closed_at:
            found.setdefault(month_page(outage.opened_at), []).append(outage)
    return [
        PublicMonth(speech.month(its[0].opened_at), href, tuple(_row(one, made_at, speech) for one in its))
        for href, its in sorted(found.items(), reverse=True)
    ]


def _incident(outage: PublicIncident, around: PublicFrame, made_at: datetime, it: SiteTemplates) -> bytes:
    around = replace(around, up="../")
    if outage.closed_at:
        around = replace(around, made=None, due=None)
    tale = PublicStory(
        row=_row(outage, made_at, it.speech),
        is_open=outage.closed_at is None,
        ended=it.speech.moment(outage.closed_at) if outage.closed_at else None,
        scope=it.speech.say("the provider" if outage.whole else "a part of it"),
        announced=outage.announced,
        updates=tuple(PublicUpdate(it.speech.moment(note.at), note.text) for note in outage.notes),
    )
    return it.fill("public-incident.html", frame=around, tale=tale)


def _status(snapshot: Snapshot, providers: Sequence[ProviderView], lines: Sequence[ProviderLine]) -> bytes:
    document = {
        "version": VERSION,
        "made_at": iso_millis(snapshot.made_at),
        "stale_after": iso_millis(snapshot.made_at + timedelta(seconds=snapshot.fresh_s)),
        "simulated": snapshot.simulated,
        "providers": [{"id": one.id, "mark": line.mark} for one, line in zip(providers, lines, strict=True)],
    }
    return encode(document)


def _board(
    snapshot: Snapshot,
    providers: Sequence[ProviderView],
    lines: Sequence[ProviderLine],
    outages: Sequence[PublicIncident],
    told: Sequence[SourceView],
    first: Headline,
    speech: PageLanguage,
) -> SiteSummary:
    return SiteSummary(
        title=snapshot.manner.public_title,
        url=snapshot.manner.public_url,
        made_at=snapshot.made_at,
        mark=first.mark,
        words=first.sentence,
        parts=tuple(Component(one.id, one.name, line.mark) for one, line in zip(providers, lines, strict=True)),
        cases=tuple(_case(outage, speech) for outage in outages),
        works=announced_maintenances(told),
    )


def _case(outage: PublicIncident, speech: PageLanguage) -> IncidentEntry:
    title = f"{outage.name}: {speech.fault(outage.fault)}"
    updates = [(outage.opened_at, "identified" if outage.closed_at else "investigating", title)]
    for note in outage.notes:
        updates.append((note.at, stage_of_note(note.at, outage.closed_at, updates[0][1]), note.text))
    if outage.closed_at:
        updates.append((outage.closed_at, "resolved", speech.say("Ended")))
    return IncidentEntry(
        id=outage.id,
        title=title,
        severity=outage.severity,
        opened_at=outage.opened_at,
        closed_at=outage.closed_at,
        parts=(outage.provider,),
        path=incident_page(outage.id),
        updates=tuple(updates),
    )
