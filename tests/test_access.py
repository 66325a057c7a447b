"""What another user of the machine reads of what is written: tried by a process of such a user."""

import os
import shutil
import stat
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitor import storage_refusal  # noqa: F401
from monitor.alert.reply import Reply, ReplyKind
from monitor.cli import main
from monitor.storage_refusal import StoreError
from monitor.store.backup import back_up, restore
from monitor.store.connection import open_reader, open_writer
from monitor.store.file_owner import SIDE_FILES, NotCarriedOut
from monitor.store.lock import Lock
from monitor.store.replies import save_reply
from monitor.store.standby_path import standby_file
from tests.backstage import KEYS, ROOT, VARIABLES, backstage, call, public_folder
from tests.conftest import at

STRANGER = 65534
OPEN = ("public/index.html", "public/style.css", "public/api/v2/summary.json")
METRICS = "metrics/provider-monitor.prom"
CLOSED = ("site/index.html", "site/usable.json", "site/metrics.prom", "state/monitor.db")

IS_CLOSED = not all(place.stat().st_mode & 0o001 for place in (ROOT, *ROOT.parents))
as_root = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root, with setpriv, can be somebody else"
)


@contextmanager
def mask(bits):
    before = os.umask(bits)
    try:
        yield
    finally:
        os.umask(before)


@pytest.fixture(scope="module")
def stage():
    with backstage() as made:
        yield made


@pytest.fixture(scope="module", params=[0o022, 0o077], ids=["umask 022", "umask 077"])
def written(request, stage):
    """What one round writes under this umask."""
    with mask(request.param), public_folder() as folder:
        stage.write_config(folder, channel=False)
        assert call("once", folder=folder)[0] == 0
        yield folder


def as_stranger(*command, group=STRANGER):
    identity = ["setpriv", f"--reuid={STRANGER}", f"--regid={group}", "--clear-groups"]
    return subprocess.run([*identity, *command], capture_output=True, check=False)


@as_root
@pytest.mark.parametrize("name", [*OPEN, METRICS])
def test_a_web_server_and_a_collector_read_what_is_for_them(written, name):
    got = as_stranger("cat", written / name)

    assert (got.returncode, got.stdout) == (0, (written / name).read_bytes())
    assert got.stdout


@as_root
@pytest.mark.parametrize("name", CLOSED)
def test_nobody_else_reads_the_private_page_or_the_database(written, name):
    assert (written / name).exists()
    assert b"Permission denied" in as_stranger("cat", written / name).stderr


@as_root
def test_the_group_reads_the_private_page_unless_the_umask_says_otherwise(written, request):
    code = as_stranger("cat", written / "site" / "index.html", group=os.getegid()).returncode

    assert (code == 0) is ("022" in request.node.callspec.id)


@as_root
@pytest.mark.parametrize("name", ["public", "metrics", "public/api", METRICS])
def test_nobody_else_writes_anything(written, name):
    assert as_stranger("test", "-r", written / name).returncode == 0
    assert as_stranger("test", "-w", written / name).returncode == 1


def test_the_collector_reads_what_the_page_says(written):
    assert (written / METRICS).read_bytes() == (written / "site" / "metrics.prom").read_bytes()
    assert list((written / "metrics").iterdir()) == [written / METRICS]


def test_what_is_open_is_open_throughout(written):
    for top in ("public", "metrics"):
        paths = [written / top, *(written / top).rglob("*")]
        modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in paths}
        assert modes == {(True, 0o755), (False, 0o644)}


def test_a_file_that_an_older_version_closed_is_opened(written):
    (written / "public" / "index.html").chmod(0o640)
    (written / METRICS).chmod(0o600)
    call("once", folder=written)

    assert {stat.S_IMODE((written / name).stat().st_mode) for name in ("public/index.html", METRICS)} == {0o644}


def test_what_others_read_costs_the_page_nothing_when_it_cannot_be_written(stage, tmp_path):
    stage.write_config(tmp_path, channel=False)
    (tmp_path / "metrics").write_text("in the way")
    code, _, err = call("once", folder=tmp_path)

    assert code == 0
    assert (tmp_path / "site" / "index.html").exists()
    assert f"what others read cannot be written to {tmp_path}/metrics" in err


def test_check_says_that_a_place_within_the_private_page_is_closed(stage, tmp_path):
    stage.write_config(tmp_path, channel=False)
    file = tmp_path / "monitor.toml"
    assert "closed to others" not in call("check", folder=tmp_path)[2]
    file.write_text(file.read_text().replace("[site]\n", '[site]\npublic_folder = "site/public"\n'))
    code, _, err = call("check", folder=tmp_path)

    assert code == 0
    assert f"{tmp_path}/site/public is closed to others by {tmp_path}/site" in err


@as_root
@pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o700, 0o644), (0o755, 0o600)])
def test_a_configuration_that_is_closed_to_us_is_refused_and_not_taken_for_none(
    folder_mode, file_mode, monkeypatch, capsys
):
    with public_folder() as folder:
        (folder / "monitor.toml").touch(file_mode)
        monkeypatch.chdir(folder)
        main(["check"])  # loads what the stranger may be unable to read
        folder.chmod(folder_mode)
        os.seteuid(STRANGER)
        try:
            code = main(["check"])
        finally:
            os.seteuid(0)

    said = "monitor.toml: cannot be read (Permission denied); make monitor.toml, and its folder, readable"
    assert (code, said in capsys.readouterr().err) == (2, True)


