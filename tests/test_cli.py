"""The program as a process: commands, exit codes, what goes to stdout and what to stderr."""

import fcntl
import gc
import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from monitor.cli import COMMANDS, MANY, main
from monitor.store.connection import open_writer
from probes.simulator import Trouble
from tests.backstage import KEYS, backstage, call, environment, start, start_warm


@pytest.fixture(scope="module")
def stage():
    with backstage() as stage:
        yield stage


@pytest.fixture
def folder(tmp_path, stage):
    for id in KEYS:
        stage.set(id, None)
    stage.inbox.messages.clear()
    stage.write_config(tmp_path)
    return tmp_path


@pytest.fixture
def usual_interpreter():
    before = gc.get_threshold()
    gc.set_threshold(700)
    yield
    gc.set_threshold(*before)


def test_each_command_looks_for_garbage_seldom(usual_interpreter):
    assert main(["--config", "missing.toml", "check"]) == 2
    assert gc.get_threshold()[0] == MANY


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--help"])

    assert end.value.code == 0
    out = capsys.readouterr().out
    assert all(name in out for name in COMMANDS)


def test_a_check_loads_nothing_that_it_does_not_need(tmp_path):
    (tmp_path / "monitor.toml").write_text('[[accounts]]\nname = "a"\nprovider = "openai"\nkey = "env:KEY"\n')
    heavy = ("aiohttp", "jinja2", "sqlite3", "zoneinfo", "shutil", "lzma", "rich", "apprise", "feedparser")
    ask = f"print(*(one for one in {heavy} if one in sys.modules))"
    code = f"import sys; from monitor.cli import main; main(['check']); {ask}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SSL_CERT")}
    environment |= {"KEY": "sk-0123456789"}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout.splitlines()[1:] == ["1 account, 3 targets, 1 channel: all well-formed", ""]


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_tells_its_own_help(name, capsys):
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])

    told = " ".join(capsys.readouterr().out.split())
    assert (end.value.code, COMMANDS[name][1:] in told, f"usage: provider-monitor {name}" in told) == (0, True, True)


def loaded_by(*words, ask):
    """Return which modules a command line loads, of those whose name a condition holds for."""
    code = f"import sys; from monitor.cli import main\ntry: main({[*words]})\nfinally: print(*({ask}), file=sys.stderr)"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr.splitlines()[-1].split()


def test_help_loads_no_command_and_a_command_no_other():
    ask = "one.rpartition('.')[2] for one in sys.modules if one.startswith('monitor.commands.')"

    assert loaded_by("--help", ask=ask) == []
    assert {*loaded_by("incidents", "--help", ask=ask)} & {*COMMANDS} == {"incidents"}


def test_who_asks_whether_it_is_alive_loads_no_tables(tmp_path):
    missing = str(tmp_path / "monitor.toml")
    assert loaded_by("--config", missing, "status", "--alive", ask="one for one in sys.modules if one == 'rich'") == []


@pytest.mark.parametrize(("columns", "widest"), [("50", 48), ("200", 198)])
def test_help_is_as_wide_as_the_terminal(capsys, monkeypatch, columns, widest):
    monkeypatch.setenv("COLUMNS", columns)
    with pytest.raises(SystemExit):
        main(["--help"])

    assert max(map(len, capsys.readouterr().out.splitlines())) <= widest


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["status", "--nonsense"], ["drill", "x", "--fault", "sad"]])
def test_wrong_use_is_exit_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)

    assert end.value.code == 2


def own_pages(stage):
    """Tables that put the simulator's status pages in the place of the real ones."""
    tables = ["[status]\npoll = true\n"]
    for provider, feed in (("openai", "summary"), ("openai", "feed"), ("anthropic", "summary")):
        page = stage.simulator.status_page(provider)
        tables.append(
            f'[[providers.{provider}.feeds]]\nid = "{feed}"\nform = "statuspage"\npage = "{page}"\n'
            f'url = "{page}/api/v2/summary.json"\nsource = "https://docs.example.com"\n'
        )
    return "".join(tables)


def test_feeds_prints_what_each_page_says_and_how_old_that_is(tmp_path, stage):
    for id in KEYS:
        stage.set(id, None)
    stage.write_config(tmp_path, own_pages(stage))
    stage.announce("openai", "Elevated errors on chat", impact="minor")

    assert call("once", folder=tmp_path)[0] == 0
    code, out, _ = call("feeds", folder=tmp_path)

    lines = {line.split()[0]: line for line in out.splitlines() if "/summary" in line}
    told = r"Elevated errors on chat \(investigating, since (?:\d+ \w+, )?\d\d:\d\d UTC, \d+ s ago\)"
    assert re.search(told, lines["openai/summary"])
    assert "no trouble" in lines["anthropic/summary"]
    assert re.search(r"\b\d+ s ago", lines["openai/summary"])
    assert code == 0


