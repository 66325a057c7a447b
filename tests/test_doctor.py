"""`doctor`: what is wrong is named with what mends it, what cannot be known is unknown, and nothing holds it up."""

import asyncio
import json
import os
import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from aiohttp import web
from msgspec.structs import replace

from monitor.config.config import Heartbeat
from monitor.config.load import config_of_text
from monitor.control.socket_file import Owner, bind
from monitor.detect.health import Health
from monitor.diagnose.stage_failure import FailingStage
from monitor.diagnose.status_source import StatusSource
from monitor.doctor.checks import CHECKS
from monitor.doctor.examination import Examination, Library, Program, PublishedPage, StoredFacts, WrittenPlace
from monitor.doctor.examine import look_at_places, read_stored
from monitor.doctor.host_check import Certificate, HostCheck, HostRoute, check_host, routes_of, with_refused_certificate
from monitor.doctor.installed import holder_began, libraries, newest_change
from monitor.doctor.process import is_within
from monitor.doctor.remark import LONGEST, Grade, Remark, Topic, legible
from monitor.stage import Stage
from monitor.storage_refusal import RefusalKind, StorageRefusal
from monitor.store.checkup import Listening, StoreCheckup
from monitor.store.connection import open_writer
from monitor.store.expected_schema import VERSION
from monitor.store.lock import Lock
from monitor.store.overlap import Overlap
from monitor.store.row import Batch
from monitor.store.submission import socket_files
from monitor.store.writer import Writer
from probes.canary import open_session
from probes.model import Fault, Phase
from probes.proxy import DIRECT_EGRESS, Egress, Proxies, Proxy, read_environment
from tests.backstage import KEYS, ROOT, backstage, call, environment, public_folder, start_warm
from tests.conftest import NOON, at, observation
from tests.faults.deaf import deaf
from tests.forward_proxy import forward_proxy

KEY = "sk-good-0123456789abcdefXYZW"
ACCOUNT = '[[accounts]]\nname = "a"\nprovider = "openai"\nkey = "env:KEY"\n'
HOOK = '[[channels]]\nname = "hook"\nurl = "json://localhost/hook"\n'
FAR = HostRoute("https://api.example:443/", "openai/a", DIRECT_EGRESS)
WELL = StoreCheckup(
    name="monitor.db", folder=Path("state"), there=True, sound=True, schema=VERSION, aside_name="it.aside"
)
NOTHING = StoredFacts(
    beat=NOON, refusal=None, failing=(), overlap=None, healths={}, sources={}, unsent=(), pause=timedelta(0), gaps=(),
    said=(),
)  # fmt: skip


def config(text=ACCOUNT + HOOK, folder=Path("/nowhere"), **variables):
    return config_of_text(text, folder / "monitor.toml", {"KEY": KEY, **variables})


def examination(**facts):
    made = {"now": NOON, "config": config(), "problems": (), "environment": {}, "user": 0, "hosts": ()}
    usual = {"store": WELL, "stored": NOTHING, "places": (), "page": PublishedPage(NOON, "status.json")}
    return Examination(**{**made, **usual, **facts})


def told(topic, **facts):
    """What one check says: the level, the words and the repair of each line."""
    return [(one.level, one.words, one.repair) for one in CHECKS[topic](examination(**facts))]


def one_of(topic, **facts):
    (only,) = told(topic, **facts)
    return only


def test_there_is_a_check_for_each_topic_in_their_order():
    assert list(CHECKS) == list(Topic)


# The clock, names, TLS and proxies

OFFSETS = [(0.4, "ok"), (-4, "ok"), (9, "warning"), (-9, "warning"), (70, "error"), (-86_400, "error")]


@pytest.mark.parametrize(("ahead_s", "level"), OFFSETS)
def test_a_clock_is_wrong_by_what_the_hosts_say(ahead_s, level):
    found = one_of(Topic.CLOCK, hosts=(HostCheck(FAR, ahead_s=ahead_s),))

    assert (found[0], found[2]) == (level, None if level == "ok" else "sudo timedatectl set-ntp true")


