"""What the configuration explains is told as our own fault, with the one line of monitor.toml that mends it."""

import asyncio
import html
import json
import re

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from monitor.commands.probe import probe_now
from monitor.config.load import load_config
from monitor.stages.apply_config import apply_config
from monitor.stages.beat import beat
from monitor.stages.probe import probe_target
from monitor.state.monitor_state import open_state
from monitor.state.services import real_edge
from probes.catalog import load_provider
from probes.document import DocumentError
from probes.model import Account, Answer, Blame, Fault, Observation, Outcome, Target
from probes.phrase import in_english
from probes.remedy import advise_setup, check_base, explain_observation, fix_base
from tests.backstage import call
from tests.conftest import at
from tests.receiver import webhook
from tests.rows import each_row

KEY = "sk-proj-AbCd1234EfGh5678IjKl"
GATEWAY, OPENAI, ANTHROPIC, GEMINI = map(load_provider, ("openai-compatible", "openai", "anthropic", "gemini"))
PAGE = "<!doctype html><html><head><title>One API</title></head><body></body></html>"
NOT_FOUND = '{"error":{"message":"Invalid URL (GET /models)","type":"invalid_request_error"}}'
LM_STUDIO = '{"error":"Unexpected endpoint or method. (GET /models). Returning 200 anyway"}'
WANTS_NEW = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
EXTRA = '{"detail":[{"type":"extra_forbidden","loc":["body","%s"],"msg":"Extra inputs are not permitted","input":16}]}'


def met(status, body, canary="list", fault=Fault.BAD_REQUEST, rule="status/404", provider=GATEWAY, words=""):
    model = None if canary == "list" else "gpt"
    target = Target(f"{provider.id}/a", provider.id, canary, model)
    answer = Answer(rule, words or body[:300], body=body)
    return Observation(target, at(0), Outcome.FAILED, status=status, fault=fault, answer=answer)


def told(seen, base="https://gw.example.com", provider=GATEWAY, asked=("list", "chat"), dialects=None, **known):
    """Return the rule and the line for what was seen; None for both where the configuration explains nothing."""
    account = Account("a", provider.id, KEY, base, dialects=dialects or {})
    after = explain_observation(provider, account, seen, **known)
    if after == seen:
        return None, None
    assert (after.fault, after.fault.blame) == (Fault.BAD_REQUEST, Blame.US)
    fix = advise_setup(provider, account, seen.target.canary, after.answer, asked)
    words = fix and in_english(fix)
    return after.answer.rule, words.partition(" write ")[2].rpartition(" (")[0]


@each_row(
    ("base", "line"),
    [
        ("https://gw.example.com", 'base = "https://gw.example.com/v1"'),
        ("https://gw.example.com/", 'base = "https://gw.example.com/v1"'),
        ("https://gw.example.com:8443/openai", 'base = "https://gw.example.com:8443/openai/v1"'),
        ("https://gw.example.com/v1/v1", 'base = "https://gw.example.com/v1"'),
        ("https://gw.example.com/v1/chat/completions", 'base = "https://gw.example.com/v1"'),
        ("https://gw.example.com/v1/models/", 'base = "https://gw.example.com/v1"'),
        ("https://gw.example.com/anthropic", 'provider = "anthropic"'),
    ],
)
@each_row(
    ("status", "body", "fault"),
    [
        (404, NOT_FOUND, Fault.BAD_REQUEST),
        (404, "404 page not found", Fault.BAD_REQUEST),
        (405, "", Fault.BAD_REQUEST),
        (404, PAGE, Fault.BAD_REQUEST),
        (200, PAGE, Fault.INVALID_RESPONSE),
        (200, "Welcome to the gateway", Fault.INVALID_RESPONSE),
        (200, LM_STUDIO, Fault.UNCLASSIFIED),
        (404, '{"error":{"message":"Not Found","type":"server_error"}}', Fault.SERVER_ERROR),
        (501, "Not Implemented", Fault.SERVER_ERROR),
    ],
)
def test_a_base_that_is_wrong_by_its_form_is_mended_by_one_line(base, line, status, body, fault):
    assert told(met(status, body, fault=fault), base)[1] == line
    assert told(met(status, body, "chat", fault), base)[1] == line


