"""Where a database lies: on a network's file system it is not safe, and that is said."""

import logging
import os

import pytest
from hypothesis import given
from hypothesis import strategies as some

from monitor.cli import main
from monitor.commands.once import single_round
from monitor.config.load import load_config
from monitor.store import file_system
from monitor.store.file_system import check_location, file_system_at
from tests.backstage import KEYS, VARIABLES, backstage
from tests.rows import each_row

# The root stands below what was mounted before it, as an initial RAM disk leaves it.
TOLD = rb"""
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw
30 27 0:40 / /srv/data rw - nfs4 server:/export rw,vers=4.2
31 30 254:0 /var/lib /srv/data/local rw - ext4 /dev/vda rw
32 27 0:41 /sub /mnt/my\040share rw - cifs //server/share rw
33 27 0:42 / /mnt/back\134slash rw - fuse.sshfs me@host: rw
34 27 0:43 / /mnt/fuse rw - fuse.mergerfs a:b rw
35 27 0:44 / /home rw - 9p host rw
36 35 0:45 / /home rw - tmpfs over rw
37 27 0:40 /db /var/bind rw - nfs4 server:/export rw,vers=4.2
38 27 0:46 / /hidden/below rw - nfs server:/x rw
39 27 0:47 / /hidden rw - tmpfs above rw
40 27 0:48 / /mnt/caf\303\251 rw - glusterfs host:/v rw
41 27 0:49 / /mnt/new\012line rw - lustre host:/v rw
a line that is none
"""


@each_row(
    ("path", "kind"),
    [
        ("/var/lib/provider-monitor/monitor.db", "ext4"),
        ("/proc/1/x", "proc"),
        ("/srv/data", "nfs4"),
        ("/srv/data/monitor.db", "nfs4"),
        ("/srv/data/local/monitor.db", "ext4"),
        ("/srv/database/monitor.db", "ext4"),
        ("/mnt/my share/monitor.db", "cifs"),
        ("/mnt/back\\slash/monitor.db", "fuse.sshfs"),
        ("/mnt/fuse/monitor.db", "fuse.mergerfs"),
        ("/home/me/monitor.db", "tmpfs"),
        ("/var/bind/monitor.db", "nfs4"),
        ("/hidden/below/monitor.db", "tmpfs"),
        (os.fsdecode(b"/mnt/caf\xc3\xa9/monitor.db"), "glusterfs"),
        ("/mnt/new\nline/monitor.db", "lustre"),
    ],
)
def test_the_file_system_of_a_path_is_that_of_the_mount_that_a_walk_to_it_ends_on(path, kind):
    assert file_system_at(path, TOLD) == kind


@pytest.mark.parametrize("told", [b"", b"\n \n", b"1 1 0:1 / /elsewhere rw - nfs x rw", b"1 2 3 - nfs"])
def test_where_the_kernel_tells_nothing_of_it_nothing_is_known(told):
    assert file_system_at("/x/monitor.db", told) is None


@given(some.lists(some.tuples(some.sampled_from("12345"), some.sampled_from("12345"), some.sampled_from(["/", "/a"]))))
def test_the_walk_ends_whatever_is_told(lines):
    told = "\n".join(f"{id} {parent} 0:1 / {point} rw - tmpfs x rw" for id, parent, point in lines)
    assert file_system_at("/a/monitor.db", told.encode()) in ("tmpfs", None)


@pytest.mark.parametrize(
    ("kind", "is_told"),
    [
        *((one, True) for one in ("nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "lustre", "fuse.sshfs", "fuse.rclone")),
        *((one, False) for one in ("ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "fuseblk", "fuse.mergerfs")),
    ],
)
def test_only_a_networks_is_warned_of_with_the_repair(tmp_path, monkeypatch, kind, is_told):
    lay(tmp_path, monkeypatch, kind)
    told = check_location(tmp_path / "monitor.db")

    assert (told is not None) == is_told
    assert told is None or (kind in told and told.endswith("name a path on a local disk in [store] path"))


def test_a_link_to_a_networks_file_system_is_followed(tmp_path, monkeypatch):
    lay(tmp_path / "far", monkeypatch, "nfs4")
    (tmp_path / "near").symlink_to(tmp_path / "far")

    assert check_location(tmp_path / "near" / "monitor.db")
    assert check_location(tmp_path / "monitor.db") is None


def test_where_the_kernel_has_no_such_list_nothing_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(file_system, "MOUNTS", tmp_path / "none")
    assert check_location(tmp_path / "monitor.db") is None


def test_check_says_so_and_so_does_the_first_round_but_not_each(tmp_path, monkeypatch, capsys, caplog):
    lay(tmp_path, monkeypatch, "nfs4")
    monkeypatch.chdir(tmp_path)
    for variable, id in VARIABLES.items():
        monkeypatch.setenv(variable, KEYS[id])
    with backstage() as stage:
        stage.write_config(tmp_path, channel=False)
        assert main(["check"]) == 0
        assert "(nfs4)" in capsys.readouterr().err
        config = load_config(tmp_path / "monitor.toml", os.environ)
        said = []
        for _ in range(3):
            with caplog.at_level(logging.WARNING, "monitor"):
                single_round(config, print)
            said.append(caplog.text.count("(nfs4)"))
            caplog.clear()

    assert said == [1, 0, 0]
    assert "(nfs4)" in (tmp_path / "site" / "index.html").read_text()


def lay(folder, monkeypatch, kind):
    """Let the kernel tell that a folder is a mount of that kind."""
    folder.mkdir(exist_ok=True)
    file = folder / "mountinfo"
    file.write_text(f"1 0 0:1 / / rw - ext4 x rw\n2 1 0:2 / {folder} rw - {kind} x rw\n")
    monkeypatch.setattr(file_system, "MOUNTS", file)
