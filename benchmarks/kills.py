"""Random `kill -9` of the real program while accounts fall ill and a webhook counts: nothing lost, nothing told twice.

`python -m benchmarks.kills [--kills 1000] [--seed N]`. Prints one line a round and a summary as JSON; exit code 1 on
any violation. A life lasts 0.2 s after the start on average, each third one up to 2.5 s, each fifth one is ended
while it still starts. Each account falls ill at most once in a round, since what comes and goes is told as that.

After each kill a copy of the database is tried: whole, and nothing gone that another process had read in it. In the end
each incident has one opening and one end. What is noted as sent was received, and twice only if a kill fell before that
note: the one window that docs/explanation/process.md names. What the webhook refused may have given way to the end,
which came.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from aiohttp import web
from msgspec import Struct, field

from probes.simulator import SimulatedAccount, Simulator, Trouble

ROOT = Path(__file__).parents[1]
PROVIDERS = ("openai", "anthropic", "gemini", "groq", "cohere")
ACCOUNTS = 30
EVERY_S = 1.5
"""The configuration allows 10 s at least: the child sets this for itself."""
LIFE_S = 0.2
LONG_LIFE_S = 2.5
ILL_S = (10.0, 25.0)
READY_S = 30.0
SETTLE_S = 120.0
WINDOW_S = 1.0
"""Between the webhook's answer and the note of it lies one commit: no kill later than this excuses a second copy."""
HEAD = """
[probe]
failures = 1
successes = 1
blip_s = 0
online = []
[status]
poll = false
[site]
port = 0
[alerts]
storm = 1000
templates = "words"
"""
TEXTS = {
    "incident.txt.j2": "{{ incident.id }} {{ step }}\n",
    "list.txt.j2": "{% for one in items %}{{ one.incident.id }} {{ one.step }}\n{% endfor %}",
}
"""A message that says no more than which incident, and what of it."""


class Episode(Struct, frozen=True):
    account: str
    began: float
    ended: float


class Copy(Struct, frozen=True):
    """One message as the webhook had it: `line` names incident and step."""

    line: str
    arrived: float
    answered: float


class OutboxMessage(Struct, frozen=True):
    """One message as the outbox has it."""

    incident: str
    step: str
    state: str


class Book(Struct, frozen=True):
    """What is known of all incidents in the end, and what the webhook received."""

    kinds: Counter[tuple[str, str]]
    letters: Sequence[OutboxMessage]
    copies: dict[str, list[Copy]]


class Seen(Struct, frozen=True):
    """What another process read in the database."""

    observations: frozenset[tuple[int, int]]
    changes: frozenset[str]
    sent: frozenset[int]


class Tally(Struct):
    kills: int = 0
    unready: int = 0
    incidents: int = 0
    opened_received: int = 0
    ended: int = 0
    ended_received: int = 0
    given_way: int = 0
    lost: int = 0
    twice: list[float] = field(default_factory=list)
    episodes: int = 0
    unseen: int = 0
    observations: int = 0
    starts_s: list[float] = field(default_factory=list)
    term_s: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--each", type=int, default=40, help="kills in a round, which has a new database")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--keep", type=Path, help="a folder for what a round with a violation leaves")
    wish = parser.parse_args()
    print(f"seed {wish.seed}", flush=True)
    rng, whole = random.Random(wish.seed), Tally()
    while whole.kills < wish.kills:
        with tempfile.TemporaryDirectory(prefix="kills-", ignore_cleanup_errors=True) as folder:
            one = play(Path(folder), min(wish.each, wish.kills - whole.kills), rng)
            if one.wrong and wish.keep:
                left_out = shutil.ignore_patterns("*.sock")
                shutil.copytree(folder, wish.keep / f"{whole.kills}", dirs_exist_ok=True, ignore=left_out)
        whole.add(one)
        print(json.dumps(_told(one)), flush=True)
    print(json.dumps(_told(whole), indent=1))
    raise SystemExit(1 if whole.wrong else 0)