def test_one_host_with_a_wrong_clock_does_not_make_ours_wrong():
    assert one_of(Topic.CLOCK, hosts=tuple(HostCheck(FAR, ahead_s=s) for s in (0, 0.5, -3600)))[0] == "ok"


UNTIMED = {
    "nobody": (),
    "not found": (HostCheck(FAR, Phase.NAME, "not found"),),
    "this machine": (HostCheck(replace(FAR, address="http://localhost:8/"), ahead_s=0),),
}


@pytest.mark.parametrize("seen", UNTIMED.values(), ids=UNTIMED)
def test_without_another_ones_clock_ours_is_not_known(seen):
    assert one_of(Topic.CLOCK, hosts=seen)[0] == "unknown"


@asynccontextmanager
async def secure(issued=None, **headers):
    """A host of HTTP, with a certificate or without; yield its port."""
    app = web.Application()

    async def answer(_):
        return web.Response(status=404, headers=headers)

    app.add_routes([web.get("/", answer)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    context = None
    if issued:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issued.configure_cert(context)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def checked(port, way=DIRECT_EGRESS, scheme="https", limit_s=2.0):
    route = HostRoute(f"{scheme}://localhost:{port}/", "openai/a", way)

    async def go():
        async with open_session("0") as session:
            return await with_refused_certificate(
                await check_host(session, route, lambda: datetime.now(UTC), limit_s), limit_s
            )

    return go()


def met(issued=None, way=DIRECT_EGRESS, **headers):
    async def go():
        async with secure(issued, **headers) as port:
            return await checked(port, way, "https" if issued else "http")

    return asyncio.run(go())


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    made = trustme.CA(organization_name="Our Own")
    made.cert_pem.write_to_path(tmp_path_factory.mktemp("authority") / "ca.pem")
    return made


@pytest.fixture(scope="module")
def way(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("trusted") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return Egress(ca_file=str(path))


def test_the_time_of_a_host_is_read_and_a_wrong_one_shows():
    right, wrong = met(), met(Date="Sat, 21 Nov 2020 12:00:00 GMT")

    assert abs(right.ahead_s) < 2
    assert wrong.ahead_s > 86_400 * 365
    assert met(Date="soon").ahead_s is None


def test_a_trusted_certificate_is_named_with_its_end(authority, way):
    seen = met(authority.issue_cert("localhost", not_after=datetime.now(UTC) + timedelta(days=3, hours=1)), way)

    assert (seen.words, seen.certificate.issuer) == (None, "Our Own")
    lines = told(Topic.TLS, hosts=(seen,), now=datetime.now(UTC))
    assert [line[0] for line in lines] == ["warning", "ok"]
    assert "ends in 3 d" in lines[0][1]


REFUSED = {
    "expired": ({"not_after": datetime.now(UTC) - timedelta(days=1)}, "certificate has expired", "renews"),
    "wrong name": ({"name": "other.example"}, "Hostname mismatch", "put its authority into"),
    "another authority": ({"organization": "Zscaler Inc."}, 'vouched for by "Zscaler Inc."', "put its authority into"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_certificate_that_is_refused_is_named_with_who_made_it(case, authority, way):
    settings, words, repair = REFUSED[case]
    issuer = trustme.CA(organization_name=settings["organization"]) if "organization" in settings else authority
    seen = met(issuer.issue_cert(settings.get("name", "localhost"), not_after=settings.get("not_after")), way)
    level, said, mend = one_of(Topic.TLS, hosts=(seen,), now=datetime.now(UTC))

    assert level == "error"
    assert words in said
    assert f'"{settings.get("organization", "Our Own")}"' in said
    assert repair in mend


def test_who_vouches_is_read_through_a_proxy_too():
    async def go():
        issued = trustme.CA(organization_name="Zscaler Inc.").issue_cert("far.example")
        async with secure(issued) as port, forward_proxy(places={"far.example": ("127.0.0.1", port)}) as proxy:
            through = Proxy("http", "127.0.0.1", proxy.port)
            route = HostRoute("https://far.example:443/", "openai/a", Egress(Proxies(through, through)))
            return await with_refused_certificate(HostCheck(route, Phase.TLS, "refused", untrusted=True), 5)

    assert asyncio.run(go()).certificate.issuer == "Zscaler Inc."


def test_a_proxy_that_opens_tls_and_is_trusted_is_named():
    seen = HostCheck(FAR, certificate=Certificate("Zscaler Inc.", NOON + timedelta(days=300)), ahead_s=0)
    first, second = told(Topic.TLS, hosts=(seen,))

    assert (first[0], second[0]) == ("warning", "ok")
    assert 'made by "Zscaler Inc."' in first[1]
    assert "ca_file =" in one_of(Topic.TLS, hosts=(replace(seen, untrusted=True, phase=Phase.TLS, words="no"),))[2]


def test_a_closed_port_is_an_error_and_one_that_hangs_is_left_in_time():
    with socket.create_server(("127.0.0.1", 0)) as there:
        closed = there.getsockname()[1]
    shut = asyncio.run(checked(closed))
    with deaf() as silent:
        began = time.monotonic()
        late = asyncio.run(checked(silent.port, limit_s=0.3))

    assert time.monotonic() - began < 2
    level, words, mend = one_of(Topic.TLS, hosts=(shut,))
    assert (level, words) == ("error", "localhost, for openai/a: no connection (Connection refused)")
    assert mend == f"say `curl -sv https://localhost:{closed}/` from here"
    assert (late.phase, late.certificate) == (Phase.TLS, None)


def test_hosts_with_the_same_trouble_share_a_line():
    routes = [replace(FAR, address=f"https://{number}.example:443/") for number in range(5)]
    cut = tuple(HostCheck(one, Phase.CONNECT, "no connection") for one in routes)
    lost = tuple(HostCheck(one, Phase.NAME, "not found") for one in routes)

    assert one_of(Topic.TLS, hosts=cut)[1].startswith("0.example, 1.example, 2.example, and 2 more, for openai/a")
    assert one_of(Topic.DNS, hosts=lost)[1] == "none of 5 hosts is found: not found"
    assert one_of(Topic.TLS, hosts=lost)[0] == "unknown"
    (one, *_) = told(Topic.DNS, hosts=(lost[0], cut[1]))
    assert one[2] == "say `getent hosts 0.example`, and compare its spelling"


PROXY = Proxy("http", "proxy.example", 3128, "me", "secret-word-0123456789")
THROUGH = replace(FAR, way=Egress(Proxies(PROXY, PROXY)))


def test_a_proxy_that_stops_us_is_named_once_and_without_its_password():
    seen = tuple(HostCheck(THROUGH, Phase.PROXY, "the proxy at proxy.example:3128 refuses us") for _ in range(3))
    level, words, mend = one_of(Topic.PROXIES, hosts=seen)

    assert (level, words) == ("error", "the proxy at proxy.example:3128 refuses us; openai/a needs it")
    assert mend == "say `curl -sv -x http://proxy.example:3128 https://api.example:443/` from here"
    assert one_of(Topic.DNS, hosts=seen) == ("ok", "every host is left to a proxy to find", None)


VARIABLES = {
    "none": ({}, FAR, []),
    "in use": ({"HTTPS_PROXY": "http://p:1"}, None, []),
    "excepted": ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "api.example"}, FAR, ["HTTPS_PROXY is set, and no host"]),
    "outdone": (
        {"HTTPS_PROXY": "http://p:1", "https_proxy": "http://q:1"},
        None,
        ["HTTPS_PROXY is set, and https_proxy"],
    ),
    "http alone": ({"HTTP_PROXY": "http://p:1"}, FAR, ["HTTP_PROXY is set alone"]),
}


@pytest.mark.parametrize("case", VARIABLES)
def test_a_variable_without_effect_is_named(case):
    variables, route, begins = VARIABLES[case]
    usual = Egress(read_environment(variables)[0])
    seen = HostCheck(route or replace(FAR, way=usual), ahead_s=0)
    found = told(Topic.PROXIES, hosts=(seen,), environment=variables, config=replace(config(), way=usual))

    assert [line[1][: len(begin)] for line, begin in zip(found, begins, strict=False)] == begins
    assert [line[0] for line in found] == (["warning"] * len(begins) or ["ok"])


def test_each_host_is_asked_once_and_a_demonstration_asks_none():
    twice = ACCOUNT + ACCOUNT.replace('"a"', '"b"') + "[status]\npoll = false\n"
    (route,) = routes_of(config(twice))

    assert (route.address, route.needed_by) == ("https://api.openai.com:443/", "openai/a")
    assert routes_of(replace(config(twice), simulated=True)) == []
    assert (
        routes_of(config(ACCOUNT + 'base = "http://[::1]:8/v1"\n[status]\npoll = false\n'))[0].address
        == "http://[::1]:8/"
    )


# Files and the database


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "monitor.toml").write_text(ACCOUNT)
    (tmp_path / "monitor.toml").chmod(0o600)
    return tmp_path


@pytest.fixture
def kept(folder):
    """A configuration whose database is there, with what a test saves in it."""
    made = config(folder=folder)
    database = made.store.database
    lock = Lock(database)
    with closing(open_writer(database)) as connection:
        yield made, database, Writer(connection, made.location)
    lock.release()


def checkup(made, limit_s=4.0):
    from monitor.backend import open_store

    return open_store(made.store).examine(limit_s)


def test_a_sound_database_is_well(kept):
    made, database, _ = kept
    seen = checkup(made)

    assert (seen.sound, seen.schema, seen.holder, seen.problem) == (True, VERSION, str(os.getpid()), None)
    assert one_of(Topic.DATABASE, store=seen) == ("ok", f"monitor.db is sound, of schema {VERSION}", None)


def broken(database):
    size = database.stat().st_size
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))