@pytest.mark.parametrize(
    ("provider", "base", "line"),
    [
        (ANTHROPIC, "https://gw.example.com/v1", "https://gw.example.com"),
        (GEMINI, "https://gw.example.com", "https://gw.example.com/v1beta"),
        (OPENAI, "https://api.openai.com", "https://api.openai.com/v1"),
        (load_provider("openrouter"), "https://openrouter.ai", "https://openrouter.ai/api/v1"),
        (load_provider("openrouter"), "https://openrouter.ai/v1", "https://openrouter.ai/api/v1"),
        (load_provider("groq"), "https://api.groq.com/v1", "https://api.groq.com/openai/v1"),
        (OPENAI, "https://platform.openai.com/v1", "https://api.openai.com/v1"),
        (OPENAI, "https://openai.com/v1", "https://api.openai.com/v1"),
    ],
)
def test_each_provider_has_its_own_form_of_address(provider, base, line):
    assert told(met(404, NOT_FOUND, provider=provider), base, provider)[1] == f'base = "{line}"'


@each_row("base", ["https://gw.example.com", "https://gw.example.com/v1/v1", "https://x.org/a/b/"])
@each_row("provider", [GATEWAY, OPENAI, ANTHROPIC, GEMINI])
def test_what_is_mended_has_nothing_wrong_any_more(provider, base):
    canary = provider.canaries["list"]

    assert check_base(provider, fix_base(provider, base, canary), canary) is None


@each_row(
    ("seen", "known"),
    [
        (met(404, NOT_FOUND), {"proven": True}),
        (met(200, PAGE, fault=Fault.INVALID_RESPONSE), {"proven": True}),
        (met(401, "{}", fault=Fault.INVALID_KEY), {}),
        (met(403, PAGE, fault=Fault.BLOCKED_BY_EDGE), {}),
        (met(502, PAGE, fault=Fault.SERVER_ERROR), {}),
        (met(404, "{}", "chat", fault=Fault.MODEL_UNAVAILABLE), {}),
        (met(None, "", fault=Fault.CONNECTION_FAILED), {}),
        (met(400, NOT_FOUND), {}),
        (met(200, "", fault=Fault.INVALID_RESPONSE), {}),
        (met(200, '{"status":"maintenance"}', fault=Fault.INVALID_RESPONSE), {}),
    ],
    ids=[
        "worked before",
        "a page, worked before",
        "key",
        "edge",
        "gateway",
        "model",
        "no answer",
        "another request",
        "nothing",
        "JSON",
    ],
)
def test_what_the_configuration_does_not_explain_is_left_as_it_is(seen, known):
    assert told(seen, **known) == (None, None)


@pytest.mark.parametrize(
    ("base", "others"), [(None, None), (None, False), (None, True), ("https://api.openai.com/v1/", False)]
)
def test_nothing_is_explained_by_an_address_of_the_provider_itself(base, others):
    assert told(met(404, NOT_FOUND, provider=OPENAI), base, OPENAI, others=others) == (None, None)


@pytest.mark.parametrize("base", ["https://gw.example.com/v1", "https://gw.example.com/own"])
@pytest.mark.parametrize(("status", "body"), [(404, NOT_FOUND), (405, ""), (501, ""), (200, PAGE)])
def test_a_gateway_that_chats_and_has_no_list_is_asked_for_none(base, status, body):
    fault = Fault.INVALID_RESPONSE if status == 200 else Fault.BAD_REQUEST
    seen = met(status, body, fault=fault)

    assert told(seen, base, others=True) == ("setup/list", 'canaries = ["chat"]')
    assert told(seen, base, others=True, asked=["list", "chat", "embed", "models"])[1] == 'canaries = ["chat", "embed"]'


