"""Builders: a value of the field with one line, and only what matters in a test spelt out; and which tests are pure."""

import gc
import logging
import os
import re
import signal
import sys
from datetime import UTC, datetime, timedelta
from itertools import chain, islice

import pytest
from hypothesis import settings

from monitor.detect.health import Health, Thresholds, advance
from monitor.sentence.doubt import describe_doubt
from monitor.sentence.reason import describe_reason
from probes.model import Answer, Fault, Observation, Outcome, Target

# No test is about how fast this machine is today.
settings.register_profile("steady", deadline=None)
settings.register_profile("deep", parent=settings.get_profile("steady"), max_examples=3_000)  # see `make fuzz`
settings.register_profile("brief", parent=settings.get_profile("steady"), max_examples=25)  # see `make test`
settings.load_profile("steady")

# What runs tests in parallel sets it in each of them, and a table would be as narrow as that.
os.environ.pop("COLUMNS", None)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
USUAL = Thresholds()
CHAT = Target("openai/main", "openai", "chat", "gpt-5-nano")

IMPURE = re.compile(
    r"^(?:from|import) (?:asyncio|http|socket|sqlite3|subprocess|tempfile|threading"
    r"|aiohttp|aiosmtpd|playwright|benchmarks|tests\.(?:backstage|container|faults|forward_proxy|pictures|receiver))\b",
    re.MULTILINE,
)
"""What a file of tests imports that wait for something, or measure it."""
WAITS = re.compile(
    r"^(?:from|import) (?:subprocess|tests\.(?:backstage|container|pictures|tabs))\b",
    re.MULTILINE,
)
"""What a file of tests imports that wait for other processes, which take long to start: programs of ours, browsers."""
REFUSED = {"socket.bind", "socket.connect", "socket.getaddrinfo"}


def pytest_addoption(parser):
    parser.addoption("--pure", action="store_true", help="only files of tests that reach and await nothing")


def refuse(event, arguments):
    """Hold a test to what its file's imports promise."""
    if event in REFUSED:
        raise PermissionError(f"{event} {arguments} in a test that is to reach nothing: see IMPURE")


def pytest_ignore_collect(collection_path, config):
    if config.getoption("pure") and collection_path.suffix == ".py" and IMPURE.search(collection_path.read_text()):
        return True
    return None


def spread(files, waiting, workers, early):
    """Return these lists of tests as one that gives `early` of the workers what waits first, and the others none of it.

    `waiting` says of each list whether it waits. xdist deals the tests in their order, as many to each worker; who has
    none left takes some from the end of another one's.
    """
    waits = [file for file, it in zip(files, waiting, strict=True) if it]
    works = chain.from_iterable(file for file, it in zip(files, waiting, strict=True) if not it)
    left, spread = sum(map(len, files)), []
    for number in range(workers):
        its = [*chain.from_iterable(waits[number::early])] if number < early else []
        its += islice(works, max(0, left // (workers - number) - len(its)))
        left -= len(its)
        spread += its
    return spread


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Let as many workers as there are more than cores begin with what waits, while the others keep the cores busy."""
    workers, cores = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1)), os.cpu_count() or 1
    if workers > cores:
        files = {}
        for item in items:
            files.setdefault(item.path, []).append(item)
        waiting = [bool(WAITS.search(path.read_text())) for path in files]
        items[:] = spread([*files.values()], waiting, workers, workers - cores)


def pytest_collection():
    """Look for no garbage meanwhile: nearly all that is made stays."""
    gc.disable()


def pytest_collection_finish():
    """Leave what was collected out of every later search for garbage: 400,000 objects, and none of them is any."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def runtime_folder(tmp_path_factory):
    """Where what stands in for a database is kept, and not where a monitor of this machine keeps it."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("runtime")
        folder.chmod(0o700)
        patch.setenv("RUNTIME_DIRECTORY", str(folder))
        yield folder


@pytest.fixture(scope="session")
def postgres_server():
    """A PostgreSQL for the tests marked `cluster`; each takes a database of its own there."""
    from tests.postgres import postgres, program

    if program("postgres") is None:
        pytest.skip("needs the programs of PostgreSQL")
    with postgres() as server:
        yield server


@pytest.fixture
def postgres_database(postgres_server):
    """The URL of an empty database."""
    return postgres_server.url(postgres_server.new_database())


@pytest.fixture(autouse=True)
def log_level():
    """A played world is quiet; the next test may look at the log."""
    log = logging.getLogger("monitor")
    level = log.level
    yield
    log.setLevel(level)


@pytest.fixture(scope="session", autouse=True)
def pure(request):
    if request.config.getoption("pure"):
        sys.addaudithook(refuse)


@pytest.fixture(scope="session", autouse=True)
def heeded():
    """Where tests run side by side their workers ignore Ctrl-C, and so would each program that they start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def target(account="openai/main", canary="chat", model=None):
    return Target(account, account.partition("/")[0], canary, model)


def sentences(reasons):
    """Say reasons as a reader of English has them, at an instant that those of detectors do not ask for."""
    return tuple(describe_reason(one, NOON) for one in reasons)


def why(bulletin):
    """Say why a bulletin is not believed as a reader of English has it; None if it is."""
    return bulletin.problem and describe_doubt(bulletin.problem)


def observation(fault=None, seconds=0, target=CHAT, **facts):
    """One attempt: good, or with this fault; UNKNOWN when the fault is the word for why we could not look."""
    if fault is None:
        return Observation(target, at(seconds), Outcome.OK, latency_s=0.5, status=200, **facts)
    if not isinstance(fault, Fault):
        return Observation(target, at(seconds), Outcome.UNKNOWN, answer=Answer("monitor/not-asked", fault))
    facts = {"status": 401, "request_id": "req_1", "answer": Answer(f"openai/{fault}", "some words"), **facts}
    return Observation(target, at(seconds), Outcome.FAILED, fault=fault, **facts)


def health(*faults, target=CHAT, every_s=60, thresholds=USUAL, **facts):
    """The health after these attempts: None for a good one, a Fault for a bad one."""
    now = Health()
    for number, fault in enumerate(faults):
        more = facts if fault else {}
        now = advance(now, observation(fault, number * every_s, target, **more), thresholds, every_s)
    return now