@contextmanager
def status_page(document):
    """A page that answers everything with this; yields its address."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_feeds_says_what_a_page_shows_of_our_components_without_a_notice(tmp_path, stage):
    others = [{"name": f"Product {number}", "status": "operational"} for number in range(345)]
    shown = {"components": [*others, {"name": "Chat", "status": "major_outage"}], "incidents": [None]}
    with status_page(shown) as address:
        stage.write_config(tmp_path, own_pages(stage).replace(f"{stage.simulator.status_page('openai')}/api", address))
        call("once", folder=tmp_path)
        _, out, _ = call("feeds", folder=tmp_path)

    (line,) = (line for line in out.splitlines() if "openai/summary" in line)
    assert "Chat: full outage (no notice posted); 1 item could not be read" in line
    document = json.loads((tmp_path / "site" / "status.json").read_text())
    (told,) = (one for one in document["status_sources"] if one["id"] == "openai/summary")
    assert (told["unread"], told["notices"][0]["title"], told["notices"][0]["posted"]) == (
        1,
        "Chat: full outage",
        False,
    )


def test_feeds_says_which_source_is_not_believed_and_why(tmp_path, stage):
    stage.write_config(tmp_path, own_pages(stage).replace("/anthropic/status/api", "/nowhere/api"))

    call("once", folder=tmp_path)
    code, out, _ = call("feeds", folder=tmp_path)

    assert code == 1
    assert re.search("anthropic/summary +not believed", out)


def test_probe_prints_what_came_back_and_why(folder, stage):
    stage.set("openai/main", Trouble.WALLET_EMPTY)
    code, out, _ = call("probe", folder=folder)

    assert code == 1
    assert "quota_exhausted" in out
    assert "You exceeded your current quota" in out
    assert out.count("ok") >= 5
    assert not list(folder.rglob("*.db"))


def test_probe_says_what_to_do_once_for_each_fault_of_an_account(folder, stage):
    stage.set("openai/main", Trouble.VERIFICATION_REQUIRED)
    _, out, _ = call("probe", folder=folder)

    assert out.count("openai/main: The provider wants the organization verified: a person must do it") == 1
    assert not re.search("^openai/backup: ", out, re.MULTILINE)
    answer = '{"error": {"message": "Your organization must be verified to use the model `gpt-5`."}}'
    _, told, _ = call("classify", "--provider", "openai", "--status", "403", text=answer, folder=folder)
    assert f"openai/main: {json.loads(told)['advice']}\n" in out


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        ("Your API key was reported as leaked. Please use another API key.", "revoke it, find out where it leaked"),
        ("API key not valid. Please pass a valid API key.", "check whether it was revoked, replaced or cut"),
    ],
)
def test_classify_tells_a_leaked_key_from_a_wrong_one(folder, words, needed):
    body = json.dumps({"error": {"code": 403, "status": "PERMISSION_DENIED", "message": words}})
    _, out, _ = call("classify", "--provider", "gemini", "--status", "403", text=body, folder=folder)

    assert json.loads(out)["fault"] == "invalid_key"
    assert needed in json.loads(out)["advice"]


def test_classify_hears_the_words_of_a_program_too(folder):
    _, out, _ = call("classify", "--provider", "codex", "--status", "1", text="Please verify your phone number\n",
                     folder=folder)  # fmt: skip

    assert "wants a phone number verified" in json.loads(out)["advice"]


def test_probe_of_one_account_asks_no_other(folder, stage):
    before = stage.simulator.counts[KEYS["openai/backup"]]
    code, out, _ = call("probe", "main", folder=folder)

    assert code == 0
    assert "openai/main" in out
    assert "backup" not in out
    assert stage.simulator.counts[KEYS["openai/backup"]] == before


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("probe", "mian"), 'command line: "mian" is no account; did you mean'),
        (("providers", "opanai"), 'command line: "opanai": no such provider; did you mean "openai"?'),
        (("classify", "--provider", "opanai"), 'no such provider; did you mean "openai"?'),
        (("--config", "gone.toml", "check"), "gone.toml: does not exist; create gone.toml or name another file"),
        (("status",), "does not exist; start `run` or `once` first"),
    ],
)
def test_what_does_not_exist_is_named_with_a_way_on(folder, command, told):
    code, out, err = call(*command, folder=folder)

    assert (code, out) == (2, "")
    assert told in err


def test_a_bad_configuration_is_told_on_stderr_all_at_once(tmp_path):
    (tmp_path / "monitor.toml").write_text('locaton = "x"\n[probe]\nfailures = 0\n')
    code, out, err = call("run", folder=tmp_path)

    assert (code, out) == (2, "")
    assert err.splitlines() == [
        'monitor.toml: locaton is not known; did you mean "location"?',
        "monitor.toml: probe.failures = 0; give 1 or more",
    ]


def test_a_key_that_is_there_at_last_is_tried_at_once_by_each_canary(stage, tmp_path):
    stage.write_config(tmp_path, every_s=3600)
    call("once", folder=tmp_path, keys=False)
    code, out, _ = call("status", "--account", "openai/main", "-v", folder=tmp_path, keys=False)
    assert (code, "OPENAI_MAIN is not set" in out) == (1, True)

    call("once", folder=tmp_path)
    code, out, _ = call("status", "--account", "openai/main", "-v", folder=tmp_path)
    assert (code, "is not set" in out) == (0, False), out


@pytest.mark.parametrize(("shown", "code"), [(">&-", 0), (">/dev/full", 2)], ids=["closed", "full"])
@pytest.mark.parametrize("command", ["providers", "help"])
def test_output_that_cannot_be_written_is_no_bug_of_ours(told, command, shown, code):
    line = f"exec {sys.executable} -m monitor {command} {shown}"
    done = subprocess.run(
        ["sh", "-c", line], cwd=told, env=environment(keys=False), capture_output=True, text=True, timeout=30
    )

    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert done.stderr.startswith("the output cannot be written (No space left") == (code == 2)


@pytest.mark.parametrize("command", [["status"], ["incidents"], ["logs"], ["silence"]], ids=" ".join)
def test_nobody_waits_for_a_database_that_is_a_pipe(tmp_path, command):
    account = '[[accounts]]\nname = "a"\nprovider = "openai"\nkey = "env:OPENAI_MAIN"\n'
    (tmp_path / "monitor.toml").write_text(f'[store]\npath = "m.db"\n{account}')
    os.mkfifo(tmp_path / "m.db")
    code, _, err = call(*command, folder=tmp_path)

    assert (code, "is a pipe or a device, and no file; name a" in err) == (2, True), err


SENDS_NOTHING = {
    "status": ["status"],
    "status --json": ["status", "--json"],
    "incidents": ["incidents"],
    "pick": ["pick", "openai"],
    "silence": ["silence", "1h", "--account", "openai/main", "--reason", "key is being replaced"],
    "acknowledge": ["acknowledge"],
    "maintenance": ["maintenance"],
    "cost": ["cost"],
    "tune": ["tune"],
    "backup": ["backup", "copy.db"],
    "alerts history": ["alerts", "history"],
    "alerts explain": ["alerts", "explain"],
    "alerts replay": ["alerts", "replay"],
    "providers": ["providers", "openai"],
    "feeds": ["feeds"],
}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A folder whose channel, heartbeat and proxy stand in variables of the service; it has told of a lost account."""
    folder = tmp_path_factory.mktemp("service")
    with backstage() as stage:
        stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
        stage.write_config(folder, channel=False)
        file = folder / "monitor.toml"
        more = '[[channels]]\nname = "phone"\nurl = "env:PHONE_URL"\n[heartbeat]\nurl = "env:PING_URL"\n'
        file.write_text(file.read_text() + more)
        ping = stage.inbox.url.replace("json://", "http://")
        code, _, err = call("once", folder=folder, PHONE_URL=stage.inbox.url, PING_URL=ping)
        assert (code, stage.inbox.titles()[:1]) == (1, ["[DOWN] openai/main: account suspended"]), err
    gone = '[[accounts]]\nname = "away"\nprovider = "openai"\nkey = "env:NONE"\n'
    file.write_text(file.read_text() + gone + 'proxy = "http://user:env:PROXY_PASSWORD@192.0.2.1:3128"\n')
    return folder


