"""The samples for nginx and Caddy, run by the programs themselves in front of a real monitor."""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
from base64 import b64encode
from pathlib import Path

import pytest

from monitor.web.content_type import content_type
from monitor.web.server import HEADERS
from tests.backstage import ROOT, backstage, call, public_folder, start_warm

DEPLOY = ROOT / "deploy"
STATUS, MONITOR = "status.example.com", "monitor.example.com"
PASSWORD = "a password"
NGINX = """
{user}
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ }}
http {{
    access_log off;
    include {folder}/sample.conf;
}}
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def replaced(text, exchange):
    """Return a sample with its places exchanged for those of the test; each has to be there."""
    for old, new in exchange.items():
        assert old in text, old
        text = text.replace(old, str(new))
    return text


def nginx(folder, port, upstream):
    """Return a command that serves the sample in the foreground, its workers being another user."""
    program, kinds = shutil.which("nginx") or "/usr/sbin/nginx", Path("/etc/nginx/mime.types")
    if not Path(program).exists() or not kinds.exists():
        pytest.skip("nginx is not installed")
    shutil.copy(kinds, folder)
    secret = subprocess.run(
        ["openssl", "passwd", "-apr1", PASSWORD], capture_output=True, text=True, check=True
    ).stdout.strip()
    (folder / "htpasswd").write_text(f"me:{secret}\n")
    places = {
        "listen 80;": f"listen 127.0.0.1:{port};",
        "/var/lib/provider-monitor/public": folder / "public",
        "/etc/nginx/provider-monitor.htpasswd": folder / "htpasswd",
        "127.0.0.1:8321": f"127.0.0.1:{upstream}",
    }
    (folder / "sample.conf").write_text(replaced((DEPLOY / "nginx.conf").read_text(), places))
    user = "user www-data;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, user=user))
    return [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"], {}


def caddy(folder, port, upstream):
    """Return a command that serves the sample in the foreground, without certificates."""
    if not shutil.which("caddy"):
        pytest.skip("Caddy is not installed")
    places = {
        f"\n{STATUS} ": f"\nhttp://{STATUS}:{port} ",
        f"\n{MONITOR} ": f"\nhttp://{MONITOR}:{port} ",
        "/var/lib/provider-monitor/public": folder / "public",
        "PROVIDER_MONITOR_ADDRESS:127.0.0.1:8321": f"PROVIDER_MONITOR_ADDRESS:127.0.0.1:{upstream}",
    }
    head = "{\n\tadmin off\n}\n"
    (folder / "Caddyfile").write_text(head + replaced((DEPLOY / "Caddyfile").read_text(), places))
    line = ["caddy", "hash-password", "--plaintext", PASSWORD]
    secret = subprocess.run(line, capture_output=True, text=True, check=True).stdout.strip()
    (folder / "hash").write_text(f"{secret}\n")  # as deploy/compose hands it over
    known = {"PROVIDER_MONITOR_HASH": f"{{file.{folder}/hash}}", "HOME": str(folder), "PATH": os.environ["PATH"]}
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"], known


class Front:
    """A web server before the monitor, asked by names that no resolver knows."""

    def __init__(self, name, port, stage, folder):
        self.name, self.port, self.stage, self.folder = name, port, stage, folder

    def ask(self, host, path="/", method="GET", password=None, body=None):
        headers = {"Host": host}
        if password:
            headers["Authorization"] = "Basic " + b64encode(f"me:{password}".encode()).decode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()


def listens(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def monitor():
    """A monitor behind a public name, the port it listens on, and its folder."""
    with backstage() as stage, public_folder() as folder:
        port = free_port()
        stage.write_config(folder)
        text = (folder / "monitor.toml").read_text()
        site = f'port = {port}\nurl = "https://{MONITOR}"'
        (folder / "monitor.toml").write_text(text.replace("port = 0", site))
        with start_warm("run", folder=folder) as process:
            try:
                stage.until((folder / "public" / "index.html").exists, 30)
                stage.until(lambda: call("status", "--alive", folder=folder)[0] == 0, 30)
                yield stage, port, folder
            finally:
                process.send_signal(signal.SIGTERM)
                process.communicate(timeout=15)


@pytest.fixture(scope="module", params=[nginx, caddy], ids=["nginx", "Caddy"])
def front(request, monitor):
    stage, upstream, folder = monitor
    port = free_port()
    command, known = request.param(folder, port, upstream)
    with subprocess.Popen(command, env=known or None, stderr=subprocess.DEVNULL) as process:
        try:
            stage.until(lambda: listens(port), 20)
            yield Front(request.param.__name__, port, stage, folder)
        finally:
            process.terminate()
            process.wait(15)


@pytest.mark.parametrize(
    "path", ["/", "/api/v2/summary.json", "/feed.xml", "/style.css", "/favicon.svg", "/robots.txt"]
)
def test_the_public_site_is_served_as_we_would(front, path):
    status, headers, body = front.ask(STATUS, path)

    name = "index.html" if path == "/" else path[1:]
    assert (status, body) == (200, (front.folder / "public" / name).read_bytes())
    assert {name: headers[name] for name in HEADERS} == HEADERS
    kind = content_type(name)
    assert headers["Content-Type"].split(";")[0] == kind.split(";")[0]
    assert ("charset=utf-8" in headers["Content-Type"].lower()) or "charset" not in kind


def test_other_sites_may_frame_the_widget_and_nothing_else(front):
    framed = front.ask(STATUS, "/widget.html")[1]
    assert "frame-ancestors" not in framed["Content-Security-Policy"]
    assert "script-src" not in framed["Content-Security-Policy"]
    assert framed["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in front.ask(STATUS, "/index.html")[1]["Content-Security-Policy"]


def test_what_the_public_site_does_not_have_is_told_on_its_own_page(front):
    (front.folder / "public" / ".index.html.tmp").write_text("half a page")
    for path in ("/no/such", "/.index.html.tmp", "/../site/index.html"):
        status, headers, body = front.ask(STATUS, path)
        assert status in (400, 404), path
        assert status == 400 or b"<html" in body
        assert b"half a page" not in body
        assert b"openai/main" not in body
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_of_all_accounts_wants_a_password(front):
    for path in ("/", "/usable.json", "/metrics", "/healthz"):
        assert front.ask(MONITOR, path)[0] == 401
        assert front.ask(MONITOR, path, password="another")[0] == 401


@pytest.mark.parametrize(
    ("path", "word"),
    [("/", b"openai"), ("/usable.json", b"openai/main"), ("/metrics", b"llm_"), ("/healthz", b"alive")],
)
def test_the_page_and_what_programs_read_come_through_with_our_headers(front, path, word):
    status, headers, body = front.ask(MONITOR, path, password=PASSWORD)

    assert (status, word in body) == (200, True)
    assert {name: headers.get_all(name) for name in HEADERS} == {name: [value] for name, value in HEADERS.items()}


@pytest.mark.slow
def test_a_signed_link_works_through_it_without_a_password(front):
    id = {"nginx": "openai/main", "caddy": "anthropic/team"}[front.name]
    front.stage.inbox.messages.clear()
    front.stage.set(id, "invalid_key")
    front.stage.until(lambda: message(front, id), 90)
    link = re.search(rf"Acknowledge: https://{MONITOR}(/answer/\S+)", message(front, id))[1]

    status, headers, body = front.ask(MONITOR, link)
    assert (status, b"<button>" in body) == (200, True)
    assert "form-action 'self'" in headers["Content-Security-Policy"]
    status, _, body = front.ask(MONITOR, link, "POST", body=b"")
    assert (status, b"Done" in body) == (200, True)
    assert front.ask(MONITOR, link, "POST", body=b"")[0] == 410
    incident = re.search(r"Incident: \S+/(\S+)\.html", message(front, id))[1]
    front.stage.until(lambda: "acknowledged" in explained(front, incident), 20)


def explained(front, incident):
    code, out, err = call("alerts", "explain", incident, folder=front.folder)
    assert code == 0, err
    return out


def message(front, id):
    """Return what was told of an account, or nothing yet."""
    told = list(front.stage.inbox.messages)
    return next((one["message"] for one in told if one["title"].startswith("[DOWN]") and id in one["title"]), "")
