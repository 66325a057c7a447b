"""What a newcomer does with a container, from the shipped Dockerfile and compose.yaml: the very lines are obeyed."""

import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.backstage import ROOT
from tests.container import bare, engine
from tests.container.provider import CONFIG, KEYS
from tests.container.recipe import compose, is_sent, stages, with_own_site

COMPOSE = (ROOT / "compose.yaml").read_text()
WRITTEN = Path("/var/lib/provider-monitor")
STAYS_S = 20
"""So long it has to stay up."""


@pytest.fixture(scope="module", params=["an engine", "an empty root"])
def start(request, tmp_path_factory):
    """A way to start a container from a folder and a compose.yaml."""
    if not shutil.which("curl"):
        pytest.skip("a page is fetched with curl")
    return engine.build() if request.param == "an engine" else bare.build(tmp_path_factory.mktemp("image"))


@contextmanager
def newcomer():
    """An empty folder, as a user makes it."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def provider(pid):
    line = ["nsenter", "--target", str(pid), "--net", sys.executable, "-m", "tests.container.provider"]
    process = subprocess.Popen(line, cwd=ROOT)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def until(check, container, limit_s=60):
    ends = time.monotonic() + limit_s
    while True:
        assert container.is_running, container.log
        if check():
            return
        assert time.monotonic() < ends, f"not within {limit_s} s: {container.log}"
        time.sleep(0.5)


def prepared(folder, own_site):
    """Return the text of compose.yaml, where wanted with the commented line in force and obeyed."""
    if not own_site:
        return COMPOSE
    text, first = with_own_site(COMPOSE)
    subprocess.run(first, cwd=folder, check=True)
    return text


def needs_port(container):
    with socket.socket() as one:
        if one.connect_ex(("127.0.0.1", int(container.port))) == 0:
            pytest.skip(f"somebody else listens on port {container.port} here")


SLEEPER = """
FROM any
WORKDIR /etc/provider-monitor
WORKDIR /var/lib/provider-monitor
USER 65534:65534
HEALTHCHECK --retries=1 CMD ["true"]
ENTRYPOINT ["sleep"]
CMD ["600"]
"""


class Failed(Exception):
    """A test in which something is not as it should be."""


def is_alive(pid):
    return Path(f"/proc/{pid}").exists()


def test_a_test_that_fails_leaves_no_program_behind(tmp_path):
    pids = []

    def fail_within(made):
        with made as container:
            pids.append(container.pid)
            assert is_alive(*pids)
            raise Failed

    with pytest.raises(Failed):
        fail_within(bare.build(tmp_path, SLEEPER)(tmp_path, COMPOSE))

    assert not is_alive(*pids)


def test_a_container_that_does_not_start_in_time_is_not_left_running_either(tmp_path):
    container = bare.build(tmp_path, SLEEPER)(tmp_path, COMPOSE, start_s=0)
    with pytest.raises(AssertionError, match="not started within"):
        container.__enter__()

    assert not container.is_running


@pytest.mark.slow
@pytest.mark.parametrize("own_site", [False, True], ids=["the default volumes", "a folder for the site"])
def test_with_an_account_it_stays_up_tells_and_takes_an_answer(start, own_site):
    with newcomer() as folder:
        (folder / "monitor.toml").write_text(CONFIG)
        (folder / ".env").write_text(KEYS)
        made = start(folder, prepared(folder, own_site))
        needs_port(made)
        with made as container, provider(container.pid):
            up_at = time.monotonic()
            until(lambda: "openai/lost" in container.fetch() and "key rejected" in container.fetch(), container)
            until(lambda: container.call("provider-monitor", "incidents")[0] == 1, container)
            assert container.call(*container.health)[0] == 0, container.log
            assert container.call("provider-monitor", "acknowledge")[0] == 0
            assert "acknowledged" in container.call("provider-monitor", "alerts", "explain")[1]
            assert "llm_account_up{" in container.fetch("/metrics")
            assert '"alive": true' in container.fetch("/healthz")
            check_files(container, "site")
            if own_site:
                assert "openai/lost" in (folder / "site" / "index.html").read_text()
            time.sleep(max(0, up_at + STAYS_S - time.monotonic()))
            check_end(container)


@pytest.mark.slow
@pytest.mark.parametrize("config", [None, '[site]\ntitle = "Mine"\n'], ids=["no file", "no account"])
def test_without_an_account_the_demonstration_stays_up(start, config):
    with newcomer() as folder:
        if config is not None:
            (folder / "monitor.toml").write_text(config)
        made = start(folder, COMPOSE)
        needs_port(made)
        with made as container:
            up_at = time.monotonic()
            until(lambda: "openai/production" in container.fetch(), container)
            until(lambda: container.call(*container.health)[0] == 0, container)
            check_files(container, "site/demo")
            time.sleep(max(0, up_at + STAYS_S - time.monotonic()))
            assert "status page: http://localhost:8321/" in container.log
            assert container.call(*container.health)[0] == 0
            check_end(container)


@pytest.mark.slow
def test_a_changed_monitor_toml_is_taken_up_as_an_editor_leaves_it(start):
    with newcomer() as folder:
        (folder / "monitor.toml").write_text(CONFIG)
        (folder / ".env").write_text(KEYS)
        made = start(folder, COMPOSE)
        needs_port(made)
        with made as container, provider(container.pid):
            until(lambda: "openai/lost" in container.fetch(), container)
            (folder / "new").write_text(CONFIG.replace('"lost"', '"renamed"'))
            (folder / "new").replace(folder / "monitor.toml")
            until(lambda: "openai/renamed" in container.fetch(), container)


def files(container, name):
    return container.call("ls", str(WRITTEN / name))[1].split()


def check_files(container, site):
    """Every folder is there, closed or open as on any machine."""
    listed = container.call(
        "stat", "--format=%a %n", *(str(WRITTEN / one) for one in ("state", "site", "public", "metrics"))
    )
    modes = {Path(line.split()[1]).name: line.split()[0] for line in listed[1].splitlines()}
    assert modes["state"] == "700"
    assert (modes["public"], modes["metrics"]) == ("755", "755")
    assert {"index.html", "usable.json"} <= {*files(container, site)}
    assert any(name.endswith(".db") for name in files(container, "state"))


def check_end(container):
    assert container.is_running, container.log
    took_s, code = container.stop()
    assert "Traceback" not in container.log
    assert (code, took_s < 5) == (0, True), (code, took_s, container.log)


def test_nothing_but_the_program_is_sent_to_the_builder():
    sent = {path.name for path in ROOT.iterdir() if is_sent(path)}

    assert {"pyproject.toml", "constraints.txt", "README.md", "LICENSE", "monitor", "probes", "templates"} == sent
    for name in (
        ".env",
        "keys/openai",
        "state/monitor.db",
        "site/index.html",
        "monitor/__pycache__/cli.pyc",
        ".git/config",
    ):
        assert not is_sent(ROOT / name)


def test_dockers_own_parser_reads_what_our_tests_obey():
    parser = pytest.importorskip("dockerfile", reason="Docker's parser is not built for this machine")
    read = parser.parse_file(str(ROOT / "Dockerfile"))
    ours = [one for stage in stages((ROOT / "Dockerfile").read_text()) for one in stage.instructions]

    assert [one.cmd for one in read if one.cmd != "FROM"] == [one.word for one in ours]
    for one, own in zip((one for one in read if one.cmd != "FROM"), ours, strict=True):
        if one.json and one.cmd != "HEALTHCHECK":
            assert [*one.value] == own.words
        if one.cmd == "COPY" and not one.flags:
            assert [name for name in one.value[:-1] if not is_sent(ROOT / name)] == []


def test_the_container_can_do_no_more_than_it_must():
    service, image = compose(COMPOSE).service, stages((ROOT / "Dockerfile").read_text())[-1]

    assert service.read_only
    assert (service.cap_drop, service.security_opt) == (["ALL"], ["no-new-privileges:true"])
    assert all(port.startswith("127.0.0.1:") for port in service.ports)
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", image.last("USER")[0])
    assert service.init
