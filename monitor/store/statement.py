"""The statements that write one row of a table."""

from collections.abc import Sequence


def upsert(table: str, key: Sequence[str], rest: Sequence[str]) -> str:
    """Return a statement that writes a row, or replaces what is not its key of the one that is there."""
    names = [*key, *rest]
    changes = ", ".join(f"{name} = excluded.{name}" for name in rest)
    slots = ", ".join("?" * len(names))
    what = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({slots})"
    return f"{what} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"


OBSERVED = ("outcome", "fault", "status", "latency", "ttft", "tokens_in", "tokens_out", "cost")
OBSERVATION = upsert("observation", ("series_id", "at"), OBSERVED)
EVIDENCE = upsert("evidence", ("series_id", "at"), ("answer_id", "request_id"))
SPENDING = upsert("spending", ("location", "account", "day"), ("tokens", "usd"))
SOURCE = upsert("source", ("location", "id"), ("source",))
MARK = upsert("mark", ("location", "name"), ("value",))
TRACK = upsert("track", ("series_id",), ("track",))
POOL = upsert("pool", ("location", "id"), ("pool",))
NOTE = upsert("note", ("location", "account"), ("note",))
KNOWN = ("scope", "subject", "fault", "severity", "confidence", "opened", "closed", "drill", "details")
INCIDENT = upsert("incident", ("location", "id"), KNOWN)
SERIES = """
    INSERT INTO series (location, provider, account, canary, model, place) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING
"""
CHANGE = """
    INSERT INTO change (location, id, incident_id, kind, at, incident) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
REPLY = """
    INSERT INTO reply (location, id, kind, subject, at, until, details) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING
"""
INCIDENT_NOTE = """
    INSERT INTO incident_note (location, id, incident_id, at, by, text, public) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING
"""