def no_database(database):
    database.write_bytes(b"a letter to a friend, and nothing else" * 200)


def newer(database):
    with closing(sqlite3.connect(database)) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")


def a_link_to_itself(database):
    database.unlink()
    database.symlink_to(database.name)


def below_a_file(database):
    shutil.rmtree(database.parent)
    database.parent.write_text("")


RUINED = {
    a_link_to_itself: "Too many levels of symbolic links",
    below_a_file: "Not a directory",
    broken: "malformed",
    no_database: "file is not a database",
    newer: f"is of schema {VERSION + 1}, newer than this program's {VERSION}",
}


@pytest.mark.parametrize("ruin", RUINED)
def test_a_database_that_cannot_be_used_is_named_with_the_repair(ruin, folder):
    made = config(folder=folder)
    database = made.store.database
    Lock(database).release()
    open_writer(database).close()
    ruin(database)
    found = told(Topic.DATABASE, store=checkup(made))

    assert [line[0] for line in found] == ["error"]
    assert RUINED[ruin] in found[0][1]
    assert found[0][2]
    assert read_stored(made, NOON) is None or ruin is broken


def test_a_check_that_takes_too_long_leaves_it_unknown(kept):
    made, _, writer = kept
    writer.save(Batch(NOON, tuple(observation(seconds=number) for number in range(3_000))))
    seen = checkup(made, limit_s=0.0)

    assert (seen.sound, seen.problem) == (None, None)
    level, words, mend = one_of(Topic.DATABASE, store=seen)
    assert (level, "PRAGMA quick_check" in mend) == ("unknown", True)


