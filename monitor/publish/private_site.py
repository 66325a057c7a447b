"""A snapshot → the files of the private site, with accounts and evidence. Static, complete without scripts."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from monitor.alert.reply import Reply, without_replaced
from monitor.detect.health import State
from monitor.diagnose.incident import Incident, accounts_of_targets
from monitor.diagnose.target_state import UNREACHABLE
from monitor.publish import statuspage
from monitor.publish.account_chart import Scene, sibling_paces
from monitor.publish.badge import draw_badge, endpoint_json
from monitor.publish.calendar import render_calendar
from monitor.publish.day_list import day_list
from monitor.publish.feed import build_feed
from monitor.publish.front_page import build_frame, build_front, group_accounts, verdict
from monitor.publish.headline import Headline
from monitor.publish.history_days import HistoryDays, TroubleSpan, history_days
from monitor.publish.incident_text import (
    IncidentsByAccount,
    build_months,
    build_row,
    build_story,
    gravest_first,
    incidents_by_notice,
    marked_today,
    newest_first,
    substitutes,
    top_incidents,
    wider_first,
)
from monitor.publish.json_text import encode, encode_part
from monitor.publish.lane import first_lanes
from monitor.publish.metrics import render_metrics
from monitor.publish.overview import urgency
from monitor.publish.paths import METRICS, OPEN_METRICS, account_page, badge_path, incident_page
from monitor.publish.public_view import PublicFrame, PublicMonth
from monitor.publish.render import POLICY, TEMPLATES, SiteTemplates, load_templates
from monitor.publish.shared_risk import Caution, find_cautions
from monitor.publish.snapshot import (
    AccountView,
    CreditView,
    IncidentView,
    ObjectiveView,
    Snapshot,
    SourceView,
    TargetView,
)
from monitor.publish.source_text import build_status_pages
from monitor.publish.status import MARKS, CurrentState, Mark, current_state, mark_incident, worst_mark
from monitor.publish.summary import Component, IncidentEntry, SiteSummary, announced_maintenances
from monitor.publish.uptime import watched_since
from monitor.publish.usable import VERSION, Usable, assess_usability, pick
from monitor.publish.view_model import (
    AccountCard,
    IncidentRow,
    Lanes,
    Month,
    PageFrame,
    ProviderGroup,
    ProviderPage,
    ProviderPictures,
)
from monitor.sentence.doubt import describe_doubt
from monitor.sentence.translation import PageLanguage
from monitor.slo.objective import BURN_WINDOWS, ErrorBudget
from monitor.words import capitalize, iso, title
from probes.model import Fault
from probes.target_id import provider_of

__all__ = ["POLICY", "TEMPLATES", "kept_paths", "render", "render_pages", "status_json", "usable_json"]

FIXED = ("style.css", "page.js", "robots.txt", "schema/status.json", "schema/usable.json")
LISTED = 200
"""Most past incidents that the page of an account or a provider lists."""
STANDS_S = 900.0
"""Extra seconds before the page of one of a crowd is called stale: it is made only every TURNS times."""
BADGES = ("svg", "json")
FULL_MONTHS = 3
"""Number of months in full on the history page; the others are links."""

STATUS_VERSION = 1
"""Version of the format of `status.json`. Fields are added without a new version, never removed or changed."""


def render(snapshot: Snapshot, existing: Collection[str] = ()) -> dict[str, bytes]:
    """Return the content of every file of the site by its relative path; equal snapshots give equal bytes.

    Files in `existing` that can no longer change, or whose page is not due, are left out.
    """
    return dict(render_pages(snapshot, existing))


def render_pages(snapshot: Snapshot, existing: Collection[str] = ()) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of each file, the front page last; one at a time, as 5,000 accounts make 90 MB."""
    it = load_templates(snapshot.manner.language, snapshot.manner.own)
    now = current_state(snapshot)
    known, marked = snapshot.accounts_by_id(), marked_today(snapshot)
    every = group_accounts(snapshot, now, it.speech, existing, marked)
    around, first = build_frame(snapshot, it.speech), build_front(snapshot, now, it.speech, every, known)
    yield from ((name, it.copy(name)) for name in (*FIXED, *it.added))
    # Before any page: these files prove at the next start that the folder is ours, even after a kill.
    yield from render_program_files(private_summary(snapshot, now, first.headline, it.speech), it)
    yield from _inner_pages(every, snapshot, known, marked, around, it)
    for view in (*newest_first(snapshot.past_incidents), *snapshot.open_incidents):
        if view.is_due:
            yield incident_page(view.incident.id), _incident(view, around, snapshot, it)
    yield from render_history(build_months(snapshot, it.speech), _history(snapshot, it.speech), around, it, existing)
    yield "status.json", status_json(snapshot, now)
    yield "usable.json", usable_json(snapshot, now)
    metrics = render_metrics(snapshot, now)
    yield METRICS, metrics.classic
    yield OPEN_METRICS, metrics.open
    yield "favicon.svg", it.fill("favicon.svg", mark=first.headline.mark)
    yield "404.html", it.fill("404.html", frame=replace(around, up=link_prefix(snapshot.manner.url), made=None))
    yield "index.html", it.fill("index.html", frame=around, front=first)


