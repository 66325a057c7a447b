"""One run of a client, played by small programs of our own that do what clients do on bad days."""

import asyncio
import os
import sys
import time
from datetime import UTC, date, datetime

import msgspec
import pytest
from msgspec.structs import replace

from probes import command
from probes.answer.command_output import MOST_LINES, classify_output
from probes.attempt import attempt
from probes.canary import Prober
from probes.catalog import load_provider, load_wording
from probes.model import Account, Confidence, Fault, Outcome, Target
from probes.provider import Canary, Dialect, Provider

SECRET = "wh7-Kq2-secret-token-93b"
SOURCE = "https://wiki.example.com/client"
CODEX = load_provider("codex")
WORDING = load_wording()
USUAL = {"PATH", "HOME", "LANG", "TZ", "TMPDIR", *command.CA_VARIABLES}


def prober():
    # The session is for HTTP only; a client makes its own connections.
    return Prober(None, WORDING, lambda: datetime.now(UTC), time.monotonic)


def program(folder, text, name="client"):
    path = folder / name
    path.write_text(f"#!{sys.executable}\nimport os, signal, subprocess, sys, time\n{text}\n")
    path.chmod(0o755)
    return str(path)


def provider(run, limit_s=20, answers=None):
    canary = Canary(dialect=Dialect.COMMAND, run=run, limit_s=limit_s, answers=answers, source=SOURCE)
    facts = {"source": SOURCE, "checked": date(2026, 11, 21), "canaries": {"command": canary}}
    return Provider(id="house", name="House", **facts)


def target(account):
    return Target(account.id, account.provider, "command")


def run(*words, limit_s=20, facts=None, **environment):
    account = Account("a", "house", environment=environment)
    known = facts or provider([*words], limit_s)
    return asyncio.run(attempt(prober(), known, account, target(account)))


def seen(folder, text, **options):
    return run(program(folder, text), **options)


def like_codex(folder, text, **options):
    facts = msgspec.structs.replace(CODEX, canaries=provider([program(folder, text)], **options).canaries)
    return run(facts=facts)


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as stat:  # a zombie is dead, only not yet buried
        return stat.read().rpartition(")")[2].split()[0] != "Z"


def are_dead(*pids, within_s=5):
    ends = time.monotonic() + within_s
    while any(map(is_alive, pids)):
        if time.monotonic() > ends:
            return False
        time.sleep(0.02)
    return True


def test_a_client_that_answers_is_good(tmp_path):
    one = seen(tmp_path, "print('OK')")

    assert (one.outcome, one.fault, one.answer) == (Outcome.OK, None, None)
    assert one.latency_s > 0
    assert (one.status, one.ttft_s, one.cost_usd) == (None, None, None)


def test_a_failure_without_a_known_reason_is_kept_with_what_was_said(tmp_path):
    one = seen(tmp_path, "print('first', flush=True); print('the cat sat on it', file=sys.stderr); sys.exit(3)")

    assert (one.outcome, one.fault) == (Outcome.FAILED, Fault.UNCLASSIFIED)
    assert (one.answer.rule, one.answer.words) == ("command/exit", "the cat sat on it (exit code 3)")
    assert one.answer.body == "first\nthe cat sat on it\n"


def test_a_silent_failure_says_so(tmp_path):
    assert seen(tmp_path, "sys.exit(1)").answer.words == "it printed nothing (exit code 1)"


def test_a_signal_is_told_as_one(tmp_path):
    assert seen(tmp_path, "os.kill(os.getpid(), signal.SIGTERM)").answer.words.endswith("(ended by signal 15)")


def test_a_used_up_allowance_is_known_by_its_words(tmp_path):
    one = like_codex(tmp_path, "print('ERROR: You\\'ve hit your usage limit. Try again in 4 days.'); sys.exit(1)")

    assert (one.fault, one.answer.rule) == (Fault.QUOTA_EXHAUSTED, "codex/usage-limit")
    assert one.answer.words == "ERROR: You've hit your usage limit. Try again in 4 days. (exit code 1)"


def test_and_also_when_the_client_says_that_it_went_well(tmp_path):
    one = like_codex(tmp_path, "print('You\\'ve hit your usage limit. Try again in 4 days.')")

    assert (one.fault, one.answer.words[-13:]) == (Fault.QUOTA_EXHAUSTED, "(exit code 0)")


