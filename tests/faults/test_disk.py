"""The real program on a real disk that is full, read-only, failing, held, deleted or broken."""

import json
import shutil
import signal
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

from probes.simulator import Trouble
from tests.backstage import KEYS
from tests.faults.machine import end, failing, until

DOWN, RESOLVED = "[DOWN] openai/main: account suspended", "[RESOLVED] openai/main: account suspended"
REFUSED = "[MONITOR] results cannot be written; alerts go on from memory"
BACK = "[MONITOR] results are written again"
UNDER_WAY = 6
"""So many looks may have no answer yet when the program is ended."""
LOST = "[MONITOR] the database was lost or broken; watching goes on"

needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="system calls are made to fail by strace")


@contextmanager
def full(machine, _):
    machine.fill()
    try:
        yield
    finally:
        machine.empty()


@contextmanager
def read_only(machine, program):
    if program:  # the kernel remounts no disk on which a file is open for writing, but an error makes it do so
        with failing(program, "pwrite64,ftruncate,openat", "EROFS", *machine.files):
            yield
    else:
        machine.remount("ro")
        yield
        machine.remount("rw")


@contextmanager
def unsynced(machine, program):
    with failing(program, "fsync,fdatasync", "EIO", *machine.files):
        yield


@contextmanager
def held(machine, _):
    with machine.locked():
        yield


def watch(machine, stage, least=4, **environment):
    """Start the program; return it and its page's address once some looks are on the disk."""
    stage.write_config(machine.folder)
    program = machine.start("run", **environment)
    address = program.stdout.readline().removeprefix("status page: ").strip()
    until(lambda: len(looks(machine)) >= least)
    return program, address


def looks(machine):
    return machine.rows("SELECT series_id, at, outcome FROM observation") if machine.path("monitor.db").exists() else []


def titles(stage):
    return [message["title"] for message in stage.inbox.messages]


def read(address, path):
    try:
        with urllib.request.urlopen(f"{address}{path}") as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def healthz(address):
    status, words = read(address, "healthz")
    return status, json.loads(words)


@pytest.mark.parametrize(
    "fault",
    [
        full,
        pytest.param(read_only, marks=needs_strace),
        pytest.param(unsynced, marks=needs_strace),
        held,
    ],
)
def test_alerts_go_out_once_while_nothing_can_be_written_and_are_noted_afterwards(machine, stage, fault):
    program, address = watch(machine, stage)
    with fault(machine, program):
        stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
        until(lambda: DOWN in titles(stage), 60)
        until(lambda: REFUSED in titles(stage), 60)
        status, told = healthz(address)
        assert (status, told["alive"]) == (503, False)
        assert "results cannot be written to monitor.db" in told["reason"]
        assert machine.call("status")[0] == 1
        assert machine.call("status", "--alive")[0] == 1
        stage.set("openai/main", None)

    until(lambda: RESOLVED in titles(stage), 90)
    until(lambda: BACK in titles(stage), 60)
    assert end(program) == 0
    assert sorted(titles(stage)) == sorted([REFUSED, DOWN, RESOLVED, BACK])
    asked = sum(len(stage.simulator.received(key)) for key in KEYS.values())
    assert asked - UNDER_WAY <= len(looks(machine)) <= asked
    sent = machine.rows("SELECT step, state FROM outbox ORDER BY id")
    assert sorted(sent) == [["opened", "sent"], ["resolved", "sent"], ["store", "sent"], ["store", "sent"]]


@pytest.mark.parametrize(
    "how",
    [
        pytest.param("rm {0}*", id="deleted with its side files"),
        pytest.param("rm {0}", id="deleted"),
        pytest.param("mv {0} {0}.elsewhere", id="moved"),
        pytest.param("rm {0}-wal", id="its log deleted"),
    ],
)
def test_a_database_that_is_taken_away_is_written_anew_whole_and_told(machine, stage, how):
    program, _ = watch(machine, stage)
    machine.shell(how.format(machine.database))

    until(lambda: LOST in titles(stage))
    until(lambda: machine.path("monitor.db").exists() and len(looks(machine)) >= 10, 60)
    assert end(program) == 0
    asked = sum(len(stage.simulator.received(key)) for key in KEYS.values())
    assert asked - UNDER_WAY <= len(looks(machine)) <= asked
    assert machine.rows("PRAGMA integrity_check") == [["ok"]]
    assert titles(stage).count(LOST) == 1


