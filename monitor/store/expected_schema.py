"""The tables of this version: they show whether a sound file is a database of this program at all."""

import sqlite3
from contextlib import suppress
from os.path import isfile

from monitor.storage_refusal import StoreError

VERSION = 14
"""Version of the schema that this program writes, in `PRAGMA user_version`: the number of steps in `schema`."""

MIGRATIONS_TABLE = "_sqlite_migrations"
"""Table of the migration steps taken, which every database of ours has had from the first one on."""
MIGRATIONS_NAME = "provider-monitor"
"""Name of our set of steps in that table."""
ENOUGH = 2
"""Number of tables exactly as in LAYOUT that prove a database ours."""


class ForeignDatabase(StoreError):
    """The file is sound, but not a database of this program, or not of a version that it supports."""


LAYOUT = {
    "series": "id* location! provider! account! canary! model! place! (location account canary model)",
    "observation": ("series_id!* at!* outcome! fault status latency ttft tokens_in tokens_out cost (series_id at)"),
    "answer": "id* digest! rule! confidence! words! body! first_at! phase (digest)",
    "evidence": "series_id!* at!* answer_id! request_id (series_id at)",
    "ceiling": "series_id!* unit!* window!* most remaining since! at! (series_id unit window)",
    "health": (
        "series_id* state! since failures! successes! began seen fault status request_id answer_id reason next "
        "evidence well"
    ),
    "spending": "location!* account!* day!* tokens! usd! (location account day)",
    "incident": (
        "location!* id!* scope! subject! fault! severity! confidence! opened! closed drill! details! (location id)"
    ),
    "change": "location!* id!* incident_id! kind! at! incident! (location id)",
    "outbox": (
        "id* location! incident_id change_id channel! step! number! note! about_channel! at! state! tries! next! "
        "done error (location ? channel step number note about_channel)"
    ),
    "reply": "location!* id!* kind! subject! at! until details! (location id)",
    "incident_note": "location!* id!* incident_id! at! by! text! public! (location id)",
    "hourly": "series_id!* at!* ok! degraded! failed! unknown! latency ttft (series_id at)",
    "daily": "series_id!* at!* ok! degraded! failed! unknown! latency ttft (series_id at)",
    "daily_ceiling": "series_id!* at!* unit!* window!* most! (series_id at unit window)",
    "daily_credit": "series_id!* at!* unit!* remaining! (series_id at unit)",
    "mark": "location!* name!* value! (location name)",
    "note": "location!* account!* note! (location account)",
    "source": "location!* id!* source! (location id)",
    "track": "series_id* track!",
    "pool": "location!* id!* pool! (location id)",
    "outgoing": "seq* body!",
}
"""Columns of each table (`!`: never null, `*`: in its key), and in brackets what is unique."""
ROW_IDS = frozenset({"id*", "series_id*", "series_id!*", "answer_id", "answer_id!"})
"""Columns that hold a row id, as LAYOUT writes them: a row has another one in each file."""


def columns(table: str) -> tuple[str, ...]:
    """Return the columns of a table but row ids, in order."""
    its = LAYOUT[table].partition(" (")[0].split()
    return tuple(one.rstrip("!*") for one in its if one not in ROW_IDS)


SEEN = """
    SELECT name, (
        SELECT group_concat(one.name || iif(one."notnull", '!', '') || iif(one.pk, '*', ''), ' ')
        FROM pragma_table_xinfo(its.name) AS one
    ) || coalesce((
        SELECT group_concat(' (' || columns || ')', '') FROM (
            SELECT (
                SELECT group_concat(coalesce(part.name, '?'), ' ') FROM pragma_index_info(one.name) AS part
            ) AS columns
            FROM pragma_index_list(its.name) AS one WHERE one."unique" ORDER BY columns
        )
    ), '') AS layout
    FROM sqlite_master AS its WHERE type = 'table'
"""


def layout(db: sqlite3.Connection) -> dict[str, str]:
    """Return the columns of each table, in the form of LAYOUT. It takes 0.4 ms. Raises sqlite3.Error."""
    return dict(tuple(row) for row in db.execute(SEEN))


