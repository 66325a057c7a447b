"""All accounts at a glance → the values of the front page; pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from monitor.diagnose.incident import Incident
from monitor.publish.snapshot import Snapshot
from monitor.publish.status import RANKS, Mark, Place
from monitor.publish.view_model import (
    AccountCard,
    Ahead,
    Band,
    Count,
    Fleet,
    Fold,
    FrontGroup,
    ProviderGroup,
    ProviderSummary,
    Units,
)
from monitor.sentence.translation import PageLanguage
from monitor.words import BLAMES, OURS_IN_SHORT, owner
from probes.model import Blame

PLATES: Final = 6
"""Most accounts that are each shown in full."""
ROWS: Final = 9
"""Most accounts that all have a row; of more, those that work are cells of a grid."""
CELLS: Final = 12
"""Most working accounts of one provider in the grid; more fold to one line."""
NAMES: Final = 500
"""Most accounts whose names are all on the page, folded."""
TROUBLES: Final = 9
"""Most rows of one provider; the others are on its own page."""
UNITS: Final = 8
"""Most accounts of a provider drawn one by one."""
UNIT: Final = 28
"""Width of one of them in units of the drawing; its symbol takes 24."""
GAP: Final = 0.0015
"""Between two large bands of the fleet, as a share of its width."""
NARROWEST: Final = 0.006
"""Least share of the fleet's width that a band takes, before all are made to fit: 2 px on a phone."""
LARGE: Final = 0.03
"""Least share from which a band has room for a gap."""
SOON_D: Final = 30
"""Days that count as ahead."""
MOST_AHEAD: Final = 6
"""Most things ahead that each have a line; the others are counted."""
COUNTED = {
    Mark.DOWN: "down",
    Mark.PARTLY: "partly down",
    Mark.SUSPECTED: "being rechecked",
    Mark.UNKNOWN: "not known",
    Mark.AT_RISK: "at risk",
    Mark.UP: "work",
}
"""Words after a number of accounts."""
ALONE = {
    Mark.DOWN: "does not work",
    Mark.PARTLY: "is partly down",
    Mark.SUSPECTED: "is being rechecked",
    Mark.UNKNOWN: "is not known",
    Mark.AT_RISK: "works",
    Mark.UP: "works",
}
"""Words after a provider with one account."""
OF_SEVERAL = {
    Mark.DOWN: "{n} down",
    Mark.PARTLY: "{n} partly down",
    Mark.SUSPECTED: "{n} being rechecked",
    Mark.UNKNOWN: "{n} not known",
}
"""Words for some accounts of a provider that do not work, or not surely."""
OWNERS = {
    BLAMES[Blame.ACCOUNT]: "{n} yours",
    BLAMES[Blame.PROVIDER]: "{n} the provider's",
    BLAMES[Blame.PATH]: "{n} the network's",
    BLAMES[Blame.US]: "{n} our own",
    OURS_IN_SHORT: "{n} our own",
    BLAMES[Blame.UNKNOWN]: "{n} undecided",
}
"""Words for a number of incidents by the owner that their rows name."""


def fleet(groups: Sequence[ProviderGroup], incidents: Sequence[Incident], speech: PageLanguage) -> Fleet:
    found = Counter(card.mark for group in groups for card in group.accounts)
    counts = tuple(Count(mark, found[mark], speech.say(COUNTED[mark])) for mark in Mark if found[mark])
    return Fleet(
        width=found.total(),
        bands=tuple(_bands(counts)),
        counts=counts,
        words=speech.items(f"{one.number} {one.word}" for one in counts),
        whose=_whose(incidents, speech),
    )


