"""A simulated provider for a container: started in its network, since it listens on loopback only."""

import asyncio
import sys

from probes.simulator import SimulatedAccount, Simulator

PORT = 18080
KEY = "sk-simulated-0123456789abcdef"
CONFIG = f"""
[probe]
online = []
[status]
poll = false
[[accounts]]
name = "main"
provider = "openai"
key = "env:MAIN_KEY"
base = "http://127.0.0.1:{PORT}/openai/v1"
interval_s = {{ list = 10 }}
canaries = ["list"]
[[accounts]]
name = "lost"
provider = "openai"
key = "env:LOST_KEY"
base = "http://127.0.0.1:{PORT}/openai/v1"
interval_s = {{ list = 10 }}
canaries = ["list"]
"""
KEYS = f"MAIN_KEY={KEY}\nLOST_KEY=sk-nobody-knows-0123456789abcdef\n"


async def play() -> None:
    async with Simulator([SimulatedAccount("openai", KEY)], port=PORT):
        await asyncio.Event().wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(play()))