@pytest.mark.parametrize("command", SENDS_NOTHING.values(), ids=SENDS_NOTHING)
def test_what_sends_nothing_needs_none_of_the_services_variables(told, command):
    code, out, err = call(*command, folder=told)

    assert code != 2, err
    assert "PHONE_URL" not in err + out
    assert "Traceback" not in err


WRONG_WAY = {"HTTPS_PROXY": "socks5://192.0.2.1:1080", "SSL_CERT_FILE": "/none/authorities.pem"}


@pytest.fixture(scope="module")
def without_file(tmp_path_factory):
    """A folder without monitor.toml; one account comes from the usual variable, and was never looked at."""
    folder = tmp_path_factory.mktemp("without-file")
    (folder / "state").mkdir()
    open_writer(folder / "state" / "monitor.db").close()
    return folder


@pytest.mark.parametrize("command", SENDS_NOTHING.values(), ids=SENDS_NOTHING)
def test_what_sends_nothing_is_not_stopped_by_a_wrong_way_out_where_there_is_no_file(without_file, command):
    command = [word.replace("openai/main", "openai/default") for word in command]
    code, out, err = call(*command, folder=without_file, keys=False, OPENAI_API_KEY="sk-" + "a1B2" * 10, **WRONG_WAY)

    assert (code == 2) == ("cannot be meant" in err), err
    assert "the environment" not in err + out
    assert "Traceback" not in err


@pytest.mark.parametrize("command", [["check"], ["run"], ["once"], ["probe"]], ids=" ".join)
def test_what_may_send_names_a_wrong_way_out_where_there_is_no_file(without_file, command):
    code, _, err = call(*command, folder=without_file, keys=False, OPENAI_API_KEY="sk-" + "a1B2" * 10, **WRONG_WAY)

    assert code == 2
    assert "the environment: HTTPS_PROXY is a SOCKS proxy, which is not supported" in err
    assert "the environment: SSL_CERT_FILE" in err


def test_the_configuration_may_be_named_behind_the_command(told, tmp_path):
    named = str(told / "monitor.toml")
    assert call("status", "--config", named, folder=tmp_path)[:2] == call("-c", named, "status", folder=tmp_path)[:2]
    assert call("check", "-c", str(tmp_path / "none.toml"), folder=told)[0] == 2


def test_no_command_waits_for_authorities_that_stand_in_a_pipe(without_file, tmp_path):
    os.mkfifo(pipe := str(tmp_path / "ca.pem"))
    code, _, err = call("once", folder=without_file, keys=False, SSL_CERT_FILE=pipe)

    assert code == 2
    assert f'SSL_CERT_FILE = "{pipe}" is a pipe or a device, and no file; name a file of PEM' in err


@pytest.mark.parametrize("command", [["check"], ["run"], ["once"], ["alerts", "test"]], ids=" ".join)
def test_what_may_send_names_each_variable_that_is_not_set(told, command):
    code, _, err = call(*command, folder=told)

    assert code == 2
    for missing in ("channels.phone.url the environment variable PHONE_URL", "PING_URL", "PROXY_PASSWORD"):
        assert missing in err


def test_check_loads_everything_and_sends_nothing(folder, stage):
    before = len(stage.simulator.requests)
    code, out, _ = call("check", folder=folder)

    assert code == 0
    assert "3 accounts, 10 targets, 1 channel: all well-formed" in out
    assert (len(stage.simulator.requests), stage.inbox.messages) == (before, [])


def test_check_names_a_channel_whose_address_is_wrong(tmp_path):
    (tmp_path / "monitor.toml").write_text('[[channels]]\nname = "phone"\nurl = "slack://tokensecret"\n')
    code, _, err = call("check", folder=tmp_path)

    assert code == 2
    assert "channels.phone.url is not a complete slack:// address" in err
    assert "tokensecret" not in err


BEHIND = """
[[accounts]]
name = "main"
provider = "openai"
key = "env:OPENAI_MAIN"
proxy = "%s"
"""


def test_check_says_through_which_proxy_an_account_goes_and_not_its_password(tmp_path):
    (tmp_path / "monitor.toml").write_text(BEHIND % "http://jo:file:pass.txt@10.0.0.1:3128")
    (tmp_path / "pass.txt").write_text("pass-word-0123456789")
    code, out, err = call("check", folder=tmp_path)

    assert (code, "openai/main: through the proxy at 10.0.0.1:3128, as jo\n" in out) == (0, True)
    assert "pass-word" not in out + err


ROADS = {
    "https": ("https://api.example.test/v1", {"HTTPS_PROXY": "http://10.0.0.1:3128"}, True),
    "another scheme": ("https://api.example.test/v1", {"http_proxy": "http://10.0.0.1:3128"}, False),
    "left out": ("https://api.example.test/v1", {"HTTPS_PROXY": "http://10.0.0.1:3128", "NO_PROXY": "*.test"}, False),
    "this machine": ("http://127.0.0.1:4000/v1", {"http_proxy": "http://10.0.0.1:3128"}, False),
    "the provider's own": ("", {"HTTPS_PROXY": "http://10.0.0.1:3128"}, True),
}


@pytest.mark.parametrize(("base", "environment", "through"), ROADS.values(), ids=ROADS)
def test_check_names_a_proxy_only_where_the_account_is_asked_through_it(tmp_path, base, environment, through):
    account = '[[accounts]]\nname = "main"\nprovider = "openai"\nkey = "env:OPENAI_MAIN"\n'
    (tmp_path / "monitor.toml").write_text(account + (f'base = "{base}"\n' if base else ""))
    code, out, _ = call("check", folder=tmp_path, **environment)

    assert (code, "through the proxy" in out) == (0, through)


@pytest.mark.parametrize("command", ["check", "once"])
def test_what_is_no_proxy_is_named_with_its_repair_and_nothing_is_begun(tmp_path, command):
    (tmp_path / "monitor.toml").write_text(BEHIND % "socks5://jo:pass-word-0123456789@10.0.0.1")
    code, _, err = call(command, folder=tmp_path)

    said = "accounts.main.proxy is a SOCKS proxy, which is not supported"
    assert (code, err) == (2, f'monitor.toml: {said}; write it as "http://host:port"\n')


def test_check_says_which_key_is_missing_and_goes_on(folder):
    code, out, err = call("check", folder=folder, keys=False)

    assert code == 2
    assert "UNKNOWN until mended: the environment variable OPENAI_MAIN is not set" in out
    assert "openai/main cannot work: the environment variable OPENAI_MAIN is not set" in err
    assert "anthropic/team cannot work" in err