def test_a_pipe_beside_the_database_holds_nothing_up(kept):
    made, database, _ = kept
    os.mkfifo(database.with_name("monitor.db.aside.jsonl"))
    checking = threading.Thread(target=checkup, args=(made,), daemon=True)
    checking.start()
    checking.join(5)

    assert not checking.is_alive()


def test_what_lies_beside_the_database_is_counted(kept):
    made, database, _ = kept
    database.with_name("monitor.db.aside.jsonl").write_text("{}\n{}\n")
    database.with_name("monitor.db.corrupt-20261121T120000").write_text("")
    replies = database.with_name("monitor.db.replies")
    replies.mkdir()
    (replies / "1.unread").write_text("")
    seen = checkup(made)

    assert (seen.asides, seen.broken, seen.unread) == (2, ("monitor.db.corrupt-20261121T120000",), 1)
    assert [line[0] for line in told(Topic.DATABASE, store=seen)] == ["warning", "warning"]
    assert "1 answer of people" in told(Topic.PROCESS, store=replace(seen, listening=Listening.ANSWERS))[0][1]


ODD = {
    "older": ({"schema": 3}, "warning", "migrate"),
    "a large log": ({"log_bytes": 10**9}, "warning", "fuser"),
    "a network disk": ({"place": "it lies on nfs: name a local path"}, "warning", "name a local path"),
    "another's": ({"rights": "it is closed; chown it"}, "error", "chown it"),
}


