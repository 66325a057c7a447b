"""The tables, and the migrations from each older version."""

import sqlite3
from contextlib import closing
from functools import cache

from sqlite_utils import Database, Migrations

from monitor.store.expected_schema import MIGRATIONS_NAME

MIGRATIONS = Migrations(MIGRATIONS_NAME)


@MIGRATIONS()
def m001_first(db: Database) -> None:
    """Times are whole milliseconds since 1970 UTC, durations milliseconds, money nano-USD: small and exact."""
    for statement in FIRST:
        db.execute(statement)


@MIGRATIONS()
def m002_note(db: Database) -> None:
    """The notes on an account besides health: credit, models on offer, warnings."""
    db.execute(
        """
        CREATE TABLE note (
            location TEXT NOT NULL, account TEXT NOT NULL, note TEXT NOT NULL, PRIMARY KEY (location, account)
        ) WITHOUT ROWID
        """
    )


@MIGRATIONS()
def m003_source(db: Database) -> None:
    """The state of each status source."""
    db.execute(
        """
        CREATE TABLE source (
            location TEXT NOT NULL, id TEXT NOT NULL, source TEXT NOT NULL, PRIMARY KEY (location, id)
        ) WITHOUT ROWID
        """
    )


@MIGRATIONS()
def m004_track(db: Database) -> None:
    """The detectors' memory of each target and each pool, and the evidence against a target."""
    db.execute("CREATE TABLE track (series_id INTEGER PRIMARY KEY, track TEXT NOT NULL)")
    db.execute(
        """
        CREATE TABLE pool (
            location TEXT NOT NULL, id TEXT NOT NULL, pool TEXT NOT NULL, PRIMARY KEY (location, id)
        ) WITHOUT ROWID
        """
    )
    db.execute("ALTER TABLE health ADD COLUMN evidence TEXT")


@MIGRATIONS()
def m005_step(db: Database) -> None:
    """A message has its own step, may be about no change, and is sent with others of the same instant (`at`)."""
    for statement in STEPWISE:
        db.execute(statement)


@MIGRATIONS()
def m006_outcome(db: Database) -> None:
    """An outcome becomes a number: 0 ok, 1 degraded, 2 failed, 3 unknown. It saves two bytes in millions of rows."""
    for statement in NUMBERED:
        db.execute(statement)


@MIGRATIONS()
def m007_flapping(db: Database) -> None:
    """Flapping becomes an incident of its own; a message about it was a step of another incident's."""
    db.execute("UPDATE OR REPLACE outbox SET step = 'changed' WHERE step = 'flapping'")


@MIGRATIONS()
def m008_well(db: Database) -> None:
    """The latest good answer of each target, from the observations still kept."""
    db.execute("ALTER TABLE health ADD COLUMN well INTEGER")
    db.execute(
        """
        UPDATE health SET well = (
            SELECT at FROM observation
            WHERE observation.series_id = health.series_id AND outcome = 0 ORDER BY at DESC LIMIT 1
        )
        """
    )


@MIGRATIONS()
def m009_phase(db: Database) -> None:
    """The phase of the connection that failed; kept with the words, as most of millions of observations have none."""
    db.execute("ALTER TABLE answer ADD COLUMN phase TEXT")


@MIGRATIONS()
def m010_about_channel(db: Database) -> None:
    """The channel a message is about; the text it was read from cannot tell `mail` from `mail: ops`."""
    for statement in ABOUT_CHANNEL:
        db.execute(statement)


@MIGRATIONS()
def m011_location(db: Database) -> None:
    """The location in each row that depends on it; ids become unique per location only.

    No database knows which location is configured: old rows get the one that probed last, as every process that used
    the file read all of them.
    """
    location = _latest_location(db)
    for table, columns in LOCATED.items():
        db.execute(f"ALTER TABLE {table} RENAME TO {table}_before")
        db.execute(columns)
    for table, copied in COPIED.items():
        db.execute(f"INSERT INTO {table} (location, {copied}) SELECT ?, {copied} FROM {table}_before", [location])
    for table in reversed(COPIED):
        db.execute(f"DROP TABLE {table}_before")
    for statement in LOCATED_INDEXES:
        db.execute(statement)


