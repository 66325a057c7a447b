"""No secret leaves the program, in whatever an outsider has it written, and wherever that stands.

What was kept, shown, logged and sent is searched by means of its own, and by none of the program's.
"""

import html
import json
import os
import re
import signal
import subprocess
import sys
import time
import unicodedata
from contextlib import contextmanager
from math import ceil

from tests.backstage import ROOT, environment
from tests.faults.hostile import answer, hostile, stream
from tests.test_decode import WRITTEN

KEYS = {
    "ISSUED": "sk-proj-Zq7Wm3Xk9Lb2Vn5Tc8Rd1Pf4Hs6Jg0Ay",
    "LETTERS": "Hw4Bn8Yt2Kc6Qx1Mv9Gz5Rp3Js7Ld0FaEu4Wo8Ti",
    "DIGITS": "9f3c1b7a5d2e8f40c6b1a9d3e7f25b80",
    "UUID": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "GATE": "gate-Xy8Pq2Rt6Uw0Zb4Nd1Fh",
    "TOKEN": "oat-Lm5Kj9Hg3Fd7Sa1Qw0Er",
}
HOOK, BEAT, PROXY = "Tv6Bn2Mx8Cz4Lk0Jh9Gf", "0b0c9f6e-31a7-4d5b-9c4e-6fd2a7c815e3", "Pr0xyWq5Er9Ty3Ui7Op1As"
SECRETS = {**KEYS, "HOOK": HOOK, "BEAT": BEAT, "PROXY": PROXY}
ROOM = 1_200
"""Letters of an echo, so that all of it is kept."""
CRASH = """
import logging, os, threading, warnings
words = os.environ.get("SAID", "")
def crash():
    import time
    time.sleep(3)
    logging.getLogger("aiohttp.client").error("Illegal header value %s", words)
    warnings.warn(words)
    class Freed:
        def __del__(self):
            raise ValueError(words)
    Freed()
    raise ValueError("Illegal header value " + words)
if words:
    threading.Thread(target=crash, daemon=True).start()
if os.environ.get("BROKEN"):
    import sqlite3
    def broken(*_, **__):
        raise ValueError("no such thing: " + words)
    sqlite3.connect = broken
"""


def parcels(secret):
    """Return what echoes a secret in each way, in parcels that are kept whole."""
    made = [""]
    for write in WRITTEN.values():
        one = f"<{write(secret)}> "
        made[-1:] = [made[-1] + one] if len(made[-1]) + len(one) < ROOM else [made[-1], one]
    return made


def said(text):
    return json.dumps({"error": {"message": f"no good: {text}", "code": f"c {text[:200]}"}}).encode()


def safe(text):
    """Return what a header can carry of a text."""
    return "".join(letter for letter in text if " " <= letter <= "~").encode()


LIST = b'{"object":"list","data":[{"id":"gpt-5-nano"}]}'


def places(text):
    """Return the ways in which an answer shows a text: to a GET and to a POST."""
    header = safe(text)[:900]
    names = json.dumps({"data": [{"id": one} for one in (text[:190], text[190:380], *text[380:].split("> "))]}).encode()
    rows = (
        b"x-request-id: " + header[:120],
        b"x-ratelimit-limit-" + re.sub(rb"[^\w]", b"", header)[:60] + b": 5",
        b"deprecation: true; " + header,
        b"warning: 299 - " + header,
    )
    page = f"<html><title>{html.escape(text)}</title><body>{text}</body></html>".encode("utf-8", "replace")
    return {
        "body": (answer(401, said(text)), answer(403, text.encode("utf-8", "replace"), kind=b"text/plain")),
        "page": (answer(503, page, kind=b"text/html"), answer(502, page, kind=b"text/html")),
        "names": (answer(200, names, *rows), stream(b'{"error":{"message":' + json.dumps(text).encode() + b"}}")),
        "road": (
            answer(302, b"", b"Location: https://h.example/" + header.replace(b" ", b"/")),
            answer(401, LIST, *rows),
        ),
    }


