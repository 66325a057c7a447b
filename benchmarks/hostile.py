"""Thousands of hostile answers to the real program: each legal or illegal shape of HTTP, JSON, streams and headers.

`python -m benchmarks.hostile [--answers 10000] [--seed N]`. A server gives each request another answer, made from the
seed and its number alone; hundreds of accounts ask it, and beside them one that is answered well. In the end the
program must be alive, its loop never held up, each honest look on time, no hostile answer taken for good, its log
without a traceback, and all that it kept clean. Prints a summary as JSON; exit code 1 on any violation.
"""

import argparse
import asyncio
import gzip
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

from msgspec import Struct, field

from probes.redact import CONTROLS
from probes.sanitize import MAX_LENGTH

ROOT = Path(__file__).parents[1]
ACCOUNTS = 75
"""They ask for 37 answers a second, which take half of a processor: were it all of it, honest looks would be late."""
EVERY_S = 4.0
HONEST_S = 2.0
"""The configuration allows 10 s at least: the child sets these for itself."""
MOST_LATE_S = 2.0
"""An honest look may come so long after its time; a twentieth of its interval is chance."""
MOST_CALLBACK_S = 0.5
"""No callback may keep the loop for longer, by the processor's time, which a busy machine does not lengthen."""
MOST_S = 1800.0
TURN_S = 0.05

HONEST = b'{"object":"list","data":[{"id":"gpt-5-nano","object":"model"}]}'
SAID = b'{"choices":[{"delta":{"content":"hi"}}]}'
STOPPED = b'{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}'


class Hostile(Struct, frozen=True):
    """One answer: its bytes in pieces, how long to wait before each, and whether it is cut off by a reset.

    `good` is whether it may be taken for good: where what was asked for is in it, whatever else is wrong.
    """

    pieces: tuple[bytes, ...]
    pause_s: float = 0.0
    reset: bool = False
    good: bool = False

    @property
    def whole(self) -> bytes:
        return b"".join(self.pieces)


# How an answer is put together


def make(seed: int, number: int) -> Hostile:
    """Return the answer of this number; the same seed gives the same."""
    rng = random.Random(f"{seed} {number}")
    good = rng.random() < 0.15
    body, kind = (rng.choice(WELL), b"application/json") if good else (rng.choice(BODIES)(rng), rng.choice(KINDS))
    if rng.random() < 0.25 and not good:
        body, kind = _stream(rng), b"text/event-stream"
    raw = _plain(body) if good and rng.random() < 0.5 else rng.choice(SHAPES)(rng, body, kind)
    return _sent(rng, raw, good)