def test_a_backup_that_is_put_there_while_it_runs_is_used_and_told(machine, stage):
    program, _ = watch(machine, stage)
    copy = machine.state / "copy.db"
    assert machine.call("backup", str(copy))[0] == 0
    machine.shell(f"mv {copy} {machine.database}")

    until(lambda: LOST in titles(stage))
    until(lambda: len(looks(machine)) >= 10, 60)
    assert end(program) == 0
    assert machine.rows("PRAGMA integrity_check") == [["ok"]]


def meddle(machine, *statements):
    """Let another program change the database."""
    for one in statements:
        machine.python(f"db = connect('{machine.database}'); db.execute({one!r}); db.commit()")


def theirs(machine):
    """Put another program's database in the place of ours."""
    file = machine.state / "theirs.db"
    machine.python(f"db = connect('{file}'); db.execute('CREATE TABLE bookmark (url TEXT)'); db.commit()")
    machine.shell(f"mv {file} {machine.database}")


@pytest.mark.parametrize(
    "spoiled",
    [
        pytest.param(lambda machine: meddle(machine, "DROP TABLE outbox"), id="no outbox"),
        pytest.param(lambda machine: meddle(machine, "DROP TABLE health"), id="no health"),
        pytest.param(lambda machine: meddle(machine, "PRAGMA user_version = -3"), id="of a version that never was"),
        pytest.param(theirs, id="another program's"),
    ],
)
def test_a_database_that_is_ours_no_more_is_set_aside_and_silences_nobody(machine, stage, spoiled):
    program, _ = watch(machine, stage)
    spoiled(machine)
    stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)

    until(lambda: {DOWN, LOST} <= {*titles(stage)}, 60)
    until(lambda: machine.rows("SELECT count(*) FROM incident WHERE closed IS NULL") == [[1]])
    assert machine.call("status")[0] == 1
    assert end(program) == 0
    assert sorted(titles(stage)) == sorted([LOST, DOWN])
    assert "monitor.db.foreign-" in machine.shell(f"ls {machine.state}")
    assert "Traceback" not in machine.log


def test_what_was_sent_is_not_sent_again_though_the_note_of_it_is_lost_with_the_log(machine, stage):
    program, _ = watch(machine, stage)
    stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
    until(lambda: DOWN in titles(stage), 60)
    time.sleep(1)
    machine.shell(f"truncate -s 0 {machine.database}-wal")

    until(lambda: LOST in titles(stage), 120)
    time.sleep(5)
    assert end(program) == 0
    assert sorted(titles(stage)) == sorted([DOWN, LOST])
    assert machine.rows("SELECT DISTINCT state FROM outbox") == [["sent"]]


@pytest.mark.parametrize("how", ["rm -r {0}", "mv {0} {0}.old"], ids=["deleted", "moved"])
def test_a_folder_that_is_taken_away_is_made_again_with_the_database(machine, stage, how):
    folder = machine.state / "inner"
    machine.database = folder / "monitor.db"
    stage.write_config(machine.folder, '[store]\npath = "state/inner/monitor.db"\n')
    program = machine.start("run")
    until(lambda: len(machine.rows("SELECT at FROM observation")) >= 4)
    machine.shell(how.format(folder))

    until(lambda: LOST in titles(stage))
    until(lambda: len(machine.rows("SELECT at FROM observation")) >= 10, 60)
    assert machine.call("once")[0] == 0
    assert "is left out" not in machine.log
    assert end(program) == 0
    asked = sum(len(stage.simulator.received(key)) for key in KEYS.values())
    assert asked - UNDER_WAY <= len(machine.rows("SELECT at FROM observation")) <= asked
    assert titles(stage) == [LOST]


