"""One attempt, over HTTP or through an official client, whichever the canary says."""

from probes import canary, command
from probes.canary import Prober
from probes.model import Account, Observation, Target
from probes.provider import Dialect, Provider


async def attempt(prober: Prober, provider: Provider, account: Account, target: Target) -> Observation:
    """Ask once and return what was seen. Provider trouble never raises."""
    if provider.canaries[target.canary].dialect is Dialect.COMMAND:
        return await command.attempt(prober, provider, account, target)
    return await canary.attempt(prober, provider, account, target)
