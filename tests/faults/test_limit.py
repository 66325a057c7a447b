"""The real program with few open files and little memory: it does less at a time, and tells what it has to."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from tests.backstage import ROOT
from tests.faults.hostile import answer, hostile
from tests.faults.test_hostile_answers import GOOD_CHAT, GOOD_LIST, KEY, account, is_told, write

LIMITED = """
import os, resource, sys
resource.setrlimit(getattr(resource, sys.argv[1]), (int(sys.argv[2]),) * 2)
os.execv(sys.executable, [sys.executable, "-m", "monitor", "run"])
"""
MIB = 2**20


@contextmanager
def running(folder, limit, most):
    environment = {"KEY": KEY, "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    program = subprocess.Popen(
        [sys.executable, "-c", LIMITED, limit, str(most)], cwd=folder, env=environment, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield program
    finally:
        program.send_signal(signal.SIGTERM)
        _, program.log = program.communicate(timeout=20)


def open_files(program):
    return len(os.listdir(f"/proc/{program.pid}/fd"))


def memory(program):
    return int(Path(f"/proc/{program.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_sixty_four_open_files_are_enough_to_tell(stage, tmp_path):
    with hostile() as other_side:
        other_side.answers |= {f"a{number}": (GOOD_LIST, GOOD_CHAT) for number in range(60)}
        accounts = [account(name, other_side.base(name)) for name in other_side.answers]
        write(tmp_path, other_side, stage.inbox, *accounts)
        with running(tmp_path, "RLIMIT_NOFILE", 64) as program:
            stage.until(lambda: is_told(stage), 120)
            assert program.poll() is None
    assert "Traceback" not in program.log
    assert all("groq/dead" in one["title"] for one in stage.inbox.messages)


LARGE = {
    "large": answer(200, b'{"object":"list","data":[' + b'{"id":"gpt-5-nano"},' * 1_000_000 + b"{}]}"),
    "failure": answer(500, b"x" * 20 * MIB),
    "stream": answer(200, b"data: " + b"x" * 20 * MIB, kind=b"text/event-stream"),
}


def test_answers_of_twenty_megabytes_fill_neither_the_memory_nor_the_open_files(stage, tmp_path):
    with hostile() as other_side:
        other_side.answers |= {name: (told, told) for name, told in LARGE.items()}
        write(tmp_path, other_side, stage.inbox, *(account(name, other_side.base(name)) for name in LARGE))
        with running(tmp_path, "RLIMIT_AS", 1024 * MIB) as program:
            stage.until(lambda: is_told(stage), 120)
            files, bytes_before = open_files(program), memory(program)
            time.sleep(25)
            assert open_files(program) <= files + 5
            assert memory(program) <= bytes_before + 5 * MIB
            assert memory(program) < 200 * MIB
    assert "Traceback" not in program.log