def test_a_lock_that_is_deleted_is_taken_again_so_that_no_second_process_writes(machine, stage):
    program, _ = watch(machine, stage)
    lock = machine.path("monitor.db.lock")
    lock.unlink()
    until(lock.exists)
    assert machine.call("run")[0] == 2
    stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)

    until(lambda: DOWN in titles(stage), 60)
    assert end(program) == 0
    assert titles(stage) == [DOWN]


def test_a_database_that_is_moved_behind_a_link_is_used_where_that_leads_and_told(machine, stage):
    program, _ = watch(machine, stage)
    machine.shell(f"cd {machine.state} && mkdir far && mv monitor.db far/ && ln -s far/monitor.db monitor.db")

    until(lambda: LOST in titles(stage))
    until(lambda: machine.call("status")[0] == 0)
    assert end(program) == 0
    asked = sum(len(stage.simulator.received(key)) for key in KEYS.values())
    kept = machine.rows("SELECT at FROM observation")
    assert asked - UNDER_WAY <= len(kept) <= asked
    assert machine.shell(f"readlink {machine.database}") == "far/monitor.db\n"
    assert "monitor.db-wal" not in machine.shell(f"ls {machine.state}")
    assert titles(stage) == [LOST]


def spoil(machine, first=1):
    """Flip every page from that one on, on the disk."""
    machine.python(f"connect('{machine.database}').execute('PRAGMA wal_checkpoint(TRUNCATE)')")
    with machine.path("monitor.db").open("r+b") as file:
        pages = file.seek(0, 2) // 4096
        assert pages > 10
        for page in range(first, pages):
            file.seek(page * 4096)
            file.write(b"\xa5" * 4096)


def test_a_broken_database_is_set_aside_while_it_runs_and_the_watch_goes_on(machine, stage):
    program, _ = watch(machine, stage)
    spoil(machine)
    stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)

    until(lambda: {DOWN, LOST} <= {*titles(stage)}, 60)
    assert end(program) == 0
    assert sorted(titles(stage)) == sorted([LOST, DOWN])
    assert [one for one in machine.shell(f"ls {machine.state}").split() if one.startswith("monitor.db.corrupt-")]
    assert machine.rows("SELECT count(*) FROM incident WHERE closed IS NULL") == [[1]]


def test_a_database_that_is_broken_at_the_start_is_set_aside_and_the_last_two_are_kept(machine, stage):
    stage.write_config(machine.folder)
    for first in (1, 1, 0):
        assert machine.call("once")[0] == 0
        spoil(machine, first)
    assert machine.call("once")[0] == 0

    assert titles(stage) == [LOST] * 3
    aside = [one for one in machine.shell(f"ls {machine.state}").split() if one.startswith("monitor.db.corrupt-")]
    assert len([one for one in aside if not one.endswith(("-wal", "-shm"))]) == 2


@needs_strace
def test_a_disk_that_fails_to_read_is_no_broken_database(machine, stage):
    program, _ = watch(machine, stage)
    with failing(program, "pread64", "EIO", *machine.files):
        stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
        until(lambda: DOWN in titles(stage), 60)

    until(lambda: machine.rows("SELECT state FROM outbox WHERE step = 'opened'") == [["sent"]])
    assert end(program) == 0
    assert "corrupt" not in machine.shell(f"ls {machine.state}")


@pytest.mark.parametrize("fault", [full, read_only])
def test_single_rounds_tell_once_while_nothing_can_be_written_and_catch_up(machine, stage, fault):
    stage.write_config(machine.folder)
    assert machine.call("once")[0] == 0
    with fault(machine, None):
        stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
        for _ in range(2):
            time.sleep(10)
            assert machine.call("once")[0] == 1
        assert machine.call("status")[0] == 1
        assert titles(stage).count(DOWN) == 1
        assert titles(stage).count(REFUSED) == 1
        told = titles(stage)

    machine.call("once")
    assert titles(stage) == [*told, BACK]
    assert machine.shell(f"ls {machine.runtime}") == ""
    assert machine.rows("SELECT count(*) FROM outbox WHERE state <> 'sent'") == [[0]]