UNKNOWN_URL = "Unknown request URL: GET /v1/models. Please check the URL for typos"
UNLISTED = [
    (400, {"error": {"message": UNKNOWN_URL, "code": "unknown_url"}}, Fault.BAD_REQUEST),
    (403, {"error": {"message": "model listing is disabled on this gateway"}}, Fault.PERMISSION_DENIED),
    (403, {"message": "Forbidden"}, Fault.PERMISSION_DENIED),
    (401, {"message": "Unauthorized"}, Fault.INVALID_KEY),
    (404, {"code": "5", "message": "Not Found", "details": []}, Fault.BAD_REQUEST),
    (404, {"error": {"message": "Resource not found"}}, Fault.MODEL_UNAVAILABLE),
    (422, {"detail": "no"}, Fault.UNCLASSIFIED),
    (500, {"error": {"message": "unhandled path"}}, Fault.SERVER_ERROR),
    (500, {"error": "endpoint is not implemented"}, Fault.SERVER_ERROR),
    (200, {"error": "endpoint not supported"}, Fault.INVALID_RESPONSE),
    (200, {"object": "list", "data": []}, Fault.INVALID_RESPONSE),
    (200, {}, Fault.INVALID_RESPONSE),
]
"""How a gateway says that it has no list of models."""


@each_row(("status", "document", "fault"), UNLISTED)
def test_a_list_that_is_refused_in_any_way_beside_a_chat_that_works_is_asked_for_no_more(status, document, fault):
    seen, base = met(status, json.dumps(document), fault=fault), "https://gw.example.com/v1"

    assert told(seen, base, others=True) == ("setup/list", 'canaries = ["chat"]')
    assert told(seen, base, others=True, proven=True) == (None, None)  # it had a list
    assert told(seen, None, OPENAI, others=True) == (None, None)  # at its own address that is the key's


@each_row(("status", "document", "fault"), [one for one in UNLISTED if one[0] not in (404, 501)])
def test_what_refuses_the_list_where_nothing_works_beside_it_is_left_as_it_is(status, document, fault):
    seen = met(status, json.dumps(document), fault=fault)

    assert told(seen, "https://gw.example.com/v1", others=False) == (None, None)


@pytest.mark.parametrize(
    "fault",
    [
        *(Fault.ACCOUNT_SUSPENDED, Fault.QUOTA_EXHAUSTED, Fault.VERIFICATION_REQUIRED, Fault.RATE_LIMITED),
        *(Fault.SERVER_ERROR, Fault.OVERLOADED, Fault.REGION_BLOCKED, Fault.BLOCKED_BY_EDGE),
    ],
)
def test_what_is_said_of_the_account_or_the_server_is_no_fault_of_the_configuration(fault):
    seen = met(403, '{"message":"Sorry"}', fault=fault)

    assert told(seen, "https://gw.example.com/v1", others=True) == (None, None)


def test_where_nothing_answers_at_a_well_formed_base_no_line_is_guessed():
    assert told(met(404, NOT_FOUND), "https://gw.example.com/v1", others=False) == (None, None)
    assert told(met(404, NOT_FOUND, "chat"), "https://gw.example.com/v1", others=False) == (None, None)


@each_row(
    ("body", "dialect"),
    [
        (f'{{"error":{{"message":"{WANTS_NEW}","code":"unsupported_parameter"}}}}', "openai-chat"),
        (EXTRA % "max_tokens", "openai-chat"),
        ('{"message":"max_tokens is not supported, use max_completion_tokens"}', "openai-chat"),
        (EXTRA % "max_completion_tokens", "openai-compatible"),
        ('{"message":"Unrecognized request argument supplied: max_completion_tokens"}', "openai-compatible"),
        ('{"message":"unknown field \\"max_completion_tokens\\""}', "openai-compatible"),
    ],
)
@each_row("proven", [False, True])
def test_a_server_with_another_name_for_the_cap_is_asked_by_that_one(body, dialect, proven):
    other = "openai-compatible" if dialect == "openai-chat" else "openai-chat"
    seen = met(400, body, "chat")

    line = f'dialect = {{ chat = "{dialect}" }}'
    assert told(seen, dialects={"chat": other}, proven=proven) == ("setup/cap", line)
    assert told(seen, "https://gw.example.com/v1", dialects={"chat": dialect}, proven=proven) == (None, None)


