"""Through which proxy a request leaves, and how one that refuses is told: the road, never the account."""

import asyncio
import os
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from monitor.alert.address import share_network_settings
from monitor.alert.channel import Channel
from monitor.alert.deliver import send
from monitor.alert.text import MessageText
from monitor.cli import main
from monitor.config.load import load_config
from monitor.diagnose.incident import Severity
from monitor.liveness.heartbeat import Ping, send_ping
from probes import command
from probes.canary import Prober, attempt_request, open_session
from probes.catalog import load_provider, load_wording
from probes.control import is_online, probe_control
from probes.document import DocumentError
from probes.doubt import HostUnreached, Obstacle
from probes.feeds.poll import poll_feed
from probes.model import Account, Blame, Fault, Outcome, Phase, Target, TimeLimits
from probes.notice import Validators
from probes.provider import Feed
from probes.proxy import (
    DIRECT,
    Egress,
    Proxies,
    Proxy,
    ProxyError,
    ProxyFault,
    ProxyStopped,
    choose_proxy,
    is_bypassed,
    parse_proxy,
    read_environment,
)
from tests.conftest import why
from tests.forward_proxy import forward_proxy
from tests.receiver import webhook
from tests.rows import each_row
from tests.test_transport_failure import GOOD, says, secured, serving

KEY = "sim-key-0123456789-abcdefghij"
PASSWORD = "pass-word-0123456789"
QUICK = TimeLimits(connect_s=1, silence_s=1, total_s=2)
PROVIDER = load_provider("openai-compatible")
HOST = "api.example.test"
"""A name that only the proxy can resolve: whoever arrives there went through it."""


# Which proxy: pure


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        ("http://10.0.0.1:3128", Proxy("http", "10.0.0.1", 3128)),
        ("http://10.0.0.1:3128/", Proxy("http", "10.0.0.1", 3128)),
        ("proxy.example.com:8080", Proxy("http", "proxy.example.com", 8080)),
        ("proxy.example.com", Proxy("http", "proxy.example.com", 80)),
        ("https://proxy.example.com", Proxy("https", "proxy.example.com", 443)),
        ("HTTP://Proxy.Example.com:1", Proxy("http", "proxy.example.com", 1)),
        ("http://jo:s%40fe%3A1@10.0.0.1:3128", Proxy("http", "10.0.0.1", 3128, "jo", "s@fe:1")),
        ("http://[::1]:3128", Proxy("http", "::1", 3128)),
    ],
)
def test_a_proxy_is_read_as_curl_reads_it(text, proxy):
    assert parse_proxy(text) == proxy
    assert parse_proxy(proxy.url_with_password) == proxy


@each_row(
    ("text", "why"),
    [
        ("socks5://10.0.0.1:1080", "is a SOCKS proxy, which is not supported"),
        ("socks5h://jo:secret@10.0.0.1", "is a SOCKS proxy, which is not supported"),
        ("ftp://10.0.0.1", "is no web address"),
        ("http://", "is no web address"),
        ("http://10.0.0.1:99999", "is no web address"),
        ("http://10.0.0.1:0", "has 0 for a port"),
        ("http://[::1", "is no web address"),
        ("http://a b:1", "is no web address"),
        ("http://10.0.0.1:3128/path", "has something behind the port"),
        ("http://10.0.0.1:3128?a=b", "has something behind the port"),
    ],
)
def test_what_is_no_proxy_is_refused_without_a_word_of_its_password(text, why):
    with pytest.raises(ProxyError, match=why) as refused:
        parse_proxy(text)
    assert "secret" not in str(refused.value)


def test_no_text_of_a_proxy_shows_its_password():
    proxy = parse_proxy(f"http://jo:{PASSWORD}@10.0.0.1:3128")

    assert PASSWORD not in f"{proxy!r} {proxy} {proxy.name} {Egress(Proxies(proxy))!r}"
    assert {PASSWORD, proxy.authorization.removeprefix("Basic ")} <= set(proxy.secrets)


TOKEN = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6"
ISSUED = "sk-proj-Ab3dEf6hIj9kLm2nOp5qRs8tUv1w"
AS_HEX = "0f3a9c1d5e7b2f4a6c8e0d1b3f5a7c9e"


@each_row(
    ("login", "known", "secret"),
    [
        (f"{TOKEN}:@", None, TOKEN),
        (f"{TOKEN}@", None, TOKEN),
        (f"{ISSUED}@", None, ISSUED),
        (f"{AS_HEX}:render=true@", None, AS_HEX),
        (f"session-{TOKEN}:x@", None, f"session-{TOKEN}"),
        ("6d7f3c1e-0b2a-4c5d-9e8f-1a2b3c4d5e6f:x@", None, "6d7f3c1e-0b2a-4c5d-9e8f-1a2b3c4d5e6f"),
        ("our-own-account@", None, "our-own-account"),
        ("%6fur-own-account@", None, "our-own-account"),
        (f"jo:{PASSWORD}@", "jo", PASSWORD),
        (f":{PASSWORD}@", None, PASSWORD),
    ],
)
def test_a_user_without_a_password_or_like_a_key_is_a_secret(login, known, secret):
    proxy = parse_proxy(f"http://{login}10.0.0.1:3128")

    assert proxy.known_user == known
    assert {secret, proxy.authorization.removeprefix("Basic ")} <= set(proxy.secrets)
    assert known not in proxy.secrets


