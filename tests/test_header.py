"""Headers of one's own: what is sent, where it comes from, and that no secret among them is ever shown."""

import asyncio
import logging
import re
import time
from base64 import b64encode
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aioresponses import aioresponses

from monitor.config.load import load_config
from monitor.log import add_secrets, start_log
from probes.canary import Prober, attempt_request, open_session
from probes.catalog import load_wording
from probes.control import is_gated, probe_control
from probes.document import DocumentError
from probes.header import is_secret
from probes.model import Target, TimeLimits
from tests.backstage import call
from tests.receiver import webhook

KEY = "sk-proj-AbCd1234EfGh5678IjKl"
GATE = "cf/Secret+0123456789=abcdef&Z"
FOUND = {"KEY": KEY, "GATE": GATE, "TEAM": "blue-team-of-ours"}


def text(headers="", more="", base="https://gateway.example.com/v1", key='key = "env:KEY"'):
    block = f'[[accounts]]\nname = "a"\nprovider = "openai-compatible"\n{key}\nbase = "{base}"\n'
    return block + (f"headers = {{ {headers} }}\n" if headers else "") + more


def loaded(folder, written, environment=FOUND):
    (folder / "monitor.toml").write_text(written)
    return load_config(folder / "monitor.toml", environment)


def only_account(config):
    return config.accounts["openai-compatible/a"]


def test_a_value_comes_from_wherever_a_key_may_come_from(tmp_path):
    (tmp_path / "gate").write_text(GATE + "\n")
    headers = '"X-Env" = "env:GATE", X-File = "file:gate", x-cmd = "command:printf %s abcdefgh", X-Team = "blue"'
    one = only_account(loaded(tmp_path, text(headers), {**FOUND, "PATH": "/usr/bin:/bin"}))

    assert one.headers == {"x-team": "blue"}
    assert one.secret_headers == {"x-env": GATE, "x-file": GATE, "x-cmd": "abcdefgh"}
    assert {GATE, "abcdefgh"} <= set(one.secrets)
    assert "blue" not in one.secrets


@pytest.mark.parametrize(
    "name",
    [
        *("Authorization", "Proxy-Authorization", "Cookie", "CF-Access-Client-Secret", "x-api-key", "api-key"),
        *(
            "X-Auth-Token",
            "x-auth",
            "X-Amz-Signature",
            "x-password",
            "X-Client-Credential",
            "Ocp-Apim-Subscription-Key",
        ),
    ],
)
def test_a_name_that_lets_somebody_in_makes_its_value_a_secret(name, tmp_path):
    one = only_account(loaded(tmp_path, text(f'"{name}" = "opensesame-0123"')))

    assert one.secret_headers == {name.lower(): "opensesame-0123"}


@pytest.mark.parametrize(
    "name", ["anthropic-version", "OpenAI-Organization", "openai-project", "X-Team", "User-Agent", "x-author", "accept"]
)
def test_any_other_name_does_not(name):
    assert not is_secret(name)


def test_the_accounts_own_goes_before_the_providers_in_whatever_case(tmp_path):
    more = '[providers.openai-compatible.headers]\n"X-Team" = "red"\nX-Gate = "env:GATE"\nx-place = "here"\n'
    config = loaded(tmp_path, text('"x-TEAM" = "blue", x-gate = "env:TEAM"', more))
    one = only_account(config)

    assert one.headers == {"x-team": "blue"}
    assert one.secret_headers == {"x-gate": FOUND["TEAM"]}
    assert config.providers["openai-compatible"].headers == {"x-team": "red", "x-place": "here"}


def test_what_one_table_writes_in_two_cases_is_refused(tmp_path):
    with pytest.raises(DocumentError, match="accounts.a.headers.x-team stands 2 times"):
        loaded(tmp_path, text('"X-Team" = "blue", x-team = "red"'))


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "connection", "Upgrade", "X Team", ""])
def test_a_header_that_nobody_may_set_is_refused_with_the_reason(tmp_path, name):
    own = f'"{name}" = "{GATE}"'
    for written in (text(own), text(more=f"[providers.openai-compatible.headers]\n{own}\n")):
        with pytest.raises(DocumentError) as caught:
            loaded(tmp_path, written)

        assert "headers" in str(caught.value)
        assert GATE not in str(caught.value)


@pytest.mark.parametrize("value", [r"two\nlines-of-secret", r"\u0007bell-of-secret", "\u4f60\u597d-of-secret"])
def test_a_value_that_cannot_be_sent_is_named_by_its_header_and_not_shown(tmp_path, value):
    for written in (text(f'x-gate = "{value}"'), text(more=f'[providers.openai-compatible.headers]\nx-gate="{value}"')):
        with pytest.raises(DocumentError, match=r"headers\.x-gate holds a ") as caught:
            loaded(tmp_path, written)

        assert "of-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("env:MISSING", "the header x-gate: the environment variable MISSING is not set"),
        ("file:nowhere", "the header x-gate: the file nowhere cannot be read"),
        ("command:false", "the header x-gate: the command false ended with exit code 1"),
        ("env:BROKEN", "the header x-gate: env:BROKEN holds a line break"),
    ],
)
@pytest.mark.parametrize("of_provider", [False, True])
def test_a_reference_that_leads_nowhere_makes_its_account_unknown(tmp_path, where, told, of_provider):
    own = f'X-Gate = "{where}"'
    written = text(more=f"[providers.openai-compatible.headers]\n{own}\n") if of_provider else text(own)
    one = only_account(loaded(tmp_path, written, {**FOUND, "BROKEN": "a\nb-secret", "PATH": "/usr/bin:/bin"}))

    assert one.problem.startswith(told)
    assert "b-secret" not in one.problem


