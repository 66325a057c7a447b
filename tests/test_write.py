import os
import resource
import stat
from contextlib import contextmanager
from threading import Event, Thread

import pytest

from monitor.publish.write import PIECE, existing_pages, write_site

SITE = {"index.html": b"<p>all is well", "incidents/a.html": b"<p>a", "status.json": b"{}"}


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@contextmanager
def mask(bits):
    before = os.umask(bits)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def disk_with_room_for(size):
    """Let every write beyond `size` bytes of a file fail as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_all_files_are_written_into_a_folder_that_did_not_exist(tmp_path):
    folder = tmp_path / "new" / "site"
    assert write_site(folder, SITE) == 3
    assert contents(folder) == SITE


def test_what_did_not_change_is_not_written_again(tmp_path):
    write_site(tmp_path, SITE)
    before = {path: path.stat().st_ino for path in tmp_path.rglob("*")}
    assert write_site(tmp_path, SITE) == 0
    assert {path: path.stat().st_ino for path in tmp_path.rglob("*")} == before


def test_only_what_changed_is_written(tmp_path):
    write_site(tmp_path, SITE)
    changed = SITE | {"index.html": b"<p>all is ruin"}
    assert write_site(tmp_path, changed) == 1
    assert contents(tmp_path) == changed


@pytest.mark.parametrize("at", [0, PIECE - 1, PIECE, 2 * PIECE, 2 * PIECE + 6])
def test_a_large_file_is_written_when_any_of_its_letters_changed(tmp_path, at):
    large = bytearray(2 * PIECE + 7)
    write_site(tmp_path, {"index.html": bytes(large)})
    large[at] = 1
    assert write_site(tmp_path, {"index.html": bytes(large)}) == 1
    assert (tmp_path / "index.html").read_bytes() == large
    assert write_site(tmp_path, {"index.html": bytes(large)}) == 0


def test_pages_of_forgotten_incidents_go_and_nothing_else_does(tmp_path):
    strangers = {"incidents/notes.txt": b"mine", "old.html": b"mine", "incidents/deep/x.html": b"mine"}
    write_site(tmp_path, SITE | strangers | {"incidents/b.html": b"<p>b"})
    write_site(tmp_path, SITE)
    assert contents(tmp_path) == SITE | strangers


def test_what_is_kept_stays_though_it_is_not_written_again(tmp_path):
    write_site(tmp_path, SITE)
    write_site(tmp_path, {"index.html": b"new"}, {"incidents/a.html"})
    assert (tmp_path / "incidents/a.html").read_bytes() == b"<p>a"
    assert existing_pages(tmp_path) == {"incidents/a.html"}


def test_pages_and_badges_of_accounts_that_are_gone_go(tmp_path):
    names = ("accounts/openai/a.html", "providers/openai.html", "badges/openai.svg", "badges/openai/a.json")
    write_site(tmp_path, SITE | dict.fromkeys(names, b"x"))
    write_site(tmp_path, SITE)
    assert contents(tmp_path) == SITE


@pytest.mark.parametrize(
    "name", ["../x.html", "incidents/../../x", "/etc/x", "", ".", ".hidden", "incidents/.x.html", "a/../b", "a\0b"]
)
def test_a_path_that_leaves_the_folder_or_hides_is_refused_before_anything_is_written(tmp_path, name):
    folder = tmp_path / "site"
    with pytest.raises(ValueError, match="is no path inside the page's folder"):
        write_site(folder, SITE | {name: b"x"})
    assert contents(tmp_path) == {}


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "incidents").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="leaves the page's folder by a symbolic link"):
        write_site(folder, SITE)
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert {"site/index.html", "site/status.json"} <= contents(tmp_path).keys()


def test_what_lies_behind_a_link_is_not_taken_for_an_old_page(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "mine.html").write_bytes(b"precious")
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "incidents").symlink_to(tmp_path / "elsewhere")
    write_site(folder, {"index.html": b"x"})
    assert (tmp_path / "elsewhere" / "mine.html").read_bytes() == b"precious"


def test_a_planted_link_is_replaced_and_not_written_through(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"mine")
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "index.html").symlink_to(secret)
    (folder / ".index.html.tmp").symlink_to(secret)
    write_site(folder, SITE)
    assert secret.read_bytes() == b"mine"
    assert contents(folder) == SITE
    assert not (folder / "index.html").is_symlink()


@pytest.mark.parametrize(("umask", "folder_mode", "file_mode"), [(0o022, 0o750, 0o640), (0o077, 0o700, 0o600)])
def test_strangers_cannot_read_the_page_and_a_stricter_umask_stays_strict(tmp_path, umask, folder_mode, file_mode):
    folder = tmp_path / "new" / "site"
    with mask(umask):
        write_site(folder, SITE)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new", *(tmp_path / "new").rglob("*"))}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {folder_mode}
    assert {mode for path, mode in modes.items() if path.is_file()} == {file_mode}


def test_a_full_disk_leaves_the_old_page_whole_and_no_litter(tmp_path):
    write_site(tmp_path, SITE)
    large = b"x" * 100_000
    with disk_with_room_for(50_000), pytest.raises(OSError, match="File too large"):
        write_site(tmp_path, {"index.html": large, "incidents/a.html": large, "status.json": b"{ }"})
    assert contents(tmp_path) == SITE


def test_the_first_page_is_written_last_so_that_it_never_links_to_what_is_not_there(tmp_path):
    write_site(tmp_path, SITE)
    with disk_with_room_for(50_000), pytest.raises(OSError, match="File too large"):
        write_site(tmp_path, {"index.html": b"links to style", "style.css": b"x" * 100_000})
    assert (tmp_path / "index.html").read_bytes() == SITE["index.html"]


def test_what_a_killed_run_left_is_overwritten(tmp_path):
    (tmp_path / ".index.html.tmp").write_bytes(b"half a pa")
    write_site(tmp_path, SITE)
    assert contents(tmp_path) == SITE


def test_a_reader_never_meets_half_a_page(tmp_path):
    pages = [letter * 300_000 for letter in (b"a", b"b")]
    write_site(tmp_path, {"index.html": pages[0]})
    met, done = set(), Event()

    def read():
        while not done.is_set():
            met.add((tmp_path / "index.html").read_bytes())

    reader = Thread(target=read)
    reader.start()
    for turn in range(1, 10_000):
        write_site(tmp_path, {"index.html": pages[turn % 2]})
        if turn > 200 and len(met) > 1:
            break
    done.set()
    reader.join()
    assert met == set(pages)