@pytest.mark.parametrize(
    "body",
    [
        '{"message":"max_tokens must be at least 32"}',
        '{"message":"Invalid \'max_tokens\': integer below minimum value"}',
        '{"message":"This request needs more credits, or fewer max_tokens"}',
        '{"message":"stream is not supported"}',
    ],
)
def test_a_cap_that_is_only_too_small_is_no_wrong_name(body):
    assert told(met(400, body, "chat"), "https://gw.example.com/v1") == (None, None)


@each_row(
    ("base", "goal", "line"),
    [
        ("http://gw.example.com/v1", "https://gw.example.com/v1/models", 'base = "https://gw.example.com/v1"'),
        (
            "https://gw.example.com/v1",
            "https://gw.example.com/api/v1/models/",
            'base = "https://gw.example.com/api/v1"',
        ),
        ("https://example.com/v1", "https://www.example.com/v1/models", 'base = "https://www.example.com/v1"'),
        ("http://gateway:8080/v1", "https://gateway/v1/models", 'base = "https://gateway/v1"'),
        ("http://example/v1", "https://gw.example/v1/models", 'base = "https://gw.example/v1"'),
        ("http://gw.example/v1", "https://example/v1/models", None),
        ("https://gw.example.com/v1", "https://gw.example.com/login", None),
        ("https://gw.example.com/v1", "https://evil.example.org/v1/models", None),
        ("https://gw.example.com/v1", "http://gw.example.com/v1/models", None),
        ("https://gw.example.com/v1", "https://gw.example.com/v1/models/", None),
    ],
)
def test_who_is_sent_on_within_the_same_house_is_told_the_new_address(base, goal, line):
    words = f"redirects to {goal}; not followed, since that sends the key on"
    seen = met(301, "", fault=Fault.INVALID_RESPONSE, rule="transport/redirect", words=words)

    assert told(seen, base, proven=True)[1] == line


def test_a_rule_that_nobody_knows_any_more_has_no_line():
    account = Account("a", GATEWAY.id, KEY, "https://gw.example.com")

    assert advise_setup(GATEWAY, account, "list", Answer("setup/of-old", "")) is None
    assert advise_setup(GATEWAY, account, "list", Answer("status/404", "")) is None


# The configuration


def text(base, more="", models='models = { chat = ["gpt"] }'):
    block = f'[[accounts]]\nname = "a"\nprovider = "openai-compatible"\nkey = "env:KEY"\nbase = "{base}"\n{models}\n'
    return f"{block}{more}\n[status]\npoll = false\n[site]\nserve = false\n[probe]\nonline = []\n"


def loaded(folder, written):
    (folder / "monitor.toml").write_text(written)
    return load_config(folder / "monitor.toml", {"KEY": KEY})


def test_a_base_that_ends_with_a_request_is_refused_with_the_right_one(tmp_path):
    with pytest.raises(DocumentError, match='write base = "https://gw.example.com/v1"'):
        loaded(tmp_path, text("https://gw.example.com/v1/chat/completions"))


@pytest.mark.parametrize("base", ["https://[", "https://gw.example.com:port/v1", "https://gw.example.com:99999/v1"])
def test_a_base_that_is_no_address_is_refused(tmp_path, base):
    with pytest.raises(DocumentError, match="accounts.a.base is no web address"):
        loaded(tmp_path, text(base, '[[objectives]]\nname = "o"\naccount = "a"\ncanary = "chat"\navailability = 99\n'))