def kept_paths(snapshot: Snapshot) -> set[str]:
    """Return the paths that belong to the site although `render_pages` may leave them out: links stay valid."""
    stand = {account.id for provider in snapshot.providers for account in provider.accounts if account.stands}
    pages = {incident_page(id) for id in snapshot.incident_ids} | {account_page(id) for id in stand}
    return pages | {f"{badge_path(id)}.{kind}" for id in stand for kind in BADGES}


def link_prefix(url: str | None) -> str:
    """Return the prefix for links of a page that may be shown at any depth."""
    path = urlsplit(url).path if url else ""
    return f"{path.rstrip('/')}/"


def _history(snapshot: Snapshot, speech: PageLanguage) -> HistoryDays:
    """Return the days of all real incidents; what is part of a wider one counts there."""
    every = [view.incident for view in (*snapshot.open_incidents, *snapshot.past_incidents)]
    ids = {one.id for one in every}
    real = [one for one in every if not (one.drill or one.signal or one.parent in ids)]
    spans = [
        TroubleSpan(
            one.id, one.opened_at, one.closed_at, capitalize(speech.owner(one)), mark_incident(one) is Mark.DOWN
        )
        for one in real
    ]
    accounts = (one for provider in snapshot.providers for one in provider.accounts)
    since = min((at for one in accounts if (at := watched_since(one))), default=None)
    return history_days(spans, since, snapshot.made_at, speech)


def render_history(
    all_months: Sequence[Month | PublicMonth],
    past: HistoryDays,
    around: PageFrame | PublicFrame,
    it: SiteTemplates,
    existing: Collection[str],
) -> Iterator[tuple[str, bytes]]:
    """Yield the history page, and a page for each month; those of months long past never change.

    `past`: the last days and what they come to, on the first of them.
    """
    latest, older = all_months[:FULL_MONTHS], all_months[FULL_MONTHS:]
    yield "history.html", it.fill("history.html", frame=around, past=past, months=latest, older=older)
    still = replace(around, made=None, due=None, up="../")
    for number, month in enumerate(all_months):
        if number < FULL_MONTHS or month.href not in existing:
            yield month.href, it.fill("history.html", frame=still, past=None, months=(month,), older=())


def render_program_files(board: SiteSummary, it: SiteTemplates) -> Iterator[tuple[str, bytes]]:
    """Yield a site's files for programs."""
    yield from statuspage.render_statuspage(board)
    yield "feed.xml", it.fill("feed.xml", feed=build_feed(board, it.speech))
    yield "maintenance.ics", render_calendar(board)
    for part in (one for one in board.parts if not one.stands):
        word = it.speech.say(MARKS[part.mark])
        yield f"{badge_path(part.id)}.svg", it.fill("badge.svg", badge=draw_badge(part.name, part.mark, word))
        yield f"{badge_path(part.id)}.json", endpoint_json(part.name, part.mark, word)


def private_summary(snapshot: Snapshot, now: CurrentState, first: Headline, speech: PageLanguage) -> SiteSummary:
    parts: list[Component] = []
    for provider in snapshot.providers:
        marks = [now.marks[account.id] for account in provider.accounts]
        if marks:
            parts.append(Component(provider.id, provider.name, worst_mark(marks)))
            parts += [
                Component(account.id, account.id, now.marks[account.id], provider.id, account.since, account.stands)
                for account in provider.accounts
            ]
    views = [*snapshot.open_incidents, *newest_first(snapshot.past_incidents)]
    places = {part.id: place for place, part in enumerate(parts)}
    return SiteSummary(
        title=snapshot.title,
        url=snapshot.manner.url,
        made_at=snapshot.made_at,
        mark=first.mark,
        words=first.sentence,
        parts=tuple(parts),
        cases=tuple(_case(view, places, speech) for view in views if not view.incident.drill),
        works=announced_maintenances(snapshot.sources),
    )


