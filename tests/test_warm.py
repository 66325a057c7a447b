"""A call of the program that is loaded already is a call like any other."""

import signal
import subprocess

import pytest

from tests.backstage import call, call_cold, start_warm
from tests.warm import fits

GOOD = '[[accounts]]\nname = "main"\nprovider = "openai"\nkey = "env:OPENAI_MAIN"\n'


@pytest.mark.parametrize(
    "arguments",
    [
        *(["--version"], ["--help"], ["nonsense"], ["check"], ["--config", "no.toml", "check"], ["status"]),
        *(["pick", "openai"], ["providers"], ["cost"], ["classify", "--provider", "openai", "--status", "401"]),
    ],
)  # fmt: skip
def test_it_says_what_one_says_from_its_very_start(arguments, tmp_path):
    (tmp_path / "monitor.toml").write_text(GOOD)
    told = {"folder": tmp_path, "text": '{"error": {"message": "Grüße: Incorrect API key"}}'}

    assert call(*arguments, **told) == call_cold(*arguments, **told)


def test_nothing_of_one_call_is_left_in_the_next(tmp_path):
    (tmp_path / "monitor.toml").write_text(GOOD.replace("OPENAI_MAIN", "ONLY_HERE"))

    assert "ONLY_HERE" not in call("check", folder=tmp_path, ONLY_HERE="sk-0123456789abcdefghij")[1]
    assert "ONLY_HERE" in call("check", folder=tmp_path)[1]


def test_one_that_does_not_end_is_killed_and_the_next_one_runs(tmp_path):
    with pytest.raises(subprocess.TimeoutExpired):
        call("run", folder=tmp_path, limit_s=0.5)

    assert call("--version", folder=tmp_path)[0] == 0


@pytest.mark.parametrize("name", ["PYTHONWARNINGS", "LANG", "LC_ALL", "TZ", "LD_PRELOAD", "OPENSSL_CONF"])
def test_what_is_read_at_the_start_is_given_to_one_that_starts(name):
    assert not fits({name: "x"})
    assert fits({"OPENAI_MAIN": "x", "HTTPS_PROXY": "y"})


def test_what_is_started_reads_writes_waits_and_is_ended_as_any_process(tmp_path):
    with start_warm("classify", "--provider", "openai", "--status", "401", folder=tmp_path) as process:
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.1)
        out, err = process.communicate('{"error": {"message": "Grüße: Incorrect API key"}}', timeout=20)
        assert ('"fault": "invalid_key"' in out, err, process.returncode, process.poll()) == (True, "", 0, 0)

    with start_warm("classify", folder=tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        assert process.wait(20) == -signal.SIGKILL


def test_what_is_started_ends_with_a_test_that_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), start_warm("classify", folder=tmp_path) as process:
        raise ZeroDivisionError

    assert process.returncode == -signal.SIGKILL
