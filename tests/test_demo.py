"""What a newcomer sees: `run` without an account, from an empty folder."""

import json
import signal
import threading
import time

import pytest

from monitor.commands.demo import SCRIPT, DemoStep, Post
from monitor.config.load import load_config
from monitor.console.demonstration import KEYS, Nowhere, demonstration
from tests.backstage import call, start

LIMIT_S = 120
READ = {
    ("status",): "openai/production",
    ("status", "--json"): '"simulated":true',
    ("status", "--alive"): "last probe",
    ("incidents",): "openai/production: account suspended",
    ("pick", "anthropic"): "anthropic/team",
    ("alerts", "preview"): "[SIMULATED]",
    ("alerts", "history"): "terminal: opened: openai/production: account suspended",
    ("feeds",): "openai/page",
    ("cost",): "groq/llama",
    ("silence",): "openai, by Jo: trying it",
    ("maintenance",): "no maintenance within 30 days",
}


REPLIES = {
    ("drill", "openai/backup"): "terminal: resolved: sent",
    ("silence", "1h", "--provider", "openai", "--reason", "trying it", "--by", "Jo"): "silent until",
}
"""What is asked of the demonstration while it runs."""


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Run the demonstration until its first recovery: what was printed, the pages seen, the exit code."""
    folder = tmp_path_factory.mktemp("newcomer")
    lines, pages = [], []
    with start("run", folder=folder, OPENAI_API_KEY="") as process:
        reader = threading.Thread(target=lambda: lines.extend(iter(process.stdout.readline, "")))
        reader.start()
        ends = time.monotonic() + LIMIT_S
        while time.monotonic() < ends and not any("[RESOLVED]" in line for line in list(lines)):
            page = folder / "site" / "demo" / "index.html"
            if page.exists():
                pages.append(page.read_text())
            time.sleep(0.5)
        replies = {words: call(*words, "--demo", folder=folder, keys=False) for words in REPLIES}
        alive = call("status", "--alive", folder=folder, OPENAI_API_KEY="", keys=False)
        process.send_signal(signal.SIGINT)
        code = process.wait(15)
        reader.join()
        err = process.stderr.read()
    read = {words: call(*words, "--demo", folder=folder, OPENAI_API_KEY="", keys=False) for words in READ}
    return {
        "read": read,
        "text": "".join(lines),
        "pages": pages,
        "code": code,
        "err": err,
        "folder": folder,
        "alive": alive,
        "replies": replies,
    }


def test_it_says_that_it_is_simulated_and_how_to_begin_in_earnest(shown):
    assert "everything here is SIMULATED" in shown["text"]
    assert "OPENAI_API_KEY" in shown["text"]


def test_an_incident_is_told_with_its_cause_and_its_end(shown):
    assert "[SIMULATED] [DOWN] openai/production: account suspended" in shown["text"]
    assert "[SIMULATED] [RESOLVED] openai/production: account suspended" in shown["text"]


def test_the_page_changed_with_it(shown):
    assert any("account suspended" not in page for page in shown["pages"])
    assert any("account suspended" in page for page in shown["pages"])
    assert all("SIMULATED" in page.upper() for page in shown["pages"])


def test_it_ends_well_and_leaves_nothing_outside_its_folders(shown):
    assert (shown["code"], "Traceback" in shown["err"]) == (0, False)
    assert {path.name for path in shown["folder"].iterdir()} == {"state", "site", "public"}


def test_it_is_alive_for_who_asks_as_a_container_is_asked(shown):
    code, out, err = shown["alive"]

    assert (code, err) == (0, "")
    assert "last probe" in out


@pytest.mark.parametrize("words", REPLIES, ids=" ".join)
def test_it_takes_drills_and_replies_while_it_runs(shown, words):
    code, out, err = shown["replies"][words]

    assert (code, REPLIES[words] in out) == (0, True), err
    assert ("[DRILL] [SIMULATED] [DOWN] openai/backup" in shown["text"]) is True


@pytest.mark.parametrize("words", READ, ids=" ".join)
def test_what_reads_the_stored_reads_the_demonstration_too(shown, words):
    code, out, err = shown["read"][words]

    assert code in (0, 1), err
    assert READ[words] in out.replace('": ', '":')


SITE = """
[site]
folder = "www"
public_folder = ""
title = "Our accounts"
language = "de"
port = 8123
serve = false
templates = "own"
"""


def test_it_is_shown_as_the_configuration_says(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "monitor.toml").write_text(SITE)
    config = demonstration(Nowhere(), load_config(tmp_path / "monitor.toml", {}))

    assert (config.site.title, config.site.language) == ("Our accounts (demonstration)", "de")
    assert (config.site.port, config.site.serve) == (8123, False)
    assert (config.folder, config.public_folder) == (tmp_path / "www" / "demo", None)
    assert config.page_templates == tmp_path / "own"


def test_it_runs_beside_accounts_of_ones_own_when_asked_to(tmp_path):
    (tmp_path / "monitor.toml").write_text('[[accounts]]\nname = "a"\nprovider = "openai"\nkey = "env:KEY"\n')
    with start("run", "--demo", folder=tmp_path, KEY="sk-0123456789abcdefghijkl") as process:
        lines = [process.stdout.readline() for _ in range(3)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
        assert process.stdout.read().count("first account of your own") == 0
    assert "DEMONSTRATION: everything here is SIMULATED.\n" in lines


def test_not_even_a_simulated_key_is_shown(shown):
    kept = b"".join(path.read_bytes() for path in shown["folder"].rglob("*") if path.is_file()).decode(
        "utf-8", "replace"
    )
    for key in KEYS.values():
        assert key not in kept + shown["text"] + shown["err"]


def test_its_status_is_machine_readable_and_marked(shown):
    assert json.loads((shown["folder"] / "site" / "demo" / "status.json").read_text())["simulated"] is True


def test_the_script_heals_all_that_it_hurts():
    ill, told = set(), set()
    for scene in SCRIPT:
        match scene:
            case DemoStep(_, subject, trouble):
                (ill.add if trouble else ill.discard)(subject)
            case Post(_, provider, phase):
                (told.discard if phase == "resolved" else told.add)(provider)

    assert not ill
    assert not told
    assert [scene.after_s for scene in SCRIPT] == sorted(scene.after_s for scene in SCRIPT)
