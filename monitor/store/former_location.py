"""The locations for which a database was written before it came to be used for another."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from monitor.alert.case import Case
from monitor.alert.reply import ReplyKind, active_replies
from monitor.diagnose.incident import Incident
from monitor.store.database import Database
from monitor.store.key_value import KeyValues
from monitor.store.resumption import Resumption

AWAY = timedelta(hours=1)
"""How much later than we another location must have written last: two that take turns are both at work."""


class FormerLocation(Struct, frozen=True):
    """What is left of a location: its open incidents, who was told of them, and the number of silences in effect."""

    name: str
    incidents: tuple[Incident, ...]
    cases: Mapping[str, Case]
    silences: int


def former_locations(connection: Database, here: str, now: datetime) -> list[FormerLocation]:
    """Return the locations that wrote last while `here` did not, as after `location` was changed in monitor.toml."""
    mine = KeyValues(connection, here).last_beat()
    names = [row["location"] for row in connection.execute("SELECT location FROM mark WHERE name = 'beat' ORDER BY 1")]
    return [_former(connection, name, now) for name in names if name != here and _is_newer(connection, name, mine)]


def _is_newer(connection: Database, name: str, mine: datetime | None) -> bool:
    last = KeyValues(connection, name).last_beat()
    return last is not None and (mine is None or last - mine > AWAY)


def _former(connection: Database, name: str, now: datetime) -> FormerLocation:
    left = Resumption(connection, name, KeyValues(connection, name))
    incidents, its = left.resume().incidents, left.correspondence(now)
    silences = [one for one in active_replies(its.replies, now) if one.kind is ReplyKind.SILENCE]
    cases = {id: case for id, case in its.cases.items() if id in incidents}
    return FormerLocation(name, tuple(incidents.values()), cases, len(silences))
