"""Do what docs/tutorial.md says, on a fresh clone, and write into it what came back: `python -m tests.transcript`.

A comment above a block says what is done with it: its commands are run to their end or started, its text is written
to a file, or a message is awaited. What a reader has and this has not is played here: ntfy's server. Nothing else is
asked outside of this machine. Ports are free ones, and stand in the page as the usual ones. Exit code 1 if the message
about the loss came later than LIMIT_S after the clone began.
"""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from tests.backstage import ROOT

TUTORIAL = ROOT / "docs" / "tutorial.md"
STEP = re.compile(r"(<!-- ([a-z ]+)(?:, until)?(?:: (.*?))? -->\n```\w+\n)(.*?)(```\n)", re.DOTALL)
COMMAND = re.compile(r"^\$ (.*)$", re.MULTILINE)
LIMIT_S, WAIT_S = 90, 60
OFFLINE = "\n[site]\nport = {page}\n[status]\npoll = false\n[probe]\nonline = []\n"
"""What is said besides for a machine without a network, and for the port of a test."""
OWN_KEY = {"OPENAI_API_KEY": "demo-key-of-openai", "OPENAI_BASE_URL": "http://127.0.0.1:8080/openai/v1"}


@contextmanager
def phone(messages):
    """Play ntfy's server in a thread, which keeps title and text of each message; yield its port."""
    loop, ended, ports = asyncio.new_event_loop(), asyncio.Event(), []
    ready = threading.Event()

    async def receive(request):
        sent = await request.json()
        messages.append((sent.get("title", ""), sent["message"]))
        return web.json_response({"id": "x"})

    async def serve():
        app = web.Application()
        app.router.add_post("/{topic:.*}", receive)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ports.append(runner.addresses[0][1])
        ready.set()
        await ended.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(10)
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
        loop.close()


@dataclass
class Reader:
    """Somebody who does what the tutorial says, in a folder, with the programs of another.

    `places` are the texts of the page that stand for others here. `heard_s` is when the message about the loss came.
    """

    folder: Path
    programs: Path
    messages: list
    places: dict
    began: float
    started: list = field(default_factory=list)
    heard_s: float = 0.0

    def real(self, text):
        for usual, here in self.places.items():
            text = text.replace(usual, here)
        return text

    def shown(self, text):
        for usual, here in self.places.items():
            text = text.replace(here, usual)
        text = text.replace(str(self.folder), "~/provider-monitor").strip("\n")
        return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE) + "\n" * bool(text)

    def shell(self, command, **more):
        known = {name: os.environ[name] for name in ("LANG", "SSL_CERT_FILE", "SSL_CERT_DIR") if name in os.environ}
        path = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        environment = {**known, "HOME": str(self.folder.parent), "PATH": path, "PYTHONUNBUFFERED": "1", **more}
        with (self.folder / f".said-{len(self.started)}").open("w") as out:
            return subprocess.Popen(
                self.real(command), shell=True, cwd=self.folder, env=environment, stdout=out, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip

    def obey(self, what, word, body):
        """Do one step; return its block as it came out."""
        match what:
            case "install":
                return body  # done before
            case "write":
                (self.folder / word).write_text(self.real(body) + OFFLINE.format(page=self.real(":8321/")[1:-1]))
                return body
            case "run":
                return "".join(map(self.run, COMMAND.findall(body)))
            case "own key":
                own = {name: self.real(value) for name, value in OWN_KEY.items()}
                return "".join(self.run(one, **own) for one in COMMAND.findall(body))
            case "start":
                return self.start(*COMMAND.findall(body), word)
            case "phone":
                return self.hear(word)
        raise ValueError(f"docs/tutorial.md: nobody knows how to do <!-- {what} -->")

    def run(self, command, **more):
        it = self.shell(command, **more)
        it.wait(WAIT_S)
        return f"$ {command}\n{self.shown(self.said())}"

    def said(self):
        return (self.folder / f".said-{len(self.started)}").read_text()

    def start(self, command, word):
        """Start a program that stays; return what it said up to a word, and in the moment after that."""
        it = self.shell(command)
        until(lambda: word in self.said(), f"{command!r} says {word!r}")
        time.sleep(0.5)
        text = f"$ {command}\n{self.shown(self.said())}"
        self.started.append(it)
        return text

    def hear(self, word):
        found = until(lambda: next((one for one in self.messages if word in one[0]), None), f"the phone says {word!r}")
        if "DOWN" in word:
            self.heard_s = time.monotonic() - self.began
        return self.shown("\n\n".join(found))

    def leave(self):
        for one in self.started:
            with suppress(ProcessLookupError):
                os.killpg(one.pid, signal.SIGTERM)
            one.wait(10)


def until(check, what):
    ends = time.monotonic() + WAIT_S
    while not (found := check()):
        if time.monotonic() > ends:
            raise TimeoutError(f"not within {WAIT_S} s: {what}")
        time.sleep(0.1)
    return found


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def play(folder, programs, began):
    """Do the whole tutorial in a folder; return the page with what came back, and when the phone rang, in seconds."""
    messages = []
    with phone(messages) as port:
        provider, page = free_ports(2)
        places = {
            "ntfys://ntfy.sh/": f"ntfy://127.0.0.1:{port}/",
            "-m probes.simulator": f"-m probes.simulator --port {provider}",
            ":8080/": f":{provider}/",
            ":8321/": f":{page}/",
            "curl http": "curl -s http",
        }
        reader = Reader(folder, programs, messages, places, began)
        try:
            text = STEP.sub(lambda one: one[1] + reader.obey(one[2], one[3], one[4]) + one[5], TUTORIAL.read_text())
        finally:
            reader.leave()
    return text, reader.heard_s


def main():
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as there:
        folder = Path(there) / "provider-monitor"
        subprocess.run(["git", "clone", "--quiet", "--depth", "1", f"file://{ROOT}", str(folder)], check=True)
        subprocess.run(["make", "install"], cwd=folder, check=True)
        installed_s = time.monotonic() - began
        text, heard_s = play(folder, folder / ".venv" / "bin", began)
    TUTORIAL.write_text(text)
    # T201: a command for people; this is its output.
    print(f"installed after {installed_s:.0f} s, told of the loss after {heard_s:.0f} s, of {LIMIT_S} at most")  # noqa: T201
    return int(heard_s > LIMIT_S)


if __name__ == "__main__":
    sys.exit(main())