@pytest.mark.parametrize(
    ("base", "doubt"),
    [
        ("https://gw.example.com", 'base has no version in it: perhaps base = "https://gw.example.com/v1"'),
        ("https://gw.example.com/v1/v1", 'base has its version twice: perhaps base = "https://gw.example.com/v1"'),
        ("https://gw.example.com/anthropic", 'perhaps provider = "anthropic"'),
        ("http://gw.example.com/v1", 'perhaps base = "https://gw.example.com/v1"'),
        ("https://gw.example.com/v1", None),
        ("http://127.0.0.1:11434/v1", None),
        ("http://ollama:11434/v1", None),
        ("http://192.168.1.7:4000/v1", None),
    ],
)
def test_check_doubts_an_address_by_its_form(tmp_path, base, doubt):
    doubts = loaded(tmp_path, text(base)).doubts.get("openai-compatible/a", ())

    assert [doubt in one for one in doubts] == ([True] if doubt else [])


def test_check_doubts_the_address_of_a_companys_web_site(tmp_path):
    written = text("https://platform.openai.com/v1").replace("openai-compatible", "openai")

    (doubt,) = loaded(tmp_path, written).doubts["openai/a"]
    assert doubt == 'base is on a host for people: perhaps base = "https://api.openai.com/v1", or none'


def test_an_account_may_speak_its_own_dialect_of_one_canary(tmp_path):
    config = loaded(tmp_path, text("https://gw.example.com/v1", 'dialect = { chat = "openai-chat" }'))

    assert config.accounts["openai-compatible/a"].dialects == {"chat": "openai-chat"}
    for wrong in ('{ list = "openai-chat" }', '{ chta = "openai-chat" }', '{ chat = "cohere" }'):
        with pytest.raises(DocumentError, match="accounts.a.dialect"):
            loaded(tmp_path, text("https://gw.example.com/v1", f"dialect = {wrong}"))


# Against a server


