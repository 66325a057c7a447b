"""docs/reference/database.md: the views that people may read."""

from collections.abc import Iterator

from monitor.store.readable_view import MEANINGS

INTRODUCTION = """# The database, for people

Results are in one SQLite file, `state/monitor.db`. Its tables hold numbers, because there are millions of rows; these
views hold names, units and times. Any SQLite program can read them, even while the monitor runs:

```console
$ sqlite3 -readonly -header -column state/monitor.db "SELECT at, account, fault, latency_s FROM v_observation
  WHERE outcome = 'failed' ORDER BY at DESC LIMIT 10"
$ datasette state/monitor.db
```

At startup the monitor recreates views that are missing or changed. Tables may change with a version; views only gain
columns. Write to none of them: one process writes, and others ask it.

Times are ISO 8601 in UTC with milliseconds, `2026-11-21T12:00:00.000Z`, so that text sorts by time. Unknown values are
NULL.
"""


def page() -> Iterator[str]:
    yield INTRODUCTION
    for name, (about, columns) in MEANINGS.items():
        yield from (f"## {name}", "", about, "")
        yield from (f"- `{column}`: {meaning}" for column, meaning in columns.items())
        yield ""
