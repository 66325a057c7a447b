"""Every place of monitor.toml that a secret may stand in, or be named in, is known to what takes them out of texts."""

import logging

import msgspec
import pytest

from monitor.config.document import Document
from monitor.config.load import load_config
from monitor.config.section import SECRET
from monitor.log import RedactingFormatter
from monitor.store.link_key import link_key

PLACES = {
    "accounts.key", "accounts.admin_key", "accounts.environment", "accounts.headers", "accounts.proxy", "channels.url",
    "channels.secret", "heartbeat.url", "metrics.headers", "store.url",
}  # fmt: skip
"""What the types mark as secret. Whoever marks another one gives it a line below, too."""

TEXT = """
[store]
url = "env:DATABASE"
[heartbeat]
url = "{beat}"
[metrics]
otlp = "http://collector.example:4318"
headers = {{ authorization = "Bearer Export-5ecret-1", x-scope = "env:SEVEN" }}
[[channels]]
name = "direct"
url = "json://u:Channel-5ecret-1@host.example/"
[[channels]]
name = "named"
url = "env:HOOK"
[[channels]]
name = "signed"
url = "webhook:https://host.example/hook"
secret = "env:SIGNING"
[[accounts]]
name = "a"
provider = "openai"
key = "env:ONE"
admin_key = "env:TWO"
proxy = "http://u:env:SIX@proxy.example:3128"
headers = {{ "x-token" = "Header-5ecret-3", "x-gate" = "env:THREE" }}
[[accounts]]
name = "b"
provider = "codex"
environment = {{ TOKEN = "env:FOUR" }}
[[accounts]]
name = "c"
provider = "codex"
environment = ["FIVE"]
[providers.openai.headers]
"x-secret" = "Common-5ecret-4"
"""
KNOWN = {
    "ONE": "Key-5ecret-0123456789abcdef", "TWO": "Admin-5ecret-0123456789abcdef", "THREE": "Gate-5ecret-1",
    "FOUR": "Token-5ecret-1", "FIVE": "Passed-5ecret-1", "HOOK": "json://u:Hook-5ecret-1@host.example/",
    "HTTPS_PROXY": "http://u:Proxy-5ecret-1@proxy.example:3128", "http_proxy": "http://u:Plain-5ecret-1@proxy.example:3128",
    "SIX": "Own-proxy-5ecret-1", "SEVEN": "Scope-5ecret-1", "SIGNING": "Signing-5ecret-0123456789",
    "DATABASE": "postgresql://u:Store%2D5ecret-1@db.example/monitor",
}  # fmt: skip
IN_FILE = ("Export-5ecret-1", "Channel-5ecret-1", "Header-5ecret-3", "Common-5ecret-4", "Beat-5ecret-1")


def marked(kind, path=()):
    """Yield the places of a type, and of those within, that are marked as secret."""
    if (getattr(kind, "extra", None) or {}).get(SECRET):
        yield ".".join(path)
    for one in getattr(kind, "fields", ()):
        yield from marked(one.type, (*path, one.encode_name))
    inner = [getattr(kind, name, None) for name in ("type", "item_type", "value_type")]
    for one in (*inner, *getattr(kind, "types", ())):
        if one is not None:
            yield from marked(one, path)


def test_the_marked_places_are_those_that_are_tried_below():
    assert set(marked(msgspec.inspect.type_info(Document))) == PLACES


@pytest.fixture
def config(tmp_path):
    (tmp_path / "monitor.toml").write_text(TEXT.format(beat="https://hc-ping.com/Beat-5ecret-1"))
    (tmp_path / "state").mkdir()
    link_key(tmp_path / "state" / "monitor.db")
    return load_config(tmp_path / "monitor.toml", KNOWN)


def test_every_secret_is_taken_out_of_a_line_of_the_log(config):
    signing = (config.store.database.parent / "monitor.db.key").read_bytes().hex()
    said = " and ".join([*KNOWN.values(), *IN_FILE, signing])

    shown = RedactingFormatter(config.secrets).format(line(said))
    assert "5ecret" not in shown
    assert signing[10:40] not in shown


def line(words):
    return logging.LogRecord("monitor", logging.ERROR, "x", 1, words, (), None)