def _case(view: IncidentView, places: Mapping[str, int], speech: PageLanguage) -> IncidentEntry:
    """Return one incident for programs. `places`: where each component stands, by its id."""
    incident = view.incident
    hit = accounts_of_targets(incident.targets) & places.keys()
    began = f"{speech.title(incident)}. {capitalize(speech.whose_hedged(incident))}."
    stage = "investigating" if incident.closed_at is None else "identified"
    updates = [(incident.opened_at, stage, began)]
    if incident.announcement:
        said = speech.say("The provider's page says: {title}", title=incident.announcement.title)
        stage = "identified"
        updates.append((max(incident.announcement.at, incident.opened_at), stage, said))
    for note in view.notes:
        said = speech.about(note.by or speech.say("somebody"), note.text)
        updates.append((note.at, stage_of_note(note.at, incident.closed_at, stage), said))
    if incident.closed_at:
        updates.append((incident.closed_at, "resolved", speech.say("Ended")))
    return IncidentEntry(
        id=incident.id,
        title=speech.title(incident),
        severity=incident.severity,
        opened_at=incident.opened_at,
        closed_at=incident.closed_at,
        parts=tuple(sorted(hit, key=places.__getitem__)),
        path=incident_page(incident.id),
        updates=tuple(updates),
    )


def stage_of_note(at: datetime, closed_at: datetime | None, stage: str) -> str:
    """Return the stage that a note is of: words that come after the end reopen nothing."""
    return "resolved" if closed_at and at >= closed_at else stage


def _inner_pages(
    every: Sequence[ProviderGroup],
    snapshot: Snapshot,
    known: Mapping[str, AccountView],
    marked: IncidentsByAccount,
    around: PageFrame,
    it: SiteTemplates,
) -> Iterator[tuple[str, bytes]]:
    """Yield the pages of providers and accounts. `known`: the accounts by id; `marked`: what their charts mark."""
    below = replace(around, up="../../")
    ended, standing = wider_first(snapshot.past_incidents), top_incidents(snapshot)
    past, opened = _by_account(ended, snapshot.made_at, it.speech), _open_by_account(snapshot, known)
    past_of, open_of = _by_provider(ended), _by_provider(standing)
    lasting = replace(build_frame(replace(snapshot, fresh_s=snapshot.fresh_s + STANDS_S), it.speech), up=below.up)
    crowded = {provider.id for provider in snapshot.providers if provider.is_crowded}

    def scene_of(account: str) -> Scene:
        return Scene(snapshot.made_at, it.speech, marked.get(account, ()))

    for group in every:
        said = verdict(group, open_of.get(group.id, []), known, snapshot.made_at, it.speech)
        ended_here, its_open = past_of.get(group.id, []), gravest_first(open_of.get(group.id, []), known)
        lanes = first_lanes(its_open, ended_here, snapshot.made_at, it.speech)
        drawn = _pictures(group, lanes, known, scene_of, it.speech)
        yield group.href, _provider(group, said, drawn, ended_here, snapshot, around, it)
        its_frame = lasting if group.id in crowded else below
        for card in group.accounts:
            if not card.stands:
                its_past = past.get(card.id, [])
                yield card.href, _account_page(card, its_past, opened.get(card.id, []), its_frame, snapshot, it)


def _pictures(
    group: ProviderGroup,
    lanes: Lanes | None,
    known: Mapping[str, AccountView],
    scene_of: Callable[[str], Scene],
    speech: PageLanguage,
) -> ProviderPictures:
    """Return the drawings of a provider's page: of a crowd, of those that it shows in full. `known`: accounts by id."""
    cards = sorted((card for card in group.accounts if not card.short), key=urgency)
    paces, more = sibling_paces(cards, known, scene_of)
    return ProviderPictures(paces, speech.say("{n} more", n=more) if more else "", lanes)


class PastIncident(Struct, frozen=True):
    """An incident and its line in a list."""

    incident: Incident
    row: IncidentRow


def _by_account(
    views: Iterable[IncidentView], made_at: datetime, speech: PageLanguage
) -> dict[str, list[PastIncident]]:
    """Return the past incidents of each account, in their order."""
    found: dict[str, list[PastIncident]] = {}
    for view in views:
        line = PastIncident(view.incident, build_row(view, made_at, None, speech))
        for account in accounts_of_targets(view.incident.targets):
            found.setdefault(account, []).append(line)
    return found


