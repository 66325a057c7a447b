"""A snapshot → the contents of the front page, and of the frame around each page; pure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from monitor.publish.account_text import Context
from monitor.publish.account_text import build_cards as cards_of
from monitor.publish.headline import Headline, write_headline
from monitor.publish.incident_text import (
    RECENT,
    IncidentsByAccount,
    build_row,
    ended_sentence,
    gravest_first,
    incidents_by_notice,
    marked_today,
    top_incidents,
    wider_first,
    worst_sentence,
)
from monitor.publish.objective_text import build_promises
from monitor.publish.overview import MOST_AHEAD, PLATES, ahead, fleet, front_groups, how_many_work, rail, urgency
from monitor.publish.paths import incident_page, provider_page
from monitor.publish.snapshot import AccountView, IncidentView, Snapshot
from monitor.publish.source_text import build_status_pages
from monitor.publish.status import CurrentState, Mark, worst_mark
from monitor.publish.view_model import (
    AccountCard,
    Front,
    LinkedText,
    PageFrame,
    PlateColumns,
    PromiseRow,
    ProviderGroup,
    ProviderPage,
)
from monitor.sentence.translation import ENGLISH, PageLanguage

MOST_OPEN = 12
"""Most open incidents that each have a line; the others fold under one."""
FEW_OPEN = 5
"""Fewer open incidents than that leave room for the past ones below them."""


def build_frame(snapshot: Snapshot, speech: PageLanguage = ENGLISH) -> PageFrame:
    due = snapshot.made_at + timedelta(seconds=snapshot.fresh_s)
    return PageFrame(
        site=snapshot.title,
        location=snapshot.location,
        simulated=snapshot.simulated,
        made=speech.moment(snapshot.made_at),
        due=speech.moment(due, snapshot.made_at),
        fresh_s=int(snapshot.fresh_s),
        span=speech.duration(snapshot.fresh_s),
    )


def build_front(
    snapshot: Snapshot,
    now: CurrentState,
    speech: PageLanguage = ENGLISH,
    every: tuple[ProviderGroup, ...] | None = None,
    known: Mapping[str, AccountView] | None = None,
) -> Front:
    """Return the front page. `every`: the result of `group_accounts`, `known`: the accounts by id, if there already."""
    every = group_accounts(snapshot, now, speech) if every is None else every
    are_few = sum(len(group.accounts) for group in every) <= PLATES
    known = snapshot.accounts_by_id() if known is None else known
    views = gravest_first(top_incidents(snapshot), known)
    opened = tuple(build_row(view, snapshot.made_at, snapshot.made_at, speech, known) for view in views)
    is_well = not opened and all(card.mark is Mark.UP for group in every for card in group.accounts)
    said, coming = write_headline(snapshot, now, speech), ahead(snapshot, speech)
    plates = tuple(sorted((card for group in every for card in group.accounts), key=urgency)) if are_few else ()
    return Front(
        headline=said,
        detail=_detail(said, worst_sentence(views, snapshot.made_at, speech)) or _last_end(snapshot, is_well, speech),
        fleet=fleet(every, [view.incident for view in views if not view.incident.drill], speech),
        slo=speech.percent(snapshot.manner.slo),
        open=opened[:MOST_OPEN],
        open_words=speech.say("{n}, the gravest first", n=len(opened)) if len(opened) > 1 else "",
        folded=opened[MOST_OPEN:],
        are_many=len(opened) >= FEW_OPEN,
        warnings=(*snapshot.warnings, *map(speech.stage_failed, snapshot.faults)),
        rail=rail(every, speech, has_groups=not are_few) if len(every) > 1 and not is_well else (),
        ahead=coming[:MOST_AHEAD],
        later=speech.say("{n} more", n=len(coming) - MOST_AHEAD) if len(coming) > MOST_AHEAD else "",
        plates=plates,
        columns=_columns(plates),
        pledges=tuple(one for group in every for one in group.pledges) if are_few else (),
        groups=() if are_few else front_groups(every, speech, is_well=is_well),
        recent=tuple(
            build_row(view, snapshot.made_at, snapshot.made_at, speech)
            for view in wider_first(snapshot.past_incidents)[:RECENT]
        ),
        pages=build_status_pages(
            snapshot.sources,
            snapshot.made_at,
            speech,
            incidents_by_notice(view.incident for view in snapshot.open_incidents),
        ),
    )


def _columns(plates: Sequence[AccountCard]) -> PlateColumns:
    return PlateColumns(
        paces=any(card.paces for card in plates),
        ceilings=any(card.ceilings or card.limits for card in plates),
        balances=any(card.balances or card.credits for card in plates),
    )


def _detail(said: Headline, worst: tuple[LinkedText, ...]) -> tuple[LinkedText, ...]:
    """Return the sentence below the headline: the worst, and what to use instead; else why nothing is known."""
    if worst:
        return worst
    speech = said.speech
    causes = speech.say("{lead}.", lead=speech.clauses(said.causes)) if said.causes else ""
    text = speech.sentences(filter(None, (causes, said.rest)))
    return (LinkedText(text),) if text else ()


def _last_end(snapshot: Snapshot, is_well: bool, speech: PageLanguage) -> tuple[LinkedText, ...]:
    """Say of a page on which all is well when the last incident ended; of several at once, the widest."""
    past = (view.incident for view in snapshot.past_incidents if not view.incident.drill)
    ended = [(one.closed_at, one.parent is None, one.id) for one in past if one.closed_at]
    if not (is_well and ended):
        return ()
    at, _, id = max(ended)
    return ended_sentence(at, incident_page(id), snapshot.made_at, speech)


def verdict(
    group: ProviderGroup,
    its: Sequence[IncidentView],
    known: Mapping[str, AccountView],
    made_at: datetime,
    speech: PageLanguage,
) -> ProviderPage:
    """Return the first screen of a provider's page. `its`: its open incidents; `known`: the accounts by id."""
    views = gravest_first(its, known)
    cards = sorted(group.accounts, key=urgency)
    marks = [card.mark for card in cards]
    said = how_many_work(marks, speech)
    return ProviderPage(
        mark=worst_mark(marks),
        lead=speech.about(group.name, said),
        detail=worst_sentence(views, made_at, speech),
        words=said,
        open=tuple(build_row(view, made_at, made_at, speech, known) for view in views),
        rows=tuple(card for card in cards if not card.short),
        cells=tuple(card for card in cards if card.short),
    )


def group_accounts(
    snapshot: Snapshot,
    now: CurrentState,
    speech: PageLanguage = ENGLISH,
    existing: Collection[str] = (),
    marked: IncidentsByAccount | None = None,
) -> tuple[ProviderGroup, ...]:
    """Return every provider with accounts, with all of them; link only to `existing` pages.

    `marked`: the result of `marked_today`, if there already.
    """
    promised: dict[str, tuple[PromiseRow, ...]] = {}
    for view in snapshot.objectives:
        promised[view.objective.subject] = (*promised.get(view.objective.subject, ()), *build_promises(view, speech))
    its = marked_today(snapshot) if marked is None else marked
    context = Context(now, snapshot.manner.slo, speech, promised, its)
    return tuple(
        ProviderGroup(
            provider.id,
            provider.name,
            provider_page(provider.id),
            tuple(cards_of(provider, context, existing)),
            promised.get(provider.id, ()),
        )
        for provider in snapshot.providers
        if provider.accounts
    )