@pytest.mark.parametrize("case", ODD)
def test_what_is_odd_about_a_database_is_told(case):
    facts, level, mend = ODD[case]
    found = one_of(Topic.DATABASE, store=replace(WELL, **facts))

    assert (found[0], mend in found[2]) == (level, True)


def test_a_refusing_disk_is_an_error():
    refusal = StorageRefusal(RefusalKind.FULL, "database or disk is full")

    assert "disk is full" in one_of(Topic.DATABASE, stored=replace(NOTHING, refusal=refusal))[1]


def test_what_others_may_read_is_a_warning_and_a_new_folder_is_none(kept):
    made, database, _ = kept
    before = look_at_places(made, os.geteuid())
    database.chmod(0o644)
    found = told(Topic.FILES, places=look_at_places(made, os.geteuid()), config=made)

    assert told(Topic.FILES, places=before, config=made)[0][0] == "ok"
    assert [(line[0], line[2]) for line in found] == [("warning", f"chmod go-rwx {database}")]
    (made.file).write_text(ACCOUNT)
    key = database.parent / "a.key"
    key.write_text(KEY)
    key.chmod(0o644)
    named = config(ACCOUNT.replace("env:KEY", f"file:{key}"), folder=made.file.parent)
    assert told(Topic.FILES, config=named)[0][1] == f"{key} holds secrets and can be read by everybody"


@pytest.mark.parametrize(("left", "level"), [(10**12, "ok"), (400 * 10**6, "warning"), (10**6, "error")])
def test_a_disk_without_room_is_told_once(left, level):
    places = tuple(WrittenPlace(Path(name), "the page", free_bytes=left) for name in ("/a", "/b"))

    assert one_of(Topic.FILES, places=places)[0] == level


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can be somebody else")
def test_another_user_is_told_whose_the_folders_are():
    with public_folder() as folder:
        (folder / "monitor.toml").write_text("[status]\npoll = false\n")
        identity = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        line = (*identity, sys.executable, "-m", "monitor", "doctor", "--json")
        done = subprocess.run(
            line, cwd=folder, env=environment(PYTHONPATH=str(ROOT), HOME=str(folder)), capture_output=True, check=False
        )

    if not done.stdout:
        pytest.skip("that user cannot read this checkout")
    rows = [row for row in json.loads(done.stdout)["rows"] if row["topic"] == "files"]
    assert done.returncode == 1
    assert {(row["level"], row["words"].partition(": ")[2]) for row in rows} == {
        ("error", "it belongs to root, not to this user")
    }
    assert rows[0]["repair"].startswith("let this user own it: sudo chown -R 65534 ")


# Versions, the process and what it left

RANGES = [
    ("3.12.1", ">=3.12,<4", True),
    ("3.11.9", ">=3.12,<4", False),
    ("4.0", "<4,>=3.12", False),
    ("4.0.0", "==4", True),
    ("2026.1.post1", ">=2026.1", True),
    ("1.2", "!=1.2", False),
    ("odd", "", True),
]


@pytest.mark.parametrize(("version", "allowed", "fits"), RANGES)
def test_a_version_fits_a_range(version, allowed, fits):
    assert is_within(version, allowed) is fits


def test_libraries_outside_of_what_is_allowed_are_named():
    needs = ["msgspec<0.2,>=0.1", "nobody-has-this>=1", 'uvloop>=99; extra == "fast"', "aiohttp>=3"]
    found = list(libraries(needs))
    lines = told(Topic.VERSIONS, program=Program("3.10.1", ">=3.11", tuple(found), None, None))

    assert [one.name for one in found] == ["msgspec", "nobody-has-this", "aiohttp"]
    assert [(line[0], line[2]) for line in lines] == [
        ("error", "install it anew with another Python"),
        ("warning", "python -m pip install 'msgspec<0.2,>=0.1'"),
        ("error", "python -m pip install 'nobody-has-this>=1'"),
    ]