def _by_provider(views: Iterable[IncidentView]) -> dict[str, list[IncidentView]]:
    """Return the incidents of each provider, in their order."""
    found: dict[str, list[IncidentView]] = {}
    for view in views:
        found.setdefault(view.incident.about.provider, []).append(view)
    return found


def _open_by_account(snapshot: Snapshot, known: Mapping[str, AccountView]) -> dict[str, list[IncidentView]]:
    found: dict[str, list[IncidentView]] = {}
    for view in gravest_first(snapshot.open_incidents, known):
        for account in accounts_of_targets(view.incident.targets):
            found.setdefault(account, []).append(view)
    return found


def _account_page(
    card: AccountCard,
    past: Sequence[PastIncident],
    opened: Sequence[IncidentView],
    around: PageFrame,
    snapshot: Snapshot,
    it: SiteTemplates,
) -> bytes:
    first = next((view for view in opened if not (view.incident.signal or view.incident.drill)), None)
    return it.fill(
        "account.html",
        frame=around,
        account=card,
        advice=build_row(first, snapshot.made_at, None, it.speech).advice if first else card.advice,
        instead=substitutes(first, snapshot.made_at, it.speech) if first else (),
        days=day_list(card.day_cells, [*(one.incident for one in opened), *(one.incident for one in past)], it.speech),
        past=[one.row for one in past[:LISTED]],
    )


def _provider(
    group: ProviderGroup,
    said: ProviderPage,
    drawn: ProviderPictures,
    past: Sequence[IncidentView],
    snapshot: Snapshot,
    around: PageFrame,
    it: SiteTemplates,
) -> bytes:
    sources = [source for source in snapshot.sources if provider_of(source.id) == group.id]
    return it.fill(
        "provider.html",
        frame=replace(around, up="../"),
        group=group,
        verdict=said,
        drawn=drawn,
        pages=build_status_pages(
            sources, snapshot.made_at, it.speech, incidents_by_notice(view.incident for view in snapshot.open_incidents)
        ),
        past=[build_row(view, snapshot.made_at, None, it.speech) for view in past[:LISTED]],
    )


def status_json(snapshot: Snapshot, now: CurrentState, only: Collection[str] | None = None) -> bytes:
    """Return the state for machines, in a few kilobytes and a stable format; `only`: of these accounts."""
    told = find_cautions(snapshot)
    document = {
        "version": STATUS_VERSION,
        "made_at": _iso(snapshot.made_at),
        "stale_after": _iso(snapshot.made_at + timedelta(seconds=snapshot.fresh_s)),
        "location": snapshot.location,
        "simulated": snapshot.simulated,
        "accounts": [
            encode_part(_account(account, provider.id, now, told.get(account.id)))
            for provider in snapshot.providers
            for account in provider.accounts
            if only is None or account.id in only
        ],
        "open_incidents": [_open_incident(view) for view in snapshot.open_incidents],
        "status_sources": [_source(source) for source in snapshot.sources],
        "objectives": [_promise(view, one) for view in snapshot.objectives for one in view.reserves],
    }
    return encode(document)


def usable_json(snapshot: Snapshot, now: CurrentState) -> bytes:
    """Return which accounts can be used now, and for each provider the one to use."""
    every = assess_usability(snapshot, now)
    document = {
        "version": VERSION,
        "made_at": _iso(snapshot.made_at),
        "valid_until": _iso(snapshot.made_at + timedelta(seconds=snapshot.fresh_s)),
        "simulated": snapshot.simulated,
        "providers": {one.id: {"use": _use(every, one.id)} for one in snapshot.providers if one.accounts},
        "accounts": {one.account: encode_part(_usable(one)) for one in every},
    }
    return encode(document)


def _use(every: Sequence[Usable], provider: str) -> str | None:
    best = pick(every, provider)
    return best.account if best else None


def _usable(one: Usable) -> dict[str, object]:
    return {
        "provider": one.provider,
        "usable": one.usable,
        "state": one.state,
        **_fault(one.fault),
        "since": _iso(one.since),
        "confidence": one.confidence,
        "checked_at": _iso(one.checked_at),
        "valid_until": _iso(one.valid_until),
        "retry_at": _iso(one.retry_at),
        "suspected": one.suspected,
        "warned": one.warned,
        **_warning(one.caution),
        "offered": one.offered,
        "abilities": one.abilities,
        "models": one.models,
    }


