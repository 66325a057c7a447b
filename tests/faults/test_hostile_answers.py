"""No answer, header, status page or output of a program ends the watch, and none holds up another account's alert."""

import json
import os
import signal
import sqlite3
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.backstage import call, start
from tests.faults.hostile import answer, hostile, stream

KEY = "sk-hostile-0123456789abcdefghij"
LIST = b'{"object":"list","data":[{"id":"gpt-5-nano"}]}'
SAID = b'{"choices":[{"delta":{"content":"hi"}}]}'
GOOD_LIST = answer(200, LIST)
DEAD = answer(401, b'{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}')


def ended(usage):
    return stream(SAID, b'{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":' + usage + b"}", b"[DONE]")


GOOD_CHAT = ended(b'{"prompt_tokens":3,"completion_tokens":2}')
DEEP = b'{"error":' * 20_000 + b"1" + b"}" * 20_000
WITHIN = json.dumps({"error": {"message": "data: " * 3_000 + "{" * 900}}).encode()

HEADERS = (
    *("x-request-id", "sunset", "deprecation", "ETag", "Location", "Retry-After", "Date", "Server", "cf-ray"),
    *("x-ratelimit-limit-requests", "ratelimit-policy", "Warning", "Content-Language", "Set-Cookie"),
)

ANSWERS = {
    "surrogate": (answer(401, b'{"error":{"message":"bad \\ud800 key","code":"\\udfff"}}'), GOOD_CHAT),
    "surrogate-said": (GOOD_LIST, answer(403, b'{"error":{"message":"\\ud800\\u0000\\u202e"}}')),
    "no-text": (answer(401, b"\xff\xfe\x00" * 2_000), answer(500, b"\x00" * 5_000)),
    "model-names": (answer(200, b'{"data":[{"id":"gpt-\\ud800"},{"id":"a\\u0000b"}]}'), GOOD_CHAT),
    "tokens-of-64-bit": (GOOD_LIST, ended(b'{"prompt_tokens":9223372036854775808,"completion_tokens":1}')),
    "tokens-of-300-digits": (GOOD_LIST, ended(b'{"prompt_tokens":1e300,"completion_tokens":1e999}')),
    "tokens-of-5000-digits": (GOOD_LIST, ended(b'{"prompt_tokens":' + b"9" * 5_000 + b"}")),
    "tokens-that-are-none": (GOOD_LIST, ended(b'{"prompt_tokens":NaN,"completion_tokens":-5}')),
    "limits": (
        answer(200, LIST, b"x-ratelimit-limit-requests: 1e308", b"x-ratelimit-reset-tokens: 9999-12-31T23:59:59Z"),
        answer(429, b'{"error":{"message":"Limit 99999999999999999999999, try again in 1e400s"}}', b"Retry-After: -1"),
    ),
    "dates": (answer(200, LIST, b"Sunset: Fri, 31 Dec 9999 23:59:59 -1200"), GOOD_CHAT),
    "nested": (answer(401, DEEP), stream(DEEP)),
    "stream-in-a-stream": (answer(401, WITHIN), answer(500, b"data: " * 10_000, kind=b"text/event-stream")),
    "status-that-is-none": (answer(999), b"HTTP/1.1 99999999999999999999 X\r\n\r\n"),
    "redirect": (answer(302, b"", b"Location: http://\xff\xfe.example/\xff"), answer(307, b"", b"Location: //[::1")),
    "charset": (answer(200, LIST, kind=b"application/json; charset=\xff"), answer(500, b"x", kind=b"\xff/\xfe")),
    **{
        f"header-{name.lower()}": (
            answer(200, LIST, name.encode() + b": \xff\xfe\xed\xa0\x80"),
            answer(401, b'{"error":{"message":"no"}}', name.encode() + b": \xff\x7f"),
        )
        for name in HEADERS
    },
}

PAGE = {
    "page": {"name": "x", "url": "http://x/"},
    "status": {"indicator": "major", "description": "d"},
    "components": [{"id": "1", "name": "API", "status": "major_outage"}],
    "incidents": [
        {"id": "i1", "name": "t", "status": "investigating", "impact": "major", "shortlink": "http://x/",
         "created_at": "2026-11-29T00:00:00Z", "incident_updates": []}
    ],
}  # fmt: skip


def page(**facts):
    return json.dumps({**PAGE, "incidents": [{**PAGE["incidents"][0], **facts}]}).encode()


PAGES = {
    "etag": answer(200, page(), b'ETag: "\xff\xfe"', b"Last-Modified: \xff\xfe"),
    "host": answer(302, b"", b"Location: http://\xff\xfe.example/\xff"),
    "link": answer(200, page(shortlink="http://\ud800/", name="t\ud800", id="\udfff")),
    "bytes": answer(200, page().replace(b'"t"', b'"t\xff\xed\xa0\x80"').replace(b'"i1"', b'"\xff\xfe"')),
    "dates": answer(200, page(created_at="9999-12-31T23:59:59-12:00", updated_at="0001-01-01T00:00:00+12:00")),
    "numbers": answer(200, page(id=10**400, created_at=1e300)),
    "charset": answer(200, page(), kind=b"application/json; charset=\xff\xfe"),
    "nested": answer(200, DEEP),
    "brackets": answer(302, b"", b"Location: http://[::1"),
}


def account(name, base, provider="openai", more="interval_s = { list = 10, chat = 10, models = 10 }"):
    return f'[[accounts]]\nname = "{name}"\nprovider = "{provider}"\nkey = "env:KEY"\nbase = "{base}"\n{more}\n'