def test_without_any_account_a_command_that_needs_one_says_so(tmp_path):
    code, _, err = call("once", folder=tmp_path, keys=False)

    assert code == 2
    assert "set a key variable such as OPENAI_API_KEY" in err


def test_once_exits_0_when_all_is_up_and_leaves_page_and_database(folder):
    code, _, err = call("once", folder=folder)

    assert code == 0, err
    assert (folder / "site" / "index.html").exists()
    with closing(sqlite3.connect(folder / "state" / "monitor.db")) as db:
        assert db.execute("SELECT count(*) FROM observation").fetchone() == (10,)


def test_once_confirms_a_block_tells_it_and_exits_1(folder, stage):
    stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
    began = time.monotonic()
    code, _, err = call("once", folder=folder)

    assert code == 1, err
    assert time.monotonic() - began < 30
    assert stage.inbox.titles() == ["[DOWN] openai/main: account suspended"]
    assert "account suspended" in (folder / "site" / "index.html").read_text()


@pytest.mark.slow
def test_a_good_status_over_nothing_is_down_told_and_not_picked(folder, stage):
    for account in KEYS:
        stage.set(account, Trouble.NOTHING_IN_200)
    code, out, _ = call("probe", folder=folder)
    assert code == 1
    assert "nothing of what was asked for" in " ".join(out.split())

    providers, told, ends = {"openai", "anthropic"}, set(), time.monotonic() + 90
    while told != providers and time.monotonic() < ends:
        code, _, err = call("once", folder=folder)  # what may pass by itself is told when it has lasted: a round later
        assert code == 1, err
        texts = [message["title"] + message["message"] for message in stage.inbox.messages]  # of one or of both of them
        told = {provider for provider in providers if any(provider in text for text in texts)}

    assert told == providers
    assert all("invalid answers" in title for title in stage.inbox.titles())
    assert [call("pick", provider, folder=folder)[0] for provider in ("openai", "anthropic")] == [1, 1]


@pytest.mark.slow
def test_a_single_round_that_is_stopped_carries_its_message_to_the_end_so_that_it_comes_once(folder, stage):
    stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
    before, stage.inbox.delay_s = stage.inbox.asked, 2
    try:
        with start("once", folder=folder) as process:
            stage.until(lambda: stage.inbox.asked > before, 60)
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=20)
    finally:
        stage.inbox.delay_s = 0

    assert process.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in err
    call("once", folder=folder)
    assert stage.inbox.titles() == ["[DOWN] openai/main: account suspended"]


@pytest.mark.slow
def test_two_rounds_at_the_same_time_tell_once(folder, stage):
    stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
    with start("once", folder=folder) as one, start("once", folder=folder) as other:
        said = [process.communicate(timeout=60) for process in (one, other)]

    assert stage.inbox.titles() == ["[DOWN] openai/main: account suspended"]
    assert sorted(process.returncode for process in (one, other)) == [0, 1]
    assert ("", "") in said, "cron mails every line"


def test_a_round_that_meets_another_is_silent_counted_and_named_to_who_asks(folder, stage):
    call("once", folder=folder)
    with held(folder):
        assert call("once", folder=folder) == (0, "", "")
        code, out, err = call("-v", "once", folder=folder)
        assert (code, out) == (0, "")
        assert f"this round is left out: {folder / 'state' / 'monitor.db.lock'}: another" in err
    call("once", folder=folder)
    _, out, _ = call("status", folder=folder)

    assert "2 rounds of `once` left out" in " ".join(out.split())


@contextmanager
def held(folder):
    """Another process's lock on the database."""
    with (folder / "state" / "monitor.db.lock").open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_a_missing_key_is_no_word_of_a_round_that_is_left_out(folder, stage):
    call("once", folder=folder)
    with held(folder):
        assert call("once", folder=folder, keys=False) == (0, "", "")


def test_an_account_that_cannot_be_asked_is_named_by_the_first_round_and_by_the_one_that_can_ask_it(folder, stage):
    (folder / "monitor.toml").chmod(0o600)
    said = [call("once", folder=folder, keys=keys)[2] for keys in (False, False, True)]
    named = [len(re.findall("WARNING.*is not asked until this is mended", words)) for words in said]

    assert named == [len(KEYS), 0, len(KEYS)]
    assert "this is over" in said[2]


def test_a_missing_key_is_said_once_by_a_monitor_that_starts(folder, stage):
    with start_warm("run", folder=folder, keys=False) as process:
        try:
            process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            process.terminate()
        err = process.communicate(timeout=30)[1]

    assert re.findall("([A-Z]+) openai/main is not asked until this is mended", err) == ["WARNING"], err


@pytest.mark.slow
def test_a_round_takes_no_longer_than_confirmation_and_three_of_them_tell_what_lasts(folder, stage):
    stage.write_config(folder, "[probe]\nonline = []\nblip_s = 20\n", every_s=60)
    for account in KEYS:
        stage.set(account, Trouble.SERVER_ERROR)
    took, ends = [], time.monotonic() + 90
    while not stage.inbox.messages and time.monotonic() < ends:
        began = time.monotonic()
        assert call("once", folder=folder)[0] == 1
        took.append(time.monotonic() - began)
        backdate(folder, 45)

    assert max(took) < 30, "16 s of waiting, and what this machine needs"
    assert len(took) <= 3
    assert all("server errors" in title for title in stage.inbox.titles())


def backdate(folder, seconds):
    """Let so much time pass between two rounds of cron's."""
    past = {"health": ("since", "began", "seen", "next", "well"), "observation": ("at",), "evidence": ("at",)}
    with closing(sqlite3.connect(folder / "state" / "monitor.db")) as db, db:
        for table, columns in past.items():
            db.execute(f"UPDATE {table} SET " + ", ".join(f"{one} = {one} - {seconds * 1000}" for one in columns))
        db.execute(f"UPDATE mark SET value = value - {seconds * 1000} WHERE name = 'beat'")
        for row, text in db.execute("SELECT series_id, evidence FROM health WHERE evidence IS NOT NULL").fetchall():
            known = json.loads(text)
            since = datetime.fromisoformat(known["since"]) - timedelta(seconds=seconds)
            db.execute("UPDATE health SET evidence = ? WHERE series_id = ?",
                       (json.dumps(known | {"since": since.isoformat()}), row))  # fmt: skip


