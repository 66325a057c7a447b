"""Play the providers until interrupted, for people who want to try their own client."""

import argparse
import asyncio
from contextlib import suppress

from probes.simulator import CONTROL, SimulatedAccount, Simulator
from probes.simulator.role import PARTS


def demo_accounts() -> list[SimulatedAccount]:
    return [SimulatedAccount(provider, f"demo-key-of-{provider}") for provider in PARTS]


def account_block(simulator: Simulator, provider: str = "openai") -> str:
    """Return the block of monitor.toml with which a simulated account is watched; its key is no secret."""
    return (
        f'[[accounts]]\nname = "simulated"\nprovider = "{provider}"\nbase = "{simulator.base(provider)}"\n'
        f'key = "command:echo demo-key-of-{provider}"\n'
    )


async def serve_simulator(port: int) -> None:
    accounts = demo_accounts()
    async with Simulator(accounts, port=port, latency_s=0.2, ttft_s=0.2, gap_s=0.02, spread=0.3) as simulator:
        for account in accounts:
            # T201: a command for people; this is its output.
            print(f"{account.provider:18} {simulator.base(account.provider)}  key: {account.key}")  # noqa: T201
        print(f"\nTo watch one, put this into monitor.toml:\n\n{account_block(simulator)}")  # noqa: T201
        order = f'{{"account": "{accounts[0].key}", "trouble": "account_suspended"}}'
        curl = f"curl {simulator.root}{CONTROL} -H 'content-type: application/json' -d '{order}'"
        print(f"\nTo bring trouble (null ends it):\n  {curl}", flush=True)  # noqa: T201
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m probes.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=8080, help="port on this machine; 0 takes a free one (8080)")
    with suppress(KeyboardInterrupt):
        asyncio.run(serve_simulator(parser.parse_args().port))


if __name__ == "__main__":
    main()
