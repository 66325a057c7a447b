"""Views for people with an SQLite tool: names instead of numbers, units in the column names, times in UTC.

The program itself does not read them. docs/reference/database.md is made of what is said here of each column.
"""

import logging
import sqlite3
from collections.abc import Mapping

from monitor.store.row import OUTCOMES
from probes.model import Outcome

log = logging.getLogger("monitor")


def _time(column: str) -> str:
    return f"strftime('%Y-%m-%dT%H:%M:%fZ', {column} / 1000.0, 'unixepoch')"


def _outcome_names() -> str:
    names = " ".join(f"WHEN {number} THEN '{outcome}'" for number, outcome in enumerate(OUTCOMES))
    return f"CASE outcome {names} ELSE '{Outcome.UNKNOWN}' END"


SELECTED = {
    "v_observation": f"""
        SELECT location, provider, account, canary, nullif(model, '') AS model, {_time("observation.at")} AS at,
            {_outcome_names()} AS outcome, fault, status AS http_status,
            latency / 1000.0 AS latency_s, ttft / 1000.0 AS ttft_s, tokens_in, tokens_out, cost / 1e9 AS cost_usd,
            rule, confidence, phase, words, request_id
        FROM observation JOIN series ON series.id = observation.series_id
        LEFT JOIN evidence ON evidence.series_id = observation.series_id AND evidence.at = observation.at
        LEFT JOIN answer ON answer.id = answer_id
        """,
    "v_incident": f"""
        SELECT location, id, scope, subject, fault, severity, confidence, {_time("opened")} AS opened_at,
            {_time("closed")} AS closed_at, (closed - opened) / 1000.0 AS lasted_s,
            iif(drill, 'yes', 'no') AS is_drill
        FROM incident
        """,
    "v_note": f"""
        SELECT location, incident_id, {_time("at")} AS at, by, text, iif(public, 'yes', 'no') AS is_public
        FROM incident_note
        """,
    "v_delivery": f"""
        SELECT outbox.location, incident_id, subject, fault, nullif(about_channel, '') AS about_channel,
            channel, step, number, nullif(note, '') AS note, state, tries, {_time("outbox.at")} AS decided_at,
            iif(state = 'waiting', {_time("next")}, NULL) AS next_try_at, {_time("done")} AS done_at,
            (done - outbox.at) / 1000.0 AS took_s, error
        FROM outbox LEFT JOIN incident ON incident.location = outbox.location AND incident.id = incident_id
        """,
}

MEANINGS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "v_observation": (
        "Each probe, as long as `[store] raw_days` says.",
        {
            "location": "where it was probed from, as `location` in monitor.toml says",
            "provider": "whom it asked",
            "account": "with which account: provider/name",
            "canary": "what it asked",
            "model": "which model",
            "at": "when the probe began",
            "outcome": "`ok`, `degraded`, `failed` or `unknown`",
            "fault": "what is wrong, in one word",
            "http_status": "the answer's status",
            "latency_s": "seconds to the whole answer",
            "ttft_s": "seconds to its first token",
            "tokens_in": "tokens that were sent",
            "tokens_out": "tokens that came back",
            "cost_usd": "what they cost in US dollars",
            "rule": "which rule classified the answer",
            "confidence": "how sure that is: `high`, `medium` or `low`",
            "phase": "the part of the network path that failed",
            "words": "what the provider said, without secrets",
            "request_id": "the provider's id of the request",
        },
    ),
    "v_incident": (
        "Each incident, for good. `location` and `id` together identify it.",
        {
            "location": "where it was seen from",
            "id": "its id there",
            "scope": "how much it affects, or affected",
            "subject": "what that is",
            "fault": "what is wrong",
            "severity": "how severe it is",
            "confidence": "how sure that is",
            "opened_at": "when its first failure was",
            "closed_at": "when its first good answer was; NULL while it is open",
            "lasted_s": "seconds between the two",
            "is_drill": "`yes` or `no`",
        },
    ),
    "v_note": (
        "What people wrote about an incident, as long as that is kept: for good.",
        {
            "location": "with `incident_id`, the incident",
            "incident_id": "its id",
            "at": "when it was written",
            "by": "by whom",
            "text": "the words, on one line",
            "is_public": "`yes`: the public site shows the words, too",
        },
    ),
    "v_delivery": (
        "Each message to a channel.",
        {
            "location": "where it was decided",
            "incident_id": "the incident that it is about",
            "subject": "what that affects",
            "fault": "what is wrong",
            "about_channel": "the failing channel, if the message is about one",
            "channel": "who gets it",
            "step": "its kind: `opened`, `reminder`, `resolved`, ...",
            "number": "its number within that kind",
            "note": "what it is about if not an incident",
            "state": "`waiting`, `sent`, `replaced` (by a newer one) or `failed` (given up)",
            "tries": "how many attempts were made",
            "decided_at": "when it was decided",
            "next_try_at": "when it is tried again",
            "done_at": "when it was sent or given up",
            "took_s": "seconds from the decision to the end",
            "error": "why the last attempt failed",
        },
    ),
}
"""What each view and each of its columns means: docs/reference/database.md is made of it."""

VIEWS = {name: f"CREATE VIEW {name} AS {' '.join(query.split())}" for name, query in SELECTED.items()}
"""SQL of each view as SQLite stores it, by its name."""


def drop_views(db: sqlite3.Connection) -> None:
    """Drop the views before a migration: SQLite renames nothing while a view no longer fits."""
    for name in VIEWS.keys() & _present(db).keys():
        db.execute(f"DROP VIEW {name}")


def make_views(db: sqlite3.Connection) -> None:
    """Create or replace outdated views. The monitor needs none of them, so an error is only logged."""
    there = _present(db)
    wrong = [name for name, made in VIEWS.items() if there.get(name) != made]
    if not wrong:
        return
    try:
        db.execute("BEGIN IMMEDIATE")
        for name in wrong:
            db.execute(f"DROP VIEW IF EXISTS {name}")
            db.execute(VIEWS[name])
        db.execute("COMMIT")
    except sqlite3.Error as error:
        if db.in_transaction:
            db.execute("ROLLBACK")
        log.warning("the views %s cannot be made: %s", ", ".join(wrong), error)


def _present(db: sqlite3.Connection) -> Mapping[str, str]:
    return dict(db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'view'"))
