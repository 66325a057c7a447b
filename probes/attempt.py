"""One attempt, over HTTP or through an official client, whichever the canary says."""

from collections.abc import Awaitable

from probes import canary, command
from probes.canary import Prober
from probes.model import Account, Observation, Target
from probes.provider import Dialect, Provider


def attempt(prober: Prober, provider: Provider, account: Account, target: Target) -> Awaitable[Observation]:
    """Ask once and return what was seen. Provider trouble never raises."""
    if provider.canaries[target.canary].dialect is Dialect.COMMAND:
        return command.attempt(prober, provider, account, target)
    return canary.attempt(prober, provider, account, target)