def _incident(view: IncidentView, around: PageFrame, snapshot: Snapshot, it: SiteTemplates) -> bytes:
    """Render one incident. A closed one's page has no date of publishing: it is written once."""
    around = replace(around, up="../")
    if view.incident.closed_at:
        around = replace(around, made=None, due=None)
    return it.fill("incident.html", frame=around, story=build_story(view, snapshot.made_at, it.speech))


def _account(account: AccountView, provider: str, now: CurrentState, caution: Caution | None) -> dict[str, object]:
    return {
        "id": account.id,
        "provider": provider,
        "state": State.UNKNOWN if now.offline and account.fault in UNREACHABLE else account.state,
        "mark": now.marks[account.id],
        "usable": now.judgements[account.id].usable,
        **_warning(caution),
        "since": _iso(account.since),
        **_fault(account.fault),
        "phase": account.phase,
        "credit": [_credit_name(credit) for credit in account.credits],
        "durations": [_durations(target) for target in account.targets if target.latency.now_s is not None],
    }


def _durations(target: TargetView) -> dict[str, object]:
    total_s, first_s, token_s = target.latency.now_s, target.ttft.now_s, target.token.now_s
    return {
        "canary": target.canary,
        "model": target.model,
        "total_s": None if total_s is None else round(total_s, 3),
        "first_token_s": None if first_s is None else round(first_s, 3),
        "tokens_per_s": round(1 / token_s, 1) if token_s else None,
    }


def _warning(caution: Caution | None) -> dict[str, object]:
    return {"caution": str(caution.words) if caution else None, "withheld": bool(caution and caution.withheld)}


def _credit_name(credit: CreditView) -> dict[str, object]:
    return {
        "unit": credit.unit,
        "left": credit.left,
        "of": credit.most,
        "days_left": None if credit.days_left is None else round(credit.days_left, 1),
        "expires_at": _iso(credit.expires_at),
        "told_at": _iso(credit.at),
    }


def _source(source: SourceView) -> dict[str, object]:
    return {
        "id": source.id,
        "readable": source.readable,
        "read_at": _iso(source.read_at),
        "problem": describe_doubt(source.problem) if source.problem else None,
        "unread": source.unread,
        "notices": [
            {
                "title": one.title,
                "url": one.url,
                "phase": one.phase,
                "impact": one.impact,
                "planned": one.planned,
                "posted": one.posted,
            }
            for one in source.notices
        ],
    }


def _promise(view: ObjectiveView, reserve: ErrorBudget) -> dict[str, object]:
    """Shares are in [0, 1]; the budget left is below 0 if it is overspent."""
    objective = view.objective
    return {
        "id": objective.id,
        "goal": reserve.goal,
        "window_days": objective.window_days,
        "promised": reserve.promised,
        "kept": round(reserve.kept, 6),
        "budget_left": round(reserve.left, 4),
        "seen_days": round(reserve.seen_days, 2),
        "burn_rates": {
            f"{pair.long.total_seconds() / 3600:g}h": None if burn is None else round(burn, 2)
            for pair, burn in zip(BURN_WINDOWS, reserve.burns, strict=True)
        },
    }


def _open_incident(view: IncidentView) -> dict[str, object]:
    incident = view.incident
    return {
        "id": incident.id,
        "title": title(incident),
        "page": f"incidents/{incident.id}.html",
        "scope": incident.scope,
        "subject": incident.subject,
        "severity": incident.severity,
        "confidence": incident.confidence,
        "opened_at": _iso(incident.opened_at),
        "drill": incident.drill,
        "signal": incident.signal,
        "parent": incident.parent,
        "lead_s": None if incident.lead is None else round(incident.lead.total_seconds()),
        "fault": incident.fault,
        "blame": incident.blame,
        "phase": next((one.phase for one in incident.evidence if one.fault is incident.fault and one.phase), None),
        "replies": [_reply(one) for one in without_replaced(view.replies)],
    }


def _reply(one: Reply) -> dict[str, object]:
    return {"kind": one.kind, "at": _iso(one.at), "by": one.by, "until": _iso(one.until), "reason": one.reason}


def _fault(fault: Fault | None) -> dict[str, object]:
    return {"fault": fault, "blame": fault.blame if fault else None}


def _iso(at: datetime | None) -> str | None:
    return None if at is None else iso(at.astimezone(UTC))