def test_a_process_that_is_older_than_the_program_is_told_to_restart():
    began = holder_began(str(os.getppid())) or holder_began(str(os.getpid()))
    installed = Program("3.12.0", ">=3.11", (Library("a", "1", ">=1"),), NOON, NOON - timedelta(hours=1))

    assert newest_change() is not None
    assert holder_began("1" * 9) is None
    assert began is None or began < datetime.now(UTC)
    assert [line[0] for line in told(Topic.VERSIONS, program=installed)] == ["warning"]
    assert one_of(Topic.VERSIONS, program=replace(installed, holder_began=NOON + timedelta(hours=1)))[0] == "ok"
    assert one_of(Topic.VERSIONS, program=replace(installed, libraries=None, holder_began=None))[0] == "unknown"


HELD = replace(WELL, holder="77", listening=Listening.ANSWERS)
LATER = NOON + timedelta(hours=2)
PROCESSES = {
    "at work": (HELD, NOON, "ok", "process 77 watches"),
    "rounds": (WELL, NOON, "ok", "rounds by `once`"),
    "stuck": (HELD, LATER, "error", "process 77 runs, and its last probe was 2 h"),
    "gone": (WELL, LATER, "error", "nobody watches"),
    "hanging": (replace(HELD, listening=Listening.HANGS), NOON, "error", "it hangs"),
    "deaf": (replace(HELD, listening=Listening.NOBODY), NOON, "error", "does not hear"),
    "another's": (replace(HELD, listening=Listening.CLOSED), NOON, "unknown", "closed to this user"),
}


@pytest.mark.parametrize("case", PROCESSES)
def test_a_process_that_does_not_watch_or_hear_is_named(case):
    store, now, level, words = PROCESSES[case]
    found = one_of(Topic.PROCESS, store=store, now=now)

    assert (found[0], words in found[1]) == (level, True), found


@pytest.mark.parametrize("beat", [None, NOON])
def test_a_process_that_has_just_begun_is_not_late(beat):
    begun = Program("3.12.0", ">=3.11", (), NOON, LATER - timedelta(seconds=5))
    facts = {"store": HELD, "now": LATER, "stored": replace(NOTHING, beat=beat)}

    assert one_of(Topic.PROCESS, program=begun, **facts)[0] == "ok"
    assert one_of(Topic.PROCESS, program=replace(begun, holder_began=NOON), **facts)[0] == "error"


def test_a_socket_that_does_not_answer_is_found_out_in_time(kept):
    made, database, _ = kept
    made_socket = bind(socket_files(database)[0], Owner(os.geteuid(), os.getegid()))
    with made_socket:
        began = time.monotonic()
        seen = checkup(made, limit_s=0.5)

    assert (seen.listening, seen.holder) == (Listening.HANGS, str(os.getpid()))
    assert time.monotonic() - began < 3


def test_missed_rounds_are_found_in_the_store(kept):
    made, _, writer = kept
    minutes = [*range(0, 60, 5), *range(240, 300, 5)]
    writer.save(Batch(at(300 * 60), tuple(observation(seconds=minute * 60) for minute in minutes)))
    found = read_stored(made, at(300 * 60))

    assert found.pause == timedelta(minutes=5)
    assert found.gaps == ((at(55 * 60), at(240 * 60)),)
    level, words, mend = one_of(Topic.GAPS, stored=found, now=at(300 * 60))
    assert (level, "in 1 gap;" in words, "journalctl" in mend) == ("warning", True, True)
    assert one_of(Topic.GAPS, stored=found, now=at(300 * 60) + timedelta(days=2))[0] == "ok"


def test_rounds_that_were_skipped_are_told():
    stored = replace(NOTHING, overlap=Overlap(4, NOON - timedelta(hours=3), NOON))

    assert one_of(Topic.GAPS, stored=stored)[1].startswith("4 rounds of the last day skipped")