@contextmanager
def stranger():
    os.seteuid(STRANGER)
    try:
        yield
    finally:
        os.seteuid(0)


def give(folder):
    """Give a folder, with all in it, to the stranger."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, STRANGER, STRANGER)


@pytest.fixture
def left(monkeypatch):
    """A folder of the stranger's, with his runtime folder in it."""
    with public_folder() as folder:
        (folder / "runtime").mkdir(mode=0o700)
        (folder / "state").mkdir(mode=0o700)
        give(folder)
        monkeypatch.setenv("RUNTIME_DIRECTORY", str(folder / "runtime"))
        yield folder


@as_root
@pytest.mark.parametrize("where", ["database", "stand-in"])
@pytest.mark.parametrize("side", SIDE_FILES)
def test_what_another_user_left_beside_the_database_is_refused_with_the_repair(left, where, side):
    database = left / "state" / "monitor.db"
    with stranger():
        file = Path(f"{database if where == 'database' else standby_file(database)}{side}")
    file.mkdir(0o700) if side == ".replies" else file.touch(0o600)

    with stranger(), pytest.raises(StoreError, match="Permission denied") as told:
        Lock(database)
    assert f"chown -R {STRANGER} {file}" in str(told.value)
    assert file.exists()
    os.chown(file, STRANGER, STRANGER)
    with stranger():
        Lock(database).release()


@as_root
@pytest.mark.skipif(IS_CLOSED, reason="other users cannot read the program itself here")
def test_a_round_of_a_user_to_whom_root_left_files_names_them_all_and_ends_with_2(left, stage, monkeypatch, capsys):
    stage.write_config(left, channel=False)
    monkeypatch.chdir(left)
    for variable, id in VARIABLES.items():
        monkeypatch.setenv(variable, KEYS[id])
    assert main(["once"]) == 0
    give(left)
    names = [left / "state" / f"monitor.db{side}" for side in (".lock", ".key")]
    for name in names:
        name.touch()
        name.chmod(0o600)
        os.chown(name, 0, 0)
    capsys.readouterr()
    with stranger():
        code = main(["once"])

    assert code == 2
    assert f"chown -R {STRANGER} {names[0]} {names[1]} && chmod" in capsys.readouterr().err


@as_root
@pytest.mark.parametrize(("owner", "repair"), [(61234, "say it as root"), (STRANGER, "sudo -u nobody")])
def test_an_answer_that_only_another_user_could_give_names_one_that_there_is(left, owner, repair):
    database = left / "state" / "monitor.db"
    database.touch()
    os.chown(database, owner, owner)
    database.parent.chmod(0o755)
    os.seteuid(2)
    try:
        with pytest.raises(NotCarriedOut, match=repair):
            save_reply(database, "here", Reply(ReplyKind.ACKNOWLEDGE, at(0), "Jo", "some-incident"))
    finally:
        os.seteuid(0)


@as_root
@pytest.mark.parametrize("fails", ["the file", "the disk"])
def test_a_restore_by_root_that_fails_leaves_nothing_that_its_user_cannot_use(left, fails):
    database, copy = left / "state" / "deep" / "monitor.db", left / "copy.db"
    if fails == "the file":
        copy.write_text("no backup")
    else:
        open_writer(left / "other.db").close()
        back_up(left / "other.db", copy)
        database.parent.mkdir()
        (database.parent / ".monitor.db.part").mkdir()  # in the way of the draft
        give(left)
    with pytest.raises(StoreError):
        restore(database, copy, at(0))

    assert {path.stat().st_uid for path in (left / "state").rglob("*")} <= {STRANGER}
    assert database.parent.exists() == (fails == "the disk")
    with stranger():
        Lock(database).release()


@as_root
def test_a_folder_that_root_left_in_ours_is_named_and_nothing_that_may_be_in_it(left):
    database = left / "state" / "monitor.db"
    os.chown(database.parent, 0, 0)
    for use in (Lock, open_reader):
        with stranger(), pytest.raises(StoreError) as told:
            use(database)
        assert str(told.value).endswith(
            f"Permission denied; give this user what is there: chown -R {STRANGER} {database.parent} && "
            f"chmod -R u+rwX {database.parent}"
        )


@as_root
@pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o700, 0o644), (0o755, 0o600)])
def test_who_comes_to_the_database_of_another_user_is_sent_to_that_user(left, folder_mode, file_mode):
    database = left / "state" / "monitor.db"
    open_writer(database).close()
    give(left)
    database.chmod(file_mode)
    database.parent.chmod(folder_mode)
    for use in (Lock, open_reader):
        os.seteuid(2)
        try:
            with pytest.raises(StoreError, match="; it belongs to nobody, and this is bin: .*, with sudo -u nobody$"):
                use(database)
        finally:
            os.seteuid(0)