@MIGRATIONS()
def m012_incident_note(db: Database) -> None:
    """What people write about an incident."""
    db.execute(
        """
        CREATE TABLE incident_note (
            location TEXT NOT NULL,
            id TEXT NOT NULL,
            incident_id TEXT NOT NULL,
            at INTEGER NOT NULL,
            by TEXT NOT NULL,
            text TEXT NOT NULL,
            public INTEGER NOT NULL,
            PRIMARY KEY (location, id),
            FOREIGN KEY (location, incident_id) REFERENCES incident (location, id)
        ) WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX incident_note_incident ON incident_note (location, incident_id, at)")


@MIGRATIONS()
def m013_daily_level(db: Database) -> None:
    """What a ceiling and a credit were each day: the last of it, for charts of months."""
    db.execute(
        """
        CREATE TABLE daily_ceiling (
            series_id INTEGER NOT NULL,
            at INTEGER NOT NULL,
            unit TEXT NOT NULL,
            window INTEGER NOT NULL,
            most REAL NOT NULL,
            PRIMARY KEY (series_id, at, unit, window)
        ) WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE daily_credit (
            series_id INTEGER NOT NULL,
            at INTEGER NOT NULL,
            unit TEXT NOT NULL,
            remaining REAL NOT NULL,
            PRIMARY KEY (series_id, at, unit)
        ) WITHOUT ROWID
        """
    )


@MIGRATIONS()
def m014_outgoing(db: Database) -> None:
    """The observations on their way to a store that is shared; there, one holds those of several places."""
    db.execute("CREATE TABLE outgoing (seq INTEGER PRIMARY KEY, body TEXT NOT NULL)")
    db.execute("ALTER TABLE series ADD COLUMN place TEXT NOT NULL DEFAULT ''")


def _latest_location(db: Database) -> str:
    """Return the location of the latest observation, else of any row that has one, else the default name."""
    for query in LOCATIONS:
        if found := db.execute(query).fetchone():
            return str(found[0])
    return "here"


LOCATIONS = (
    "SELECT location FROM health JOIN series ON series.id = series_id ORDER BY coalesce(seen, 0) DESC LIMIT 1",
    *(f"SELECT location FROM {table} LIMIT 1" for table in ("series", "source", "note", "pool")),
)

LOCATED = {
    "spending": """
        CREATE TABLE spending (
            location TEXT NOT NULL,
            account TEXT NOT NULL,
            day TEXT NOT NULL,
            tokens INTEGER NOT NULL,
            usd REAL NOT NULL,
            PRIMARY KEY (location, account, day)
        ) WITHOUT ROWID
        """,
    "incident": """
        CREATE TABLE incident (
            location TEXT NOT NULL,
            id TEXT NOT NULL,
            scope TEXT NOT NULL,
            subject TEXT NOT NULL,
            fault TEXT NOT NULL,
            severity TEXT NOT NULL,
            confidence TEXT NOT NULL,
            opened INTEGER NOT NULL,
            closed INTEGER,
            drill INTEGER NOT NULL,
            details TEXT NOT NULL,
            PRIMARY KEY (location, id)
        )
        """,
    "change": """
        CREATE TABLE change (
            location TEXT NOT NULL,
            id TEXT NOT NULL,
            incident_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            at INTEGER NOT NULL,
            incident TEXT NOT NULL,
            PRIMARY KEY (location, id),
            FOREIGN KEY (location, incident_id) REFERENCES incident (location, id)
        )
        """,
    "outbox": """
        CREATE TABLE outbox (
            id INTEGER PRIMARY KEY,
            location TEXT NOT NULL,
            incident_id TEXT,
            change_id TEXT,
            channel TEXT NOT NULL,
            step TEXT NOT NULL,
            number INTEGER NOT NULL,
            note TEXT NOT NULL,
            about_channel TEXT NOT NULL DEFAULT '',
            at INTEGER NOT NULL,
            state TEXT NOT NULL,
            tries INTEGER NOT NULL,
            next INTEGER NOT NULL,
            done INTEGER,
            error TEXT,
            FOREIGN KEY (location, incident_id) REFERENCES incident (location, id),
            FOREIGN KEY (location, change_id) REFERENCES change (location, id)
        )
        """,
    "reply": """
        CREATE TABLE reply (
            location TEXT NOT NULL,
            id TEXT NOT NULL,
            kind TEXT NOT NULL,
            subject TEXT NOT NULL,
            at INTEGER NOT NULL,
            until INTEGER,
            details TEXT NOT NULL,
            PRIMARY KEY (location, id)
        ) WITHOUT ROWID
        """,
    "mark": """
        CREATE TABLE mark (
            location TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (location, name)
        ) WITHOUT ROWID
        """,
}

COPIED = {
    "spending": "account, day, tokens, usd",
    "incident": "rowid, id, scope, subject, fault, severity, confidence, opened, closed, drill, details",
    "change": "rowid, id, incident_id, kind, at, incident",
    "outbox": (
        "id, incident_id, change_id, channel, step, number, note, about_channel, at, state, tries, next, done, error"
    ),
    "reply": "id, kind, subject, at, until, details",
    "mark": "name, value",
}
"""Columns copied from each table, referenced tables first; `rowid` is the order in which the rows came."""

LOCATED_INDEXES = (
    "CREATE INDEX incident_opened ON incident (location, opened)",
    "CREATE INDEX change_incident ON change (location, incident_id, at)",
    """
    CREATE UNIQUE INDEX outbox_once
    ON outbox (location, coalesce(change_id, ''), channel, step, number, note, about_channel)
    """,
    "CREATE INDEX outbox_incident ON outbox (location, incident_id, channel)",
    "CREATE INDEX outbox_waiting ON outbox (location, channel, incident_id) WHERE state = 'waiting'",
)

ABOUT_CHANNEL = (
    "DROP INDEX outbox_once",
    "ALTER TABLE outbox ADD COLUMN about_channel TEXT NOT NULL DEFAULT ''",
    # The longest channel name that the text begins with; if nothing was ever sent to it, up to the first colon.
    """
    WITH known AS MATERIALIZED (SELECT DISTINCT channel FROM outbox)
    UPDATE outbox SET about_channel = coalesce(
        (
            SELECT known.channel FROM known
            WHERE known.channel <> outbox.channel
                AND substr(note, 1, length(known.channel) + 2) = known.channel || ': '
            ORDER BY length(known.channel) DESC LIMIT 1
        ),
        substr(note, 1, max(instr(note, ': ') - 1, 0))
    )
    WHERE step = 'failing'
    """,
    "UPDATE outbox SET note = substr(note, length(about_channel) + 3) WHERE about_channel <> ''",
    """
    CREATE UNIQUE INDEX outbox_once
    ON outbox (coalesce(change_id, ''), channel, step, number, note, about_channel)
    """,
)

OBSERVATION = """
    CREATE TABLE observation (
        series_id INTEGER NOT NULL,
        at INTEGER NOT NULL,
        outcome {kind} NOT NULL,
        fault TEXT,
        status INTEGER,
        latency INTEGER,
        ttft INTEGER,
        tokens_in INTEGER,
        tokens_out INTEGER,
        cost INTEGER,
        PRIMARY KEY (series_id, at)
    ) WITHOUT ROWID
    """

NUMBERED = (
    "ALTER TABLE observation RENAME TO observation_before",
    OBSERVATION.format(kind="INTEGER"),
    """
    INSERT INTO observation
    SELECT series_id, at, CASE outcome WHEN 'ok' THEN 0 WHEN 'degraded' THEN 1 WHEN 'failed' THEN 2 ELSE 3 END,
        fault, status, latency, ttft, tokens_in, tokens_out, cost
    FROM observation_before ORDER BY series_id, at
    """,
    "DROP TABLE observation_before",
)

STEPWISE = (
    "ALTER TABLE outbox RENAME TO outbox_before",
    "DROP INDEX outbox_waiting",
    """
    CREATE TABLE outbox (
        id INTEGER PRIMARY KEY,
        incident_id TEXT REFERENCES incident (id),
        change_id TEXT REFERENCES change (id),
        channel TEXT NOT NULL,
        step TEXT NOT NULL,
        number INTEGER NOT NULL,
        note TEXT NOT NULL,
        at INTEGER NOT NULL,
        state TEXT NOT NULL,
        tries INTEGER NOT NULL,
        next INTEGER NOT NULL,
        done INTEGER,
        error TEXT
    )
    """,
    """
    INSERT INTO outbox
    SELECT outbox_before.id, incident_id, change_id, channel, kind, 0, '', at, state, tries, next, done, error
    FROM outbox_before JOIN change ON change.id = change_id
    """,
    "DROP TABLE outbox_before",
    "CREATE UNIQUE INDEX outbox_once ON outbox (coalesce(change_id, ''), channel, step, number, note)",
    "CREATE INDEX outbox_incident ON outbox (incident_id, channel)",
    "CREATE INDEX outbox_waiting ON outbox (channel, incident_id) WHERE state = 'waiting'",
    """
    CREATE TABLE reply (
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        at INTEGER NOT NULL,
        until INTEGER,
        details TEXT NOT NULL
    ) WITHOUT ROWID
    """,
)


FIRST = (
    """
    CREATE TABLE series (
        id INTEGER PRIMARY KEY,
        location TEXT NOT NULL,
        provider TEXT NOT NULL,
        account TEXT NOT NULL,
        canary TEXT NOT NULL,
        model TEXT NOT NULL,
        UNIQUE (location, account, canary, model)
    )
    """,
    OBSERVATION.format(kind="TEXT"),
    """
    CREATE TABLE answer (
        id INTEGER PRIMARY KEY,
        digest BLOB NOT NULL UNIQUE,
        rule TEXT NOT NULL,
        confidence TEXT NOT NULL,
        words TEXT NOT NULL,
        body TEXT NOT NULL,
        first_at INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE evidence (
        series_id INTEGER NOT NULL,
        at INTEGER NOT NULL,
        answer_id INTEGER NOT NULL REFERENCES answer (id),
        request_id TEXT,
        PRIMARY KEY (series_id, at)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE ceiling (
        series_id INTEGER NOT NULL,
        unit TEXT NOT NULL,
        window INTEGER NOT NULL,
        most REAL,
        remaining REAL,
        since INTEGER NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (series_id, unit, window)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE health (
        series_id INTEGER PRIMARY KEY,
        state TEXT NOT NULL,
        since INTEGER,
        failures INTEGER NOT NULL,
        successes INTEGER NOT NULL,
        began INTEGER,
        seen INTEGER,
        fault TEXT,
        status INTEGER,
        request_id TEXT,
        answer_id INTEGER REFERENCES answer (id),
        reason TEXT,
        next INTEGER
    )
    """,
    """
    CREATE TABLE spending (
        account TEXT NOT NULL,
        day TEXT NOT NULL,
        tokens INTEGER NOT NULL,
        usd REAL NOT NULL,
        PRIMARY KEY (account, day)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE incident (
        id TEXT PRIMARY KEY,
        scope TEXT NOT NULL,
        subject TEXT NOT NULL,
        fault TEXT NOT NULL,
        severity TEXT NOT NULL,
        confidence TEXT NOT NULL,
        opened INTEGER NOT NULL,
        closed INTEGER,
        drill INTEGER NOT NULL,
        details TEXT NOT NULL
    )
    """,
    "CREATE INDEX incident_opened ON incident (opened)",
    """
    CREATE TABLE change (
        id TEXT PRIMARY KEY,
        incident_id TEXT NOT NULL REFERENCES incident (id),
        kind TEXT NOT NULL,
        at INTEGER NOT NULL,
        incident TEXT NOT NULL
    )
    """,
    "CREATE INDEX change_incident ON change (incident_id, at)",
    """
    CREATE TABLE outbox (
        id INTEGER PRIMARY KEY,
        change_id TEXT NOT NULL REFERENCES change (id),
        channel TEXT NOT NULL,
        state TEXT NOT NULL,
        tries INTEGER NOT NULL,
        next INTEGER NOT NULL,
        done INTEGER,
        error TEXT,
        UNIQUE (change_id, channel)
    )
    """,
    "CREATE INDEX outbox_waiting ON outbox (next) WHERE state = 'waiting'",
    *(
        f"""
        CREATE TABLE {name} (
            series_id INTEGER NOT NULL,
            at INTEGER NOT NULL,
            ok INTEGER NOT NULL,
            degraded INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            unknown INTEGER NOT NULL,
            latency BLOB,
            ttft BLOB,
            PRIMARY KEY (series_id, at)
        ) WITHOUT ROWID
        """
        for name in ("hourly", "daily")
    ),
    "CREATE TABLE mark (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)


def migrate(connection: sqlite3.Connection) -> None:
    """Migrate the tables, each step in a transaction or savepoint that also records it; within one of the caller's."""
    if connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        MIGRATIONS.apply(Database(connection))
    else:
        for statement in _all_at_once():
            connection.execute(statement)


@cache
def _all_at_once() -> tuple[str, ...]:
    """Return the statements that lay the tables of today, with the record of the steps, in an empty database.

    They take a tenth of the time of the steps, and a process may need several databases: each stand-in is a new one.
    """
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as empty:
        MIGRATIONS.apply(Database(empty))
        return tuple(one for one in empty.iterdump() if one not in ("BEGIN TRANSACTION;", "COMMIT;"))


def lay_tables(connection: sqlite3.Connection, version: int) -> None:
    """Make the tables of a version in an empty database."""
    later = [one.name for one in MIGRATIONS.pending(Database(connection))[version:]]
    MIGRATIONS.apply(Database(connection), stop_before=later)
    connection.execute(f"PRAGMA user_version = {version}")


def steps_until(version: int) -> list[str]:
    """Return the names of the steps to a version, from nothing."""
    with closing(sqlite3.connect(":memory:")) as empty:
        return [one.name for one in MIGRATIONS.pending(Database(empty))[:version]]
