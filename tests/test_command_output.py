"""What the clients of subscriptions print when they end in good order is an answer, or it is none."""

import pytest

from probes.answer.command_output import classify_output
from probes.catalog import load_provider, load_wording
from probes.model import Fault
from tests.rows import each_row

WORDING = load_wording().rules
CLIENTS = {id: load_provider(id) for id in ("codex", "claude-code")}
BANNER = "OpenAI Codex v0.155.1 (research preview)\n--------\nworkdir: /x\n--------\nuser\nReply only with OK.\n"
NOTICES = (
    "warning: Model metadata for `gpt-6.2-sol` not found. Defaulting to fallback metadata; this can cause issues.",
    "WARN codex_models_manager: Unknown model gpt-6.2-sol is used. This will use fallback model metadata.",
    "2026-01-02T03:04:05Z  WARN codex_core::models_manager: model gpt-6.2-sol not found in cache, using default",
)


def judged(id, code, output):
    return classify_output(CLIENTS[id], WORDING, code, output)[0]


@each_row("id", CLIENTS)
@each_row(
    "output",
    [
        "{}",
        "null",
        "[]",
        "[[[[[[",
        "data: [DONE]",
        '{"choices":[]}',
        '{"status":"maintenance"}',
        '{"code":401,"msg":"无效的令牌","data":null}',
        '{"code":200,"data":"请先登录"}',
        "<html><title>Sign in</title>Please log in</html>",
        '{"error":"x"}',
        '{"type":"error","message":"You exceeded your current quota"}',
        '{"type":"turn.failed","error":{"message":"usage limit"}}',
        '{"is_error":true,"result":""}',
        '{"is_error":false,"result":""}',
        '{"type":"result","is_error":false,"result":""}',
        "Execution error",
        "model: gpt-6.2-sol",
        "model: gpt-6.2-sol\nuser\nReply only with OK.\n",
        "ERROR: unexpected status 401 Unauthorized",
        "Please run `codex login`",
        "Credit balance is too low",
        "You've hit your weekly limit · resets 3pm",
        "Invalid API key · Please run /login",
        '{"type":"result","is_error":true,"result":"API Error: 529 Overloaded"}',
        "Your account has been suspended",
        '{"type":"thread.started"}\n{"type":"turn.started"}\n{"type":"turn.completed","usage":{}}',
        "",
        "\n\n",
        "--------",
        "请先登录",
        "Something went wrong",
        "Service temporarily unavailable",
        NOTICES[0],
        "tokens used\n1,234",
        BANNER,
        "Usage: claude [options] [command] [prompt]\nOptions:",
        "2.0.14 (Claude Code)",
        "Welcome to Claude Code v2.0.14",
        "Welcome to Claude Code\n\nSelect login method:\n 1. Subscription",
        "Paste code here if prompted >",
        "Do you trust the files in this folder?",
        "Segmentation fault (core dumped)",
        "Killed",
        "bash: claude: command not found",
        "TypeError: Cannot read properties of undefined\n    at foo (/x/cli.js:1:2)",
        "Retrying in 5 seconds… (attempt 10/10)",
        "(no content)",
        "Starting local login server on http://localhost:1455.",
        "Reconnecting... 5/5",
        "turn interrupted",
        "mcp: context7 starting\nmcp startup: no servers",
        "✨ Update available! 0.79.0 -> 0.80.0\nRun npm install -g x to update.",
        "NaN",
        "true",
        "%PDF-1.4",
        "User: Reply only with OK.",
        "> Reply only with OK.",
        '{"type":"result","subtype":"error_max_turns","is_error":false,"result":"OK?"}',
        '{"type":"result","subtype":"error_during_execution","is_error":false,"result":"OK"}',
        '{"type":"item.started","item":{"type":"agent_message","text":"OK"}}',
        "I cannot do that.",
        "HTTP/1.1 200 OK",
        '{"status":"ok"}',
    ],
)
def test_what_holds_no_answer_is_not_good_though_the_client_ends_in_good_order(id, output):
    assert judged(id, 0, output).fault is not None


