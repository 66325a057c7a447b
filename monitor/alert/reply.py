"""What people reply: acknowledge, snooze, silence; pure."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2s

from msgspec import Struct

from monitor.alert.rule import Match
from monitor.words import join_items
from probes.redact import mask_keys

LONGEST = timedelta(days=9999)
"""Longest that a snooze or a silence lasts."""
LATE, EARLY = timedelta(days=1), timedelta(minutes=1)
"""How far a request's own time may be from the present: its process was stopped, or the clock was set back since."""


MOST_NAMED = 10
"""Most names that a repair lists: there may be thousands."""
MOST_COMPARED = 1_000
"""Most names among which the nearest are sought, as that holds up the monitor: 60 ms. Of more, those with the word."""


class ReplyKind(StrEnum):
    """ACKNOWLEDGE: somebody is working on it, until its end. SNOOZE: the same for a while. LIFT ends a silence."""

    ACKNOWLEDGE = "acknowledge"
    SNOOZE = "snooze"
    SILENCE = "silence"
    LIFT = "lift"


class Reply(Struct, frozen=True):
    """One reply. `subject` is an incident's id, for LIFT a silence's; a silence has a `match` instead.

    `until` is None if it has no end of its own. `token` is the digest of the signed link that it came by.
    """

    kind: ReplyKind
    at: datetime
    by: str = ""
    subject: str = ""
    match: Match | None = None
    until: datetime | None = None
    reason: str = ""
    token: str = ""

    @property
    def id(self) -> str:
        """An id that is the same for the same link, so that a second use does not count."""
        name = self.token or f"{self.kind}:{self.subject}:{self.match}:{self.at.isoformat()}"
        return blake2s(name.encode(), digest_size=4).hexdigest()

    def is_running(self, now: datetime) -> bool:
        return self.until is None or now < self.until


def active_replies(replies: Iterable[Reply], now: datetime) -> list[Reply]:
    """Return the replies that still count: not replaced or repeated, not expired, and no silence that was lifted."""
    replies = without_replaced(replies)
    lifted = {reply.subject for reply in replies if reply.kind is ReplyKind.LIFT}
    return [one for one in replies if one.kind is not ReplyKind.LIFT and one.is_running(now) and one.id not in lifted]


def without_replaced(replies: Iterable[Reply]) -> list[Reply]:
    """Return the replies, with only the latest snooze of each incident, whoever gave it, and none repeated.

    An expired snooze replaces earlier ones, too: who shortens one wants the messages back.
    """
    replies = without_repeated(replies)
    snoozes = sorted((one for one in replies if one.kind is ReplyKind.SNOOZE), key=lambda one: one.at)
    latest = {one.subject: one for one in snoozes}
    return [one for one in replies if one.kind is not ReplyKind.SNOOZE or one is latest[one.subject]]


def without_repeated(replies: Iterable[Reply]) -> list[Reply]:
    """Return the replies, with only the first acknowledgement of an incident by each person."""
    replies = list(replies)
    given = sorted((one for one in replies if one.kind is ReplyKind.ACKNOWLEDGE), key=lambda one: one.at)
    first = {(one.subject, one.by): one for one in reversed(given)}
    return [one for one in replies if one.kind is not ReplyKind.ACKNOWLEDGE or one is first[one.subject, one.by]]


def find_same(reply: Reply, known: Iterable[Reply]) -> Reply | None:
    """Return the first of the `known` replies of this kind to the same incident by the same person; None: no such."""
    asked = (reply.kind, reply.subject, reply.by)
    same = (one for one in known if (one.kind, one.subject, one.by) == asked)
    return min(same, key=lambda one: one.at, default=None)


def is_complete(reply: Reply) -> bool:
    """Whether a reply from outside is complete enough to count."""
    return is_dated(reply.at) and (reply.kind is not ReplyKind.SILENCE or reply.match is not None)


def is_dated(at: datetime | None) -> bool:
    """Whether a date is usable; the border turns an unusable one into None."""
    return at is not None


class Names(Struct, frozen=True):
    """The names that a silence may use: those of monitor.toml."""

    accounts: Collection[str]
    providers: Collection[str]
    tags: Collection[str]