def test_a_client_that_succeeds_at_its_second_try_is_good(tmp_path):
    lines = "ERROR: Reconnecting... 1/5 (stream disconnected before completion)", "codex", "OK", "tokens used", "1,234"

    assert like_codex(tmp_path, f"print({chr(10).join(lines)!r})").outcome is Outcome.OK


@pytest.mark.parametrize(("answers", "fault"), [(r"\b42\b", None), (r"\b43\b", Fault.INVALID_RESPONSE), (None, None)])
def test_an_answer_is_what_the_provider_s_file_says_that_it_is(tmp_path, answers, fault):
    client = program(tmp_path, "print('It is 42, I think')")

    assert run(facts=provider([client], answers=answers)).fault is fault


def test_a_page_is_no_answer_to_anybody(tmp_path):
    assert seen(tmp_path, "print('<html><body>Hello</body></html>')").fault is Fault.INVALID_RESPONSE


def test_a_refusal_is_no_answer_although_the_client_ends_in_good_order(tmp_path):
    assert seen(tmp_path, "print('Credit balance is too low')").fault is Fault.QUOTA_EXHAUSTED
    assert seen(tmp_path, "print('Sure, here you are')").outcome is Outcome.OK


def test_a_failure_is_also_known_by_the_words_that_all_share(tmp_path):
    one = seen(tmp_path, "print('Too many requests'); sys.exit(1)")

    assert (one.outcome, one.fault, one.answer.confidence) == (
        Outcome.DEGRADED,
        Fault.RATE_LIMITED,
        Confidence.MEDIUM,
    )


def test_a_client_that_hangs_ends_with_all_that_it_started(tmp_path):
    pids = tmp_path / "pids"
    child = "import os,signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    one = seen(
        tmp_path,
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}])\n"
        f"print('thinking', flush=True)\n"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(600)",
        limit_s=2,
    )

    assert (one.fault, one.answer.rule, one.answer.confidence) == (Fault.TIMEOUT, "command/time", Confidence.LOW)
    assert one.answer.words == (
        "not done within 2 s, and nothing says why: its provider is slow, or it waits for something on this machine; "
        "its last words: thinking"
    )
    assert are_dead(*map(int, pids.read_text().split()))


def test_a_client_that_hangs_but_says_why_is_judged_by_that(tmp_path):
    text = "print('ERROR: unexpected status 401 Unauthorized', flush=True); time.sleep(600)"
    one = like_codex(tmp_path, text, limit_s=1)

    assert (one.fault, one.answer.words[-21:]) == (Fault.INVALID_KEY, "(not done within 1 s)")


def test_what_a_client_leaves_behind_ends_with_it_and_does_not_delay_us(tmp_path):
    pid = tmp_path / "pid"
    one = seen(
        tmp_path,
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(pid)!r}, 'w').write(str(child.pid))\nprint('OK')",
        limit_s=60,
    )

    assert one.outcome is Outcome.OK
    assert are_dead(int(pid.read_text()))


def test_a_cancelled_look_leaves_no_process_and_no_folder(tmp_path):
    told = tmp_path / "told"
    text = f"open({str(told)!r}, 'w').write(f'{{os.getpid()}} {{os.getcwd()}}\\n')\ntime.sleep(600)"

    async def play():
        account = Account("a", "house")
        look = asyncio.create_task(attempt(prober(), provider([program(tmp_path, text)]), account, target(account)))
        async with asyncio.timeout(20):
            while not (told.exists() and told.read_text().endswith("\n")):  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.02)
        look.cancel()
        with pytest.raises(asyncio.CancelledError):
            await look

    asyncio.run(play())
    pid, folder = told.read_text().split()
    assert are_dead(int(pid))
    assert not os.path.exists(folder)


def test_a_flood_is_drained_and_its_ends_are_kept(tmp_path):
    text = (
        "print('the first words')\nfor _ in range(1600): sys.stdout.write('x' * 65535 + '\\n')\n"
        "print('ERROR: You\\'ve hit your usage limit.'); sys.exit(1)"
    )
    one = like_codex(tmp_path, text, limit_s=60)

    assert one.fault is Fault.QUOTA_EXHAUSTED
    assert len(one.answer.body) <= 4000
    assert one.answer.body.endswith("usage limit.\n")


