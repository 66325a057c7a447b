"""1,000 accounts, two canaries each, every 10 s, one answer in five a fault: each answer is counted, by both sides.

`python -m benchmarks.crowd [--minutes 10] [--accounts 1000] [--seed N]`. The real program asks a server that notes what
it gave to whom. In the end the database holds for each target what was given, in that order; the loop was never held
up, and memory stayed flat. Prints a summary as JSON; exit code 1 on any violation.
"""

import argparse
import asyncio
import json
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

from msgspec import Struct, field

from benchmarks.hostile import HONEST, MOST_CALLBACK_S, child, rss_mib, spread, start
from benchmarks.server import BODY, HEADERS

EVERY_S = 10
FAULTS = 0.2
STEP_S = 10.0
MOST_GROWTH = 1.1
"""Memory at the end to that at a third of the time."""
SILENT_S = 3.0


class Result(Struct):
    seed: int
    accounts: int
    minutes: float
    asked: int = 0
    stored: int = 0
    dropped: int = 0
    faults: int = 0
    failed: int = 0
    without_key: int = 0
    per_s: float = 0.0
    due_per_s: float = 0.0
    lag_s: dict[str, float] = field(default_factory=dict)
    callback_s: dict[str, float] = field(default_factory=dict)
    rss_mib: list[float] = field(default_factory=list)
    cpu_share: float = 0.0
    incidents: int = 0
    disk_mib: float = 0.0
    load: tuple[float, float] = (0.0, 0.0)
    wrong: list[str] = field(default_factory=list)