def write(folder, other_side, inbox, *blocks, poll=False):
    other_side.answers["dead"] = DEAD, DEAD
    head = f"""
[site]
port = 0
[budget]
daily_tokens = 1000000000
daily_usd = 1000000
[probe]
online = []
blip_s = 5
[status]
poll = {"true" if poll else "false"}
interval_s = 30
[[channels]]
name = "hook"
url = "{inbox.url}"
"""
    dead = account("dead", other_side.base("dead"), "groq", 'canaries = ["list"]\ninterval_s = { list = 10 }')
    (folder / "monitor.toml").write_text("\n".join((head, *blocks, dead)))


@contextmanager
def running(folder, **environment):
    with start("run", folder=folder, KEY=KEY, **environment) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.log = process.stderr.read()
            process.wait(20)


def is_told(stage):
    """Whether somebody heard of the dead account, be it in a list of many."""
    return "groq/dead" in json.dumps(stage.inbox.messages)


def stays_up_and_tells(stage, folder, **environment):
    """Run until the dead account's alert came, and a while longer."""
    with running(folder, **environment) as process:
        stage.until(lambda: is_told(stage), 120)  # in a storm the sixth message is a list, a minute later
        time.sleep(5)
        assert process.poll() is None
    assert "Traceback" not in process.log
    assert "own fault" not in process.log


def looked_at(folder):
    with closing(sqlite3.connect(folder / "state" / "monitor.db")) as db:
        return {name for (name,) in db.execute("SELECT account FROM series JOIN health ON series.id = series_id")}


def test_no_answer_ends_the_watch_or_holds_up_an_alert(stage, tmp_path):
    with hostile() as other_side:
        other_side.answers |= ANSWERS
        write(tmp_path, other_side, stage.inbox, *(account(name, other_side.base(name)) for name in ANSWERS))

        stays_up_and_tells(stage, tmp_path)
    assert {f"openai/{name}" for name in ANSWERS} <= looked_at(tmp_path)


def test_no_status_page_ends_the_watch_or_holds_up_an_alert(stage, tmp_path):
    with hostile() as other_side:
        other_side.answers |= {"fine": (GOOD_LIST, GOOD_CHAT), **{name: (told, told) for name, told in PAGES.items()}}
        feeds = [
            f'[[providers.openai.feeds]]\nid = "{name}"\nform = "statuspage"\nurl = "{other_side.base(name)}"\n'
            f'page = "{other_side.base(name)}"\nsource = "a test"\n'
            for name in PAGES
        ]
        fine = account("fine", other_side.base("fine"))
        write(tmp_path, other_side, stage.inbox, *feeds, fine, poll=True)

        stays_up_and_tells(stage, tmp_path)
    with closing(sqlite3.connect(tmp_path / "state" / "monitor.db")) as db:
        known = {id for (id,) in db.execute("SELECT id FROM source")}
    assert {f"openai/{name}" for name in PAGES} <= known


def test_no_round_of_crons_ends_early_by_an_answer(stage, tmp_path):
    with hostile() as other_side:
        other_side.answers |= ANSWERS
        write(tmp_path, other_side, stage.inbox, *(account(name, other_side.base(name)) for name in ANSWERS))

        code, _, err = call("once", folder=tmp_path, KEY=KEY)
    assert (code, "Traceback" in err) == (1, False)
    assert is_told(stage)


PRINTS = {
    "bytes": r"printf '\377\376\000 error: 401 \355\240\200'; exit 1",
    "much": "yes 'error: {\"a\":' | head -c 3000000; exit 1",
    "surrogates": r"""echo '{"error":{"message":"\ud800\udfff","code":9223372036854775808}}'; exit 1""",
    "nothing": "exit 255",
}


@pytest.mark.parametrize("prints", PRINTS.values(), ids=PRINTS)
def test_no_output_of_a_program_ends_the_watch(stage, tmp_path, prints):
    client = tmp_path / "client"
    client.write_text(f"#!/bin/sh\n{prints}\n")
    client.chmod(0o755)
    plan = '[[accounts]]\nname = "plan"\nprovider = "codex"\ncommand = ["./client"]\ninterval_s = { command = 10 }\n'
    with hostile() as other_side:
        write(tmp_path, other_side, stage.inbox, plan)

        stays_up_and_tells(stage, tmp_path)
    assert "codex/plan" in looked_at(tmp_path)


def test_what_another_program_forbids_in_the_database_is_told_and_the_watch_goes_on(stage, tmp_path):
    with hostile() as other_side:
        other_side.answers["fine"] = GOOD_LIST, GOOD_CHAT
        write(tmp_path, other_side, stage.inbox, account("fine", other_side.base("fine")))
        assert call("once", folder=tmp_path, KEY=KEY)[0] == 1
        refuse(tmp_path, "INSERT ON observation WHEN NEW.latency IS NOT NULL")

        with running(tmp_path) as process:
            stage.until(lambda: any("cannot be written" in title for title in stage.inbox.titles()), 60)
            assert process.poll() is None


def refuse(folder: Path, when):
    """Have the database refuse some rows, as it would a value that breaks a rule of the table."""
    with closing(sqlite3.connect(folder / "state" / "monitor.db")) as db:
        db.execute(f"CREATE TRIGGER refusing BEFORE {when} BEGIN SELECT RAISE(ABORT, 'no such value'); END")
        db.commit()


def test_who_reads_our_output_may_go_away(stage, tmp_path):
    with hostile() as other_side:
        write(tmp_path, other_side, stage.inbox)
        with (tmp_path / "monitor.toml").open("a") as file:
            file.write('[[channels]]\nname = "screen"\nurl = "terminal:"\n')
        with running(tmp_path) as process:
            process.stdout.close()
            stage.until(lambda: is_told(stage), 60)
            time.sleep(3)
            assert process.poll() is None
    assert os.path.exists(tmp_path / "site" / "index.html")
