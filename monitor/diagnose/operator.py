"""Who runs what answers: only what several of them run can show that the road is cut."""

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from probes.model import Target


def operators_by(companies: Mapping[str, str]) -> Callable[[Target], str]:
    """Return what names the operator of what answers a target; `companies` are by provider, where it is not its own.

    Two regions of a provider are one operator, and so are all providers behind one gateway, or on one machine. As an
    own address does not name its operator, hosts of one domain (`x.example.com`, `y.example.com`) count as one. That is
    too few under a suffix such as `co.uk`; then the road is blamed too seldom, not too often.
    """

    def named(target: Target) -> str:
        company = companies.get(target.provider, target.provider)
        return company if target.host is None else _at_own_address(target.host, company)

    return named


def _at_own_address(host: str, company: str) -> str:
    machine = urlsplit(f"//{host}").hostname or host
    if _is_here(machine):
        return host  # a port of this machine may be a tunnel to anywhere
    labels = machine.split(".")
    if labels[-2:-1] == [company]:
        return company  # a region of it, such as `eu.api.openai.com`; `openai.example.com` is somebody's gateway
    return machine if ":" in machine or labels[-1].isdigit() else ".".join(labels[-2:])


def _is_here(machine: str) -> bool:
    return machine in ("localhost", "::1") or machine.startswith("127.")
