"""The other side of the benchmarks: a provider that answers as fast as it can, late, or never."""

import asyncio
import contextlib
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from socket import create_connection, socket

BODY = (
    '{"id":"chatcmpl-1","object":"chat.completion","created":1795000000,"model":"gpt-4.1-nano","choices":[{"index":0,'
    '"message":{"role":"assistant","content":"Hello!"},"finish_reason":"stop"}],'
    '"usage":{"prompt_tokens":8,"completion_tokens":2,"total_tokens":10}}'
)
HEADERS = {
    "x-request-id": "req_0123456789abcdef0123456789abcdef",
    "x-ratelimit-limit-requests": "500",
    "x-ratelimit-remaining-requests": "499",
    "x-ratelimit-reset-requests": "120ms",
    "x-ratelimit-limit-tokens": "200000",
    "x-ratelimit-remaining-tokens": "199990",
    "x-ratelimit-reset-tokens": "3ms",
}
"""What OpenAI sends with a good answer."""
LATE_S = 1.0
OPEN_S = 600

NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    log_format reuse '$connection_requests'; access_log off;
    keepalive_timeout {open_s}; keepalive_requests 1000000000; default_type application/json;
    {headers}
    server {{ listen 127.0.0.1:{plain} backlog=8192; location / {{ return 200 '{body}'; }} }}
    server {{
        listen 127.0.0.1:{tls} ssl backlog=8192; {hosts}
        ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem; ssl_protocols TLSv1.3;
        location /counted/ {{ access_log {folder}/reuse.log reuse; return 200 '{body}'; }}
        location / {{ return 200 '{body}'; }}
    }}
}}
"""


@contextlib.contextmanager
def fast(folder: Path, core: int, hosts: int) -> Iterator[tuple[str, int, int]]:
    """Serve good answers on loopback; yield who serves, the plain port and the TLS port.

    TLS is served on 127.0.0.1 and on 127.0.1.1 to 127.0.1.`hosts`, as if each were a company of its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plain, tls = _free_port(), _free_port()
    _certify(folder, hosts)
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if nginx:
        headers = " ".join(f"add_header {name} '{value}';" for name, value in HEADERS.items())
        listens = " ".join(f"listen 127.0.1.{host}:{tls} ssl;" for host in range(1, hosts + 1))
        facts = {"folder": folder, "plain": plain, "tls": tls, "headers": headers, "hosts": listens}
        (folder / "nginx.conf").write_text(NGINX.format(**facts, body=BODY, open_s=OPEN_S))
        command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf")]
        name = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=True).stderr.split()[-1]
    else:
        command = [sys.executable, "-m", "benchmarks.server", "fast", str(plain), str(tls), str(folder), str(hosts)]
        name = "benchmarks/server.py"
    with _process(command, core, plain):
        yield name, plain, tls


@contextlib.contextmanager
def late(core: int) -> Iterator[int]:
    """Serve answers that take LATE_S, and under /hang/ none at all, on every loopback address; yield the port."""
    port = _free_port()
    with _process([sys.executable, "-m", "benchmarks.server", "late", str(port)], core, port):
        yield port


@contextlib.contextmanager
def _process(command: list[str], core: int, port: int) -> Iterator[None]:
    process = subprocess.Popen(["taskset", "-c", str(core), *command])
    try:
        _await_port(port)
        yield
    finally:
        process.terminate()
        process.wait()


def _await_port(port: int) -> None:
    ends = time.monotonic() + 10
    while True:
        try:
            create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.05)
        else:
            return


def _free_port() -> int:
    """Return a port that nobody holds, of those that the system gives to no outgoing connection meanwhile."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port
    raise SystemExit("no port is free from 20000 to 32000; end what holds them")


def _certify(folder: Path, hosts: int) -> None:
    names = ",".join(f"IP:127.0.{net}.{host}" for net, many in ((0, 1), (1, hosts)) for host in range(1, many + 1))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-days", "7",
         "-subj", "/CN=benchmark", "-addext", f"subjectAltName={names}"],
        check=True, capture_output=True,
    )  # fmt: skip


class Answer(asyncio.Protocol):
    """HTTP/1.1 by hand: reads a request to the end of its body and answers at once, late, or not at all."""

    def __init__(self, delay_s: float, log: Path | None = None) -> None:
        self._delay_s, self._log = delay_s, log
        self._buffer, self._served = b"", 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            whole = end + 4 + _length(head)
            if len(self._buffer) < whole:
                return
            self._buffer = self._buffer[whole:]
            self._take(head.split(b" ", 2)[1])

    def _take(self, path: bytes) -> None:
        self._served += 1
        if self._log and path.startswith(b"/counted/"):
            with self._log.open("a") as file:
                file.write(f"{self._served}\n")
        if path.startswith(b"/hang/"):
            return
        if self._delay_s:
            asyncio.get_running_loop().call_later(self._delay_s, self._answer)
        else:
            self._answer()

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(ANSWER)


ANSWER = "\r\n".join(
    [
        "HTTP/1.1 200 OK",
        "content-type: application/json",
        f"content-length: {len(BODY)}",
        *(f"{name}: {value}" for name, value in HEADERS.items()),
        "",
        BODY,
    ]
).encode()


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.split(b"\r\n", 1)[0] or 0)


async def _serve_fast(plain: int, tls: int, folder: Path, hosts: int) -> None:
    import ssl

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    loop, log = asyncio.get_running_loop(), folder / "reuse.log"
    await loop.create_server(lambda: Answer(0), "127.0.0.1", plain, backlog=8192)
    names = ["127.0.0.1", *(f"127.0.1.{host}" for host in range(1, hosts + 1))]
    await loop.create_server(lambda: Answer(0, log), names, tls, ssl=context, backlog=8192)
    await asyncio.Event().wait()


async def _serve_late(port: int) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: Answer(LATE_S), [f"127.0.0.{host}" for host in range(1, 61)], port, backlog=8192)
    await asyncio.Event().wait()


def main() -> None:
    kind, *rest = sys.argv[1:]
    if kind == "fast":
        asyncio.run(_serve_fast(int(rest[0]), int(rest[1]), Path(rest[2]), int(rest[3])))
    else:
        asyncio.run(_serve_late(int(rest[0])))


if __name__ == "__main__":
    main()
