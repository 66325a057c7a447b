"""What a judge tells by itself while the shared store is away: that it led last and is blind, and what it knew."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import DecodeError, Struct, json

from monitor.alert.markup import as_format
from monitor.alert.text import MessageStyle, MessageText
from monitor.diagnose.incident import Incident
from monitor.sentence.translation import PageLanguage
from monitor.words import join_items

AWAY = timedelta(seconds=60)
"""How long the shared store is away before that is told."""
FRESH = timedelta(hours=1)
"""How long ago a node may have led to be the one that led last, after a restart: later, another one has."""
NAMED = 10
"""Most incidents that are named."""
KEPT = 100
"""Most incidents that are kept in mind for that."""


class LastLead(Struct, frozen=True):
    """What a node knew when it last led, `at`: what was `open`. `told`: the channels that know that it is blind."""

    at: datetime
    open: tuple[Incident, ...] = ()
    told: tuple[str, ...] = ()


def read_lead(content: bytes | None) -> LastLead | None:
    """Return what was kept as `write_lead` returned it; None: nothing that can be read."""
    try:
        return json.decode(content or b"null", type=LastLead | None)
    except DecodeError:
        return None


def write_lead(last: LastLead) -> bytes:
    return json.encode(last)


def is_to_be_told(last: LastLead, away: timedelta, now: datetime) -> bool:
    """Whether a node that cannot reach the shared store for that long is the one to say so."""
    return away >= AWAY and (bool(last.told) or now - last.at - away < FRESH)


def compose_blindness(last: LastLead, node: str, style: MessageStyle) -> MessageText:
    say, time = style.language.say, style.language.moment(last.at).words
    title = say("[MONITOR] {node} is blind: the shared store is away", node=node)
    lines = (
        say("{node} led last, and has not reached the shared store since {time}.", node=node, time=time),
        say("Unless another judge reaches it, nothing else is told until it is back; the places keep what they see."),
        _known(last.open, style.language),
    )
    return _written(title, lines, style)


def compose_sight(last: LastLead, node: str, style: MessageStyle, now: datetime) -> MessageText:
    language = style.language
    time = language.duration((now - last.at).total_seconds())
    title = language.say("[MONITOR] {node} sees again: the shared store is back", node=node)
    away = language.say("It was away for {time}. What the places saw meanwhile comes in.", time=time)
    return _written(title, [away], style)


def _known(incidents: Sequence[Incident], language: PageLanguage) -> str:
    if not incidents:
        return language.say("Nothing was open then.")
    what = join_items([language.title(one) for one in incidents], NAMED, language)
    return language.say("Open then: {what}", what=what)


def _written(title: str, lines: Sequence[str], style: MessageStyle) -> MessageText:
    brief = "\n".join(lines) + "\n"
    return MessageText(title, as_format(brief, style.format), brief, style.format, topic="shared store")