@pytest.mark.slow
def test_an_account_that_is_taken_out_while_down_is_told_once_also_over_a_restart(folder, stage):
    stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
    call("once", folder=folder)
    file = folder / "monitor.toml"
    head, *blocks = file.read_text().split("[[accounts]]")
    file.write_text("[[accounts]]".join([head, *(one for one in blocks if 'name = "main"' not in one)]))
    codes = [call("once", folder=folder)[0] for _ in range(2)]

    what = "openai/main: account suspended"
    assert stage.inbox.titles() == [f"[DOWN] {what}", f"[NO LONGER WATCHED] {what}"]
    assert "it is no longer watched" in stage.inbox.messages[1]["message"]
    assert codes == [0, 0]
    assert call("incidents", folder=folder)[0] == 0


def test_once_again_asks_only_what_is_due(folder, stage):
    call("once", folder=folder)
    before = len(stage.simulator.requests)
    call("once", folder=folder)

    assert len(stage.simulator.requests) == before


@pytest.mark.slow
def test_pick_prints_an_account_that_works(folder, stage):
    stage.write_config(folder, every_s=60)  # what was seen holds for three minutes, however slow this machine is
    stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
    call("once", folder=folder)

    warning = "caution: openai/main is suspended: whatever caused that can hit this account, too\n"
    assert call("pick", "openai", folder=folder) == (0, "openai/backup\n", warning)
    unwatched = 'command line: "groq": no such provider among the accounts; use one of: anthropic, openai\n'
    assert call("pick", "groq", folder=folder) == (2, "", unwatched)  # it is known, but no account is there
    public = (folder / "public" / "index.html").read_text()
    assert "Nothing is shown here yet" in public  # the simulator is an address of their own
    assert "backup" not in public


@pytest.mark.slow
def test_pick_offers_nothing_that_belongs_to_a_suspended_account(folder, stage):
    stage.write_config(folder, every_s=60)
    file = folder / "monitor.toml"
    file.write_text(file.read_text().replace('provider = "openai"\n', 'provider = "openai"\nlogin = "jo"\n'))
    stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
    call("once", folder=folder)

    code, out, err = call("pick", "openai", folder=folder)
    assert (code, out) == (1, "")
    assert "openai/backup is not offered: openai/main is suspended and shares the login jo" in err


@pytest.mark.slow
def test_pick_fails_when_no_account_works(folder, stage):
    for id in (id for id in KEYS if id.startswith("openai/")):
        stage.set(id, Trouble.ACCOUNT_SUSPENDED)
    call("once", folder=folder)

    assert call("pick", "openai", folder=folder) == (1, "", "no account of openai is known to work now\n")


@pytest.mark.slow
def test_status_incidents_and_json_tell_what_is_believed(folder, stage):
    stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
    call("once", folder=folder)

    code, out, _ = call("status", folder=folder)
    assert code == 1
    assert "account suspended" in out
    code, out, _ = call("status", "--json", folder=folder)
    states = {account["id"]: account["state"] for account in json.loads(out)["accounts"]}
    assert (code, states["openai/main"], states["openai/backup"]) == (1, "down", "up")
    code, out, _ = call("incidents", folder=folder)
    assert code == 1
    assert "openai/main: account suspended" in out
    assert "hook: sent" in out


@pytest.mark.slow
def test_alive_asks_whether_it_looks_not_what_it_sees(folder, stage):
    stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
    call("once", folder=folder)
    assert call("status", "--alive", folder=folder)[0] == 0

    with closing(sqlite3.connect(folder / "state" / "monitor.db")) as db, db:
        db.execute("UPDATE mark SET value = value - 600000 WHERE name = 'beat'")
    code, out, _ = call("status", "--alive", folder=folder)
    assert code == 1
    assert "last probe 6" in out


@pytest.mark.slow
def test_a_drill_without_a_running_monitor_rings_and_reports(folder, stage):
    code, out, err = call("drill", "main", "--fault", "invalid_key", folder=folder)

    assert code == 0, err
    assert "hook: opened: sent" in out
    assert "hook: resolved: sent" in out
    assert [title.split("]")[0] for title in stage.inbox.titles()] == ["[DRILL", "[DRILL"]


@pytest.mark.slow
def test_a_drill_reports_a_channel_that_does_not_take_it(folder, stage):
    stage.inbox.answer = 500
    try:
        code, out, _ = call("drill", "main", folder=folder)
    finally:
        stage.inbox.answer = 200

    assert code == 1
    assert "hook: opened: replaced (" in out
    assert "hook: resolved: waiting (" in out


def test_providers_prints_them_all_or_one_with_its_sources(folder):
    _, out, _ = call("providers", folder=folder)
    assert all(id in out for id in ("openai", "anthropic", "gemini", "cohere", "groq", "openai-compatible"))
    _, out, _ = call("providers", "anthropic", folder=folder)
    assert "https://" in out
    assert "account_suspended" in out


def test_providers_prints_the_facts_as_they_are_merged(folder):
    with (folder / "monitor.toml").open("a") as file:
        file.write('[providers.openai]\nbase = "https://proxy.example.com/v1"\n')
    _, out, _ = call("providers", "openai", folder=folder)

    assert "base: https://proxy.example.com/v1" in out


def test_classify_says_what_a_pasted_answer_means(folder):
    body = '{"type":"error","error":{"type":"invalid_request_error","message":"This organization has been disabled."}}'
    code, out, _ = call("classify", "--provider", "anthropic", "--status", "400", text=body, folder=folder)

    result = json.loads(out)
    assert code == 0
    assert (result["fault"], result["blame"]) == ("account_suspended", "account")
    assert result["rule"].startswith("anthropic/")
    assert "support.claude.com" in result["advice"]


def test_classify_reads_one_case_a_line_and_names_a_line_that_is_none(folder):
    cases = [
        {"provider": "openai", "http_status": 200, "headers": {}, "body": '{"object": "list", "data": [{"id": "m"}]}'},
        {
            "provider": "openai",
            "http_status": 429,
            "headers": None,
            "body": '{"error": {"code": "insufficient_quota"}}',
        },
        {"provider": "somebody-new", "http_status": 503, "headers": {}, "body": None},
    ]
    text = "\n".join([*map(json.dumps, cases), "no json"])
    code, out, err = call("classify", "--jsonl", text=text, folder=folder)

    assert [json.loads(line).get("fault") for line in out.splitlines()] == ["ok", "quota_exhausted", "overloaded", None]
    assert code == 2
    assert "line 4 is no case" in err