@pytest.mark.parametrize(("times", "level"), [(1, "warning"), (5, "error")])
def test_a_failed_stage_is_told_with_its_error(times, level):
    failing = FailingStage(Stage.PUBLISH, times, NOON, NOON, "OSError")
    found = one_of(Topic.STAGES, stored=replace(NOTHING, failing=(failing,)))

    assert (found[0], "OSError" in found[1]) == (level, True)


PAGES = {
    "new": (PublishedPage(NOON, "status.json"), NOTHING, "ok"),
    "old": (PublishedPage(NOON - timedelta(hours=1), "status.json"), NOTHING, "error"),
    "none": (PublishedPage(None, "status.json"), NOTHING, "error"),
    "nobody watched": (PublishedPage(None, "status.json"), None, "ok"),
    "not known": (None, NOTHING, "unknown"),
}


@pytest.mark.parametrize("case", PAGES)
def test_a_page_that_is_older_than_the_last_probe_is_an_error(case):
    page, stored, level = PAGES[case]

    assert one_of(Topic.PAGE, page=page, stored=stored)[0] == level


# Who is watched and told


def test_accounts_that_never_answered_are_told_and_those_that_did_once_are_not():
    never = Health(seen_at=NOON, fault=Fault.INVALID_KEY)
    once = Health(seen_at=NOON, fault=Fault.INVALID_KEY, well_at=NOON)

    asked = {"openai/a/chat/m": never}
    assert one_of(Topic.ACCOUNTS, stored=replace(NOTHING, healths=asked))[1:] == (
        "openai/a has never answered well: invalid_key",
        "provider-monitor probe openai/a",
    )
    assert one_of(Topic.ACCOUNTS, stored=replace(NOTHING, healths={"openai/a/chat/m": once}))[0] == "ok"
    assert one_of(Topic.ACCOUNTS)[1] == "openai/a was never asked"
    assert one_of(Topic.ACCOUNTS, stored=None)[0] == "unknown"


def test_a_feed_that_is_not_believed_is_told():
    (id, *_) = config().feeds
    bad = StatusSource(id, polled_at=NOON, problem="it is a login page", doubtful_since=NOON - timedelta(hours=1))
    found = told(Topic.FEEDS, stored=replace(NOTHING, sources={id: bad}))

    assert found == [("warning", f"{id} is not believed for 1 h: it is a login page", "provider-monitor feeds")]
    assert one_of(Topic.FEEDS)[0] == "unknown"


def test_channels_are_judged_by_form_by_their_latest_message_and_by_the_test():
    no = replace(config(), channels=())
    wrong = config(ACCOUNT + HOOK.replace("json://localhost/hook", "nothing://x"))

    assert one_of(Topic.CHANNELS)[0] == "ok"
    assert one_of(Topic.CHANNELS, config=no)[0] == "warning"
    assert one_of(Topic.CHANNELS, config=wrong)[0] == "error"
    unsent = replace(NOTHING, unsent=(("hook", "HTTP 500"),))
    assert one_of(Topic.CHANNELS, stored=unsent)[1:] == (
        "hook: its latest message fails: HTTP 500",
        "provider-monitor alerts test hook",
    )
    assert "took the test" in one_of(Topic.CHANNELS, stored=unsent, sent={"hook": None})[1]
    assert "HTTP 404" in one_of(Topic.CHANNELS, sent={"hook": "HTTP 404"})[1]


def test_a_heartbeat_that_is_missing_is_a_warning():
    assert one_of(Topic.HEARTBEAT)[0] == "warning"
    assert one_of(Topic.HEARTBEAT, config=replace(config(), heartbeat=Heartbeat("https://x/y")))[0] == "ok"


def test_a_key_that_cannot_be_read_is_an_error_unless_the_process_at_work_may_have_it():
    lost = config_of_text(ACCOUNT, Path("/nowhere/monitor.toml"), {}, sends=False)

    assert one_of(Topic.KEYS)[0] == "ok"
    level, words, mend = one_of(Topic.KEYS, config=lost)
    assert (level, "KEY" in words, bool(mend)) == ("error", True, True)
    assert one_of(Topic.KEYS, config=lost, store=HELD)[0] == "unknown"