def test_a_program_takes_no_headers(tmp_path):
    with pytest.raises(DocumentError, match="accounts.s.headers has no effect"):
        loaded(tmp_path, '[[accounts]]\nname = "s"\nprovider = "codex"\nheaders = { x-team = "blue" }\n')


def test_no_repr_shows_a_secret_header(tmp_path):
    more = f'[providers.openai-compatible.headers]\nauthorization = "Basic {KEY}"\n'
    shown = repr(loaded(tmp_path, text('x-gate = "env:GATE", cookie = "sid=0123456789"', more)))

    assert not [secret for secret in (GATE, KEY, "0123456789") if secret in shown]


# Against a server


class Gateway:
    """Remembers what came, and answers with what `say` makes of it."""

    def __init__(self, say=None):
        self.seen, self.say = [], say or (lambda _: web.json_response({"data": [{"id": "gpt"}]}))

    async def answer(self, request):
        self.seen.append(request)
        return self.say(request)


@asynccontextmanager
async def serving(gateway):
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", gateway.answer)
    async with TestServer(app) as server, open_session("test") as session:
        prober = Prober(session, load_wording(), lambda: datetime.now(UTC), time.monotonic, TimeLimits(1, 1, 1))
        yield str(server.make_url("/v1")), prober


def asked(folder, headers, more="", say=None, canary="list", key='key = "env:KEY"'):
    """Ask a gateway once with these headers; return what was seen, and the headers that came."""

    async def play():
        gateway = Gateway(say)
        async with serving(gateway) as (base, prober):
            config = loaded(folder, text(headers, more, base, key))
            one = only_account(config)
            target = Target(one.id, one.provider, canary)
            return await attempt_request(prober, config.providers[one.provider], one, target), gateway.seen[0].headers

    return asyncio.run(play())


def test_each_request_takes_them_along(tmp_path):
    more = '[providers.openai-compatible.headers]\nX-Common = "env:TEAM"\nx-place = "here"\n'
    _, came = asked(tmp_path, '"CF-Access-Client-Secret" = "env:GATE", "X-Team" = "blue"', more)

    assert came["CF-Access-Client-Secret"] == GATE
    assert (came["x-team"], came["x-common"], came["x-place"]) == ("blue", FOUND["TEAM"], "here")
    assert came["authorization"] == f"Bearer {KEY}"


def test_an_account_may_send_something_else_in_the_place_of_the_key(tmp_path):
    _, came = asked(tmp_path, 'Authorization = "env:GATE"')

    assert came.getall("authorization") == [GATE]


@pytest.mark.parametrize(("key", "sent"), [('key = "env:KEY"', f"Bearer {KEY}"), ("", GATE)])
def test_a_provider_speaks_for_accounts_without_a_key_only(tmp_path, key, sent):
    more = '[providers.openai-compatible.headers]\nAuthorization = "env:GATE"\n'

    assert asked(tmp_path, "", more, key=key)[1].getall("authorization") == [sent]


PAIR = "gateuser:correct-horse-battery"
BASIC = "Basic " + b64encode(PAIR.encode()).decode()
ECHOES = {
    "whole": lambda value: value,
    "part": lambda value: value[3:19],
    "upper": str.upper,
    "backwards": lambda value: value[::-1],
    "percent": lambda value: quote(value, safe=""),
    "base64": lambda value: b64encode(f"x{value}".encode()).decode(),
    "url-safe base64": lambda value: b64encode(f"x{value}".encode(), b"-_").decode(),
    "html": lambda value: value.replace("&", "&amp;"),
    "slashes": lambda value: value.replace("/", "\\/"),
}


@pytest.mark.parametrize("echo", ECHOES)
def test_a_gateway_that_repeats_a_header_is_not_repeated(tmp_path, echo):
    told = ECHOES[echo](GATE)

    def say(_):
        return web.Response(status=418, text=f"I dislike {told} so", headers={"x-request-id": told, "warning": told})

    seen, _ = asked(tmp_path, 'x-gate = "env:GATE"', say=say)

    kept = f"{seen.answer.words} {seen.answer.body} {seen.request_id} {seen.signs}".lower()
    grams = {told[at : at + 10].lower() for at in range(4, len(told) - 13)}  # the ends of base64 hold others' letters
    leaked = [gram for gram in grams if gram in kept and "[" not in gram]
    assert not leaked
    assert "i dislike" in kept