def account(name, provider, key, base, more=""):
    return (
        f'[[accounts]]\nname = "{name}"\nprovider = "{provider}"\nkey = "env:{key}"\nbase = "{base}"\n'
        f"interval_s = {{ list = 10, chat = 10, models = 10 }}\n{more}\n"
    )


def lay(folder, other_side, inbox):
    blocks = []
    for secret in KEYS:
        for number, text in enumerate(parcels(SECRETS[secret]) + ([HOOK, BEAT, PROXY] if secret == "UUID" else [])):
            for place, told in places(text).items():
                name = f"{place}-{secret.lower()}-{number}"
                other_side.answers[name] = told
                key = secret if secret not in ("GATE", "TOKEN") else "ISSUED"
                gate = 'headers = { "x-gate" = "env:GATE" }\n' if secret == "GATE" else ""
                blocks.append(account(name, "openai", key, other_side.base(name), gate))
    client = folder / "client"
    client.write_text('#!/bin/sh\ncat "$0.says"\necho "error: 401 $TOKEN"; env; exit 1\n')
    client.chmod(0o755)
    (folder / "client.says").write_text(parcels(KEYS["TOKEN"])[0], encoding="utf-8", errors="replace")
    page = {
        "page": {"name": "x", "url": "http://x/"}, "status": {"indicator": "major", "description": KEYS["LETTERS"]},
        "components": [{"id": "1", "name": f"API {KEYS['DIGITS']}", "status": "major_outage"}],
        "incidents": [{"id": KEYS["UUID"], "name": parcels(KEYS["LETTERS"])[0], "status": "investigating",
                       "impact": "major", "shortlink": "http://x/", "created_at": "2026-11-29T00:00:00Z",
                       "incident_updates": [{"id": "u", "status": "investigating", "body": parcels(KEYS["ISSUED"])[1],
                                             "created_at": "2026-11-29T00:00:00Z"}]}],
    }  # fmt: skip
    other_side.answers["feed"] = (
        answer(200, json.dumps(page).encode(), b'ETag: "' + KEYS["DIGITS"].encode() + b'"'),
    ) * 2
    other_side.answers["beat"] = (answer(500, BEAT.encode()),) * 2
    hook = inbox.url.replace("json://", f"json://hook:{HOOK}@")
    (folder / "monitor.toml").write_text(f"""
[site]
port = 0
url = "http://localhost:1/"
[budget]
daily_tokens = 1000000000
daily_usd = 1000000
[probe]
online = []
blip_s = 5
[status]
interval_s = 30
[heartbeat]
url = "http://127.0.0.1:{other_side.port}/beat/{BEAT}"
interval_s = 10
[[channels]]
name = "hook"
url = "{hook}?+X-Token={HOOK}"
[[channels]]
name = "lost"
url = "json://lost:{HOOK}@127.0.0.1:1/{HOOK}"
[[channels]]
name = "screen"
url = "terminal:"
[[providers.openai.feeds]]
id = "page"
form = "statuspage"
url = "{other_side.base("feed")}"
page = "{other_side.base("feed")}"
source = "a test"
[[accounts]]
name = "client"
provider = "codex"
command = ["{client}"]
environment = ["TOKEN"]
interval_s = {{ command = 10 }}
{"".join(blocks)}""")
    (folder / "monitor.toml").chmod(0o600)
    (folder / "python").mkdir()
    (folder / "python" / "sitecustomize.py").write_text(CRASH)


def around(folder, **more):
    return {**KEYS, "https_proxy": f"http://u:{PROXY}@127.0.0.1:1", "PYTHONPATH": f"{folder / 'python'}:{ROOT}", **more}


def printed(folder, *words, **more):
    known = environment(keys=False) | around(folder, **more)
    command = [sys.executable, "-m", "monitor", *words]
    done = subprocess.run(command, cwd=folder, env=known, capture_output=True, text=True, timeout=90, check=False)
    return done.stdout + done.stderr


