"""Shares of good answers, or of time, in words: never over a longer time than was watched; pure."""

from collections.abc import Iterator
from datetime import UTC, datetime

from monitor.publish.uptime import WINDOWS_D, Shares
from monitor.publish.view_model import UptimeShare
from monitor.sentence.translation import PageLanguage


def describe_shares(
    every: Shares, whole: int, since: datetime | None, slo: float, now: datetime, speech: PageLanguage
) -> tuple[UptimeShare, ...]:
    """Return the share of each window that was watched as a whole, and one since the first result if any was not.

    `whole`: how many windows were, of WINDOWS_D.
    """
    told = list(_windows(whole, since, now, speech))
    return tuple(_share(window, every[at], slo, speech) for at, window in enumerate(told))


def _windows(whole: int, since: datetime | None, now: datetime, speech: PageLanguage) -> Iterator[str]:
    """Yield a name for each window; the one after the whole ones holds all that is known."""
    for length in WINDOWS_D[:whole]:
        yield speech.say("24 h") if length == 1 else speech.say("{n} d", n=length)
    if whole < len(WINDOWS_D):
        yield speech.say("since {time}", time=since_words(since, now, speech)) if since else speech.say("so far")


def since_words(at: datetime, now: datetime, speech: PageLanguage) -> str:
    """Return a time of today to the minute, and an earlier one as its day."""
    at = at.astimezone(UTC)
    return f"{at:%H:%M}" if at.date() == now.astimezone(UTC).date() else speech.day(at)


def _share(window: str, share: float | None, slo: float, speech: PageLanguage) -> UptimeShare:
    said = speech.say("no data") if share is None else speech.percent(share)
    return UptimeShare(window, said, share is not None and share < slo)
