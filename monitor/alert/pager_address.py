"""The address of a pager (`pagerduty:`, `opsgenie:`), without what writes messages, as `check` reads it, too. Pure."""

import re
from urllib.parse import parse_qsl, unquote

from msgspec import Struct

PAGERDUTY_HOSTS = {"us": "https://events.pagerduty.com", "eu": "https://events.eu.pagerduty.com"}
OPSGENIE_HOSTS = {"us": "https://api.opsgenie.com", "eu": "https://api.eu.opsgenie.com"}
HOSTS = {"pagerduty": PAGERDUTY_HOSTS, "opsgenie": OPSGENIE_HOSTS}
KEY = re.compile(r"[\w.~+/=-]+", re.ASCII)
"""What goes into a header, and so holds no line break."""
PARAMETERS = {"pagerduty": ("region", "severity"), "opsgenie": ("region", "priority")}
RESPONDERS = {"@": ("user", "username"), "#": ("team", "name"), "^": ("escalation", "name"), "*": ("schedule", "name")}
"""Who is alerted at Opsgenie, by the sign before a name in the address."""


class PagerAddress(Struct, frozen=True):
    """Which service, by which key, in which region, and for whom; `unknown` are parameters that it does not have."""

    service: str
    key: str
    targets: tuple[str, ...]
    region: str
    unknown: tuple[str, ...]

    @property
    def host(self) -> str:
        return HOSTS[self.service][self.region]


def read_pager(url: str) -> PagerAddress:
    """Return what an address says: `pagerduty://KEY` or `opsgenie://KEY/#team`, each with `?region=eu`.

    Of Apprise's form for PagerDuty, `pagerduty://KEY@TOKEN/source`, the integration key is what counts.
    """
    base, _, query = url.partition("?")
    scheme, _, rest = base.partition("://")
    first, *targets = (unquote(part) for part in rest.split("/"))
    given = {name.lower(): value for name, value in parse_qsl(query, keep_blank_values=True)}
    region = given.get("region", "us").lower()
    unknown = tuple(name for name in given if name not in PARAMETERS[scheme.lower()])
    return PagerAddress(scheme.lower(), first.partition("@")[0], tuple(filter(None, targets)), region, unknown)


def wrong_pager(url: str) -> tuple[str, str] | None:
    """Return what is wrong with the address of a pager, and the repair; None if nothing is."""
    service, is_whole, _ = url.partition("://")
    if not is_whole:  # the rest may be the key
        service = service.partition(":")[0].lower()
        return f"is no complete {service}:// address: the // is missing", f"write {service}://KEY"
    it = read_pager(url)
    known = ", ".join(PARAMETERS[it.service])
    if not it.key:
        return f"is no complete {it.service}:// address: the key is missing", f"write {it.service}://KEY"
    if not KEY.fullmatch(it.key):
        return f"holds a key that {it.service} cannot have made", f"copy the key again: {it.service}://KEY"
    if it.region not in HOSTS[it.service]:
        return f'has region = "{it.region[:40]}", which {it.service} does not have', "write region=us or region=eu"
    if it.unknown:
        return f'has the parameter "{it.unknown[0][:40]}", which means nothing here', f"only {known} are known"
    if it.service == "opsgenie" and (bad := next((one for one in it.targets if one[0] not in RESPONDERS), None)):
        return f'names "{bad[:40]}" without saying what it is', "write @user, #team, ^escalation or *schedule"
    return None