def _bands(counts: Sequence[Count]) -> Iterator[Band]:
    """Yield the bands side by side: each in its share of the width, but never too narrow to be seen."""
    total = sum(one.number for one in counts)
    asked = [max(one.number, NARROWEST * total) for one in counts]
    lengths = [length * total / sum(asked) for length in asked]
    start = 0.0
    for one, length, following in zip(counts, lengths, [*lengths, 0.0][1:], strict=True):
        top = 0 if one.mark.is_trouble else 3
        gap = GAP * total if min(length, following) >= LARGE * total else 0.0
        yield Band(one.mark, start, length - gap, top, 10 - top)
        start += length


def _whose(incidents: Sequence[Incident], speech: PageLanguage) -> str:
    """Count the open faults by whose they are; a sign of what may come is nobody's fault yet."""
    found = Counter(OWNERS[owner(one)] for one in incidents if not one.signal)
    said = [speech.say(phrase, n=found[phrase]) for phrase in dict.fromkeys(OWNERS.values()) if found[phrase]]
    return speech.say("Whose fault: {said}", said=speech.items(said)) if said else ""


def rail(groups: Sequence[ProviderGroup], speech: PageLanguage, *, has_groups: bool) -> tuple[ProviderSummary, ...]:
    """Return a line for each provider, which leads to its accounts on this page, or to its own page."""
    return tuple(
        ProviderSummary(
            href=f"#{anchor(group)}" if has_groups else group.href,
            name=group.name,
            is_troubled=any(mark.is_trouble for mark in marks),
            drawing=_units(marks),
            words=how_many_work_briefly(marks, speech),
        )
        for group in groups
        if (marks := sorted((card.mark for card in group.accounts), key=RANKS.__getitem__))
    )


def anchor(group: ProviderGroup) -> str:
    return f"provider-{group.id}"


def _units(marks: Sequence[Mark]) -> Units:
    """Draw marks, only with numbers and our own words, so that the drawing needs no escaping."""
    if len(marks) <= UNITS:
        drawn = (
            f'<use class="{mark}" href="#{"dot" if mark is Mark.UP else mark}" x="{UNIT * at}" width="24" height="24"/>'
            for at, mark in enumerate(marks)
        )
        return Units("units", UNIT * len(marks), 24, "".join(drawn))
    return Units("share", len(marks), 8, "".join(_shares(marks)))


def _shares(marks: Sequence[Mark]) -> Iterator[str]:
    """Yield a rectangle for each mark, the well first."""
    found, start = Counter(marks), 0
    for mark in (one for one in reversed(Mark) if found[one]):
        yield f'<rect class="{mark}" x="{start}" width="{found[mark]}" height="8"/>'
        start += found[mark]


def how_many_work(marks: Sequence[Mark], speech: PageLanguage) -> str:
    """Say how many work. What is not known, rechecked or partly down is said apart: it is no account that is lost."""
    good, every = sum(mark.works for mark in marks), len(marks)
    if every == 1:
        return speech.say(ALONE[marks[0]])
    if good == every:
        return speech.say("all {n} work", n=every)
    found = Counter(marks)
    if found[Mark.DOWN] == every:
        return speech.say("none of {n} works", n=every)
    first = [how_many_work_briefly(marks, speech)] if good else []
    rest = [mark for mark in OF_SEVERAL if found[mark] and not (good and mark is Mark.DOWN)]
    return speech.items((*first, *(speech.say(OF_SEVERAL[mark], n=found[mark]) for mark in rest)))


def how_many_work_briefly(marks: Sequence[Mark], speech: PageLanguage) -> str:
    """Say how many work where there is no room to say what the others do."""
    good, every = sum(mark.works for mark in marks), len(marks)
    if 0 < good < every:
        return speech.say("{some} of {all} work", some=good, all=every)
    return how_many_work(marks, speech)


def front_groups(groups: Sequence[ProviderGroup], speech: PageLanguage, *, is_well: bool) -> tuple[FrontGroup, ...]:
    """Return each provider with what differs as rows, and the rest as it has room.

    `is_well`: the headline says already that all work, so no provider repeats it.
    """
    marks = [card.mark for group in groups for card in group.accounts]
    usual = Mark.UNKNOWN if set(marks) == {Mark.UNKNOWN} else Mark.UP
    return tuple(_front_group(group, len(marks), usual, speech, is_well=is_well) for group in groups)