def schema_problem(db: sqlite3.Connection) -> str | None:
    """Return why a file is not a database that this program writes to; None: it is one. Raises sqlite3.Error."""
    version, there = version_of(db), layout(db)
    if version == VERSION:
        return _difference(there)
    return (
        _newer(version)
        or _not_older(db, version, there)
        or f"is of schema {version}, older than this program's {VERSION}"
    )


def check_version(db: sqlite3.Connection, name: str) -> int:
    """Return the version of a database, 0 if it is still empty. Raises ForeignDatabase if it is not ours, or newer.

    Raises sqlite3.Error.
    """
    version = version_of(db)
    if words := _newer(version):
        raise ForeignDatabase(f"{name}: {words}; {_way_back(name)}")
    if words := _difference(layout(db)) if version == VERSION else _not_older(db, version, layout(db)):
        raise ForeignDatabase(f"{name}: {words}; {SET_ASIDE if was_ours(db) else REPAIR}")
    return version


def was_ours(db: sqlite3.Connection) -> bool:
    """Whether this program, in this or an older version, made a file, whatever became of it. Raises sqlite3.Error.

    False for a file that may be a newer version's, or another program's named by mistake.
    """
    there = layout(db)
    alike = sum(there.get(name) == its for name, its in LAYOUT.items())
    return version_of(db) <= VERSION and (alike >= ENOUGH or _took_our_steps(db))


def _took_our_steps(db: sqlite3.Connection) -> bool:
    return steps_taken(db) > 0


def steps_taken(db: sqlite3.Connection) -> int:
    """Return how many migration steps a database records. Raises sqlite3.Error."""
    with suppress(sqlite3.OperationalError):  # no such table, or no such column
        query = f"SELECT count(*) FROM {MIGRATIONS_TABLE} WHERE migration_set = ?"
        return int(db.execute(query, [MIGRATIONS_NAME]).fetchone()[0])
    return 0


NAMED = 3
"""Most wrong tables named in a message."""

REPAIR = "restore a backup, or move it away; a new one is made"
SET_ASIDE = "restore a backup, or start `run` or `once`, which set it aside and go on with a new one"


def version_of(db: sqlite3.Connection) -> int:
    """Return the version that a database says it is of. Raises sqlite3.Error."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _newer(version: int) -> str | None:
    return f"is of schema {version}, newer than this program's {VERSION}" if version > VERSION else None


def _way_back(name: str) -> str:
    """Return what to do about a newer database: of one that was ours, a copy of before is kept beside it."""
    copy = f"{name}.schema-{VERSION}"
    other = f"go back to before with `restore {copy}`" if isfile(copy) else "name another database"
    return f"update provider-monitor, or {other}"


def _not_older(db: sqlite3.Connection, version: int, there: dict[str, str]) -> str | None:
    """Return why a file of an older version is not ours; None for ours, an empty or a half-made one.

    The table of the steps alone proves nothing: any user of sqlite-utils may have one.
    """
    if version >= 0 and (_took_our_steps(db) or (version == 0 and _is_blank(db, there))):
        return None
    return "is no database of provider-monitor"


def _is_blank(db: sqlite3.Connection, there: dict[str, str]) -> bool:
    """Whether no migration step was taken yet; another process may be at it."""
    return not there or (
        there.keys() == {MIGRATIONS_TABLE} and db.execute(f"SELECT 1 FROM {MIGRATIONS_TABLE}").fetchone() is None
    )


def _difference(there: dict[str, str]) -> str | None:
    if there.keys().isdisjoint(LAYOUT):
        return "is no database of provider-monitor"
    missing = [f"{name} is missing" for name in LAYOUT if name not in there]
    other = [f"{name} is another one" for name, seen in LAYOUT.items() if there.get(name, seen) != seen]
    wrong = missing + other
    more = f", and so are {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
    return f"of its tables {', '.join(wrong[:NAMED])}{more}" if wrong else None