class WrongArgument(Struct, frozen=True):
    """Why a request is not carried out: what is wrong with the argument `key`, and the repair."""

    key: str
    what: str
    repair: str

    def __str__(self) -> str:
        return mask_keys(f"{self.key} {self.what}; {self.repair}")


def subjects(kind: ReplyKind, incidents: Collection[str], replies: Iterable[Reply], now: datetime) -> list[str]:
    """Return the ids that a reply of this kind may name: of open `incidents`, or of silences in effect."""
    if kind is ReplyKind.LIFT:
        return [one.id for one in active_replies(replies, now) if one.kind is ReplyKind.SILENCE]
    return list(incidents)


def objection(reply: Reply, names: Names, subjects: Collection[str], now: datetime) -> WrongArgument | None:
    """Return why a complete reply cannot be meant, the first reason if there are several; None if it can.

    Commands and the process that they talk to ask the same question here.
    """
    return next(_objections(reply, names, subjects, now), None)


def _objections(reply: Reply, names: Names, subjects: Collection[str], now: datetime) -> Iterator[WrongArgument]:
    if reply.kind is ReplyKind.SILENCE:
        yield from _unknown_names(reply.match or Match(), names)
        if not reply.reason:
            repair = 'say why, for whoever wonders: --reason "key is being replaced"'
            yield WrongArgument("silence", "lacks --reason", repair)
    elif reply.subject not in subjects:
        is_lift = reply.kind is ReplyKind.LIFT
        what, otherwise = ("is no active silence", NO_SILENCE) if is_lift else ("is no open incident", NO_INCIDENT)
        yield WrongArgument(f'"{reply.subject}"', what, use_one_of(reply.subject, subjects, otherwise))
    if wrong := misdated(reply.at, now):
        yield wrong
    yield from _wrong_ends(reply)


def _unknown_names(match: Match, names: Names) -> Iterator[WrongArgument]:
    known = {
        "account": (match.accounts, names.accounts),
        "provider": (match.providers, names.providers),
        "tag": (match.tags, names.tags),
    }
    for part, (named, there) in known.items():
        for name in named:
            if name not in there:
                yield WrongArgument(
                    f'--{part} "{name}"', "is not watched", use_one_of(name, sorted(there), NO_NAME[part])
                )


NO_SILENCE = 'there is none; `silence 2h --reason "WORDS"` begins one'
NO_INCIDENT = "there is none; `incidents` lists those of the past"
NO_NAME = {
    "account": "add an [[accounts]] block to monitor.toml",
    "provider": "add an [[accounts]] block to monitor.toml",
    "tag": 'no account has a tag: write tags = ["NAME"] into its block in monitor.toml',
}
"""What to do where there is nothing to choose from."""


def use_one_of(word: str, known: Collection[str], otherwise: str) -> str:
    """Return the repair for a word that is not among the `known`: some of them, those most like it first."""
    named = join_items(list(dict.fromkeys((*_nearest(word, known), *known))), MOST_NAMED)
    return f"use one of: {named}" if named else otherwise


def _nearest(word: str, known: Collection[str]) -> list[str]:
    from difflib import get_close_matches  # only a mistake pays for this import

    if len(known) > MOST_COMPARED:
        return [one for one in known if word and word in one]
    return get_close_matches(word[: 2 * max(map(len, known), default=0)], known, n=MOST_NAMED)


def _wrong_ends(reply: Reply) -> Iterator[WrongArgument]:
    if reply.kind not in (ReplyKind.SNOOZE, ReplyKind.SILENCE):
        if reply.until:
            yield WrongArgument(reply.kind, "cannot have an end", "leave it out")
    elif reply.until is None:
        yield WrongArgument(reply.kind, "lacks an end", "say for how long: 30m, 2h or 7d")
    elif not timedelta(0) < reply.until - reply.at <= LONGEST:
        repair = f"name a moment after its beginning, within {LONGEST.days} days"
        yield WrongArgument(f"its end, {reply.until:%Y-%m-%d %H:%M} UTC,", "cannot be meant", repair)


def misdated(at: datetime, now: datetime) -> WrongArgument | None:
    """Return what is wrong with a request's own time; None if it is about now."""
    if now - LATE <= at <= now + EARLY:
        return None
    return WrongArgument(f"its time, {at:%Y-%m-%d %H:%M} UTC,", "is not now", "set the clock, then say this again")