def test_each_line_has_its_result_so_that_none_shifts(folder):
    good = {"provider": "openai", "http_status": "429", "body": '{"error": {"code": "insufficient_quota"}}'}
    odd = [
        {**good, "canary": "chatt"},
        {**good, "provider": 5},
        {**good, "http_status": "many"},
        {**good, "headers": "x"},
        {**good, "canary": ["chat"]},
        {**good, "headers": {"a": {"b": 1}}},
        {"http_status": 429},
        {**good, "body": 5},
        [good],
        None,
    ]
    text = "\n".join(json.dumps(one) for bad in odd for one in (bad, good)) + "\n\n{\n" + json.dumps(good)
    code, out, err = call("classify", "--jsonl", text=text, folder=folder)
    results = [json.loads(line) for line in out.splitlines()]

    assert code == 2
    assert [one.get("fault") for one in results] == [None, "quota_exhausted"] * (len(odd) + 1)
    assert [one["line"] for one in results if "error" in one] == [*range(1, 2 * len(odd), 2), 2 * len(odd) + 2]
    assert all(f"line {one['line']} {one['error']}" in err for one in results if "error" in one)


def test_a_body_that_stands_in_a_case_as_json_is_read_as_its_text(folder):
    case = {"provider": "openai", "http_status": 429, "body": {"error": {"code": "insufficient_quota"}}}
    _, out, _ = call("classify", "--jsonl", text=json.dumps(case), folder=folder)

    assert json.loads(out)["fault"] == "quota_exhausted"


def test_what_was_asked_decides_whether_an_answer_is_good(folder):
    listed = '{"object": "list", "data": [{"id": "m"}]}'
    asked = [json.loads(call("classify", "--status", "200", *more, text=listed, folder=folder)[1])["fault"]
             for more in ((), ("--canary", "list"), ("--canary", "chat"))]  # fmt: skip
    case = {"provider": "openai", "http_status": 200, "body": listed}
    lines = "\n".join(json.dumps({**case, "canary": canary}) for canary in ("list", "chat", "chatt"))
    code, out, err = call("classify", "--jsonl", text=lines, folder=folder)

    assert asked == ["ok", "ok", "invalid_response"]
    assert [json.loads(line).get("fault") for line in out.splitlines()] == ["ok", "invalid_response", None]
    assert code == 2
    assert "line 3 asks openai for 'chatt', which is none of its canaries" in err
    assert 'did you mean "chat"?' in call("classify", "--canary", "chatt", text=listed, folder=folder)[2]


def test_a_header_can_decide(folder):
    arguments = ("classify", "--provider", "openai", "--status", "403", "--header", "Cf-Mitigated: challenge")
    _, out, _ = call(*arguments, text="<html>Just a moment...</html>", folder=folder)

    assert json.loads(out)["fault"] == "blocked_by_edge"


@pytest.fixture
def running(folder):
    """The resident monitor, ended with SIGTERM as a service manager would."""
    with start("run", folder=folder) as process:
        yield process
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=15)
        assert process.returncode == 0, err
        assert "Traceback" not in err
        for key in KEYS.values():
            assert key not in out + err


def test_the_page_is_served_where_it_was_asked_for_and_under_its_public_name(folder, stage):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    text = (folder / "monitor.toml").read_text()
    url = "https://status.example.com"
    (folder / "monitor.toml").write_text(
        text.replace("port = 0", f'port = {port}\nurl = "{url}"\ntitle = "Keys of ours"')
    )
    with start_warm("run", folder=folder) as process:
        try:
            stage.until(lambda: b"Keys of ours" in fetch(port, "status.example.com"), 20)
            assert b"Keys of ours" not in fetch(port, "evil.example.com")
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=15)


@pytest.mark.parametrize(
    ("words", "written", "heard_at"),
    [
        ((), "", "127.0.0.1"),
        (("--host", "127.0.0.2"), "", "127.0.0.2"),
        (("--host", "0.0.0.0"), "", "localhost"),
        (("--host", "127.0.0.2"), 'host = "127.0.0.3"\n', "127.0.0.3"),
    ],
)
@pytest.mark.parametrize("has_accounts", [True, False])
def test_a_container_says_where_to_listen_and_monitor_toml_goes_before(
    folder, stage, words, written, heard_at, has_accounts
):
    text = (folder / "monitor.toml").read_text().replace("[site]\n", f"[site]\n{written}")
    (folder / "monitor.toml").write_text(text if has_accounts else f"[site]\n{written}")
    told = []
    with start_warm("run", *words, folder=folder, keys=has_accounts) as process:
        reader = Thread(target=lambda: told.extend(iter(process.stdout.readline, "")))
        reader.start()
        stage.until(lambda: "status page: http" in "".join(told), 20)
        process.send_signal(signal.SIGTERM)
        process.wait(15)
        reader.join()

    assert re.search(r"status page: http://(.+):\d+/", "".join(told))[1] == heard_at


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "127.0.0.1:8321", "a..b", "::1%nowhere"])
@pytest.mark.parametrize("has_accounts", [True, False])
def test_an_address_of_another_machine_ends_run_before_anything_begins(folder, host, has_accounts):
    if not has_accounts:
        (folder / "monitor.toml").write_text("")
    code, out, err = call("run", "--host", host, folder=folder, keys=has_accounts)

    repair = "give one that it has, 127.0.0.1 for its own browser, or 0.0.0.0 for all"
    assert (code, out, err) == (2, "", f'command line: --host "{host}" is no address of this machine; {repair}\n')
    assert [one.name for one in folder.iterdir()] == ["monitor.toml"]


def test_a_port_that_somebody_holds_ends_no_monitor(folder, stage):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        file = folder / "monitor.toml"
        file.write_text(file.read_text().replace("port = 0", f"port = {held.getsockname()[1]}"))
        with start_warm("run", "--host", "127.0.0.1", folder=folder) as process:
            stage.until(lambda: set(states(folder).values()) == {"up"}, 30, ASKED_S)
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=15)

    assert process.returncode == 0
    assert "the page is not served on 127.0.0.1" in err


def test_a_monitor_that_reaches_nothing_says_so_within_seconds(folder, stage):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        text = re.sub(r'base = ".*?"', f'base = "http://127.0.0.1:{closed.getsockname()[1]}"', text_of(folder))
        (folder / "monitor.toml").write_text(text)
        with start_warm("run", folder=folder) as process:
            lines = (line for line in iter(process.stderr.readline, "") if "nothing could be reached yet" in line)
            began, line = time.monotonic(), next(lines)
            took_s = time.monotonic() - began
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=15)

    assert "WARNING" in line
    assert took_s < 15, "five of them are the first looks, spread"


def text_of(folder):
    return (folder / "monitor.toml").read_text()


def test_the_page_is_not_served_when_that_was_not_asked_for(folder, stage):
    text = (folder / "monitor.toml").read_text()
    (folder / "monitor.toml").write_text(text.replace("port = 0", "serve = false"))
    with start_warm("run", folder=folder) as process:
        stage.until(lambda: (folder / "site" / "index.html").exists(), 20)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=15)

    assert "status page" not in out