@pytest.mark.parametrize("told", [PAIR, "correct-horse-battery", BASIC, BASIC.split()[1]])
def test_what_basic_encodes_is_as_secret(tmp_path, told):
    seen, _ = asked(tmp_path, f'authorization = "{BASIC}"', say=lambda _: web.Response(status=418, text=f"no: {told}"))

    assert told[-12:] not in seen.answer.words + seen.answer.body


def test_names_of_models_do_not_show_one_either(tmp_path):
    def say(_):
        return web.json_response({"data": [{"id": f"gpt-{GATE}"}, {"id": "gpt-4"}]})

    seen, _ = asked(tmp_path, 'x-gate = "env:GATE"', say=say, canary="models")
    assert seen.offer == ("gpt-[redacted]", "gpt-4")


def test_a_call_without_a_key_takes_no_secret_with_it(tmp_path):
    more = f'[providers.openai-compatible.headers]\ncookie = "sid={GATE}"\nx-common = "env:TEAM"\nx-place = "here"\n'

    async def play():
        gateway = Gateway()
        async with serving(gateway) as (base, prober):
            config = loaded(tmp_path, text('x-gate = "env:GATE", x-team = "blue"', more, base))
            await probe_control(prober, config.providers["openai-compatible"], base)
            return gateway.seen[0].headers

    came = asyncio.run(play())
    assert came["x-place"] == "here"
    assert not {"cookie", "x-common", "x-gate", "authorization"} & {name.lower() for name in came}


@pytest.mark.parametrize(
    ("headers", "gated"),
    [("", False), ('x-team = "blue"', False), ('authorization = "env:GATE"', False), ('x-gate = "env:GATE"', True)],
)
def test_where_a_gate_opens_to_a_secret_header_a_call_without_it_is_no_witness(tmp_path, headers, gated):
    config = loaded(tmp_path, text(headers))

    assert is_gated(config.providers["openai-compatible"], only_account(config)) is gated


@pytest.mark.parametrize("canary", ["list", "key"])
def test_a_secret_of_the_gate_is_not_sent_to_another_host(tmp_path, canary):
    more = '[providers.huggingface]\nbase = "https://gateway.example.com/v1"\nheaders = { x-gate = "env:GATE" }\n'
    block = '[[accounts]]\nname = "a"\nprovider = "huggingface"\nkey = "env:KEY"\n'
    config = loaded(tmp_path, block + more)
    provider, one = config.providers["huggingface"], config.accounts["huggingface/a"]

    async def play():
        async with open_session("test") as session:
            prober = Prober(session, load_wording(), lambda: datetime.now(UTC), time.monotonic, TimeLimits(1, 1, 1))
            with aioresponses() as road:
                road.get(re.compile("https://.*"), exception=OSError())
                await attempt_request(prober, provider, one, Target(one.id, one.provider, canary))
                ((request,),) = road.requests.values()
        return request.kwargs["headers"]

    sent = asyncio.run(play())
    assert sent["authorization"] == f"Bearer {KEY}"
    assert ("x-gate" in sent) is (canary == "list")


# What the program prints


@pytest.mark.slow
def test_a_gateway_that_repeats_all_it_gets_brings_none_into_print_page_row_or_message(tmp_path):
    def say(request):
        told = " ".join(f"{name}: {value}" for name, value in request.headers.items())
        headers = {"x-request-id": request.headers["x-gate"], "warning": f'299 - "deprecated, {told}"'}
        return web.json_response({"error": {"message": f"who is {told}", "code": told}}, status=418, headers=headers)

    async def play():
        async with serving(Gateway(say)) as (base, _), webhook() as inbox:
            more = f"{HEADERS}[status]\npoll = false\n[site]\nserve = false\n[probe]\nonline = []\nblip_s = 0\n"
            more += f'[[channels]]\nname = "hook"\nurl = "{inbox.url}"\n'
            (tmp_path / "monitor.toml").write_text(text('x-gate = "env:GATE"', more, base))
            printed = [
                await asyncio.to_thread(call, *command, folder=tmp_path, **{**FOUND, "BASIC": BASIC})
                for command in COMMANDS
            ]
            return repr(printed) + repr(inbox.messages)

    told = asyncio.run(play())
    (tmp_path / "monitor.toml").unlink()
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert "[DOWN]" in told
    for secret in (KEY, GATE, BASIC, PAIR):
        for part in (secret[:12], secret[-12:]):
            assert part not in told
            assert part.encode() not in kept


HEADERS = '[providers.openai-compatible.headers]\n"Proxy-Authorization" = "env:BASIC"\n'
COMMANDS = (
    *(("check",), ("providers",), ("providers", "openai-compatible"), ("probe",), ("--verbose", "once"), ("status",)),
    *(("status", "--json"), ("incidents",), ("alerts", "history")),
)


def test_the_log_learns_the_secrets_of_a_changed_configuration(capsys):
    start_log(logging.INFO, [KEY])
    add_secrets([GATE])
    logging.getLogger("monitor").error("%s and %s", KEY, GATE)

    told = capsys.readouterr().err
    assert told.count("[redacted]") == 2
    assert GATE not in told