class Other:
    """A provider that fails so often, and knows what it gave."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.given: dict[tuple[str, str], list[bool]] = defaultdict(list)
        self.without_key = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.lower().split(b"\r\n")
                length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
                await reader.readexactly(length)
                if not await self._answer(head, writer):
                    break
        writer.close()

    async def _answer(self, head: bytes, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; return whether the connection stays open."""
        method, path, _ = head.split(b" ", 2)
        canary = "chat" if method == b"POST" else "list"
        fault = self.rng.random() < FAULTS
        if b"\r\nauthorization:" not in head.lower():
            self.without_key += 1
        else:
            self.given[path.decode().split("/")[1], canary].append(not fault)
        body = BODY.encode() if canary == "chat" else HONEST
        if not fault:
            writer.write(_head(200, len(body), HEADERS) + body)
            return True
        return await self._fail(canary, body, writer)

    async def _fail(self, canary: str, body: bytes, writer: asyncio.StreamWriter) -> bool:
        # A request without a body is sent once more by itself where its connection ends before an answer begins.
        kind = self.rng.choice(("500", "503", "429", "page", "empty", "half", "reset" if canary == "chat" else "half"))
        match kind:
            case "500" | "503" | "429":
                told = b'{"error":{"message":"The server had an error","type":"server_error"}}'
                writer.write(_head(int(kind), len(told), {"Retry-After": "5"} if kind == "429" else {}) + told)
            case "page":
                writer.write(_head(200, 6, {}) + b"<html>")
            case "empty":
                writer.write(_head(200, 0, {}))
            case "half":
                writer.write(_head(200, len(body), {}) + body[: len(body) // 2])
                await writer.drain()
                return False
            case "reset":
                writer.transport.abort()
                return False
        return True


def _head(status: int, length: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} X", "Content-Type: application/json", f"Content-Length: {length}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode()


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.crowd", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    wish = parser.parse_args()
    print(f"seed {wish.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="crowd-") as folder:
        result = asyncio.run(play(Path(folder), wish.minutes, wish.accounts, wish.seed))
    print(json.dumps({name: getattr(result, name) for name in result.__struct_fields__}, indent=1))
    raise SystemExit(1 if result.wrong else 0)


async def play(folder: Path, minutes: float, accounts: int, seed: int) -> Result:
    result, side = Result(seed, accounts, minutes), Other(seed)
    server = await asyncio.start_server(side.serve, "127.0.0.1", 0, limit=2**20, backlog=4096)
    port = server.sockets[0].getsockname()[1]
    (folder / "monitor.toml").write_text("\n".join(_configuration(port, accounts)))
    before = os.getloadavg()[0]
    process = await start("crowd", folder)
    ends = time.monotonic() + 60 * minutes
    while process.returncode is None and (left_s := ends - time.monotonic()) > 0:
        result.rss_mib.append(rss_mib(process.pid))
        await asyncio.sleep(min(STEP_S, left_s))
    if process.returncode is None:
        result.cpu_share = round(_cpu_s(process.pid) / (60 * minutes), 2)
        process.terminate()
    if code := await asyncio.wait_for(process.wait(), 60):
        result.wrong.append(f"it ended with {code}")
    server.close()
    result.load = round(before, 1), round(os.getloadavg()[0], 1)
    _judge(folder, side, result)
    return result


def _configuration(port: int, accounts: int) -> Iterator[str]:
    yield "[site]\nserve = false\n[budget]\ndaily_tokens = 1000000000000\ndaily_usd = 1000000\n[status]\npoll = false"
    yield f"[probe]\nonline = []\nsilence_s = {SILENT_S}\nper_host = 500"
    for n in range(accounts):
        base = f"http://127.0.0.1:{port}/a{n:04}/v1"
        yield f'[[accounts]]\nname = "a{n:04}"\nprovider = "openai"\nkey = "env:KEY"\nbase = "{base}"'
        yield f'canaries = ["list", "chat"]\ninterval_s = {{ list = {EVERY_S}, chat = {EVERY_S} }}'


def _cpu_s(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _judge(folder: Path, side: Other, result: Result) -> None:
    lags, longest = zip(*(map(float, line.split()) for line in (folder / "lag").read_text().splitlines()), strict=True)
    result.lag_s, result.callback_s, result.without_key = spread(lags), spread(longest), side.without_key
    with closing(sqlite3.connect(folder / "state" / "monitor.db")) as db:
        kept = _kept(db)
        (result.incidents,) = db.execute("SELECT count(*) FROM incident").fetchone()
    result.disk_mib = round(sum(file.stat().st_size for file in (folder / "state").glob("*")) / 2**20, 1)
    result.asked, result.stored = (sum(map(len, its.values())) for its in (side.given, kept))
    result.faults, result.failed = (sum(its.count(False) for its in known.values()) for known in (side.given, kept))
    result.per_s = round(result.stored / (60 * result.minutes), 1)
    result.due_per_s = 2 * result.accounts / EVERY_S
    result.wrong += _unlike(side.given, kept, result)
    if max(longest) > MOST_CALLBACK_S:
        result.wrong.append("the loop was held up")
    third = result.rss_mib[len(result.rss_mib) // 3 :]
    if third and third[-1] > MOST_GROWTH * third[0]:
        result.wrong.append("memory grows")
    if "Traceback" in (folder / "log").read_text(errors="replace"):
        result.wrong.append("a traceback in the log")


def _kept(db: sqlite3.Connection) -> dict[tuple[str, str], list[bool]]:
    """Return whether each look was good, by target, the first one first."""
    kept: dict[tuple[str, str], list[bool]] = defaultdict(list)
    query = "SELECT account, canary, outcome FROM observation JOIN series ON series.id = series_id ORDER BY at"
    for account, canary, outcome in db.execute(query):
        kept[account.split("/")[1], canary].append(outcome == 0)
    return kept


def _unlike(
    given: dict[tuple[str, str], list[bool]], kept: dict[tuple[str, str], list[bool]], result: Result
) -> Iterator[str]:
    """Yield each target of which something else is kept than was given. What is under way at the end is dropped."""
    for target in sorted(given.keys() | kept.keys()):
        its, seen = given.get(target, []), kept.get(target, [])
        result.dropped += len(its) - len(seen)
        if seen not in (its, its[:-1]):
            yield f"{target}: given {_told(its)}, kept {_told(seen)}"


def _told(looks: Sequence[bool]) -> str:
    return f"{len(looks)} ({Counter(looks)[False]} faults)"


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(Path(sys.argv[2]), lambda _, interval_s: interval_s)
    else:
        main()