def _sent(rng: random.Random, raw: bytes, good: bool) -> Hostile:
    """Cut an answer somewhere, or send it in pieces, slowly, or with more behind it."""
    match rng.randrange(8):
        case 0:
            return Hostile((raw[: rng.randrange(len(raw) + 1)],), reset=rng.random() < 0.5, good=good)
        case 1:
            cuts = sorted(rng.randrange(len(raw) + 1) for _ in range(rng.randrange(1, 6)))
            pieces = [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
            return Hostile(tuple(pieces), pause_s=rng.uniform(0, 0.4), good=good)
        case 2 if raw:  # an answer to what nobody asked, which is good by itself
            return Hostile((raw + _plain(HONEST),), good=good)
        case 3:
            return Hostile((raw[: len(raw) // 2], raw[len(raw) // 2 :]), pause_s=rng.uniform(2, 5), good=good)
        case _:
            return Hostile((raw,), good=good)


def _plain(body: bytes, status: bytes = b"200 OK", *more: bytes, kind: bytes = b"application/json") -> bytes:
    head = [b"HTTP/1.1 " + status, b"Content-Type: " + kind, b"Content-Length: %d" % len(body), *more]
    return b"\r\n".join([*head, b"", body])


BOMB = gzip.compress(bytes(20_000_000))
WELL = (
    HONEST,
    HONEST + b" " * 5000,
    b"\xef\xbb\xbf" + HONEST,
    HONEST[:-1] + b',"extra":' + b"[" * 50 + b"]" * 50 + b"}",
)
KINDS = (
    *(b"application/json", b"text/html", b"text/event-stream", b"application/json; charset=utf-16", b"\xff/\xfe"),
    *(b"", b"multipart/mixed", b"text/plain; charset=\xff", b"application/json;charset=no;;;=", b"a" * 3000),
)
STATUSES = (
    *(b"200 OK", b"201", b"204 No Content", b"206 Partial", b"304 Not Modified", b"302 Found", b"400 Bad", b"401 No"),
    *(b"402 Pay", b"403 No", b"404 None", b"418 Tea", b"429 Slow", b"451 Law", b"500 Oh", b"503 Busy", b"529 Over"),
)
BROKEN_STATUSES = (
    *(
        b"HTTP/1.1 99999999999 X",
        b"HTTP/1.1 -200 OK",
        b"HTTP/1.1",
        b"HTTP/9.9 200 OK",
        b"HTTP/0.9 200 OK",
        b"http/1.1 200",
    ),
    *(
        b"ICY 200 OK",
        b"HTTP/1.1 2 00 OK",
        b"HTTP/1.1 \xd9\xa2\xd9\xa0\xd9\xa0 OK",
        b"200 OK",
        b"",
        b"\x00",
        b"SSH-2.0-x",
    ),
    *(
        b"HTTP/1.1 000 X",
        b"HTTP/1.1 999 X",
        b"HTTP/1.1 200 " + b"O" * 20_000,
        b"HTTP/1.1  200  OK",
        b"HTTP/1.1\t200\tOK",
    ),
)
HEADERS: Sequence[bytes] = (
    *(b"Retry-After: -1", b"Retry-After: 1e400", b"Retry-After: Fri, 31 Dec 9999 23:59:59 GMT", b"Retry-After: 9" * 50),
    *(
        b"x-request-id: \xff\xfe\xed\xa0\x80",
        b"x-request-id: " + b"r" * 7000,
        b"x-request-id: a\x1b[31mb",
        b"Date: never",
    ),
    *(b"x-ratelimit-limit-requests: 1e308", b"x-ratelimit-remaining-tokens: NaN", b"x-ratelimit-reset-tokens: 9e99s"),
    *(
        b'ratelimit: "a";r=-1;t=99999999999999999999',
        b'ratelimit-policy: "b";q=0;w=0',
        b"anthropic-ratelimit-tokens-reset: x",
    ),
    *(
        b"Sunset: Fri, 31 Dec 9999 23:59:59 -1200",
        b"Deprecation: @99999999999999",
        b"Warning: 299 - \xff",
        b"Set-Cookie: a=b" * 99,
    ),
    *(
        b"Location: http://[::1",
        b"Location: http://\xff\xfe.example/\xff",
        b"Location: javascript:1",
        b"cf-ray: \x7f",
        b"Server: cloudflare",
    ),
    *(
        b"Content-Encoding: gzip",
        b"Content-Encoding: br",
        b"Content-Encoding: identity, gzip",
        b"Transfer-Encoding: gzip",
    ),
    *(
        b" folded: value\r\n  and more",
        b": no name",
        b"no colon",
        b"a b: c",
        b"X\x00Y: z",
        b"Connection: upgrade\r\nUpgrade: h2c",
    ),
    *(
        b"Connection: close",
        b"Connection: keep-alive",
        b"Trailer: x",
        b"Content-Length: 7",
        b"ETag: W/\xff",
        b"Alt-Svc: clear",
    ),
)


def _some_headers(rng: random.Random) -> list[bytes]:
    return [rng.choice(HEADERS) for _ in range(rng.randrange(5))]


def _framed(rng: random.Random, body: bytes, kind: bytes) -> bytes:
    return _plain(body, rng.choice(STATUSES), *_some_headers(rng), kind=kind)


def _of_no_status(rng: random.Random, body: bytes, kind: bytes) -> bytes:
    return rng.choice(BROKEN_STATUSES) + b"\r\n" + _framed(rng, body, kind).partition(b"\r\n")[2]


def _of_wrong_length(rng: random.Random, body: bytes, kind: bytes) -> bytes:
    told = rng.choice(
        [
            b"-1",
            b"99999999999999999999",
            b"0",
            b"1",
            b"+5",
            b"0x10",
            b"5, 5",
            b"1e3",
            b"",
            b"\xd9\xa1",
            b"%d" % (len(body) + 9),
        ]
    )
    head = b"HTTP/1.1 " + rng.choice(STATUSES) + b"\r\nContent-Type: " + kind
    return b"\r\n".join([head, b"Content-Length: " + told, *_some_headers(rng), b"", body])


def _chunked(rng: random.Random, body: bytes, kind: bytes) -> bytes:
    sizes = [b"%x", b"%x;ext=1", b"0x%x", b"-%x", b"%xg", b" %x ", b"0000000%x", b"%X\n"]
    size = rng.choice(sizes) % len(body)
    ends = [
        b"0\r\n\r\n",
        b"0\r\nTrailer: x\r\n\r\n",
        b"",
        b"0\r\n",
        b"zz\r\n",
        b"0\r\nx: " + b"y" * 9000 + b"\r\n\r\n",
        b"ffffffffffffffffff\r\n",
    ]
    head = b"HTTP/1.1 " + rng.choice(STATUSES) + b"\r\nTransfer-Encoding: chunked\r\nContent-Type: " + kind
    after = rng.choice([b"\r\n", b"", b"\n", b"xx"])
    return b"\r\n".join([head, *_some_headers(rng), b"", size + b"\r\n" + body + after + rng.choice(ends)])


def _of_bare_lines(rng: random.Random, body: bytes, kind: bytes) -> bytes:
    return _framed(rng, body, kind).replace(
        b"\r\n", rng.choice([b"\n", b"\r", b"\r\r\n", b"\n\r"]), rng.randrange(1, 9)
    )


def _of_many_headers(rng: random.Random, body: bytes, kind: bytes) -> bytes:
    many = rng.choice([100, 1_000, 10_000])
    return _plain(body, rng.choice(STATUSES), *(b"x-%d: %d" % (n, n) for n in range(many)), kind=kind)


def _after_informational(rng: random.Random, body: bytes, kind: bytes) -> bytes:
    first = rng.choice([b"100 Continue", b"102 Wait", b"103 Early", b"101 Switching Protocols", b"199 X"])
    return (b"HTTP/1.1 " + first + b"\r\n\r\n") * rng.choice([1, 2, 50]) + _framed(rng, body, kind)


def _of_another_protocol(rng: random.Random, body: bytes, kind: bytes) -> bytes:
    return rng.choice(
        [
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + body, body,
            b"\x16\x03\x01\x02\x00\x01",
            b"220 mail ESMTP\r\n", b"<html>" + body, b"GET / HTTP/1.1\r\n\r\n", _bytes(rng),
        ]
    )  # fmt: skip


def _packed(rng: random.Random, body: bytes, kind: bytes) -> bytes:
    packed = rng.choice([gzip.compress(body), zlib.compress(body), body, BOMB, b"\x1f\x8b" + body])
    packed = packed[: rng.choice([len(packed), len(packed), len(packed) // 2, 10])]
    encoding = rng.choice([b"gzip", b"deflate", b"br", b"zstd", b"gzip, gzip", b"GZIP", b"x-gzip", b"\xff"])
    return _plain(packed, rng.choice(STATUSES), b"Content-Encoding: " + encoding, kind=kind)


def _huge(rng: random.Random, body: bytes, kind: bytes) -> bytes:
    return _plain(
        body + rng.choice([b"x", b"\x00", b"{", b"data: ", b"\xff"]) * 300_000, rng.choice(STATUSES), kind=kind
    )


SHAPES: Sequence[Callable[[random.Random, bytes, bytes], bytes]] = (
    _framed, _framed, _framed, _of_no_status, _of_wrong_length, _chunked, _chunked, _of_bare_lines, _of_many_headers,
    _after_informational, _of_another_protocol, _packed, _huge,
)  # fmt: skip


# What is in it: none of these holds an answer to what was asked


NUMBERS = (
    b"1e300",
    b"1e999",
    b"-1",
    b"9223372036854775808",
    b"9" * 5000,
    b"NaN",
    b"Infinity",
    b"01",
    b"1.",
    b"null",
    b'"5"',
)
WORDS = (
    *(
        b"Incorrect API key provided",
        b"You exceeded your current quota",
        b"account suspended",
        b"bad \\ud800 key",
        b"\\u0000\\u202e",
    ),
    *(
        b"Limit 99999999999999999999999, try again in 1e400s",
        b"overloaded",
        b"banned" * 300,
        b"\xff\xfe",
        b"\\",
        b"<html>" * 99,
        b"data: {" * 99,
    ),
)


def _error(rng: random.Random) -> bytes:
    return b'{"error":{"message":"%s","code":%s,"type":"%s"}}' % (
        rng.choice(WORDS),
        rng.choice(NUMBERS),
        rng.choice(WORDS)[:60],
    )


def _deep(rng: random.Random) -> bytes:
    opening = rng.choice([b'{"error":', b"[", b'{"data":[', b'{"a":', b'"{\\"error\\":', b"<p>"])
    return opening * rng.choice([10, 500, 20_000]) + rng.choice([b"", b"1", b"}" * 500])


def _twice(rng: random.Random) -> bytes:
    return b'{"data":%s,"data":%s,"object":"list","data":null}' % (rng.choice(NUMBERS), rng.choice(NUMBERS))


def _page(rng: random.Random) -> bytes:
    return b"<!doctype html><title>%s</title><body>%s" % (rng.choice(WORDS), rng.choice(WORDS))


def _bytes(rng: random.Random) -> bytes:
    return bytes(rng.randrange(256) for _ in range(rng.choice([0, 1, 300])))


def _list(rng: random.Random) -> bytes:
    return rng.choice(
        [
            b'{"object":"list","data":[]}',
            b'{"data":null}',
            b'{"data":[{"id":5}]}',
            b'{"data":[null,[],"x"]}',
            b"[]",
            b"{}",
            b"null",
        ]
    )


BODIES: Sequence[Callable[[random.Random], bytes]] = (_error, _error, _error, _deep, _twice, _page, _bytes, _list)


def _stream(rng: random.Random) -> bytes:
    """Return a stream that never comes to its answer."""
    lines = [
        b"data: " + rng.choice([b"[DONE]", b"{", _error(rng), b'{"choices":[{"delta":{}}]}', _deep(rng)[:999]]),
        b"event: error", b": ping", b"id: \x00", b"retry: 1e9", b"data", b"\xef\xbb\xbfdata: x",
        b"event: " + b"e" * 4000, b"{", b"",
    ]  # fmt: skip
    end = rng.choice([b"\n", b"\r", b"\r\n", b"\n\n", b"\r\n\r\n"])
    return end.join(rng.choice(lines) for _ in range(rng.choice([1, 5, 300])))


# The server


class Other:
    """Gives each request the next answer; what one account may get is never good, what another may get is either.

    Honest answers come from another host: connections are shared by all that ask one.
    """

    def __init__(self, seed: int) -> None:
        self.seed, self.next, self.port, self.honest_port = seed, 0, 0, 0
        self.honest_at: list[float] = []
        self.given: Counter[str] = Counter()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            async with asyncio.timeout(20):
                while head := await reader.readuntil(b"\r\n\r\n"):
                    await reader.readexactly(_length(head))
                    if not await self._answer(head.split(b" ", 2)[1].decode().split("/")[1], writer):
                        break
        writer.close()

    async def _answer(self, whom: str, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; return whether the connection stays open."""
        if whom == "honest":
            self.honest_at.append(time.monotonic())
            writer.write(_plain(HONEST))
            return True
        answer = self._take(may_be_good=whom.startswith("either"))
        self.given["good" if answer.good else "bad"] += 1
        for piece in answer.pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(answer.pause_s)
        if answer.reset:
            writer.transport.abort()
        return not answer.reset and b"close" not in answer.whole and self.next % 3 == 0

    def _take(self, may_be_good: bool) -> Hostile:
        while True:
            self.next += 1
            answer = make(self.seed, self.next)
            if may_be_good or not answer.good:
                return answer


def _length(head: bytes) -> int:
    found = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return int(found[0].partition(b":")[2]) if found else 0


@asynccontextmanager
async def other(seed: int) -> Iterator[Other]:  # type: ignore[misc]
    made = Other(seed)
    servers = [await asyncio.start_server(made.serve, "127.0.0.1", 0, limit=2**20, backlog=1000) for _ in range(2)]
    made.port, made.honest_port = (one.sockets[0].getsockname()[1] for one in servers)
    try:
        yield made
    finally:
        for one in servers:
            one.close()


# The program


class Result(Struct):
    seed: int
    answers: int = 0
    given: dict[str, int] = field(default_factory=dict)
    took_s: float = 0.0
    honest_looks: int = 0
    honest_gap_s: dict[str, float] = field(default_factory=dict)
    lag_s: dict[str, float] = field(default_factory=dict)
    callback_s: dict[str, float] = field(default_factory=dict)
    observations: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    texts: int = 0
    rss_mib: float = 0.0
    wrong: list[str] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.hostile", description=__doc__)
    parser.add_argument("--answers", type=int, default=10_000)
    parser.add_argument("--accounts", type=int, default=ACCOUNTS)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    wish = parser.parse_args()
    print(f"seed {wish.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        result = asyncio.run(play(Path(folder), wish.answers, wish.accounts, wish.seed))
    print(json.dumps({name: getattr(result, name) for name in result.__struct_fields__}, indent=1))
    raise SystemExit(1 if result.wrong else 0)


async def play(folder: Path, answers: int, accounts: int, seed: int) -> Result:
    """Let the program ask until so many hostile answers were given, and look at what that left."""
    result = Result(seed)
    async with other(seed) as side:
        (folder / "monitor.toml").write_text("\n".join(_configuration(side, accounts)))
        began = time.monotonic()
        process = await start("hostile", folder)
        while side.given.total() < answers and time.monotonic() - began < MOST_S and process.returncode is None:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        if process.returncode is not None:
            result.wrong.append(f"it ended by itself with {process.returncode}")
        else:
            result.rss_mib = rss_mib(process.pid)
            process.terminate()
            await asyncio.wait_for(process.wait(), 60)
        result.took_s = round(time.monotonic() - began, 1)
        result.answers, result.given = side.given.total(), dict(side.given)
        _weigh_times(folder, side, result)
    _weigh_what_is_kept(folder, result)
    if "Traceback" in (folder / "log").read_text(errors="replace"):
        result.wrong.append("a traceback in the log")
    if result.answers < answers:
        result.wrong.append(f"only {result.answers} answers in {result.took_s} s")
    return result


def _configuration(side: Other, accounts: int) -> Iterator[str]:
    yield "[site]\nserve = false\n[budget]\ndaily_tokens = 1000000000000\ndaily_usd = 1000000\n[status]\npoll = false"
    yield "[probe]\nonline = []\nconnect_s = 2\nsilence_s = 3\ntotal_s = 6\nper_host = 200"
    for name in ("honest", *(f"{('never', 'either')[n % 2]}-{n:03}" for n in range(accounts))):
        canaries = '["list"]' if name == "honest" else '["list", "chat"]'
        base = f"http://127.0.0.1:{side.honest_port if name == 'honest' else side.port}/{name}/v1"
        yield f'[[accounts]]\nname = "{name}"\nprovider = "openai"\nkey = "env:KEY"'
        yield f'base = "{base}"\ncanaries = {canaries}'


async def start(benchmark: str, folder: Path) -> asyncio.subprocess.Process:
    """Start the child of a benchmark, which watches what is in a folder's monitor.toml."""
    known = os.environ | {"KEY": "sk-hostile-0123456789abcdefghij", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", f"benchmarks.{benchmark}", "child", str(folder)]
    with (folder / "log").open("wb") as log:
        return await asyncio.create_subprocess_exec(
            *command, cwd=folder, env=known, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )


def child(folder: Path, interval_s: Callable[[str, float], float]) -> None:
    """Watch as `run` does, each target by its id at an interval of its own, and note how late the loop is."""
    import logging

    from msgspec.structs import replace

    from monitor.config.load import load_config
    from monitor.log import start_log
    from monitor.runtime import daemon

    config = load_config(folder / "monitor.toml", os.environ)
    start_log(logging.WARNING, config.secrets)
    watches = {id: replace(one, interval_s=interval_s(id, one.interval_s)) for id, one in config.watches.items()}

    async def watch() -> None:
        noting = asyncio.create_task(note_lag(folder / "lag"))
        await daemon._watch(replace(config, watches=watches), lambda text: None)
        noting.cancel()

    with daemon.runner() as loop:
        loop.run(watch())


def _often(id: str, _: float) -> float:
    return HONEST_S if "/honest/" in id else EVERY_S


async def note_lag(file: Path) -> None:
    """Note how late the loop comes to what is due, and by the processor's time how long its longest callback was."""
    loop, longest_s = asyncio.get_running_loop(), [0.0]
    run = asyncio.Handle._run

    def timed(self: asyncio.Handle) -> None:
        began_s = time.thread_time()
        run(self)
        longest_s[0] = max(longest_s[0], time.thread_time() - began_s)

    asyncio.Handle._run = timed  # type: ignore[method-assign]
    with file.open("w") as out:
        while True:
            due, longest_s[0] = loop.time() + TURN_S, 0.0
            await asyncio.sleep(TURN_S)
            out.write(f"{max(loop.time() - due, 0):.4f} {longest_s[0]:.4f}\n")
            out.flush()


def rss_mib(process: int) -> float:
    return round(int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


# What came of it


def _weigh_times(folder: Path, side: Other, result: Result) -> None:
    gaps = [after - before for before, after in zip(side.honest_at, side.honest_at[1:], strict=False)]
    lags, longest = zip(*(map(float, line.split()) for line in (folder / "lag").read_text().splitlines()), strict=True)
    result.honest_looks, result.honest_gap_s = len(side.honest_at), spread(gaps)
    result.lag_s, result.callback_s = spread(lags), spread(longest)
    if not gaps or max(gaps) > 1.05 * HONEST_S + MOST_LATE_S:
        result.wrong.append("an honest look was late")
    if max(longest) > MOST_CALLBACK_S:
        result.wrong.append("the loop was held up")


def spread(values: Sequence[float]) -> dict[str, float]:
    its = sorted(values) or [0.0]
    return {
        name: round(its[min(int(len(its) * share), len(its) - 1)], 3)
        for name, share in (("p50", 0.5), ("p99", 0.99), ("most", 1))
    }


def _weigh_what_is_kept(folder: Path, result: Result) -> None:
    with closing(sqlite3.connect(folder / "state" / "monitor.db")) as db:
        query = "SELECT account, outcome, count(*) FROM observation JOIN series ON series.id = series_id GROUP BY 1, 2"
        seen: dict[str, Counter[int]] = defaultdict(Counter)
        for account, outcome, count in db.execute(query):
            seen[account.split("/")[1].split("-")[0]][outcome] += count
        for table, column, value in _texts(db):
            result.texts += 1
            if CONTROLS.search(value):
                result.wrong.append(f"{table}.{column} holds what no text may: {ascii(value[:200])}")
            if table == "answer" and len(value) > MAX_LENGTH:
                result.wrong.append(f"{table}.{column} is {len(value)} characters long")
    result.outcomes = {
        f"{kind} {outcome}": count for kind, its in seen.items() for outcome, count in sorted(its.items())
    }
    result.observations = sum(result.outcomes.values())
    if seen["never"][0]:
        result.wrong.append(f"{seen['never'][0]} hostile answers were taken for good")
    if set(seen["honest"]) != {0}:
        result.wrong.append(f"honest looks: {dict(seen['honest'])}")
    for file in (folder / "site").rglob("*"):
        if file.suffix in (".html", ".json", ".xml") and CONTROLS.search(file.read_text("utf-8")):
            result.wrong.append(f"{file.name} holds what no text may")


def _texts(db: sqlite3.Connection) -> Iterator[tuple[str, str, str]]:
    """Yield each text of each table."""
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        rows = db.execute(f'SELECT * FROM "{table}"')
        names = [one[0] for one in rows.description]
        for row in rows:
            yield from ((table, name, value) for name, value in zip(names, row, strict=True) if isinstance(value, str))


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(Path(sys.argv[2]), _often)
    else:
        main()