def fetch(port, name):
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/", headers={"Host": name})
        return connection.getresponse().read()
    except OSError:
        return b""
    finally:
        connection.close()


ASKED_S = 0.5
"""Seconds between two looks that are a command each."""


def states(folder):
    code, out, _ = call("status", "--json", folder=folder)
    return {one["id"]: one["state"] for one in json.loads(out)["accounts"]} if code < 2 else {}


def test_a_running_monitor_is_told_takes_up_changes_and_keeps_others_off(running, folder, stage):
    stage.until(lambda: set(states(folder).values()) == {"up"}, 30, ASKED_S)

    code, _, err = call("run", folder=folder)
    assert code == 2
    assert f"process {running.pid}" in err
    assert call("once", folder=folder) == (0, "", "")
    code, out, _ = call("drill", "main", folder=folder)
    assert code == 0
    assert "hook: resolved: sent" in out

    good = (folder / "monitor.toml").read_text()
    (folder / "monitor.toml").write_text(good.replace("online = []", "online = []\nfailures = 0"))
    page = folder / "site" / "index.html"
    stage.until(lambda: "probe.failures = 0" in page.read_text(), 20)

    (folder / "monitor.toml").write_text(good.replace('name = "backup"', 'name = "renamed"'))
    running.send_signal(signal.SIGHUP)
    stage.until(lambda: "openai/renamed" in states(folder), 20, ASKED_S)
    stage.until(lambda: "probe.failures" not in page.read_text(), 20)


@pytest.mark.slow
def test_a_running_monitor_takes_up_a_key_that_was_written_into_its_file(folder, stage):
    file, key = folder / "monitor.toml", folder / "main.key"
    file.write_text(file.read_text().replace("env:OPENAI_MAIN", "file:main.key"))
    key.write_text("sk-sim-nobody-0123456789abcdef")
    with start_warm("run", folder=folder) as process:
        stage.until(lambda: states(folder).get("openai/main") == "down", 60, ASKED_S)
        key.write_text(KEYS["openai/main"])
        stage.until(lambda: states(folder).get("openai/main") == "up", 60, ASKED_S)
        key.unlink()
        page = folder / "site" / "index.html"
        stage.until(lambda: "openai/main goes on with the key that it had" in page.read_text(), 30)
        assert states(folder)["openai/main"] == "up"
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=15)

    assert KEYS["openai/main"] not in out + err
    assert "main.key was taken up" in err


@pytest.mark.slow
def test_a_monitor_that_is_killed_goes_on_where_it_was(folder, stage):
    stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
    with start_warm("run", folder=folder) as process:
        # Killed between sending and noting it, a message is repeated: at least once is what is promised.
        stage.until(lambda: "hook: sent" in call("incidents", folder=folder)[1], 60, ASKED_S)
        process.kill()
        process.communicate()
    stage.set("openai/main", None)
    with start_warm("run", folder=folder) as process:
        stage.until(lambda: len(stage.inbox.messages) == 2, 120)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=15)

    assert [title.split()[0] for title in stage.inbox.titles()] == ["[DOWN]", "[RESOLVED]"]


def subscription(folder, prints, code=0, more=""):
    """An account of codex, and a program of that name on PATH; return what the process needs to see it."""
    (folder / "monitor.toml").write_text(
        f'[[accounts]]\nname = "sub"\nprovider = "codex"\n{more}\n[site]\nserve = false\n'
    )
    (folder / "bin").mkdir()
    client = folder / "bin" / "codex"
    client.write_text(f"#!/bin/sh\ncat <<'END'\n{prints}\nEND\nexit {code}\n")
    client.chmod(0o755)
    return {"folder": folder, "keys": False, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}


def test_a_subscription_is_asked_through_its_client(tmp_path):
    process = subscription(tmp_path, "ERROR: You've hit your usage limit. Try again in 4 days.", 1)
    code, out, _ = call("probe", **process)

    assert code == 1
    assert "quota_exhausted" in out
    assert "You've hit your usage limit. Try again in 4 days. (exit code 1) (codex/usage-limit)" in out


def test_a_client_that_is_not_there_is_unknown_and_says_what_to_do(tmp_path):
    process = subscription(tmp_path, "OK", more='command = ["codecks"]')
    code, out, _ = call("probe", **process)

    assert code == 1
    assert "unknown" in out
    assert "codecks is not found: install it, or name it with its path in `command`" in out


def test_a_subscription_is_watched_like_any_account(tmp_path):
    process = subscription(tmp_path, "OK")
    once, _, err = call("once", **process)
    status, out, _ = call("status", **process)

    assert (once, status) == (0, 0), err
    assert re.search(r"Works +codex/sub", out)


def test_check_and_cost_say_what_is_run_and_that_its_price_is_not_known(tmp_path):
    process = subscription(tmp_path, "OK", more='command = ["codex", "exec", "say OK"]')
    checked, asked, _ = call("check", **process)
    priced, cost, _ = call("cost", **process)

    assert (checked, priced) == (0, 0)
    assert "codex/sub: command (codex exec 'say OK')" in asked
    assert re.search(r"codex/sub +720 +not told +[\d,]+ +price not known", cost)


def test_a_missing_variable_is_told_before_anything_is_run(tmp_path):
    process = subscription(tmp_path, "OK", more='environment = ["CODEX_HOME"]')
    _, out, _ = call("check", **process)
    code, asked, _ = call("probe", **process)

    assert "UNKNOWN until mended: the environment variable CODEX_HOME is not set" in out
    assert code == 1
    assert "the environment variable CODEX_HOME is not set" in asked


def test_providers_shows_what_a_client_is_run_with(tmp_path):
    code, out, _ = call("providers", "codex", folder=tmp_path)

    assert code == 0
    assert "asked through a program" in out
    assert "codex exec --ephemeral" in out
    assert "tag ['deactivated_workspace'" in out


def test_classify_takes_what_curl_printed_and_a_given_status_counts_more(folder):
    text = 'HTTP/2 429\r\nretry-after: 7\r\n\r\n{"error": {"message": "no words of trouble"}}'
    told = [
        json.loads(call("classify", "--provider", "openai", *more, text=text, folder=folder)[1])["rule"]
        for more in ((), ("--status", "404"))
    ]

    assert told == ["status/429", "status/404"]


def test_classify_reads_the_output_of_a_client(tmp_path):
    code, out, _ = call(
        "classify",
        "--provider",
        "claude-code",
        "--status",
        "1",
        folder=tmp_path,
        text="hi\nCredit balance is too low\n",
    )

    assert code == 0
    assert json.loads(out)["rule"] == "claude-code/credit"