@pytest.mark.quick
def test_a_disk_on_which_it_never_worked_is_refused_with_the_repair(machine, stage):
    stage.write_config(machine.folder)
    machine.remount("ro")

    assert machine.call("run")[0] == 2
    assert "Read-only file system; make" in machine.log
    assert "Traceback" not in machine.log


def test_a_start_on_a_full_disk_goes_on_with_what_was_known(machine, stage):
    program, _ = watch(machine, stage)
    stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
    until(lambda: DOWN in titles(stage), 60)
    assert end(program) == 0
    with full(machine, None):
        again = machine.start("run")
        until(lambda: REFUSED in titles(stage), 60)
        stage.set("openai/main", None)
        until(lambda: RESOLVED in titles(stage), 90)

    until(lambda: BACK in titles(stage), 60)
    assert end(again) == 0
    assert titles(stage) == [DOWN, REFUSED, RESOLVED, BACK]


def test_a_kill_while_nothing_can_be_written_loses_and_repeats_nothing(machine, stage):
    program, _ = watch(machine, stage)
    with full(machine, None):
        stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
        until(lambda: {DOWN, REFUSED} <= {*titles(stage)}, 60)
        time.sleep(1)
        end(program, signal.SIGKILL)
        again = machine.start("run")
        time.sleep(5)

    until(lambda: BACK in titles(stage), 60)
    assert end(again) == 0
    assert sorted(titles(stage)) == sorted([DOWN, REFUSED, BACK])


def test_a_backup_of_a_running_monitor_is_whole_and_can_be_put_back(machine, stage):
    program, _ = watch(machine, stage)
    copy = machine.folder / "copies" / "monitor.db"
    copy.parent.mkdir()
    assert machine.call("backup", str(copy))[0] == 0
    assert machine.call("restore", str(copy))[0] == 2
    assert "stop it" in machine.log
    kept = len(looks(machine))
    assert end(program) == 0
    assert machine.call("restore", str(copy))[0] == 0

    assert 4 <= len(looks(machine)) <= kept
    assert "monitor.db.replaced-" in machine.shell(f"ls {machine.state}")
    assert machine.call("once")[0] == 0


@pytest.mark.quick
def test_what_is_no_backup_is_refused_and_the_database_stays(machine, stage):
    stage.write_config(machine.folder)
    machine.call("once")
    before = looks(machine)
    for name, statement in {
        "text": None,
        "newer": "PRAGMA user_version = 99",
        "of no version": "PRAGMA user_version = -3",
        "without a table": "DROP TABLE outbox",
    }.items():
        file = machine.folder / name
        if statement is None:
            file.write_bytes(b"my shopping list")
        else:
            assert machine.call("backup", str(file))[0] == 0
            machine.python(f"db = connect('{file}'); db.execute('{statement}'); db.commit()")
        assert machine.call("restore", str(file))[0] == 2

    assert looks(machine) == before
    assert machine.call("once")[0] == 0
    assert "file is not a database" in machine.log
    assert "of its tables outbox is missing; name a file that `backup` wrote" in machine.log
    assert "of schema 99, newer than this program's" in machine.log


@pytest.mark.quick
def test_a_database_of_a_newer_program_is_refused(machine, stage):
    stage.write_config(machine.folder)
    machine.call("once")
    machine.python(f"connect('{machine.database}').execute('PRAGMA user_version = 99')")

    assert [machine.call(one)[0] for one in ("run", "once", "status")] == [2, 2, 2]
    assert "Traceback" not in machine.log


READERS = (["once"], ["run"], ["status"], ["status", "--alive"], ["incidents"], ["pick", "openai"], ["tune"])
READERS += (["alerts", "history"], ["alerts", "replay"], ["silence"], ["backup", "copy.db"])