@each_row("id", CLIENTS)
@each_row(
    "output",
    [
        "OK",
        "OK.\n",
        "ok",
        "codex\nOK\ntokens used\n1,234\nOK",
        '{"type":"result","subtype":"success","is_error":false,"result":"OK","total_cost_usd":0.01}',
        '{"type":"thread.started","thread_id":"x"}\n{"type":"turn.started"}\n{"type":"item.completed","item":{"id":"1","type":"reasoning","text":"**x**"}}\n{"type":"item.completed","item":{"id":"2","type":"agent_message","text":"OK"}}\n{"type":"turn.completed","usage":{"input_tokens":1}}',
        BANNER + "2026-01-01T00:00:00Z WARN something is slow\ncodex\nOK\n",
        "Sure! OK",
        "warning: Model metadata for `gpt-6.2-sol` not found. Defaulting to fallback metadata\nOK",
        "ERROR: Reconnecting... 1/5\nOK",
        "OK\n\n⚠ 83% of your weekly limit used",
        "OK\nYou've used 90% of your session limit. Resets 3pm",
        "OK\nHeads up, you have less than 25% of your 5h limit left.",
        "2026-11-20T10:00:00Z  WARN codex_core::client: stream error: 429 Too Many Requests; retrying 1/5 in 200ms\nOK",
        "mcp: github failed: MCP client failed to start: 401 Unauthorized\nOK",
        "OK\n2026-11-20T10:00:00Z ERROR codex_core::rollout: failed to record: No space left on device",
        "OK\n\nLet me know if there's an error you'd like me to look at.",
        "OK (no error)",
        "I cannot fail at this: OK",
        "[OK]",
        "OK\n\n[session saved]",
        '[{"type":"system","subtype":"init"},{"type":"assistant","message":{"role":"assistant","content":[{"type":"text","text":"OK"}]}},{"type":"result","subtype":"success","is_error":false,"result":"OK"}]',
        '{"id":"0","msg":{"type":"task_started"}}\n{"id":"0","msg":{"type":"agent_message","message":"OK"}}\n{"id":"0","msg":{"type":"task_complete","last_agent_message":"OK"}}',
        "[2026-11-20T10:00:03] codex\n\nOK\n[2026-11-20T10:00:04] tokens used: 2,345",
    ],
)
def test_an_answer_is_good_whatever_a_client_prints_around_it(id, output):
    assert judged(id, 0, output).fault is None


@each_row(
    ("output", "expected"),
    [
        ("Credit balance is too low", Fault.QUOTA_EXHAUSTED),
        ("You've hit your weekly limit · resets 3pm", Fault.QUOTA_EXHAUSTED),
        ("Invalid API key · Please run /login", Fault.INVALID_KEY),
        ('{"type":"result","is_error":true,"result":"API Error: 529 Overloaded"}', Fault.OVERLOADED),
        ('{"type":"turn.failed","error":{"message":"usage limit"}}', Fault.QUOTA_EXHAUSTED),
        ("Your account has been suspended", Fault.ACCOUNT_SUSPENDED),
        ("<html><title>Sign in</title>Please log in</html>", Fault.INVALID_RESPONSE),
        ("Execution error", Fault.INVALID_RESPONSE),
        ('{"type":"result","is_error":true,"result":"Not logged in · Please run /login","ses', Fault.INVALID_KEY),
    ],
)
@each_row("id", CLIENTS)
def test_a_refusal_that_ends_in_good_order_is_told_as_what_it_is(id, output, expected):
    assert judged(id, 0, output).fault is expected


@pytest.mark.parametrize("notice", NOTICES)
@pytest.mark.parametrize(("code", "expected"), [(1, Fault.UNCLASSIFIED), (None, Fault.TIMEOUT)])
def test_what_a_client_does_in_place_of_what_it_was_asked_for_is_no_cause(notice, code, expected):
    assert judged("codex", code, notice).fault is expected
    assert judged("codex", code, f"{notice}\nERROR: boom").fault is expected


def test_a_model_that_is_gone_is_still_told():
    assert judged("codex", 1, "ERROR: The model `gpt-6.2-sol` does not exist").fault is Fault.MODEL_UNAVAILABLE
