"""What is ours (templates, folders, files of keys, the page's readers, other users) does not end it either."""

import http.client
import os
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, closing, suppress

import pytest

from monitor.words import count
from probes.simulator import Trouble
from tests.backstage import ROOT, call, start
from tests.faults.hostile import hostile
from tests.faults.test_ending import rows
from tests.faults.test_hostile_answers import KEY, is_told, running, write

BROKEN = {
    "undefined": "{{ incident.nope.nope }}",
    "syntax": "{% if",
    "division": "{{ 1 / 0 }}",
    "include": '{% include "gone.html" %}',
    "bytes": b"\xff\xfe",
    "endless": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
}


def settled(folder, *lines):
    text = (folder / "monitor.toml").read_text()
    (folder / "monitor.toml").write_text("\n".join(lines) + text.replace("[site]", "", 1) if lines else text)


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_template_costs_no_page_and_no_message_and_check_refuses_it(stage, tmp_path, broken):
    for folder, names in (("page", ("index.html", "incident.html")), ("alerts", ("incident.txt.j2",))):
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / name).write_bytes(broken if isinstance(broken, bytes) else broken.encode())
    with hostile() as other_side:
        write(tmp_path, other_side, stage.inbox)
        settled(tmp_path, "[alerts]", 'templates = "alerts"', "[site]", 'templates = "page"')

        code, _, said = call("check", folder=tmp_path, KEY=KEY)
        assert (code, "Traceback" in said) == (2, False)
        assert all(name in said for name in ("index.html", "incident.html", "incident.txt.j2"))
        with running(tmp_path) as process:
            stage.until(lambda: is_told(stage), 60)
            page = tmp_path / "site" / "index.html"
            stage.until(lambda: page.exists() and "the template index.html" in page.read_text(), 60)
            assert process.poll() is None


HEAD = b"POST /%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
BODIES = {
    "no gzip": b"Content-Encoding: gzip\r\nContent-Length: 8\r\n\r\nno gzip!",
    "no deflate": b"Content-Encoding: deflate\r\nContent-Length: 8\r\n\r\nno gzip!",
    "no chunks": b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nno\r\n",
    "no boundary": b"Content-Type: multipart/form-data; boundary=\r\nContent-Length: 10\r\n\r\n--\r\n--\r\n--",
    "no part": b"Content-Type: multipart/form-data; boundary=a\r\nContent-Length: 8\r\n\r\n--a\r\n\x00:\r",
    "half": b"Content-Length: 500\r\n\r\nhalf",
}


def said(port, request):
    """Return how the page's server begins to answer; nothing where it waits for more."""
    with socket.create_connection(("127.0.0.1", port), timeout=2) as reader, suppress(TimeoutError):
        reader.sendall(request)
        return reader.recv(65536)
    return b""


def test_no_body_that_a_reader_sends_fills_the_log(stage, tmp_path):
    with hostile() as other_side:
        write(tmp_path, other_side, stage.inbox)
        with running(tmp_path) as process:
            port = int(process.stdout.readline().strip("/\n").rpartition(":")[2])
            for path in (b"", b"healthz", b"answer/x"):
                for body in BODIES.values():
                    assert not said(port, HEAD % path + body).startswith(b"HTTP/1.1 5")
    assert "Traceback" not in process.log