def test_no_more_is_kept_than_the_first_and_the_last_of_a_flood():
    heard = command.OutputCapture()
    for number in range(1000):
        heard.data_received(b"%06d\n" % number * 1000)

    assert len(heard.text) <= command.KEPT_BYTES + 10
    assert heard.text.startswith("000000\n")
    assert heard.text.endswith("000999\n")


def test_a_client_gets_the_named_variables_and_nothing_else_of_ours(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-clients-0123456789")
    one = seen(tmp_path, "print(*sorted(os.environ)); sys.exit(1)", CODEX_HOME="/x", CLIENT_TOKEN=SECRET)

    got = set(one.answer.words.removesuffix(" (exit code 1)").split())
    assert {"CLIENT_TOKEN", "CODEX_HOME", "PATH"} <= got
    assert got <= USUAL | {"CLIENT_TOKEN", "CODEX_HOME", "LC_CTYPE"}  # the last is set by Python itself


@pytest.mark.parametrize("said", ["token {}", "ERROR 401: {}!", "{}{}", "\x1b[31m{}\x1b[0m"])
def test_a_secret_that_a_client_prints_is_kept_nowhere(tmp_path, said):
    text = f"print({said!r}.replace('{{}}', os.environ['CLIENT_TOKEN'])); sys.exit(1)"
    one = seen(tmp_path, text, CLIENT_TOKEN=SECRET)

    assert "[redacted]" in one.answer.words
    assert SECRET[:10] not in repr(one)
    assert SECRET[-10:] not in repr(one)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (["no-such-client"], "no-such-client is not found: install it, or name it with its path in `command`"),
        (["/"], "/ cannot be run (Permission denied)"),
        (["env", "no-such-client"], "env cannot start: "),
        (["env", "a\0b"], "env cannot be run: look at the arguments in `command`"),
    ],
)
def test_what_cannot_be_run_blames_nobody(line, reason):
    one = run(*line)

    assert (one.outcome, one.fault, one.answer.rule) == (Outcome.UNKNOWN, None, "command/not-run")
    assert one.answer.words.startswith(reason)


def test_nor_does_a_folder_that_cannot_be_made(monkeypatch, tmp_path):
    monkeypatch.setattr(command.TemporaryDirectory, "__init__", lambda *_, **__: os.mkdir(tmp_path / "a" / "b"))

    assert run("true").outcome is Outcome.UNKNOWN


@pytest.fixture
def silent_stdin():
    """Our own stdin, as a person's terminal is: open, and nothing comes."""
    kept, (out, into) = os.dup(0), os.pipe()
    os.dup2(out, 0)
    yield
    os.dup2(kept, 0)
    for file in (kept, out, into):
        os.close(file)


@pytest.mark.usefixtures("silent_stdin")
def test_a_client_that_reads_is_told_at_once_that_nothing_comes(tmp_path):
    assert seen(tmp_path, "print('OK'); sys.exit(len(sys.stdin.read()))", limit_s=10).outcome is Outcome.OK


def test_a_client_that_ends_well_and_says_nothing_has_not_answered(tmp_path):
    one = seen(tmp_path, "print()")

    assert (one.fault, one.answer.rule) == (Fault.INVALID_RESPONSE, "command/empty")
    assert one.answer.words == "it printed nothing (exit code 0)"


def test_a_client_works_in_an_empty_folder_that_is_gone_afterwards(tmp_path):
    one = seen(
        tmp_path,
        "print(os.getcwd(), os.listdir())\nos.makedirs('a/b'); open('a/b/c', 'w').write('x'); os.chmod('a', 0)\n"
        "sys.exit(1)",
    )

    folder, listed, _ = one.answer.words.split(" ", 2)
    assert listed == "[]"
    assert not os.path.exists(folder)


def test_no_word_of_a_command_reaches_a_shell(tmp_path):
    one = run(program(tmp_path, "print(sys.argv[1:]); sys.exit(1)"), "$HOME; touch x", "*")

    assert one.answer.words.startswith("['$HOME; touch x', '*']")


def test_an_account_may_name_a_command_of_its_own(tmp_path):
    account = Account("a", "house", command=(program(tmp_path, "print('OK')"),))

    one = asyncio.run(attempt(prober(), provider(["no-such-client"]), account, target(account)))
    assert one.outcome is Outcome.OK


