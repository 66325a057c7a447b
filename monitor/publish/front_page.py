"""A snapshot → the contents of the front page, and of the frame around each page; pure."""

from collections.abc import Collection
from datetime import timedelta

from msgspec.structs import replace

from monitor.publish.account_text import Context, cards
from monitor.publish.headline import headline
from monitor.publish.incident_text import RECENT, gravest_first, leads, row, wholes, wider_first
from monitor.publish.objective_text import pledges
from monitor.publish.paths import provider_page
from monitor.publish.snapshot import CROWD, Snapshot
from monitor.publish.source_text import pages
from monitor.publish.status import Mark, Standing
from monitor.publish.translation import ENGLISH, Speech
from monitor.publish.view_model import Front, PageFrame, Pledge, ProviderGroup


def frame(snapshot: Snapshot, speech: Speech = ENGLISH) -> PageFrame:
    due = snapshot.made_at + timedelta(seconds=snapshot.fresh_s)
    return PageFrame(
        site=snapshot.title,
        location=snapshot.location,
        simulated=snapshot.simulated,
        made=speech.moment(snapshot.made_at),
        due=speech.moment(due, snapshot.made_at),
        fresh_s=int(snapshot.fresh_s),
    )


def front(
    snapshot: Snapshot, now: Standing, speech: Speech = ENGLISH, every: tuple[ProviderGroup, ...] | None = None
) -> Front:
    """Return the front page. `every`: the result of `groups`, if known already."""
    return Front(
        headline=headline(snapshot, now, speech),
        slo=speech.percent(snapshot.manner.slo),
        open=tuple(row(view, snapshot.made_at, snapshot.made_at, speech) for view in gravest_first(wholes(snapshot))),
        warnings=(*snapshot.warnings, *map(speech.stage_failed, snapshot.faults)),
        providers=_few_of_many(groups(snapshot, now, speech) if every is None else every),
        recent=tuple(
            row(view, snapshot.made_at, None, speech) for view in wider_first(snapshot.past_incidents)[:RECENT]
        ),
        past=len(snapshot.past_incidents),
        pages=pages(
            snapshot.sources, snapshot.made_at, speech, leads(view.incident for view in snapshot.open_incidents)
        ),
    )


def groups(
    snapshot: Snapshot, now: Standing, speech: Speech = ENGLISH, existing: Collection[str] = ()
) -> tuple[ProviderGroup, ...]:
    """Return every provider with accounts, with all of them; link only to `existing` pages."""
    promised: dict[str, tuple[Pledge, ...]] = {}
    for view in snapshot.objectives:
        promised[view.objective.subject] = (*promised.get(view.objective.subject, ()), *pledges(view, speech))
    context = Context(now, snapshot.manner.slo, speech, promised)
    return tuple(
        ProviderGroup(
            provider.id,
            provider.name,
            provider_page(provider.id),
            tuple(cards(provider, context, existing)),
            promised.get(provider.id, ()),
        )
        for provider in snapshot.providers
        if provider.accounts
    )


def _few_of_many(all_groups: tuple[ProviderGroup, ...]) -> tuple[ProviderGroup, ...]:
    """Leave out the accounts that simply work if there are too many for one page."""
    if sum(len(group.accounts) for group in all_groups) <= CROWD:
        return all_groups
    shown = [tuple(card for card in group.accounts if card.mark is not Mark.UP) for group in all_groups]
    return tuple(
        replace(group, accounts=cards[:CROWD], more=len(group.accounts) - len(cards), worse=len(cards[CROWD:]))
        for group, cards in zip(all_groups, shown, strict=True)
    )