GONE = """
import os, sys
class Gone:
    def find_spec(self, name, path=None, target=None):
        if os.path.exists("gone"):
            raise {error}(name)
sys.meta_path.insert(0, Gone())
from monitor.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    "error", [pytest.param("ImportError", marks=pytest.mark.quick), "PermissionError", "SyntaxError"]
)
def test_what_an_upgrade_takes_away_while_it_runs_ends_nothing_and_alerts_go_out(stage, tmp_path, error):
    for name in ("monitor", "probes", "templates"):
        shutil.copytree(ROOT / name, tmp_path / "tree" / name)
    environment = {"KEY": KEY, "PYTHONPATH": str(tmp_path / "tree"), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-c", GONE.format(error=error), "run"]
    with hostile() as other_side:
        write(tmp_path, other_side, stage.inbox)
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        try:
            assert process.stdout.readline()
            (tmp_path / "gone").touch()
            shutil.rmtree(tmp_path / "tree")
            stage.until(lambda: is_told(stage) or process.poll() is not None, 90)
            assert process.poll() is None
        finally:
            process.terminate()
            process.communicate(timeout=20)
    assert process.returncode == 0


def test_a_link_within_the_pages_folder_is_not_followed_and_the_rest_is_written(stage, tmp_path):
    outside = tmp_path / "outside"
    (tmp_path / "site").mkdir()
    outside.mkdir()
    (outside / "mine.html").write_text("precious")
    (tmp_path / "site" / "incidents").symlink_to(outside)
    (tmp_path / "site" / "accounts").symlink_to(tmp_path / "site" / "accounts")
    with hostile() as other_side:
        write(tmp_path, other_side, stage.inbox)
        with running(tmp_path) as process:
            stage.until(lambda: is_told(stage), 60)
            page = tmp_path / "site" / "index.html"
            stage.until(lambda: page.exists() and "by a symbolic link" in page.read_text(), 60)
            assert process.poll() is None
    assert [path.name for path in outside.iterdir()] == ["mine.html"]


ASKS = {
    "nothing": b"",
    "half": b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Half: ",
    "body": b"POST /answer/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\nab",
}


@pytest.mark.parametrize("asks", ASKS.values(), ids=ASKS)
def test_a_thousand_readers_who_stay_take_neither_the_page_nor_the_looks(stage, tmp_path, asks):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 4096:
        pytest.skip("needs 4,096 open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, hard))
    few = 'import os, resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024)); os.execv(sys.executable, [sys.executable, "-m", "monitor", "run"])'  # noqa: E501
    with hostile() as other_side, ExitStack() as open_ones:
        write(tmp_path, other_side, stage.inbox)
        environment = {"KEY": KEY, "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
        process = subprocess.Popen(
            [sys.executable, "-c", few], cwd=tmp_path, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            port = int(re.search(r":(\d+)/", process.stdout.readline())[1])
            for _ in range(1_100):
                one = open_ones.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
                one.sendall(asks)
            assert healthy(port) == 200
            stage.until(lambda: is_told(stage), 60)
            assert healthy(port) == 200
        finally:
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=20)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert "Too many open files" not in err
    assert "Traceback" not in err


def healthy(port):
    for _ in range(20):  # whoever comes in a crowd may have to come again
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
            try:
                connection.request("GET", "/healthz", headers={"Host": "localhost"})
                with connection.getresponse() as response:
                    return response.status
            except OSError:
                time.sleep(0.5)
    return None


REFERENCES = {
    "yes": ("command:yes", "prints more than"),
    "no-text": ("command:head -c 100 /dev/urandom", "prints what is no text"),
    "pipe": ("file:pipe", "is a pipe, and nobody wrote to it"),
    "zeros": ("file:/dev/zero", "is longer than"),
    "folder": ("file:.", "Is a directory"),
    "nobodys": ("file:~nobody-of-this-name/key", "cannot be read"),
}


@pytest.mark.parametrize(("reference", "said"), REFERENCES.values(), ids=REFERENCES)
def test_a_key_that_never_ends_or_never_comes_holds_up_no_other_account(stage, tmp_path, reference, said):
    os.mkfifo(tmp_path / "pipe")
    odd = f'[[accounts]]\nname = "odd"\nprovider = "openai"\nkey = "{reference}"\n'
    with hostile() as other_side:
        write(tmp_path, other_side, stage.inbox, odd)

        began = time.monotonic()
        _, out, err = call("check", folder=tmp_path, KEY=KEY)
        assert time.monotonic() - began < 15
        assert (said in out + err, "Traceback" in err) == (True, False)
        with running(tmp_path):
            stage.until(lambda: is_told(stage), 60)


@pytest.mark.quick
@pytest.mark.parametrize("accounts", [10_000])
def test_ten_thousand_accounts_are_checked_in_seconds(tmp_path, accounts):
    block = '[[accounts]]\nname = "a{0}"\nprovider = "openai"\nkey = "env:KEY"\n[[reminders]]\nname = "r{0}"\non = 2027-01-01\naccount = "openai/a{0}"\n'  # noqa: E501
    (tmp_path / "monitor.toml").write_text("".join(block.format(number) for number in range(accounts)))

    began = time.monotonic()
    code, out, _ = call("check", folder=tmp_path, KEY=KEY)
    assert (code, time.monotonic() - began < 20) == (0, True)
    assert out.splitlines()[-1].startswith("10000 accounts")


DAEMON = 65534


@pytest.fixture
def elsewhere(tmp_path_factory):
    """A Python that a user without any rights can run, and a folder of his own; only root can be both."""
    python, libraries = "/usr/bin/python3", next((p for p in sys.path if p.endswith("site-packages")), "")
    version = subprocess.run([python, "-V"], capture_output=True, text=True, check=False).stdout.split()[-1:]
    if os.geteuid() != 0 or not version or not version[0].startswith(f"3.{sys.version_info[1]}."):
        pytest.skip("needs root, and the system's Python to be this one")
    folder = tmp_path_factory.mktemp("daemon")
    for one in (folder, *folder.parents[:3]):  # a worker of several has a folder of its own between
        if one.owner() == "root" and one.name != "tmp":
            one.chmod(0o755)
    os.chown(folder, DAEMON, DAEMON)
    return folder, python, f"{ROOT}:{libraries}"


def answered(folder):
    with closing(sqlite3.connect(f"file:{folder}/state/monitor.db?mode=ro", uri=True)) as db:
        return [kind for (kind,) in db.execute("SELECT kind FROM reply")]


def test_what_root_answers_reaches_a_daemon_of_another_user(stage, elsewhere):
    folder, python, libraries = elsewhere
    environment = {"KEY": KEY, "PYTHONPATH": libraries, "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    with hostile() as other_side:
        write(folder, other_side, stage.inbox)
        try:
            daemon = subprocess.Popen(
                [python, "-m", "monitor", "run"], cwd=folder, env=environment, user=DAEMON, group=DAEMON,
                extra_groups=[], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
        except PermissionError:
            pytest.skip("the daemon's user cannot reach the program")
        try:
            stage.until(lambda: is_told(stage) or daemon.poll() is not None, 120)
            if daemon.poll() is not None and "No module named" in daemon.stderr.read():
                pytest.skip("the daemon's user cannot read the program")
            code, out, _ = call("acknowledge", "--by", "root", folder=folder, KEY=KEY)
            assert (code, "acknowledged" in out) == (0, True)
            stage.until(lambda: answered(folder) == ["acknowledge"], 30)
            assert "opened: sent" in call("drill", "groq/dead", folder=folder, KEY=KEY)[1]
        finally:
            daemon.terminate()
            daemon.wait(20)
            daemon.stderr.close()


@pytest.mark.quick
def test_a_pipe_of_the_shell_is_read_as_the_configuration(tmp_path):
    text = '[[accounts]]\nname = "a"\nprovider = "openai"\nkey = "env:KEY"\n'
    with start("--config", "/dev/stdin", "check", folder=tmp_path, KEY=KEY) as process:
        out, err = process.communicate(text, timeout=60)
    assert (process.returncode, "1 account," in out) == (0, True), err


def test_what_is_open_under_another_name_of_the_location_ends_and_people_are_told(tmp_path, stage):
    stage.write_config(tmp_path)
    for id in ("openai/main", "openai/backup"):
        stage.set(id, Trouble.ACCOUNT_SUSPENDED)
    call("once", folder=tmp_path)
    call("silence", "1h", "--account", "anthropic/team", "--reason", "moving", folder=tmp_path)
    before = rows(tmp_path, OPEN)
    plain = (tmp_path / "monitor.toml").read_text()
    (tmp_path / "monitor.toml").write_text('location = "there"\n' + plain)

    _, _, said = call("acknowledge", folder=tmp_path)
    assert 'there is no open incident at the location "there"' in said
    _, _, warned = call("once", folder=tmp_path)

    words = 'monitor.db was written for the location "here", and is used for "there" now: what was open there ends'
    left = f"as no longer watched ({count(len(before), 'incident')} and 1 silence)"
    assert f"{words} {left}" in warned
    assert rows(tmp_path, OPEN.replace("here", "there")) == before != []
    assert rows(tmp_path, OPEN) == []
    titles = stage.inbox.titles()
    assert len([one for one in titles if "NO LONGER WATCHED" in one]) == len(before), titles
    assert words not in call("once", folder=tmp_path)[2]


OPEN = "SELECT subject FROM incident WHERE location = 'here' AND closed IS NULL ORDER BY 1"
