"""Where the stand-in of a database is kept: a folder that is ours alone, or none."""

import os
import tempfile
from pathlib import Path

import pytest

from monitor.store import standby_path
from monitor.store.standby_path import standby_file

DATABASE = Path("/var/lib/somewhere/monitor.db")


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """No folder of the service manager, no /dev/shm of ours, and a folder for temporary files that is nobody else's."""
    monkeypatch.setattr(standby_path, "SHARED", tmp_path / "run")
    monkeypatch.setattr(standby_path, "Path", lambda name: tmp_path / "shm" if name == "/dev/shm" else Path(name))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"provider-monitor-{os.geteuid()}"


def test_the_folder_that_the_service_manager_names_is_the_only_one(tmp_path, elsewhere):
    assert standby_file(DATABASE, {"RUNTIME_DIRECTORY": f"{tmp_path}:/run/other"}).parent == tmp_path
    assert standby_file(DATABASE, {"RUNTIME_DIRECTORY": str(tmp_path / "no such folder")}) is None


def test_the_folder_of_our_units_is_found_without_its_name(tmp_path, elsewhere):
    (tmp_path / "run").mkdir(mode=0o700)

    assert standby_file(DATABASE, {}).parent == tmp_path / "run"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can ask a service of another user")
@pytest.mark.parametrize(
    ("owner", "mode", "is_found"), [(65534, 0o700, True), (65534, 0o770, False), (65533, 0o700, False)]
)
def test_root_finds_the_folder_of_the_user_whose_database_it_is(tmp_path, elsewhere, owner, mode, is_found):
    database, folder = tmp_path / "monitor.db", tmp_path / "run"
    database.touch()
    folder.mkdir()
    folder.chmod(mode)
    os.chown(database, 65534, 65534)
    os.chown(folder, owner, owner)

    found = standby_file(database, {})
    assert (found is not None and found.parent == folder) is is_found


def test_else_a_private_folder_is_made(elsewhere):
    assert standby_file(DATABASE, {}).parent == elsewhere
    assert elsewhere.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("plant", ["open to all", "a link", "a file"])
def test_a_folder_that_others_may_have_laid_is_not_believed(tmp_path, elsewhere, plant):
    if plant == "a link":
        elsewhere.symlink_to(tmp_path)
    elif plant == "a file":
        elsewhere.touch()
    else:
        elsewhere.mkdir()
        elsewhere.chmod(0o777)

    assert standby_file(DATABASE, {}) is None


def test_each_database_has_a_stand_in_of_its_own(tmp_path):
    known = {"RUNTIME_DIRECTORY": str(tmp_path)}

    assert (
        standby_file(DATABASE, known)
        == standby_file(DATABASE, known)
        != standby_file(DATABASE.with_name("other.db"), known)
    )