@pytest.mark.quick
def test_what_is_no_database_of_ours_is_named_with_the_repair_by_each_command(machine, stage):
    stage.write_config(machine.folder)
    theirs(machine)
    before = machine.path("monitor.db").read_bytes()

    assert [(one, machine.call(*one)[0]) for one in READERS] == [(one, 2) for one in READERS]
    words = "monitor.db: is no database of provider-monitor; restore a backup, or move it away; a new one is made"
    assert machine.log.count(words) == len(READERS)
    assert "Traceback" not in machine.log
    assert machine.path("monitor.db").read_bytes() == before


@pytest.mark.quick
def test_a_command_that_only_reads_names_a_database_that_is_ours_no_more_and_leaves_it(machine, stage):
    stage.write_config(machine.folder)
    machine.call("once")
    meddle(machine, "DROP TABLE outbox")
    before = machine.path("monitor.db").read_bytes()

    readers = [one for one in READERS if one not in (["once"], ["run"])]
    assert [(one, machine.call(*one)[0]) for one in readers] == [(one, 2) for one in readers]
    words = (
        "monitor.db: of its tables outbox is missing; restore a backup, or start `run` or `once`, which set it aside"
    )
    assert machine.log.count(words) == len(readers)
    assert machine.path("monitor.db").read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("DROP TABLE health", id="a table is gone"),
        pytest.param("ALTER TABLE observation RENAME COLUMN outcome TO result", id="a column has another name"),
        pytest.param("PRAGMA user_version = -3", id="of a version that never was"),
    ],
)
def test_a_database_that_is_ours_no_more_at_the_start_is_set_aside_and_the_watch_goes_on(machine, stage, statement):
    stage.write_config(machine.folder)
    assert machine.call("once")[0] == 0
    meddle(machine, statement)
    stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
    program = machine.start("run")

    until(lambda: {DOWN, LOST} <= {*titles(stage)} or program.poll() is not None, 60)
    assert end(program) == 0
    assert sorted(titles(stage)) == sorted([LOST, DOWN])
    assert "monitor.db.foreign-" in machine.shell(f"ls {machine.state}")
    assert machine.call("status")[0] == 1


@pytest.mark.quick
def test_a_database_that_turns_out_broken_while_it_is_read_is_named_with_the_repair(machine, stage):
    stage.write_config(machine.folder)
    machine.call("once")
    spoil(machine, 3)

    assert [machine.call(one)[0] for one in ("status", "incidents")] == [2, 2]
    assert machine.log.count("monitor.db: database disk image is malformed; restore a backup, or move it away") == 2
    assert "Traceback" not in machine.log


def test_a_full_disk_of_the_page_alone_holds_up_nothing(machine, stage):
    (machine.folder / "site").mkdir()
    machine.shell("mount -t tmpfs -o size=64k page site")
    program, address = watch(machine, stage)
    stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)

    until(lambda: DOWN in titles(stage), 60)
    assert healthz(address)[0] == 200
    for path in ("", "metrics", "usable.json"):
        status, words = read(address, path)
        assert (status, "the page cannot be written" in words.lower()) == (503, True)
    machine.shell("mount -o remount,size=16m site")
    until(lambda: read(address, "")[0] == 200, 60)
    assert end(program) == 0
    assert titles(stage) == [DOWN]
    assert "the page cannot be written" in machine.log


def test_a_process_that_can_write_nowhere_remembers_by_itself(machine, stage):
    program, address = watch(machine, stage, RUNTIME_DIRECTORY="/proc/none")
    with full(machine, program):
        stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
        until(lambda: {DOWN, REFUSED} <= {*titles(stage)}, 60)
        assert healthz(address)[0] == 503

    until(lambda: BACK in titles(stage), 60)
    assert end(program) == 0
    assert sorted(titles(stage)) == sorted([DOWN, REFUSED, BACK])
    assert sorted(machine.rows("SELECT step, state FROM outbox")) == [
        ["opened", "sent"],
        ["store", "sent"],
        ["store", "sent"],
    ]
