"""The least that 150 results cost: an aiohttp session, one request each at once, one transaction. No monitor.

`python -m benchmarks.oneshot BASE TARGETS DATABASE`.
"""

import asyncio
import json
import sqlite3
import sys
import time

import aiohttp

BODY = b'{"model":"gpt-4.1-nano","messages":[{"role":"user","content":"hi"}],"max_tokens":1}'


async def main(base: str, targets: int, database: str) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        rows = await asyncio.gather(*(_ask(session, base.format(number), number) for number in range(targets)))
    db = sqlite3.connect(database)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE IF NOT EXISTS result (target INTEGER, at REAL, status INTEGER, latency REAL)")
    with db:
        db.executemany("INSERT INTO result VALUES (?, ?, ?, ?)", rows)
    db.close()


async def _ask(session: aiohttp.ClientSession, base: str, number: int) -> tuple[int, float, int, float]:
    started = time.time()
    headers = {"Authorization": f"Bearer sk-{number}", "content-type": "application/json"}
    async with session.post(f"{base}/chat/completions", data=BODY, headers=headers) as response:
        json.loads(await response.read())["choices"]
    return number, started, response.status, time.time() - started


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