def test_a_test_rings_one_channel_or_all_and_changes_nothing(folder, stage):
    code, out, _ = call("alerts", "test", "hook", folder=folder)

    assert (code, out) == (0, "hook: accepted\n")
    assert stage.inbox.titles() == ["[TEST] provider-monitor at here reaches you"]
    assert not list(folder.rglob("*.db"))
    code, _, err = call("alerts", "test", "hoook", folder=folder)
    assert (code, err) == (2, 'command line: "hoook" is no channel; did you mean "hook"?\n')


def test_a_test_says_which_channel_did_not_take_it(folder, stage):
    stage.inbox.answer = 500
    try:
        code, out, _ = call("alerts", "test", folder=folder)
    finally:
        stage.inbox.answer = 200

    assert code == 1
    assert re.match(r"hook: .*500", out)


def test_check_names_an_address_with_a_typo_and_a_template_that_cannot_be_read(folder, stage):
    (folder / "words").mkdir()
    (folder / "words" / "incident.txt.j2").write_text("{% if %}")
    stage.write_config(folder, more='[alerts]\ntemplates = "words"\n')
    with (folder / "monitor.toml").open("a") as file:
        file.write('[[channels]]\nname = "team"\nurl = "slak://a/b/c"\n')
    assert "channels.team.url does not begin" in call("run", folder=folder)[2]
    code, _, err = call("check", folder=folder)

    assert code == 2
    assert "channels.team.url does not begin with the name of a service that Apprise knows" in err
    assert "words/incident.txt.j2: TemplateSyntaxError" in err


def no_file(place, kind):
    match kind:
        case "folder":
            place.mkdir()
        case "pipe":
            os.mkfifo(place)
        case "loop":
            place.symlink_to(place.name)


@pytest.mark.parametrize("kind", ["folder", "pipe", "loop"])
def test_check_names_a_template_that_is_no_file(tmp_path, monkeypatch, capsys, kind):
    (tmp_path / "words").mkdir()
    for name in ("incident.txt.j2", "index.html", "own.css"):
        no_file(tmp_path / "words" / name, kind)
    account = '[[accounts]]\nname = "a"\nprovider = "openai"\nkey = "env:KEY"\n'
    (tmp_path / "monitor.toml").write_text(f'[site]\ntemplates = "words"\n[alerts]\ntemplates = "words"\n{account}')
    monkeypatch.setenv("KEY", "sk-good-0123456789abcdefXYZW")

    assert main(["--config", str(tmp_path / "monitor.toml"), "check"]) == 2
    said = capsys.readouterr().err
    for name in ("incident.txt.j2", "index.html", "own.css"):
        assert re.search(f"{name}.* is a folder, a pipe or a link that leads nowhere", said), name


@pytest.mark.slow
def test_people_answer_from_the_terminal_and_the_next_round_takes_it_up(folder, stage):
    stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
    assert call("once", folder=folder)[0] == 1
    code, out, _ = call("acknowledge", "--by", "Jo", folder=folder)
    assert (code, "acknowledged" in out) == (0, True)
    call("once", folder=folder)

    _, out, _ = call("alerts", "explain", folder=folder)
    assert "hook: opened at" in out
    assert "hook: nothing now: acknowledged by Jo" in out
    _, out, _ = call("alerts", "history", folder=folder)
    assert re.search(r"hook: opened: openai/main: account suspended \(2.*\): sent, tries 1", out)
    _, out, _ = call("alerts", "replay", folder=folder)
    assert "hook: opened: openai/main: account suspended" in out
    assert call("silence", folder=folder)[1].startswith("no silence is active;")
    assert call("maintenance", folder=folder)[1].startswith("no maintenance within 30 days;")


@pytest.mark.slow
def test_a_drill_takes_the_real_routes_and_says_when_they_lead_nowhere(folder, stage):
    stage.write_config(
        folder, more='[[routes]]\nseverity = "critical"\nchannels = ["hook"]\n[[routes]]\nchannels = []\n'
    )
    with (folder / "monitor.toml").open("a") as file:
        file.write(f'[[channels]]\nname = "other"\nurl = "{stage.inbox.url}"\n')
    code, out, _ = call("drill", "main", folder=folder)
    assert (code, "to each of: hook\n" in out, "other" in out) == (0, True, False)

    code, _, err = call("drill", "main", "--fault", "slow", folder=folder)
    assert (code, "no channel is told of slow at openai/main" in err) == (1, True)


def test_status_prints_what_is_left_of_each_budget(folder, stage):
    promise = (
        '[[objectives]]\nname = "answers"\nprovider = "openai"\navailability = 99.5\n'
        'latency_s = 30\nlatency_share = 90\ncanary = "list"\nwindow_days = 7\n'
    )
    stage.write_config(folder, promise)
    call("once", folder=folder)
    _, out, _ = call("status", folder=folder)

    rows = [re.split(r"  +", line.strip()) for line in out.splitlines() if "openai/answers" in line]
    assert [(row[1], row[2], row[3], row[4]) for row in rows] == [
        ("99.5%", "100.000%", "100%", "7 days"),
        ("90% within 30 s", "100.000%", "100%", "7 days"),
    ]
    _, out, _ = call("status", "--json", folder=folder)
    told = json.loads(out)["objectives"]
    assert [(one["id"], one["goal"], one["promised"], one["budget_left"]) for one in told] == [
        ("openai/answers", "availability", 0.995, 1.0),
        ("openai/answers", "latency", 0.9, 1.0),
    ]
    assert told[0]["burn_rates"].keys() == {"1h", "6h", "72h"}


EMPTY = {
    ("incidents",): "`drill ACCOUNT` rehearses",
    ("alerts", "history"): "`alerts test` sends one",
    ("silence",): "begins one",
    ("maintenance",): "plans one",
    ("acknowledge",): "see `provider-monitor incidents`",
    ("feeds",): "says which providers' pages are read",
}


@pytest.mark.parametrize("words", EMPTY, ids=" ".join)
def test_where_nothing_is_to_be_told_the_next_step_is(told_nothing, words):
    _, out, err = call(*words, folder=told_nothing)

    assert EMPTY[words] in out + err


@pytest.fixture(scope="module")
def told_nothing(tmp_path_factory):
    """A folder whose monitor has seen nothing but good answers."""
    folder = tmp_path_factory.mktemp("well")
    with backstage() as stage:
        stage.write_config(folder)
        assert call("once", folder=folder)[0] == 0
    return folder
