"""`status --watch` on a real terminal: drawn over in place, ended by Ctrl-C, never hammering the database."""

import os
import pty
import signal
import subprocess
import sys
import time

import pytest

from monitor.console import redraw as screen
from monitor.console.redraw import CLEAR, HIDE, HOME, SHOW, redraw
from tests.backstage import ROOT, call, environment


def test_each_picture_is_written_over_the_last_in_one_piece(capsys, monkeypatch):
    monkeypatch.setattr(screen, "get_terminal_size", lambda: os.terminal_size((80, 24)))
    monkeypatch.setattr(screen.time, "sleep", lambda _: None)
    pictures = iter([["one", "two"], ["three"]])

    def draw():
        try:
            return next(pictures)
        except StopIteration:
            raise KeyboardInterrupt from None

    redraw(draw)

    out = capsys.readouterr().out
    assert out.count(CLEAR) == 1
    assert out.count(HOME) == 2
    assert out.startswith(HIDE)
    assert out.endswith(f"{HOME}\x1b[Kthree\n\x1b[J{SHOW}\n")


def test_more_lines_than_the_terminal_has_are_cut_and_counted(capsys, monkeypatch):
    monkeypatch.setattr(screen, "get_terminal_size", lambda: os.terminal_size((80, 10)))
    monkeypatch.setattr(screen.time, "sleep", interrupt)

    redraw(lambda: [f"line {n}" for n in range(30)])

    out = capsys.readouterr().out
    assert "line 7" in out
    assert "line 8" not in out
    assert "... 22 more lines" in out


def interrupt(_):
    raise KeyboardInterrupt


def test_a_drawing_that_takes_long_is_followed_by_a_longer_rest(monkeypatch, capsys):
    slept, clock = [], iter([0.0, 3.0])
    monkeypatch.setattr(screen.time, "monotonic", lambda: next(clock))

    def sleep(span_s):
        slept.append(span_s)
        raise KeyboardInterrupt

    monkeypatch.setattr(screen.time, "sleep", sleep)
    redraw(list)

    assert slept == [60]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_watching_ends_at_once_and_leaves_the_terminal_as_it_was(tmp_path, number):
    master, slave = pty.openpty()
    (tmp_path / "monitor.toml").write_text('[[accounts]]\nname = "a"\nprovider = "openai"\nkey = "env:OPENAI_MAIN"\n')
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor", "status", "--watch"],
        cwd=tmp_path, env=environment(PYTHONPATH=str(ROOT)), stdin=slave, stdout=slave, stderr=slave, close_fds=True,
    )  # fmt: skip
    os.close(slave)
    seen = b""
    while b"once` first" not in seen.replace(b"\r\n", b" "):
        seen += os.read(master, 10_000)
    began = time.monotonic()
    process.send_signal(number)
    while SHOW.encode() not in seen:
        seen += os.read(master, 10_000)

    assert process.wait(10) == (0 if number == signal.SIGINT else 143)
    assert time.monotonic() - began < 5
    os.close(master)


@pytest.mark.parametrize("form", ["--json", "--csv"])
def test_what_a_program_reads_is_not_drawn_over(tmp_path, form):
    (tmp_path / "monitor.toml").write_text('[[accounts]]\nname = "a"\nprovider = "openai"\nkey = "env:OPENAI_MAIN"\n')

    code, out, err = call("status", "--watch", form, folder=tmp_path)

    assert (code, out) == (2, "")
    assert f"--watch cannot draw {form}; leave out one of them" in err


def test_without_a_terminal_there_is_nothing_to_watch_on(tmp_path):
    (tmp_path / "monitor.toml").write_text('[[accounts]]\nname = "a"\nprovider = "openai"\nkey = "env:OPENAI_MAIN"\n')

    code, out, err = call("status", "--watch", folder=tmp_path)

    assert (code, out) == (2, "")
    assert "--watch needs a terminal" in err