@pytest.mark.parametrize("login", ["", "@", ":@"])
def test_who_says_nothing_of_himself_has_no_secret(login):
    assert parse_proxy(f"http://{login}10.0.0.1:3128").secrets == []


@each_row("key", [TOKEN, ISSUED, AS_HEX, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"])
@each_row("text", ["http://{0}:80", "{0}", "https://{0}", "http://jo:x@{0}:80", "{0}:80"])
def test_a_key_is_no_host_of_a_proxy(key, text):
    with pytest.raises(ProxyError, match="key in the place of its host") as refused:
        parse_proxy(text.format(key))
    assert key not in str(refused.value)


@pytest.mark.parametrize(
    "host",
    ["sk-proxy-bratislava-01.corp.example", "a1b2c3d4e5f6478f9a0b1c2d3e4f5a6b-1234567890.elb.example.com",
     "ip-10-120-30-40", "squid_1", "proxy", "10.0.0.1", "2001:db8:85a3:8d3:1319:8a2e:370:7348"],
)  # fmt: skip
def test_what_machines_are_called_is_a_host(host):
    assert parse_proxy(f"http://[{host}]:1" if ":" in host else f"http://{host}:1").host == host


A, B, ALL = (Proxy("http", name, 80) for name in "abc")


@each_row(
    ("variables", "http", "https"),
    [
        ({}, None, None),
        ({"HTTPS_PROXY": "a"}, None, A),
        ({"https_proxy": "a"}, None, A),
        ({"https_proxy": "a", "HTTPS_PROXY": "b"}, None, A),
        ({"https_proxy": "", "HTTPS_PROXY": "b"}, None, None),
        ({"HTTP_PROXY": "a", "HTTPS_PROXY": "b"}, A, B),
        ({"HTTP_PROXY": "a", "REQUEST_METHOD": "GET"}, None, None),
        ({"http_proxy": "a", "REQUEST_METHOD": "GET"}, A, None),
        ({"ALL_PROXY": "c"}, ALL, ALL),
        ({"all_proxy": "c", "HTTPS_PROXY": "a"}, ALL, A),
        ({"ALL_PROXY": "socks5://x", "HTTPS_PROXY": "a", "HTTP_PROXY": "b"}, B, A),
    ],
)
def test_the_variables_are_read_as_curl_and_requests_read_them(variables, http, https):
    proxies, problems = read_environment(variables)

    assert (proxies.http, proxies.https, problems) == (http, https, [])


def test_a_variable_that_names_no_proxy_is_named_and_not_shown():
    _, problems = read_environment({"ALL_PROXY": f"socks5://jo:{PASSWORD}@x", "HTTP_PROXY": "http://["})

    assert problems == [
        ("HTTP_PROXY", "is no web address"),
        ("ALL_PROXY", "is a SOCKS proxy, which is not supported"),
    ]


@each_row(
    ("host", "port", "bypass", "is_so"),
    [
        ("localhost", 80, "", True),
        ("api.localhost", 80, "", True),
        ("127.0.0.1", 80, "", True),
        ("127.8.9.1", 80, "", True),
        ("::1", 80, "", True),
        ("::ffff:127.0.0.1", 80, "", True),
        ("localhost.example.com", 80, "", False),
        ("128.0.0.1", 80, "", False),
        ("api.example.com", 443, "example.com", True),
        ("api.example.com", 443, ".example.com", True),
        ("example.com", 443, ".example.com", True),
        ("api.example.com", 443, "*.example.com", True),
        ("api.example.com.", 443, "EXAMPLE.com", True),
        ("notexample.com", 443, "example.com", False),
        ("api.example.com", 443, "other.org example.com", True),
        ("api.example.com", 443, "example.com:443", True),
        ("api.example.com", 8443, "example.com:443", False),
        ("api.example.com", 443, "*", True),
        ("10.1.2.3", 443, "10.0.0.0/8", True),
        ("11.1.2.3", 443, "10.0.0.0/8", False),
        ("10.1.2.3", 443, "10.1.2.3", True),
        ("10.1.2.3", 443, "10.1.2.3:443", True),
        ("10.1.2.3", 443, "1.2.3", False),
        ("fd00::5", 443, "fd00::/8", True),
        ("fd00::5", 443, "[fd00::5]:443", True),
        ("fd00::5", 443, "fd00::5", True),
        ("api.example.com", 443, "10.0.0.0/8,nonsense/99,:,.,::", False),
    ],
)
def test_what_goes_straight_out(host, port, bypass, is_so):
    proxies, _ = read_environment({"NO_PROXY": bypass, "ALL_PROXY": "c"})

    assert is_bypassed(host, port, proxies.bypass) is is_so
    scheme = "https" if port == 443 else "http"
    address = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/v1"
    assert choose_proxy(proxies, address) == (None if is_so else ALL)


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_no_variable_and_no_address_ends_it(proxy, bypass, address):
    proxies, _ = read_environment({"HTTPS_PROXY": proxy, "NO_PROXY": bypass})

    assert choose_proxy(proxies, f"https://{address}") in (None, proxies.https)


# monitor.toml


def configured(tmp_path, account="", rest="", environment=None):
    file = tmp_path / "monitor.toml"
    file.write_text(
        '[[accounts]]\nname = "main"\nprovider = "openai-compatible"\nkey = "env:KEY"\n'
        f'base = "https://api.example.test/v1"\n{account}\n{rest}'
    )
    return load_config(file, {"KEY": KEY, **(environment or {})})


def way(config):
    return config.accounts["openai-compatible/main"].way


def test_an_account_goes_before_its_provider_and_that_before_the_environment(tmp_path):
    provider, environment = '[providers.openai-compatible]\nproxy = "http://b"', {"HTTPS_PROXY": "http://c"}

    assert way(configured(tmp_path, environment=environment)).proxies.https == ALL
    assert way(configured(tmp_path, "", provider, environment)).proxies.https == B
    assert way(configured(tmp_path, 'proxy = "http://a"', provider, environment)).proxies.https == A
    assert way(configured(tmp_path, 'proxy = ""', provider, environment)).proxies.all == ()


@pytest.mark.parametrize(
    "proxy", ["env:WHOLE", "file:whole.txt", "http://jo:env:PASS@10.0.0.1:3128", "jo:env:PASS@10.0.0.1:3128"]
)
def test_a_password_is_had_by_reference_and_is_a_secret(tmp_path, proxy):
    whole = f"http://jo:{PASSWORD}@10.0.0.1:3128"
    (tmp_path / "whole.txt").write_text(whole)
    config = configured(tmp_path, f'proxy = "{proxy}"', environment={"WHOLE": whole, "PASS": PASSWORD})

    assert way(config).proxies.https == Proxy("http", "10.0.0.1", 3128, "jo", PASSWORD)
    assert PASSWORD in config.secrets
    assert PASSWORD in config.accounts["openai-compatible/main"].secrets
    assert PASSWORD not in repr(config.accounts) + repr(config.way)


def test_the_environments_password_is_a_secret_too(tmp_path):
    environment = {"HTTPS_PROXY": f"http://jo:{PASSWORD}@10.0.0.1:3128"}
    config = configured(tmp_path, 'proxy = ""', environment=environment)  # status pages go through it all the same

    assert PASSWORD in config.secrets


@pytest.mark.parametrize("where", ["the environment", "env:WHOLE", "file:whole.txt"])
@pytest.mark.parametrize("login", [f"{TOKEN}:@", f"{ISSUED}@", f"{AS_HEX}:x@"])
def test_a_user_who_is_a_key_is_shown_by_nothing(tmp_path, capsys, monkeypatch, where, login):
    whole, key = f"http://{login}127.0.0.1:3128", login.partition(":")[0].rstrip("@")
    (tmp_path / "whole.txt").write_text(whole)
    account = f'proxy = "{where}"' if ":" in where else ""
    environment = {"WHOLE": whole} if account else {"HTTPS_PROXY": whole}
    config = configured(tmp_path, account, environment=environment)
    for name, value in {"KEY": KEY, **environment}.items():
        monkeypatch.setenv(name, value)

    assert main(["--config", str(tmp_path / "monitor.toml"), "check"]) == 0
    said = "".join(capsys.readouterr())
    assert "through the proxy at 127.0.0.1:3128" in said
    assert key not in said + repr(config.accounts) + repr(config.way)
    assert {key} <= set(config.secrets) & set(config.accounts["openai-compatible/main"].secrets)


@pytest.mark.parametrize(
    ("account", "rest", "environment", "told"),
    [
        (f'proxy = "http://{TOKEN}:@x:80"', "", {}, "main.proxy holds a user without a password, who is the key then"),
        ('proxy = "http://jo@x:80"', "", {}, 'put the whole address into an environment variable or a file and'),
        (f'proxy = "http://{ISSUED}:env:KEY@x:80"', "", {}, "main.proxy holds a user who looks like a key, for all"),
        (f'proxy = "http://{TOKEN}:80"', "", {}, "main.proxy has what looks like a key in the place of its host;"),
        ('proxy = "env:BAD"', "", {"BAD": ISSUED}, "main.proxy has what looks like a key in the place of its host"),
        ("", f'[providers.openai-compatible]\nproxy = "http://{AS_HEX}@x"', {}, "-compatible.proxy holds a user with"),
        ("", "", {"HTTPS_PROXY": TOKEN}, "the environment: HTTPS_PROXY has what looks like a key in the place of its "),
        ('proxy = "socks5://x"', "", {}, "monitor.toml: accounts.main.proxy is a SOCKS proxy, which is not "),
        ('proxy = "http://["', "", {}, "monitor.toml: accounts.main.proxy is no web address; write it as"),
        (
            f'proxy = "http://jo:{PASSWORD}@x"', "", {},
            "monitor.toml: accounts.main.proxy holds a password for all to read; put it into an environment variable",
        ),
        ('proxy = "http://jo:env:NOPE@x"', "", {}, "accounts.main.proxy the environment variable NOPE is not set"),
        ('proxy = "env:BAD"', "", {"BAD": f"x://jo:{PASSWORD}@y"}, "accounts.main.proxy is no web address; write it"),
        ("", '[providers.openai-compatible]\nproxy = "x:y"', {}, "providers.openai-compatible.proxy is no web address"),
        ("", "", {"https_proxy": f"socks4://jo:{PASSWORD}@x"}, "the environment: https_proxy is a SOCKS proxy"),
        ('ca_file = "gone.pem"', "", {}, 'main.ca_file = "gone.pem" cannot be read (No such file or directory); '),
        ('ca_file = "monitor.toml"', "", {}, '"monitor.toml" holds no certificate that can be read; name a file'),
        ('ca_file = "."', "", {}, 'accounts.main.ca_file = "." '),
        ("", '[providers.openai-compatible]\nca_file = "x"', {}, '.openai-compatible.ca_file = "x" cannot be read'),
        ("", "", {"SSL_CERT_FILE": "/nope"}, 'the environment: SSL_CERT_FILE = "/nope" cannot be read'),
        ("", "", {"SSL_CERT_FILE": "/dev/null"}, 'SSL_CERT_FILE = "/dev/null" is a pipe or a device, and'),
        ("", "", {"SSL_CERT_FILE": "/"}, 'the environment: SSL_CERT_FILE = "/" is a folder'),
        ('ca_file = "/dev/zero"', "", {}, 'ca_file = "/dev/zero" is a pipe or a device, and no file'),
        ("", "", {"SSL_CERT_DIR": "/nope"}, 'the environment: SSL_CERT_DIR = "/nope" is no folder'),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_way_is_named_with_its_repair_and_no_password(tmp_path, account, rest, environment, told):
    with pytest.raises(DocumentError) as refused:
        configured(tmp_path, account, rest, environment)

    assert told in str(refused.value)
    assert not any(secret in str(refused.value) for secret in (PASSWORD, TOKEN, ISSUED, AS_HEX))


@pytest.mark.parametrize("place", ["ca_file", "SSL_CERT_FILE"])
def test_a_pipe_that_nobody_writes_to_is_no_file_of_authorities(tmp_path, place):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    account = f'ca_file = "{pipe}"' if place == "ca_file" else ""
    with pytest.raises(DocumentError, match="is a pipe or a device, and no file"):
        configured(tmp_path, account, "", {} if account else {place: str(pipe)})


def test_a_key_is_no_file_of_authorities_of_the_environment(tmp_path):
    key = tmp_path / "key.pem"
    trustme.CA().private_key_pem.write_to_path(key)
    with pytest.raises(DocumentError, match=f'SSL_CERT_FILE = "{key}" holds no certificate'):
        configured(tmp_path, "", "", {"SSL_CERT_FILE": str(key)})


@pytest.mark.parametrize("place", ["ca_file", "SSL_CERT_FILE"])
@pytest.mark.parametrize("spoil", ["a line", "its end", "the second of two"])
def test_a_file_of_authorities_that_is_spoilt_is_refused_wherever_it_is_named(tmp_path, place, spoil):
    pem = trustme.CA().cert_pem.bytes().decode().splitlines(keepends=True)
    bad = "".join([*pem[:3], pem[3][:-9] + "\n", *pem[4:]] if spoil != "its end" else pem[:-1])
    file = tmp_path / "ca.pem"
    file.write_text("".join(pem) + bad if spoil == "the second of two" else bad)
    account = f'ca_file = "{file}"' if place == "ca_file" else ""

    with pytest.raises(DocumentError, match=f'{place} = "{file}" holds no certificate that can be read'):
        configured(tmp_path, account, "", {} if account else {place: str(file)})


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_check_names_the_authorities_of_the_environment(tmp_path, capsys, monkeypatch, variable):
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    place = str(tmp_path / "ca.pem" if variable == "SSL_CERT_FILE" else tmp_path)
    configured(tmp_path)
    for name, value in {"KEY": KEY, variable: place}.items():
        monkeypatch.setenv(name, value)

    assert main(["--config", str(tmp_path / "monitor.toml"), "check"]) == 0
    assert f"the environment: trusts the CAs in {place} ({variable})\n" in capsys.readouterr().out


ACCOUNT = '[[accounts]]\nname = "main"\nprovider = "openai"\nkey = "env:KEY"\n'


@pytest.mark.parametrize(
    ("blocks", "told"),
    [
        ("", False),
        (ACCOUNT, True),
        (ACCOUNT + 'ca_file = "ca.pem"\n', False),
        ('[[channels]]\nname = "hook"\nurl = "json://hook.test"\n', True),
    ],
    ids=["nobody", "an account", "an account with its own", "a channel"],
)
def test_check_names_authorities_only_where_somebody_trusts_them(tmp_path, capsys, monkeypatch, blocks, told):
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("KEY", KEY)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    (tmp_path / "monitor.toml").write_text(blocks)

    assert main(["--config", str(tmp_path / "monitor.toml"), "check"]) == 0
    assert ("the environment: trusts" in capsys.readouterr().out) is told


def test_a_providers_fault_is_told_once_for_all_its_accounts(tmp_path):
    second = '[[accounts]]\nname = "b"\nprovider = "openai-compatible"\nkey = "env:KEY"\nbase = "https://x.test/v1"\n'
    with pytest.raises(DocumentError) as refused:
        configured(tmp_path, "", f'{second}[providers.openai-compatible]\nproxy = "x:y"')

    assert len(refused.value.problems) == 1


@pytest.mark.parametrize(
    ("account", "provider"),
    [('ca_file = "ca.pem"', ""), ("", '[providers.openai-compatible]\nca_file = "ca.pem"')],
)
def test_an_authority_may_be_read_by_all(tmp_path, capsys, monkeypatch, account, provider):
    monkeypatch.setenv("KEY", KEY)
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    (tmp_path / "ca.pem").chmod(0o644)
    configured(tmp_path, account, provider)

    assert main(["--config", str(tmp_path / "monitor.toml"), "check"]) == 0
    said = "".join(capsys.readouterr())
    assert ("ca.pem only" in said, "can be read by" in said) == (True, False), said


def test_the_files_of_a_way_are_followed(tmp_path):
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    (tmp_path / "pass.txt").write_text(PASSWORD)
    config = configured(tmp_path, 'ca_file = "ca.pem"\nproxy = "http://jo:file:pass.txt@x:1"')

    assert {tmp_path / "ca.pem", tmp_path / "pass.txt"} <= set(config.files)


# A real proxy


@asynccontextmanager
async def behind(**settings):
    """An API that only a proxy can reach, by TLS with an authority of its own, and by plain HTTP; and that proxy."""
    authority = trustme.CA()
    context = secured(authority.issue_cert(HOST, "ping.example.test"))
    async with serving(says(GOOD), context) as port, serving(says(GOOD)) as plain, forward_proxy(**settings) as proxy:
        proxy.places = {HOST: ("127.0.0.1", port), "plain.example.test": ("127.0.0.1", plain)}
        yield proxy, authority


def a_way(proxy, tmp_path, authority, user=None):
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    one = Proxy("http", "127.0.0.1", proxy.port, user, PASSWORD if user else "")
    return Egress(Proxies(one, one), str(path))


async def look(way, base=f"https://{HOST}/v1", times=1):
    async with open_session("test") as session:
        prober = Prober(session, load_wording(), lambda: datetime.now(UTC), time.monotonic, QUICK)
        account = Account("main", PROVIDER.id, KEY, base, way=way)
        for _ in range(times):
            seen = await attempt_request(prober, PROVIDER, account, Target(account.id, PROVIDER.id, "list"))
        return seen


@pytest.mark.parametrize(
    ("base", "asked"),
    [
        (f"https://{HOST}/v1", ("CONNECT", f"{HOST}:443")),
        ("http://plain.example.test/v1", ("GET", "http://plain.example.test/v1/models")),
    ],
)
@pytest.mark.parametrize("login", [None, ("jo", PASSWORD)])
def test_a_canary_goes_through_the_proxy_and_says_there_who_it_is(tmp_path, base, asked, login):
    async def play():
        async with behind(login=login) as (proxy, authority):
            seen = await look(a_way(proxy, tmp_path, authority, user="jo" if login else None), base)
            return seen, proxy.asked

    seen, heard = asyncio.run(play())
    assert (seen.outcome, heard) == (Outcome.OK, [asked])


@pytest.mark.parametrize("bypass", ["example.test", ".test", "*"])
def test_what_is_to_go_straight_out_never_meets_the_proxy(tmp_path, bypass):
    async def play():
        async with behind() as (proxy, authority):
            through = a_way(proxy, tmp_path, authority)
            proxies = Proxies(through.proxies.http, through.proxies.https, (bypass,))
            return await look(Egress(proxies, through.ca_file)), proxy.asked

    seen, heard = asyncio.run(play())
    assert (seen.phase, heard) == (Phase.NAME, [])


def test_this_machine_is_never_asked_of_a_proxy(tmp_path):
    async def play():
        async with serving(says(GOOD)) as port, behind() as (proxy, authority):
            way = a_way(proxy, tmp_path, authority)
            seen = [await look(way, f"http://{host}:{port}/v1") for host in ("127.0.0.1", "localhost")]
            return [one.outcome for one in seen], proxy.asked

    assert asyncio.run(play()) == ([Outcome.OK, Outcome.OK], [])


REFUSED = {
    "407": (
        {"login": ("jo", "other")}, Fault.PROXY_FAILED, "credentials",
        "the proxy at {proxy} refuses us: it wants a user and a password (HTTP 407 Proxy Authentication Required)",
    ),
    "403": (
        {"answer": b"HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\n\r\nblocked"}, Fault.PROXY_FAILED, "refused",
        "the proxy at {proxy} refuses to let us through to api.example.test:443 (HTTP 403 Forbidden)",
    ),
    "407 for a domain's machines": (
        {"answer": b"HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM TlRM\r\n\r\n"},
        Fault.PROXY_FAILED, "scheme",
        "the proxy at {proxy} wants Negotiate or NTLM, and we can give a user and a password alone (Basic)",
    ),
    "407 without a scheme": (
        {"answer": b"HTTP/1.1 407 No\r\nProxy-Authenticate: \xff\x1b=\r\n\r\n"}, Fault.PROXY_FAILED, "scheme",
        "the proxy at {proxy} wants a proof that it does not name, and we can give a user and a password alone (Basic)",
    ),
    "407 with Basic among others": (
        {"answer": b'HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM, basic realm="a"\r\n\r\n'},
        Fault.PROXY_FAILED, "credentials",
        "the proxy at {proxy} refuses us: it wants a user and a password (HTTP 407 Proxy Authentication Required)",
    ),
    "a page with 200": (
        {"answer": b"HTTP/1.1 200 OK\r\n\r\n<html>Blocked by policy</html>"}, Fault.CONNECTION_FAILED, "tls-cut",
        "connected, and the connection was closed while TLS was agreed on (through the proxy at {proxy})",
    ),
    "503": (
        {"answer": b"HTTP/1.1 503 Service Unavailable\r\nX-Squid-Error: ERR_DNS_FAIL 0\r\n\r\n"},
        Fault.CONNECTION_FAILED, "unreached",
        "the proxy at {proxy} says that it does not reach api.example.test:443 (HTTP 503 Service Unavailable)",
    ),
    "closes": (
        {"answer": b""}, Fault.PROXY_FAILED, "closed",
        "the proxy at {proxy} closes the connection without saying why api.example.test:443 is not reached",
    ),
    "hangs": (
        {"answer": None}, Fault.PROXY_FAILED, "timeout",
        "the proxy at {proxy} does not let us through to api.example.test:443 within 1 s",
    ),
    "no proxy": (
        {"answer": b"SSH-2.0-OpenSSH_9.2\r\n"}, Fault.PROXY_FAILED, "protocol",
        "the proxy at {proxy} does not answer with readable HTTP: is it a proxy?",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_proxy_that_refuses_is_the_road_and_names_itself(tmp_path, case):
    settings, fault, rule, words = REFUSED[case]

    async def play():
        async with behind(**settings) as (proxy, authority):
            return await look(a_way(proxy, tmp_path, authority)), proxy.name

    seen, name = asyncio.run(play())
    assert (seen.fault, seen.fault.blame, seen.status) == (fault, Blame.PATH, None)
    assert seen.phase is (Phase.TLS if rule == "tls-cut" else Phase.PROXY)
    assert (seen.answer.rule.partition("/")[2], seen.answer.words) == (rule, words.format(proxy=name))


def test_a_proxy_that_does_not_take_our_password_says_so_without_it(tmp_path):
    async def play():
        async with behind(login=("jo", "another")) as (proxy, authority):
            seen = [
                await look(a_way(proxy, tmp_path, authority, user="jo"), base)
                for base in (f"https://{HOST}/v1", "http://plain.example.test/v1")
            ]
            return seen, proxy.name

    seen, name = asyncio.run(play())
    words = f"the proxy at {name} refuses our user and password (HTTP 407 Proxy Authentication Required)"
    assert [(one.fault, one.status, one.answer.words) for one in seen] == [(Fault.PROXY_FAILED, None, words)] * 2
    assert PASSWORD not in repr(seen)


@pytest.mark.parametrize("user", [TOKEN, ISSUED, AS_HEX, "our-own-account"])
@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden", "429 Too Many Requests"])
def test_a_proxy_that_echoes_the_user_who_is_the_key_lets_nobody_see_it(tmp_path, user, status):
    body = f'{{"error": {{"message": "The token {user} is not valid here"}}}}'.encode()
    answer = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    )

    async def play():
        async with behind(answer=answer) as (proxy, _):
            config = configured(
                tmp_path, 'proxy = "env:P"', environment={"P": f"http://{user}:@127.0.0.1:{proxy.port}"}
            )
            return await look(way(config), "http://plain.example.test/v1")

    seen = asyncio.run(play())
    assert "is not valid here" in repr(seen)
    assert user not in repr(seen)


def test_a_proxy_that_is_not_there():
    gone = Proxy("http", "127.0.0.1", 9)
    seen = asyncio.run(look(Egress(Proxies(gone, gone))))

    words = "the proxy at 127.0.0.1:9 cannot be reached (Connection refused)"
    assert (seen.fault, seen.phase, seen.answer.words) == (Fault.PROXY_FAILED, Phase.PROXY, words)


def test_a_proxy_whose_name_is_not_found():
    gone = Proxy("http", "no-such-proxy.invalid", 3128)
    seen = asyncio.run(look(Egress(Proxies(gone, gone))))

    words = "the proxy at no-such-proxy.invalid:3128 has a name that is not found"
    assert (seen.fault, seen.phase, seen.answer.words) == (Fault.PROXY_FAILED, Phase.PROXY, words)


def test_what_fails_behind_the_proxy_is_told_of_that_road(tmp_path):
    async def play():
        async with behind() as (proxy, authority):
            return await look(Egress(a_way(proxy, tmp_path, authority).proxies)), proxy.name

    seen, name = asyncio.run(play())
    words = f"the certificate is not valid (unable to get local issuer certificate) (through the proxy at {name})"
    assert (seen.phase, seen.answer.words) == (Phase.TLS, words)


# All that goes out


def test_a_call_without_a_key_goes_the_same_way(tmp_path):
    async def play():
        async with behind() as (proxy, authority), open_session("test") as session:
            prober = Prober(session, load_wording(), lambda: datetime.now(UTC), time.monotonic, QUICK)
            met = await probe_control(prober, PROVIDER, f"https://{HOST}/v1", a_way(proxy, tmp_path, authority))
            return met.status, proxy.targets()

    assert asyncio.run(play()) == (200, [f"{HOST}:443"])


@pytest.mark.parametrize(
    ("settings", "is_so"),
    [
        ({}, True),
        ({"answer": b"HTTP/1.1 403 Forbidden\r\n\r\n"}, False),
        ({"answer": b""}, False),
        ({"answer": None}, False),
        ({"login": ("jo", "x")}, False),
    ],
)
def test_whether_anything_can_be_reached_is_asked_of_the_proxy(settings, is_so):
    async def play():
        async with serving(says()) as port, forward_proxy(**settings) as proxy:
            proxy.places = {"far.example.test": ("127.0.0.1", port)}
            one = Proxy("http", "127.0.0.1", proxy.port)
            return await is_online([("far.example.test", 443)], 1, [Proxies(one, one)]), proxy.asked

    assert asyncio.run(play()) == (is_so, [("CONNECT", "far.example.test:443")])


def test_of_several_roads_one_that_leads_out_is_enough():
    gone = Proxies(https=Proxy("http", "127.0.0.1", 9))

    async def play():
        async with serving(says()) as port:
            proxied = [("far.example.test", 443)]
            return await is_online([("127.0.0.1", port)], 1, [gone, DIRECT]), await is_online(proxied, 1, [gone])

    assert asyncio.run(play()) == (True, False)


FEED = Feed(
    id="status", form="statuspage", url="http://plain.example.test/api", page="http://plain.example.test/", source="x"
)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({}, None),
        (
            {"login": ("jo", "x")},
            "cannot be reached: the proxy at {proxy} refuses us: it wants a user and a password (HTTP 407)",
        ),
    ],
)
def test_a_status_page_is_read_through_the_proxy(tmp_path, settings, problem):
    async def play():
        async with behind(**settings) as (proxy, authority), open_session("test") as session:
            told = await poll_feed(
                session, FEED, Validators(), lambda: datetime.now(UTC), time.monotonic,
                source="x/status", way=a_way(proxy, tmp_path, authority),
            )  # fmt: skip
            return told, proxy

    told, proxy = asyncio.run(play())
    assert proxy.targets() == [FEED.url]
    assert problem is None or why(told) == problem.format(proxy=proxy.name)


@pytest.mark.parametrize(
    ("settings", "user", "how", "facts"),
    [
        ({"login": ("jo", "x")}, None, ProxyFault.CREDENTIALS, {"status": 407}),
        ({"login": ("jo", "x")}, "al", ProxyFault.CREDENTIALS, {"status": 407, "has_user": True}),
        (
            {"answer": b"HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM\r\n\r\n"},
            *(None, ProxyFault.SCHEME, {"status": 407, "detail": "NTLM"}),
        ),
        ({"answer": b"HTTP/1.1 503 No\r\n\r\n"}, None, ProxyFault.UNREACHED, {"status": 503}),
        ({"answer": b"HTTP/1.1 403 No\r\n\r\n"}, None, ProxyFault.REFUSED, {"status": 403}),
        ({"answer": b""}, None, ProxyFault.CLOSED, {}),
        ({"answer": None}, None, ProxyFault.TIMEOUT, {}),
        ({"answer": b"SSH-2.0-OpenSSH\r\n\r\n"}, None, ProxyFault.PROTOCOL, {}),
    ],
)
def test_a_proxy_that_stops_a_poll_is_named_with_what_it_did(tmp_path, settings, user, how, facts):
    async def play():
        async with behind(**settings) as (proxy, authority), open_session("test") as session:
            told = await poll_feed(
                session, replace(FEED, url=f"https://{HOST}/api"), Validators(), lambda: datetime.now(UTC),
                time.monotonic, source="x/status", patience=QUICK, way=a_way(proxy, tmp_path, authority, user),
            )  # fmt: skip
            return told, proxy.name

    told, name = asyncio.run(play())
    assert told.problem == ProxyStopped(name, how, f"{HOST}:443", **facts)


def test_what_fails_behind_the_proxy_while_polling_names_the_proxy(tmp_path):
    async def play():
        async with behind() as (proxy, authority), open_session("test") as session:
            told = await poll_feed(
                session, replace(FEED, url=f"https://{HOST}/api"), Validators(), lambda: datetime.now(UTC),
                time.monotonic, source="x/status", way=Egress(a_way(proxy, tmp_path, authority).proxies),
            )  # fmt: skip
            return told, proxy.name

    told, name = asyncio.run(play())
    assert told.problem == HostUnreached(Obstacle.CERTIFICATE, name)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({}, None),
        ({"answer": b"HTTP/1.1 403 No\r\n\r\n"}, "refuses to let us through to the host (HTTP 403 Forbidden)"),
    ],
)
def test_the_heartbeat_goes_through_the_proxy_and_its_address_stays_a_secret(tmp_path, settings, error):
    async def play():
        async with behind(**settings) as (proxy, authority), open_session("test") as session:
            proxy.places["ping.example.test"] = proxy.places[HOST]
            way = a_way(proxy, tmp_path, authority)
            return await send_ping(session, "https://ping.example.test/5bf66975", Ping.SUCCESS, "", way), proxy

    told, proxy = asyncio.run(play())
    assert proxy.targets() == ["ping.example.test:443"]
    assert told == (error and f"the proxy at {proxy.name} {error}")


def test_a_channel_goes_through_the_proxy_and_this_machine_does_not(monkeypatch):
    async def play():
        async with webhook() as inbox, forward_proxy() as proxy:
            proxy.places = {"hook.example.test": ("127.0.0.1", inbox.port)}
            monkeypatch.setenv("http_proxy", proxy.url)
            monkeypatch.delenv("no_proxy", raising=False)
            text = MessageText("title", "body", "brief")
            near = Channel("near", f"json://127.0.0.1:{inbox.port}/hook")
            far = Channel("far", "json://hook.example.test/hook")
            errors = [await send(one, text, Severity.INFO, print) for one in (near, far)]
            return errors, inbox.asked, proxy.targets()

    monkeypatch.setenv("no_proxy", "")  # so that what the channel adds is taken back afterwards
    monkeypatch.setenv("NO_PROXY", "")
    assert asyncio.run(play()) == ([None, None], 2, ["http://hook.example.test/hook"])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {}),
        ({"NO_PROXY": "a"}, {"NO_PROXY": "a"}),
        ({"HTTPS_PROXY": "x", "NO_PROXY": "a"}, {"NO_PROXY": "a,localhost,127.0.0.0/8,::1"}),
        ({"SSL_CERT_FILE": "/x"}, {"REQUESTS_CA_BUNDLE": "/x"}),
        ({"SSL_CERT_FILE": "/x", "REQUESTS_CA_BUNDLE": "/y"}, {"REQUESTS_CA_BUNDLE": "/y"}),
        ({"SSL_CERT_DIR": "/x:/y"}, {"REQUESTS_CA_BUNDLE": "/x"}),
    ],
)
def test_the_library_of_the_channels_is_told_what_the_others_know(before, after):
    environment = dict(before)
    share_network_settings(environment)
    share_network_settings(environment)

    assert {name: environment[name] for name in after} == after
    assert before.items() <= {**environment, **before}.items()


def test_a_client_gets_the_way_of_its_account(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://not-asked-for:1")
    one = Proxy("http", "10.0.0.1", 3128, "jo", "p@ss")
    account = Account("main", "codex", way=Egress(Proxies(one, one, ("example.com",)), "/ca.pem"))
    got = command._environment(account)

    assert got["HTTPS_PROXY"] == got["https_proxy"] == got["http_proxy"] == "http://jo:p%40ss@10.0.0.1:3128"
    assert got["NO_PROXY"] == "example.com,localhost,127.0.0.0/8,::1"
    assert {got["SSL_CERT_FILE"], got["NODE_EXTRA_CA_CERTS"]} == {"/ca.pem"}
    assert not any("PROXY" in name for name in command._environment(Account("main", "codex")))