def test_what_others_said_is_cut_and_holds_no_key():
    line = Remark(Grade.ERROR, Topic.TLS, f"it said\x1b[31m {KEY}\n{'x' * 5_000}", f"use {KEY}")
    shown = legible(line, [KEY])

    assert len(shown.words) <= LONGEST
    assert shown.words.isprintable()
    assert KEY not in shown.words + shown.repair


# All of it


def rows(out):
    return {row["topic"]: row for row in json.loads(out)["rows"]}


def test_a_monitor_at_work_is_examined_while_it_runs(tmp_path):
    with backstage() as stage:
        stage.write_config(tmp_path)
        (tmp_path / "monitor.toml").chmod(0o600)
        with start_warm("run", folder=tmp_path) as process:
            try:
                page = tmp_path / "site" / "status.json"
                stage.until(lambda: page.exists() and b'"usable":true' in page.read_bytes(), 60)
                code, out, err = call("doctor", "--send", "--json", folder=tmp_path)
            finally:
                process.terminate()
        gone = rows(call("doctor", "--json", folder=tmp_path)[1])

    found = rows(out)
    assert code == 0, [row for row in found.values() if row["level"] == "error"]
    assert found["process"]["words"].startswith(f"process {process.pid} watches and hears commands")
    assert found["channels"]["words"] == "1 channel took the test message"
    assert stage.inbox.titles() == ["[TEST] provider-monitor at here reaches you"]
    assert {found[topic]["level"] for topic in ("database", "files", "page", "stages", "gaps", "tls", "keys")} == {"ok"}
    assert found["clock"]["level"] == "unknown"
    assert not any(key in out + err for key in KEYS.values())
    assert gone["process"]["words"].startswith("rounds by `once`")


def test_a_refused_configuration_is_told_and_the_rest_is_examined(tmp_path):
    good = ACCOUNT.replace("env:KEY", "env:OPENAI_MAIN") + 'base = "http://127.0.0.1:9/v1"\n'
    (tmp_path / "monitor.toml").write_text(f"[status]\npoll = false\n[probe]\nblip_s = -1\n{good}")
    code, out, _ = call("doctor", "--json", folder=tmp_path)
    (tmp_path / "monitor.toml").write_text("this is = no [file")
    code_of_noise, noise, _ = call("doctor", "--json", folder=tmp_path)

    assert (code, code_of_noise) == (2, 2)
    assert "probe.blip_s" in rows(out)["configuration"]["words"]
    assert "127.0.0.1" in rows(out)["tls"]["words"]
    assert rows(noise)["configuration"]["level"] == "error"
    assert rows(noise)["versions"]["level"] == "ok"


def test_everything_that_hangs_holds_it_up_for_less_than_fifteen_seconds(tmp_path):
    with deaf() as silent:
        accounts = "".join(
            f'[[accounts]]\nname = "a{number}"\nprovider = "openai"\nkey = "env:OPENAI_MAIN"\n'
            f'base = "https://127.0.0.{number}:{silent.port}/v1"\n'
            for number in range(1, 6)
        )
        hook = f'[[channels]]\nname = "hook"\nurl = "json://127.0.0.1:{silent.port}/"\n'
        (tmp_path / "monitor.toml").write_text(f"[status]\npoll = false\n{accounts}{hook}")
        began = time.monotonic()
        code, out, _ = call("doctor", "--send", "--json", folder=tmp_path)

    assert time.monotonic() - began < 15
    assert (code, rows(out)["channels"]["level"]) == (1, "error")


def test_the_demonstration_and_a_newcomer_are_examined_too(tmp_path):
    code, out, _ = call("doctor", folder=tmp_path)
    demo, told_of_it, _ = call("doctor", "--demo", "--csv", folder=tmp_path)

    assert (code, demo) == (0, 0)
    assert "provider-monitor init" in out
    assert "asks no host outside" in told_of_it


def test_a_wrong_option_is_wrong_use(tmp_path):
    assert call("doctor", "--sent", folder=tmp_path)[0] == 2