def _front_group(group: ProviderGroup, total: int, usual: Mark, speech: PageLanguage, *, is_well: bool) -> FrontGroup:
    """Return a provider. `usual`: the mark of which nothing more needs to be said."""
    cards = sorted(group.accounts, key=urgency)
    alike = [card for card in cards if card.mark is usual]
    rows = cards if total <= ROWS else [card for card in cards if card.mark is not usual]
    cells = () if total <= ROWS or len(alike) > CELLS else tuple(alike)
    hidden = len(rows) - TROUBLES
    return FrontGroup(
        anchor=anchor(group),
        href=group.href,
        name=group.name,
        words="" if is_well else how_many_work([card.mark for card in cards], speech),
        rows=tuple(rows[:TROUBLES]),
        cells=cells,
        fold=_fold(alike, total, speech) if len(alike) > CELLS else None,
        worse=speech.many(hidden, "{n} more needs a look", "{n} more need a look") if hidden > 0 else "",
        pledges=group.pledges,
    )


def urgency(card: AccountCard) -> Place:
    """Return the sort key: the order of the terminal, too."""
    return card.place


def _fold(alike: Sequence[AccountCard], total: int, speech: PageLanguage) -> Fold:
    if alike[0].mark is not Mark.UP:
        return Fold(how_many_work([card.mark for card in alike], speech), "", "", _names(alike, total))
    paced = [card for card in alike if card.pace_s is not None]
    slowest = max(paced, key=lambda card: card.pace_s or 0, default=None)
    return Fold(
        words=speech.many(len(alike), "{n} works", "{n} work"),
        slowest=speech.say("slowest {account}, {pace}", account=slowest.name, pace=slowest.pace) if slowest else "",
        pace=speech.seconds(median(card.pace_s or 0 for card in paced)) if paced else "",
        cards=_names(alike, total),
    )


def _names(alike: Sequence[AccountCard], total: int) -> tuple[AccountCard, ...]:
    return tuple(alike) if total <= NAMES and all(card.href for card in alike) else ()


def ahead(snapshot: Snapshot, speech: PageLanguage) -> tuple[Ahead, ...]:
    """Return what is known to come within SOON_D, the nearest first."""
    found = [*_planned(snapshot, speech), *_ending_credit(snapshot, speech)]
    until = snapshot.made_at + timedelta(days=SOON_D)
    return tuple(one for at, one in sorted(found, key=lambda it: it[0]) if snapshot.made_at <= at <= until)


def _planned(snapshot: Snapshot, speech: PageLanguage) -> Iterator[tuple[datetime, Ahead]]:
    for source in snapshot.sources:
        for notice in source.notices if source.readable else ():
            if notice.planned and notice.began_at:
                when = speech.moment(notice.began_at, snapshot.made_at).words
                yield (
                    notice.began_at,
                    Ahead("planned", when, speech.about(source.provider, speech.notice_title(notice))),
                )


def _ending_credit(snapshot: Snapshot, speech: PageLanguage) -> Iterator[tuple[datetime, Ahead]]:
    for provider in snapshot.providers:
        for account in provider.accounts:
            for credit in account.credits:
                if credit.days_left is not None and credit.days_left <= SOON_D:
                    at = credit.at + timedelta(days=credit.days_left)
                    said = speech.say("credit of {account} ends at this pace", account=account.id)
                    yield at, Ahead(Mark.AT_RISK, speech.day(at), said)
                if credit.expires_at:
                    said = speech.say("credit of {account} expires", account=account.id)
                    yield credit.expires_at, Ahead(Mark.AT_RISK, speech.day(credit.expires_at), said)