class Server:
    """A gateway at /v1 that is told what it lacks; anything else is the page of its web site."""

    def __init__(self, *, lists=True, cap="max_tokens", elsewhere=404, page=PAGE):
        self.lists, self.cap, self.elsewhere, self.paths, self.page = lists, cap, elsewhere, [], page

    async def answer(self, request):
        self.paths.append(request.path)
        if request.path == "/v1/models" and self.lists:
            return web.json_response({"object": "list", "data": [{"id": "gpt", "object": "model"}]})
        if request.path != "/v1/chat/completions":
            return web.Response(status=self.elsewhere, text=self.page, content_type="text/html")
        other = "max_tokens" if self.cap == "max_completion_tokens" else "max_completion_tokens"
        if other in await request.json():
            message = f"Unsupported parameter: '{other}' is not supported. Use '{self.cap}' instead."
            return web.json_response({"error": {"message": message, "code": "unsupported_parameter"}}, status=400)
        choice = {"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}
        return web.json_response({"id": "x", "object": "chat.completion", "choices": [choice]})


def against(server, act):
    """Run what takes the root of a server in a thread, beside it."""

    async def play():
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", server.answer)
        async with TestServer(app) as running:
            return await asyncio.to_thread(act, str(running.make_url("/")).rstrip("/"))

    return asyncio.run(play())


def probed(folder, server, path, more=""):
    def act(root):
        config = loaded(folder, text(root + path, more))
        seen, mends = probe_now(config, list(config.watches.values()))
        return {one.target.canary: one.fault for one in seen}, [mend.replace(root, "ROOT") for mend in mends]

    return against(server, act)


@pytest.mark.parametrize("elsewhere", [404, 200])
def test_probe_tries_the_base_that_it_advises_once(tmp_path, elsewhere):
    server = Server(elsewhere=elsewhere)
    faults, mends = probed(tmp_path, server, "")

    assert set(faults.values()) == {Fault.BAD_REQUEST}
    assert mends == [
        'openai-compatible/a: In this account\'s table of monitor.toml, write base = "ROOT/v1" (no API answers at this '
        "base, which has no version in it). It was tried, and answers."
    ]
    assert server.paths.count("/v1/models") == 1


class Overloaded(Server):
    async def answer(self, request):
        if request.path.startswith("/v1/"):
            return web.json_response({"error": {"message": "no healthy upstream"}}, status=503)
        return await super().answer(request)


def test_probe_says_when_that_base_answers_no_better(tmp_path):
    _, (mend,) = probed(tmp_path, Overloaded(), "")

    assert "does not answer well either" in mend


@pytest.mark.parametrize("elsewhere", [404, 405])
def test_a_base_without_a_list_is_not_said_to_answer_no_better(tmp_path, elsewhere):
    _, (mend,) = probed(tmp_path, Server(lists=False, elsewhere=elsewhere), "")

    assert 'write base = "ROOT/v1"' in mend
    assert "tried" not in mend


@pytest.mark.parametrize("elsewhere", [404, 405, 200])
def test_probe_of_a_gateway_without_a_list_names_the_line(tmp_path, elsewhere):
    faults, mends = probed(tmp_path, Server(lists=False, elsewhere=elsewhere), "/v1")

    assert (faults["chat"], faults["list"]) == (None, Fault.BAD_REQUEST)
    assert ['canaries = ["chat"]' in mend for mend in mends] == [True]


@pytest.mark.parametrize(("status", "document", "_"), UNLISTED)
def test_probe_tells_one_thing_of_an_account_whose_gateway_has_no_list(tmp_path, status, document, _):
    def act(root):
        loaded(tmp_path, text(f"{root}/v1"))
        return call("probe", folder=tmp_path, KEY=KEY)

    _, printed, _ = against(Server(lists=False, elsewhere=status, page=json.dumps(document)), act)
    advices = [line for line in printed.splitlines() if line.startswith("openai-compatible/a: ")]

    assert ['canaries = ["chat"]' in line for line in advices] == [True]


BILLING = {"object": "billing_subscription", "hard_limit_usd": 20, "access_until": 0}


@pytest.mark.parametrize(
    ("billing", "kept"),
    [(None, 'canaries = ["chat"]'), (BILLING, 'canaries = ["chat", "subscription"]')],
)
def test_the_line_keeps_only_what_answered(tmp_path, billing, kept):
    """A reseller that serves chat alone answers 404 to all else."""

    class Reseller(Server):
        async def answer(self, request):
            if billing and request.path == "/v1/dashboard/billing/subscription":
                return web.json_response(billing)
            return await super().answer(request)

    def act(root):
        written = text(f"{root}/v1").replace("openai-compatible", "new-api")
        config = loaded(tmp_path, written)
        _, mends = probe_now(config, list(config.watches.values()))
        _, printed, _ = call("probe", folder=tmp_path, KEY=KEY)
        return mends, [line for line in printed.splitlines() if line.startswith("new-api/a: ")]

    mends, advices = against(Reseller(lists=False), act)
    assert [kept in mend for mend in mends] == [True]
    assert [kept in line for line in advices] == [True]


def test_where_only_what_an_account_holds_is_not_told_the_line_leaves_that_out(tmp_path):
    def act(root):
        config = loaded(tmp_path, text(f"{root}/v1").replace("openai-compatible", "new-api"))
        _, mends = probe_now(config, list(config.watches.values()))
        _, printed, _ = call("probe", folder=tmp_path, KEY=KEY)
        return mends, [line for line in printed.splitlines() if line.startswith("new-api/a: ")]

    (mend,), (advice,) = against(Server(), act)
    assert 'canaries = ["list", "chat", "models"]' in mend
    assert mend.split(" (")[0] == advice.split(" (")[0]


def test_the_line_that_is_advised_mends_it(tmp_path):
    strict = {"cap": "max_completion_tokens"}
    faults, (mend,) = probed(tmp_path, Server(**strict), "/v1")
    line = mend.partition(" write ")[2].rpartition(" (")[0]

    assert (faults["chat"], line) == (Fault.BAD_REQUEST, 'dialect = { chat = "openai-chat" }')
    assert probed(tmp_path, Server(**strict), "/v1", line) == (dict.fromkeys(faults), [])


def looked(folder, steps):
    """Let a monitor look at the list once after each step; return what it means by then."""

    async def play():
        app, server = web.Application(), Server(elsewhere=200)
        app.router.add_route("*", "/{path:.*}", server.answer)
        async with TestServer(app) as running:
            root = str(running.make_url("/")).rstrip("/")
            config = loaded(folder, text(f"{root}/own"))
            async with open_state(config, real_edge(lambda _: None)) as state:
                seen = []
                for step in steps:
                    step(server, state, root)
                    await probe_target(
                        state.services,
                        state.belief,
                        state.planned,
                        state.signals,
                        state.belief.config.watches["openai-compatible/a/list"],
                    )
                    seen.append((await state.signals.observations.get()).fault)
                return seen

    return asyncio.run(play())


def good(server, *_):
    server.page, server.elsewhere = '{"object":"list","data":[{"id":"gpt","object":"model"}]}', 200


def ill(server, *_):
    server.page = PAGE


def moved(_, state, root):
    apply_config(state, loaded(state.belief.config.file.parent, text(f"{root}/other")))


def test_what_has_worked_is_no_fault_of_the_configuration_until_that_changes(tmp_path):
    assert looked(tmp_path, [ill, ill]) == [Fault.BAD_REQUEST] * 2
    assert looked(tmp_path, [good, ill, moved]) == [None, Fault.INVALID_RESPONSE, Fault.BAD_REQUEST]


@pytest.mark.parametrize(("fault", "proven"), [(None, True), (Fault.PERMISSION_DENIED, False)])
def test_after_a_restart_only_what_was_ever_well_is_taken_for_set_up_rightly(tmp_path, fault, proven):
    config = loaded(tmp_path, text("https://gw.example.com/v1"))
    target, now = config.watches["openai-compatible/a/list"].target, real_edge(lambda _: None).clock()
    seen = Observation(target, now, Outcome.OK, status=200)
    if fault:
        answer = Answer("status/403", "Forbidden")
        seen = Observation(target, now, Outcome.FAILED, status=403, fault=fault, answer=answer)

    async def restarted():
        async with open_state(config, real_edge(lambda _: None)) as state:
            await beat(state, [seen], now)
        async with open_state(config, real_edge(lambda _: None)) as state:
            return target.id in state.planned.proven

    assert asyncio.run(restarted()) is proven


@pytest.mark.slow
@pytest.mark.parametrize(
    ("server", "path", "line"),
    [
        (Server(elsewhere=200), "", 'base = "ROOT/v1"'),
        (Server(lists=False, elsewhere=403, page='{"message":"Forbidden"}'), "/v1", 'canaries = ["chat"]'),
    ],
)
def test_the_message_names_the_line_and_comes_once(tmp_path, server, path, line):
    async def play():
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", server.answer)
        async with TestServer(app) as running, webhook() as inbox:
            root = str(running.make_url("/")).rstrip("/")
            loaded(tmp_path, text(root + path, f'[[channels]]\nname = "hook"\nurl = "{inbox.url}"\n'))
            for _ in range(2):
                await asyncio.to_thread(call, "once", folder=tmp_path, KEY=KEY)
            _, status, _ = await asyncio.to_thread(call, "status", folder=tmp_path, KEY=KEY)
            return root, inbox.messages, status

    root, messages, status = asyncio.run(play())
    (title,) = [one["title"] for one in messages]
    assert title.startswith("[DOWN] openai-compatible/a")
    assert title.endswith(": request refused as malformed")
    assert "Whose fault: our canary" in messages[0]["message"]
    page = html.unescape(re.sub("<[^>]+>", "", (tmp_path / "site" / "index.html").read_text()))
    for told_there in (messages[0]["message"], status, page):
        assert line.replace("ROOT", root) in told_there