@contextmanager
def watching(folder):
    told = "; ".join([*SECRETS.values(), parcels(KEYS["DIGITS"])[1]]).replace("\0", "")
    known = environment(keys=False) | around(folder, SAID=told)
    with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "monitor", "-v", "run"], cwd=folder, env=known, stdout=out, stderr=err
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def command_lines(leader):
    """Return the command lines of a process and of all that came of it."""
    lines, family = [], {leader}
    for entry in sorted(int(name) for name in os.listdir("/proc") if name.isdecimal()):
        try:
            with open(f"/proc/{entry}/stat") as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
            if entry in family or parent in family:
                family.add(entry)
                with open(f"/proc/{entry}/cmdline") as file:
                    lines.append(file.read())
        except OSError:
            continue
    return lines


def kept(folder):
    """Yield all that the program has written, by name."""
    ours = {"monitor.toml", "client", "client.says", "sitecustomize.py"}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in ours and path.suffix not in (".pyc", ".key"):
            yield str(path.relative_to(folder)), path.read_bytes().decode("utf-8", "replace")


def bare(text):
    """Return the letters and digits of a text once what JSON and HTML made of it is undone."""
    for _ in range(2):
        text = re.sub(r"\\+u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), html.unescape(text))
        text = re.sub(r"\\+[nrt]", "", text)
    text = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in text if letter.isascii() and letter.isalnum()).lower()


def pieces(secret):
    """Yield what shows enough of a secret: of each way to write it, pieces as long as fourteen letters take."""
    plain = bare(secret)
    for name, write in {"plain": str, "reversed": lambda one: one[::-1], **WRITTEN}.items():
        written = bare(write(secret))
        size = ceil(14 * len(written) / len(plain))
        yield from ((name, written[at : at + size]) for at in range(0, len(written) - size + 1, max(size // 2, 1)))


def found(texts, secrets):
    wanted = {piece: f"{name} {how}" for name, secret in secrets.items() for how, piece in pieces(secret)}
    shown = {place: bare(text) for place, text in texts}
    return [(place, who) for place, text in shown.items() for piece, who in wanted.items() if piece in text]


READERS = (
    *(("status", "--json"), ("status",), ("incidents",), ("check",), ("cost",), ("feeds",), ("pick", "openai")),
    *(("providers", "openai"), ("alerts", "history"), ("alerts", "replay"), ("silence",), ("probe", "codex/client")),
)


def test_no_secret_reaches_what_is_kept_shown_logged_or_sent(stage, tmp_path):
    with hostile() as other_side:
        lay(tmp_path, other_side, stage.inbox)
        with watching(tmp_path) as process:
            stage.until(lambda: len(stage.inbox.messages) > 3 or process.poll() is not None, 150)
            lines = command_lines(process.pid)
            time.sleep(8)
            assert process.poll() is None, (tmp_path / "err").read_text()[-2000:]
        texts = [*kept(tmp_path), ("messages", json.dumps(stage.inbox.messages)), *(("line", one) for one in lines)]
        texts += [(" ".join(words), printed(tmp_path, *words)) for words in READERS]
        texts.append(("broken", printed(tmp_path, "status", BROKEN="1", SAID=KEYS["LETTERS"])))

    signing = (tmp_path / "state" / "monitor.db.key").read_bytes().hex()
    log = dict(texts)["err"]
    assert all(
        words in log for words in ("Illegal header value", "a thread ended", "nobody could be told", "UserWarning")
    )
    assert "no such thing" in dict(texts)["broken"]
    assert "[redacted]" in dict(texts)["messages"]
    assert found(texts, SECRETS | {"SIGNING": signing}) == []


def test_the_searcher_finds_what_it_looks_for():
    texts = [
        (name, f"Consumer {write(secret)} is suspended")
        for secret in SECRETS.values()
        for name, write in WRITTEN.items()
    ]
    assert {place for place, _ in found(texts, SECRETS)} == set(WRITTEN)
    assert (
        found([("plain", "nothing is here, and all is well with openai/main at 2026-11-21T12:00:00Z")], SECRETS) == []
    )
