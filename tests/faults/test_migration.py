"""An older database is taken over by a process that is killed at every write of it."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from monitor.store.connection import open_writer
from monitor.store.expected_schema import VERSION
from monitor.store.reader import Reader
from tests.backstage import ROOT, environment
from tests.conftest import at
from tests.test_backup import versions
from tests.test_schema import lay

MIGRATE = "import sys; from pathlib import Path; from monitor.store.connection import open_writer; "
MIGRATE += "open_writer(Path(sys.argv[1])).close()"
EVERY = 7
"""Each so many-th write is enough: an odd number, so that all kinds of them are met."""


def migrate(path, killed_at):
    """Take it over in a process that dies at its n-th write of the database; return whether it came to its end."""
    inject = ["-e", "trace=pwrite64", "-e", f"inject=pwrite64:signal=KILL:when={killed_at}"]
    files = [word for side in ("", "-wal") for word in ("-P", f"{path}{side}")]
    command = ["strace", "-f", "-q", "-o", os.devnull, *files, *inject, sys.executable, "-c", MIGRATE, str(path)]
    done = subprocess.run(command, env=environment(PYTHONPATH=str(ROOT)), capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.skipif(not shutil.which("strace"), reason="the kill at a chosen write is made by strace")
@pytest.mark.parametrize("version", [1, 4, 7])
def test_a_takeover_that_is_killed_at_any_write_is_ended_by_the_next(tmp_path, version):
    killed_at, ended = 1, False
    while not ended:
        path = lay(version, tmp_path / f"{killed_at}.db")
        ended = migrate(path, killed_at)
        assert versions(path) in ((version, version), (VERSION, VERSION))
        with closing(open_writer(path)) as db:
            assert db.execute("PRAGMA user_version").fetchone()[0] == VERSION
            assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            assert len(Reader(db, "here").resumption.correspondence(at(61)).cases) == 1
            assert db.execute("SELECT count(*) FROM observation").fetchone()[0] == 1
        with closing(sqlite3.connect(f"{path}.schema-{version}")) as kept:
            assert kept.execute("SELECT count(*) FROM observation").fetchone()[0] == 1
        assert versions(f"{path}.schema-{version}") == (version, version)
        killed_at += EVERY
    assert killed_at > 1 + EVERY, "it was killed at least once"
