"""What is installed elsewhere: the wheel and the source archive hold all of it, and the wheel works from any folder."""

import os
import subprocess
import sys
import tarfile
import zipfile

import pytest

from tests.backstage import KEYS, ROOT, backstage

PACKAGES = ("monitor", "probes", "templates")
LIBRARIES = next(path for path in sys.path if path.endswith("site-packages"))


def shipped(*tops):
    """Return the files of the project below these folders, and what each is."""
    found = (one for top in tops for one in (ROOT / top).rglob("*") if one.is_file())
    return {str(one.relative_to(ROOT)): one.read_bytes() for one in found if "__pycache__" not in one.parts}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with the wheel and the source archive, as the build makes them."""
    folder = tmp_path_factory.mktemp("dist")
    line = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    subprocess.run(line, cwd=ROOT, check=True, capture_output=True)
    return folder


def only(folder, pattern):
    (one,) = folder.glob(pattern)
    return one


def test_the_wheel_holds_every_file_of_the_program(made):
    with zipfile.ZipFile(only(made, "*.whl")) as wheel:
        held = {name: wheel.read(name) for name in wheel.namelist() if ".dist-info/" not in name}

    assert held == shipped(*PACKAGES)


def test_the_source_archive_holds_the_deployments_the_documentation_and_the_tests_and_no_link(made):
    with tarfile.open(only(made, "*.tar.gz")) as archive:
        members = archive.getmembers()
        held = {one.name.split("/", 1)[1]: archive.extractfile(one).read() for one in members if one.isfile()}

    assert [one.name for one in members if not one.isfile()] == []
    expected = shipped(*PACKAGES, "deploy", "docs/how-to", "examples", ".github", "tests")
    assert {name: held.get(name) for name in expected} == expected
    assert {"constraints.txt", "Makefile", "Dockerfile", "compose.yaml", "monitor.toml", "LICENSE"} <= set(held)


def test_the_unit_that_deploy_shows_is_the_one_that_init_writes():
    name = "provider-monitor.service"

    assert (ROOT / "deploy" / name).read_text() == (ROOT / "monitor" / "setup" / name).read_text()
    assert not (ROOT / "deploy" / name).is_symlink(), "a page of the source, or a ZIP of it, shows where a link leads"


@pytest.fixture
def installed(made, tmp_path):
    """A way to call what the wheel holds, from another folder, with an empty home and none of our source in reach.

    `-S`: the libraries are those of the tests, without the line there that leads to the source.
    """
    place, folder = tmp_path / "installed", tmp_path / "folder"
    folder.mkdir()
    with zipfile.ZipFile(only(made, "*.whl")) as wheel:
        wheel.extractall(place)
    known = {"HOME": str(tmp_path / "home"), "PATH": os.environ["PATH"], "PYTHONPATH": f"{place}:{LIBRARIES}"}

    def call(*words, **more):
        line = [sys.executable, "-S", "-m", "monitor", *words]
        done = subprocess.run(line, cwd=folder, env=known | more, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    return folder, call


def test_from_the_wheel_a_configuration_is_written_checked_and_watched_in_any_folder(installed):
    folder, call = installed
    with backstage() as stage:
        keys = {"OPENAI_API_KEY": KEYS["openai/main"], "OPENAI_BASE_URL": stage.simulator.base("openai")}
        written = call("init", "--yes", "--config", "monitor.toml", "--service", "systemd", **keys)
        assert (written[0], "/opt/provider-monitor/bin/pip install provider-monitor " in written[1]) == (0, True), (
            written
        )
        assert "DynamicUser=yes" in (folder / "provider-monitor.service").read_text()
        with (folder / "monitor.toml").open("a") as file:
            file.write('\n[public]\nlanguages = ["en", "he"]\n[probe]\nonline = []\n[status]\npoll = false\n')
        checked, round_done = call("check", **keys), call("once", **keys)

    assert checked[0] == round_done[0] == 0, (checked, round_done)
    assert (folder / "site" / "style.css").exists()
    assert 'dir="rtl"' in (folder / "public" / "he" / "index.html").read_text()
