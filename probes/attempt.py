"""One attempt, over HTTP or through an official client, depending on the canary."""

from probes import canary, command
from probes.canary import Prober
from probes.model import Account, Observation, Target
from probes.provider import Dialect, Provider


async def attempt(prober: Prober, provider: Provider, account: Account, target: Target) -> Observation:
    """Probe once and return the observation, cleaned and redacted. A provider's failure never raises."""
    is_command = provider.canaries[target.canary].dialect is Dialect.COMMAND
    ask = command.attempt_command if is_command else canary.attempt_request
    return prober.admit(await ask(prober, provider, account, target), account)
