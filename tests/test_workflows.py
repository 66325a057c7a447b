"""The workflows for GitHub: their form, the actions they pin, and their shell steps, which are really run."""

import json
import re
import subprocess
import sys
from pathlib import Path

import check_jsonschema
import pytest
import yaml
from jsonschema import validators

from tests.backstage import KEYS, ROOT, backstage, call, environment

IMAGE = ROOT / ".github" / "workflows" / "image.yml"
SITE = ROOT / "deploy" / "github-actions" / "public-site.yml"
WORKFLOWS = sorted({*(ROOT / ".github" / "workflows").glob("*.yml"), SITE})
SCHEMA = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor" / "github-workflows.json"


def steps(file):
    """Return the steps of a workflow that has one job."""
    (job,) = yaml.safe_load(file.read_text())["jobs"].values()
    return job["steps"]


def shell_step(file, name):
    return next(one["run"] for one in steps(file) if one.get("name") == name)


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda one: one.name)
def test_github_knows_every_key(file):
    schema = json.loads(SCHEMA.read_text())
    # YAML 1.1 reads the key `on` as true.
    said = {"on" if key is True else key: value for key, value in yaml.safe_load(file.read_text()).items()}
    errors = [*validators.validator_for(schema)(schema).iter_errors(said)]

    assert [one.message for one in errors] == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda one: one.name)
def test_an_action_is_pinned_to_its_major_version(file):
    used = re.findall(r"uses: (\S+)", file.read_text())

    assert used
    assert [one for one in used if not re.fullmatch(r"[\w./-]+@v\d+", one)] == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda one: one.name)
def test_each_shell_step_is_bash_and_is_given_nothing_but_variables(file):
    for one in (step["run"] for step in steps(file) if "run" in step):
        assert subprocess.run(["bash", "-n", "-c", one], check=False).returncode == 0
        assert "${{" not in one, "what a step is given could be a command"


def test_the_image_is_made_for_two_architectures_at_each_release_and_weekly():
    when = yaml.safe_load(IMAGE.read_text())[True]
    pushed = next(one["with"] for one in steps(IMAGE) if one.get("with", {}).get("push"))

    assert when["push"] == {"tags": ["v*"]}
    assert [len(one["cron"].split()) for one in when["schedule"]] == [5]
    assert pushed["platforms"].split(",") == ["linux/amd64", "linux/arm64"]


def git(*words, folder):
    line = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", *words]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    ("tags", "pushed", "says"),
    [
        ((), "", ""),
        (("v0.9.0", "v0.10.0"), "", "version=0.10.0\nlatest=true\n"),
        (("v0.9.0", "v0.10.0"), "v0.10.0", "version=0.10.0\nlatest=true\n"),
        (("v0.9.0", "v0.10.0"), "v0.9.0", "version=0.9.0\n"),
    ],
    ids=["nothing released", "the weekly one", "the newest", "a repair of an older one"],
)
def test_the_weekly_image_is_of_the_newest_release_and_only_that_one_is_called_latest(tmp_path, tags, pushed, says):
    git("init", "--quiet", folder=tmp_path)
    for tag in ("", *tags):
        git("commit", "--quiet", "--allow-empty", "--message", f"of {tag}", folder=tmp_path)
        if tag:
            git("tag", tag, folder=tmp_path)
    (tmp_path / "output").touch()
    known = environment(keys=False, TAG=pushed, GITHUB_OUTPUT=str(tmp_path / "output"))
    line = ["bash", "-e", "-c", shell_step(IMAGE, "Take the release")]
    subprocess.run(line, cwd=tmp_path, env=known, check=True, capture_output=True)

    assert (tmp_path / "output").read_text() == says
    if says:
        assert git("log", "-1", "--format=%s", folder=tmp_path) == f"of {pushed or tags[-1]}"


@pytest.fixture
def runner(tmp_path):
    """A way to run the shell steps in a folder with nothing but monitor.toml, and what the cache brings."""
    made = tmp_path / "bin"
    made.mkdir()
    (made / "provider-monitor").write_text(f'#!/bin/sh\nexec {sys.executable} -m monitor "$@"\n')
    (made / "provider-monitor").chmod(0o755)

    def run(folder, only=None, **more):
        base = environment(keys=False, PYTHONPATH=str(ROOT), OPENAI_API_KEY=KEYS["openai/main"], **more)
        known, said = base | {"PATH": f"{made}:{base['PATH']}", "HOME": str(tmp_path / "home")}, ""
        for one in (step for step in steps(SITE) if "run" in step and step["name"] != "Install"):
            if only not in (None, one["name"]) or ("if" in one and not (folder / "state.enc").exists()):
                continue
            line = ["bash", "-e", "-c", one["run"]]
            done = subprocess.run(line, cwd=folder, env=known, capture_output=True, text=True, check=False)
            said += done.stdout + done.stderr
            if done.returncode:
                return done.returncode, said
        return 0, said

    return run


@pytest.fixture(scope="module")
def stage():
    with backstage() as made:
        yield made


CONFIG = """
[probe]
online = []
[status]
poll = false
[[accounts]]
name = "secret-project"
provider = "openai"
base = "{base}"
key = "env:OPENAI_API_KEY"
[[services]]
name = "Chat answers"
accounts = ["openai/secret-project"]
"""


def fresh(folder, stage):
    """Return a folder as a job begins with it."""
    folder.mkdir()
    (folder / "monitor.toml").write_text(CONFIG.format(base=stage.simulator.base("openai")))
    return folder


def test_a_round_knows_of_the_one_before_what_is_kept_tells_nobody_and_no_page_names_an_account(
    runner, tmp_path, stage
):
    first, second = fresh(tmp_path / "first", stage), fresh(tmp_path / "second", stage)
    assert runner(first, STATE_PASSWORD="a password")[0] == 0
    kept = (first / "state.enc").read_bytes()
    assert (kept[:8], b"SQLite" in kept, b"secret-project" in kept) == (b"Salted__", False, False)
    assert not (first / "backup.db").exists()

    (first / "state.enc").rename(second / "state.enc")
    assert "monitor.db is backup.db now" in runner(second, only="Unpack the state", STATE_PASSWORD="a password")[1]
    assert "secret-project" in call("logs", folder=second)[1]
    published = [one.read_bytes() for one in (first / "public").rglob("*") if one.is_file()]
    assert any(b"Chat answers" in one for one in published)
    assert [one for one in published if b"secret-project" in one] == []


def test_without_a_password_no_round_is_done_and_the_job_says_which_secret_it_lacks(runner, tmp_path, stage):
    folder = fresh(tmp_path / "job", stage)
    code, said = runner(folder, STATE_PASSWORD="")

    assert code != 0
    assert "add the secret STATE_PASSWORD" in said
    assert [one.name for one in folder.iterdir()] == ["monitor.toml"]


@pytest.mark.slow
def test_an_account_that_is_down_fails_no_job_and_its_end_is_known_to_a_later_round(runner, tmp_path, stage):
    first, second = fresh(tmp_path / "first", stage), fresh(tmp_path / "second", stage)
    stage.set("openai/main", "account_suspended")
    try:
        assert runner(first, STATE_PASSWORD="a password")[0] == 0
    finally:
        stage.set("openai/main", None)
    (first / "state.enc").rename(second / "state.enc")

    assert runner(second, STATE_PASSWORD="a password")[0] == 0
    incidents = json.loads((second / "public" / "api" / "v2" / "incidents.json").read_text())["incidents"]
    assert len(incidents) == 1
