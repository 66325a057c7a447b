"""The real program before servers that are not who they should be: it says why, and shows them no key."""

import shutil
import ssl
import warnings

import pytest

from tests.backstage import call
from tests.faults.authority import Authority, listener
from tests.faults.machine import FAKETIME, FakeClock
from tests.faults.resolver import resolver

KEY = "sk-certified-0123456789abcdefghij"
needs_faketime = pytest.mark.skipif(not FAKETIME, reason="the clock of one program is set by libfaketime")
pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="certificates are made by openssl")


def old(context):
    """Speak what was given up in 2021 (RFC 8996), and is told to us as deprecated."""
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def written(folder, base=None):
    base = f'base = "{base}"\n' if base else ""
    text = f'[[accounts]]\nname = "main"\nprovider = "openai"\nkey = "env:KEY"\n{base}canaries = ["list"]\n'
    (folder / "monitor.toml").write_text(text)


def probed(folder, port, **environment):
    written(folder, f"https://localhost:{port}/v1")
    code, out, err = call("probe", folder=folder, KEY=KEY, **environment)
    assert KEY not in out + err
    return code, " ".join(out.split())


def trusting(authority):
    return {"SSL_CERT_FILE": str(authority.file)}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.mark.quick
def test_a_server_that_is_vouched_for_is_shown_the_key(authority, tmp_path):
    with listener(authority.context("localhost")) as server:
        assert probed(tmp_path, server.port, **trusting(authority))[0] == 0
    assert KEY.encode() in server.heard


@pytest.mark.quick
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("unknown", "unable to get local issuer certificate"),
        ("elsewhere", "Hostname mismatch"),
        pytest.param("expired", "certificate has expired", marks=needs_faketime),
        ("old", "secure connection"),
        ("plain", "it speaks no TLS at port"),
        ("cut", "connection"),
    ],
)
def test_a_server_that_is_not_vouched_for_is_shown_no_key_and_the_reason_is_said(authority, tmp_path, fault, words):
    trusted, here = trusting(authority), authority.context("elsewhere.example" if fault == "elsewhere" else "localhost")
    context = {"old": old, "plain": lambda _: None}.get(fault, lambda given: given)(here)
    later = FakeClock(tmp_path, "+8640000").environment if fault == "expired" else {}
    environment = {} if fault == "unknown" else trusted | later
    with listener(context, cuts=fault == "cut") as server:
        code, out = probed(tmp_path, server.port, **environment)
    assert (code, server.asked > 0) == (1, True)
    assert "No secure connection (TLS) could be made" in out
    assert words in out
    assert KEY.encode() not in server.heard


@pytest.mark.quick
@pytest.mark.parametrize("leads_to", ["127.0.0.1", "169.254.169.254"])
def test_a_provider_whose_name_leads_into_our_own_house_is_shown_no_key(apart, authority, leads_to):
    written(apart.folder)
    apart.shell("ip address add 169.254.169.254/32 dev lo")
    mine = authority.context("metadata.internal")
    with resolver(apart) as names, listener(mine, port=443, enter=apart.enter_network) as server:
        names.names["api.openai.com"] = [leads_to]
        code, out = apart.call("probe", KEY=KEY)
    assert (code, server.asked > 0, server.heard) == (1, True, b"")
    assert "No secure connection (TLS) could be made" in " ".join(out.split())