def test_an_account_runs_one_client_at_a_time_and_two_accounts_do_not_wait(tmp_path):
    log = tmp_path / "log"
    text = (
        f"log = open({str(log)!r}, 'a', buffering=1)\nlog.write(f'begin {{sys.argv[1]}}\\n')\n"
        "time.sleep(0.3)\nlog.write(f'end {sys.argv[1]}\\n')"
    )
    path = program(tmp_path, text)

    async def play():
        one = prober()
        accounts = [replace(Account(name, "house"), command=(path, name)) for name in "aab"]
        await asyncio.gather(*(attempt(one, provider(["x"]), account, target(account)) for account in accounts))

    asyncio.run(play())
    of_a = [line for line in log.read_text().splitlines() if line.endswith(" a")]
    assert of_a == ["begin a", "end a"] * 2


def test_the_last_line_is_heard_first():
    said = "ERROR: Reconnecting... 1/5 (error sending request for url (https://x))\nERROR: You've hit your usage limit."

    assert classify_output(CODEX, WORDING.rules, 1, said)[0].fault is Fault.QUOTA_EXHAUSTED


def test_a_clients_own_words_on_any_line_come_before_shared_words_on_a_later_one():
    said = "Your access token could not be refreshed. Please log out and sign in again.\nrequest: internal server error"

    assert classify_output(CODEX, WORDING.rules, 1, said)[0].rule == "codex/login-over"


@pytest.mark.parametrize(
    "line",
    [
        '{"type":"turn.failed","error":{"message":"You\'ve hit your usage limit."}}',
        '{"type":"result","subtype":"success","is_error":true,"result":"You\'ve hit your usage limit."}',
        "\x1b]0;codex\x07\x1b[31;1mERROR:\x1b[0m You've hit your \x1b[1musage limit\x1b[0m.",
        "working...\rYou\u2019ve hit your usage limit.",
    ],
)
def test_a_client_may_say_it_in_json_or_in_colours(line):
    verdict, told = classify_output(CODEX, WORDING.rules, 1, line)

    assert verdict.fault is Fault.QUOTA_EXHAUSTED
    assert told.endswith("You've hit your usage limit.")


def test_only_the_last_lines_are_read():
    said = "You've hit your usage limit.\n" + "x\n" * MOST_LINES

    assert classify_output(CODEX, WORDING.rules, 1, said)[0].fault is Fault.UNCLASSIFIED


BANNER = (
    "OpenAI Codex v0.155.1\n--------\nworkdir: /tmp/x\nmodel: gpt-6.2-sol\nprovider: openai\nsession id: 0\n--------\n"
)


@pytest.mark.parametrize(("code", "expected"), [(1, Fault.UNCLASSIFIED), (None, Fault.TIMEOUT)])
def test_what_a_client_was_set_to_says_nothing_of_what_it_met(code, expected):
    assert classify_output(CODEX, WORDING.rules, code, BANNER)[0].fault is expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("stream disconnected before completion: Your account has been suspended.", Fault.ACCOUNT_SUSPENDED),
        ("unexpected status 403 Forbidden: Your credit balance is too low", Fault.QUOTA_EXHAUSTED),
        ("unexpected status 403 Forbidden: xyzzy", Fault.PERMISSION_DENIED),
        ("unexpected status 402 Payment Required: xyzzy", Fault.QUOTA_EXHAUSTED),
        (
            "unexpected status 403 Forbidden: local switch failed. Provider: X; cause: 用户额度不足",
            Fault.QUOTA_EXHAUSTED,
        ),
        ("litellm.AuthenticationError: OpenAIException - Incorrect API key provided: x", Fault.INVALID_KEY),
    ],
)
def test_a_client_s_frame_does_not_hide_the_cause_and_speaks_of_our_account(line, expected):
    assert classify_output(CODEX, WORDING.rules, 1, BANNER + "ERROR: " + line)[0].fault is expected


def test_a_frame_on_a_later_line_does_not_hide_a_cause_on_an_earlier_one():
    said = "ERROR: Your organization has been suspended.\nERROR: unexpected status 403 Forbidden: xyzzy"

    assert classify_output(CODEX, WORDING.rules, 1, said)[0].fault is Fault.ACCOUNT_SUSPENDED