def _told(tally: Tally) -> dict[str, object]:
    facts = {name: getattr(tally, name) for name in tally.__struct_fields__}
    starts = sorted(tally.starts_s) or [0.0]
    return facts | {
        "starts_s": {"median": round(starts[len(starts) // 2], 2), "most": round(starts[-1], 2)},
        "term_s": round(max(tally.term_s, default=0), 2),
        "twice": [round(one, 3) for one in tally.twice],
    }


def play(folder: Path, kills: int, rng: random.Random) -> Tally:
    """Kill the program so often on one database, let it settle, and compare what each side knows."""
    with other_side(rng) as side:
        _configure(folder, side)
        tally, killed_at = Tally(), []
        with side.falling_ill(), (folder / "log").open("wb") as log:
            for _ in range(kills):
                killed_at.append(_live(folder, log, rng, tally))
        side.calm = True
        _settle(folder, tally)
        _judge(folder, side, killed_at, tally)
    return tally


def _live(folder: Path, log: object, rng: random.Random, tally: Tally) -> float:
    """Let the program live for a moment; return when it was killed."""
    with started(folder, log) as program:
        if rng.random() < 0.2:
            time.sleep(rng.uniform(0, 1.2))
            tally.unready += 1
        else:
            _note_start(program, tally)
            time.sleep(rng.uniform(0, LONG_LIFE_S) if rng.random() < 1 / 3 else rng.expovariate(1 / LIFE_S))
        before = read(folder / "state" / "monitor.db")
        if program.process.poll() is not None:
            tally.wrong.append(f"ended by itself with {program.process.returncode}")
        at = time.time()
        program.process.kill()
        program.process.wait()
    tally.kills += 1
    _look_at_the_dead(folder, before, tally)
    return at


def _note_start(program: "Program", tally: Tally) -> None:
    ready_s = program.ready_s()
    if ready_s is None:
        tally.wrong.append(f"not ready within {READY_S:g} s")
    else:
        tally.starts_s.append(ready_s)


def _settle(folder: Path, tally: Tally) -> None:
    """Let the program come to rest, and ask it to end."""
    with (folder / "log").open("ab") as log, started(folder, log) as program:
        _note_start(program, tally)
        ends = time.monotonic() + SETTLE_S
        while unsettled(folder / "state" / "monitor.db") and time.monotonic() < ends:
            time.sleep(0.2)
        at = time.monotonic()
        program.process.send_signal(signal.SIGTERM)
        if program.process.wait(30):
            tally.wrong.append(f"SIGTERM ended it with {program.process.returncode}")
        tally.term_s.append(time.monotonic() - at)
    if b"Traceback" in (folder / "log").read_bytes():
        tally.wrong.append("a traceback in the log")


# The program, in its own process


class Program(Struct, frozen=True):
    process: subprocess.Popen[bytes]
    manager: socket.socket
    began: float

    def ready_s(self) -> float | None:
        """Return how long the start took; None: too long."""
        self.manager.settimeout(READY_S)
        with suppress(TimeoutError):
            while b"READY=1" not in self.manager.recv(4096):
                pass
            return time.monotonic() - self.began
        return None


@contextmanager
def started(folder: Path, log: object) -> Iterator[Program]:
    """Start the program as a service manager does, to hear when it is ready."""
    address = folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        command = [sys.executable, "-m", "benchmarks.kills", "child", str(folder / "monitor.toml")]
        known = os.environ | {"NOTIFY_SOCKET": str(address), "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, cwd=folder, env=known, stdout=log, stderr=log)  # type: ignore[call-overload]
        try:
            yield Program(process, manager, time.monotonic())
        finally:
            process.kill()
            process.wait()
            address.unlink()


def child(config: str) -> None:
    """Watch as `provider-monitor run` does, with looks more often than a configuration may ask for."""
    import logging

    from msgspec.structs import replace

    from monitor.config.load import load_config
    from monitor.log import start_log
    from monitor.runtime.daemon import run_daemon

    loaded = load_config(Path(config), os.environ)
    start_log(logging.INFO, loaded.secrets)
    watches = {id: replace(one, interval_s=EVERY_S) for id, one in loaded.watches.items()}
    run_daemon(replace(loaded, watches=watches), lambda text: print(text, flush=True))


# What is around it


class Side:
    """The providers and the webhook, in a thread of their own."""

    def __init__(self, rng: random.Random) -> None:
        self.copies: list[Copy] = []
        self.episodes: list[Episode] = []
        self.calm, self.port = False, 0
        self.rng, self.loop, self.ended = rng, asyncio.new_event_loop(), asyncio.Event()
        self.keys = {f"a{n:02}": f"sk-kill-a{n:02}-Wq8ZtL5vXn2RjP7m" for n in range(ACCOUNTS)}
        self.bases: dict[str, str] = {}

    def provider(self, account: str) -> str:
        return PROVIDERS[int(account[1:]) % len(PROVIDERS)]

    async def serve(self, ready: threading.Event) -> None:
        known = [SimulatedAccount(self.provider(name), key) for name, key in self.keys.items()]
        async with Simulator(known) as self.simulator:
            self.bases = {provider: self.simulator.base(provider) for provider in PROVIDERS}
            app = web.Application()
            app.add_routes([web.post("/hook", self._receive)])
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.port = runner.addresses[0][1]
            ready.set()
            await self.ended.wait()
            await runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        """Take a message late, or one in ten not at all."""
        message, arrived = await request.json(), time.time()
        await asyncio.sleep(0 if self.calm else self.rng.uniform(0, 0.3))
        if not self.calm and self.rng.random() < 0.1:
            return web.Response(status=500)
        lines = [line.strip() for line in message["message"].splitlines()]
        self.copies += [Copy(line, arrived, time.time()) for line in lines if line]
        return web.Response(text="ok")

    @contextmanager
    def falling_ill(self) -> Iterator[None]:
        """Let one account of a provider after the other be lost for a while; in the end all are well."""
        over = threading.Event()
        thread = threading.Thread(target=self._play, args=(over,))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _play(self, over: threading.Event) -> None:
        waiting = sorted(self.keys)
        self.rng.shuffle(waiting)
        ill: dict[str, tuple[str, float, float]] = {}
        while not over.wait(0.3):
            now = time.time()
            for provider in [one for one, (_, _, until) in ill.items() if now > until]:
                self._heal(*ill.pop(provider)[:2])
            if waiting and self.provider(waiting[-1]) not in ill:
                name = waiting.pop()
                self._set(name, self.rng.choice([Trouble.ACCOUNT_SUSPENDED, Trouble.INVALID_KEY]))
                ill[self.provider(name)] = name, now, now + self.rng.uniform(*ILL_S)
            else:
                self.rng.shuffle(waiting)
        for name, began, _ in ill.values():
            self._heal(name, began)

    def _heal(self, name: str, began: float) -> None:
        self._set(name, None)
        self.episodes.append(Episode(name, began, time.time()))

    def _set(self, name: str, trouble: Trouble | None) -> None:
        done = threading.Event()
        self.loop.call_soon_threadsafe(lambda: (self.simulator.set(self.keys[name], trouble), done.set()))
        done.wait(10)


@contextmanager
def other_side(rng: random.Random) -> Iterator[Side]:
    side, ready = Side(rng), threading.Event()
    thread = threading.Thread(target=lambda: side.loop.run_until_complete(side.serve(ready)))
    thread.start()
    if not ready.wait(10):
        raise SystemExit("the other side does not start")
    try:
        yield side
    finally:
        side.loop.call_soon_threadsafe(side.ended.set)
        thread.join(10)
        side.loop.close()


def _configure(folder: Path, side: Side) -> None:
    (folder / "words").mkdir()
    for name, text in TEXTS.items():
        (folder / "words" / name).write_text(text)
    blocks = [HEAD, f'[[channels]]\nname = "hook"\nurl = "json://127.0.0.1:{side.port}/hook"\n']
    blocks += [f'[providers.{provider}]\nbase = "{base}"\n' for provider, base in side.bases.items()]
    for name, key in side.keys.items():
        (folder / f"{name}.key").write_text(key)
        (folder / f"{name}.key").chmod(0o600)
        facts = f'name = "{name}"\nprovider = "{side.provider(name)}"\nkey = "file:{name}.key"\ncanaries = ["list"]\n'
        blocks.append(f"[[accounts]]\n{facts}")
    (folder / "monitor.toml").write_text("\n".join(blocks))


# What the database says


def read(database: Path) -> Seen | None:
    """Return what is committed; None where nothing can be read yet."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as db:
        return Seen(
            frozenset(db.execute("SELECT series_id, at FROM observation")),
            frozenset(id for (id,) in db.execute("SELECT id FROM change")),
            frozenset(id for (id,) in db.execute("SELECT id FROM outbox WHERE state = 'sent'")),
        )
    return None


def unsettled(database: Path) -> int:
    """Return how many incidents are open and messages wait."""
    query = "SELECT (SELECT count(*) FROM incident WHERE closed IS NULL) + count(*) FROM outbox WHERE state = 'waiting'"
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as db:
        return int(db.execute(query).fetchone()[0])
    return 1


def _look_at_the_dead(folder: Path, before: Seen | None, tally: Tally) -> None:
    """Try a copy, so that the next start meets what the dead process left as it lies."""
    copy = folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for file in (folder / "state").glob("monitor.db*"):
        if not file.name.endswith(("-shm", ".sock")):
            shutil.copy(file, copy)
    if not (copy / "monitor.db").exists():
        return
    with closing(sqlite3.connect(copy / "monitor.db")) as db:
        if (told := db.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            tally.wrong.append(f"after a kill the database is not whole: {told}")
    after = read(copy / "monitor.db")
    for name in before.__struct_fields__ if before else ():
        if gone := getattr(before, name) - (getattr(after, name) if after else frozenset()):
            tally.wrong.append(f"{len(gone)} of the {name} that were committed are gone")


def _judge(folder: Path, side: Side, killed_at: Sequence[float], tally: Tally) -> None:
    """Compare the incidents with what was received and with who was ill."""
    with closing(sqlite3.connect(folder / "state" / "monitor.db")) as db:
        incidents = db.execute("SELECT id, subject, opened, closed FROM incident").fetchall()
        kinds = Counter(db.execute("SELECT incident_id, kind FROM change"))
        rows = db.execute("SELECT coalesce(incident_id, ''), step, state FROM outbox ORDER BY id").fetchall()
        tally.observations = db.execute("SELECT count(*) FROM observation").fetchone()[0]
    copies = defaultdict[str, list[Copy]](list)
    for one in side.copies:
        copies[one.line].append(one)
    book = Book(kinds, [OutboxMessage(*row) for row in rows], copies)
    if any(one.state == "waiting" for one in book.letters) or any(closed is None for *_, closed in incidents):
        tally.wrong.append(f"not at rest after {SETTLE_S:g} s: {incidents}")
    for id, _, _, closed in incidents:
        _compare(id, closed is not None, book, tally)
    _find_twice(copies, killed_at, tally)
    _find_unseen(side, incidents, tally)


def _compare(id: str, closed: bool, book: "Book", tally: Tally) -> None:
    """Hold one incident's messages against what was received."""
    its = [one for one in book.letters if one.incident == id]
    heard = {one.step for one in its if book.copies.get(f"{id} {one.step}")}
    tally.incidents += 1
    tally.ended += closed
    tally.opened_received += bool(heard - {"resolved"})
    tally.ended_received += bool(heard & {"resolved", "missed"})
    tally.given_way += sum(one.state == "replaced" for one in its)
    if (book.kinds[id, "opened"], book.kinds[id, "resolved"]) != (1, closed):
        tally.wrong.append(f"{id}: opened {book.kinds[id, 'opened']} times, ended {book.kinds[id, 'resolved']} times")
    unheard = [one for one in its if one.state == "sent" and one.step not in heard]
    # What the webhook refused gives way to what is newer of its incident, and that must have been received.
    untold = (
        not its or any(one.state not in ("sent", "replaced") for one in its) or (closed and its[-1].step != "resolved")
    )
    if unheard or untold:
        tally.lost += 1
        tally.wrong.append(f"{id}: {its} noted, only {sorted(heard)} of it received")


def _find_twice(copies: dict[str, list[Copy]], killed_at: Sequence[float], tally: Tally) -> None:
    """Note for each message that came again how long after its answer the kill fell that explains it, in seconds."""
    for line, its in copies.items():
        its.sort(key=lambda one: one.arrived)
        for first, again in zip(its, its[1:], strict=False):
            after = [at - first.answered for at in killed_at if first.arrived <= at < again.arrived]
            if not after or after[0] > WINDOW_S:
                tally.wrong.append(f"{line}: received twice, with no kill between its answer and the note of it")
            else:
                tally.twice.append(after[0])


def _find_unseen(side: Side, incidents: Sequence[tuple[str, str, int, int | None]], tally: Tally) -> None:
    """Count who was ill and has no incident (each look is short of time here), and refuse an incident of nobody ill."""
    unseen = list(side.episodes)
    for id, subject, opened, _ in incidents:
        its = [
            one
            for one in side.episodes
            if subject in (f"{side.provider(one.account)}/{one.account}", side.provider(one.account))
        ]
        if not any(one.began - 1 < opened / 1000 < one.ended + 1 for one in its):
            tally.wrong.append(f"{id} of {subject}, which was not ill then")
        unseen = [one for one in unseen if one not in its]
    tally.episodes, tally.unseen = len(side.episodes), len(unseen)


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(sys.argv[2])
    else:
        main()
