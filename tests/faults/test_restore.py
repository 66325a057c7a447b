"""A backup is put back by a process that is killed at every file it moves."""

import os
import shutil
import subprocess
import sys
from contextlib import closing

import pytest

from monitor.backend import open_store
from monitor.store.backup import back_up
from monitor.store.connection import open_writer
from monitor.store.row import Batch
from monitor.store.setting import StoreAddress
from monitor.store.writer import Writer
from tests.backstage import ROOT, environment
from tests.conftest import at, observation
from tests.test_backup import leave_log, looks

RESTORE = "import sys; from pathlib import Path; from monitor.store.backup import restore; "
RESTORE += "from tests.conftest import at; restore(Path(sys.argv[1]), Path(sys.argv[2]), at(0))"
MOVES = "rename,renameat,renameat2"


def restore(path, copy, killed_at):
    """Put it back in a process that dies at its n-th move of a file; return whether it came to its end."""
    command = ["strace", "-f", "-q", "-o", os.devnull, "-P", str(path.parent), "-e", f"trace={MOVES}"]
    command += [part for side in ("", "-wal", "-shm", ".restoring-20261121T120000") for part in ("-P", f"{path}{side}")]
    command += ["-e", f"inject={MOVES}:signal=KILL:when={killed_at}", sys.executable, "-c", RESTORE]
    known = environment(PYTHONPATH=str(ROOT))
    done = subprocess.run([*command, str(path), str(copy)], env=known, capture_output=True, check=False)
    assert done.returncode in (0, -9, 137), done.stderr
    return done.returncode == 0


@pytest.mark.skipif(not shutil.which("strace"), reason="the kill at a chosen move is made by strace")
def test_a_restore_that_is_killed_at_any_move_leaves_one_whole_database_and_the_other_beside_it(tmp_path):
    killed_at, ended, seen = 0, False, set()
    while not ended:
        killed_at += 1
        path, copy = tmp_path / str(killed_at) / "monitor.db", tmp_path / f"{killed_at}.db"
        path.parent.mkdir()
        with closing(open_writer(path)) as db:
            Writer(db, "here").save(Batch(at(0), (observation(),)))
        back_up(path, copy)
        leave_log(path, range(1, 40))
        ended = restore(path, copy, killed_at)
        with open_store(StoreAddress(path, "here")).writing(lambda: at(1), lambda: 0.0):
            pass
        asides = {*path.parent.glob("monitor.db.replaced-*")}
        beside = [looks(one) for one in asides if not one.name.endswith(("-wal", "-shm"))]
        seen.add((looks(path), *beside))
    assert seen <= {(40,), (1, 40)}
    assert (1, 40) in seen
    assert killed_at > 3, "it was killed on its way"
