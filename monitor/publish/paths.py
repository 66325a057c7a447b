"""The relative path of every page, on both sites; pure. A path never changes."""

import re
from datetime import UTC, datetime
from hashlib import blake2s

from probes.target_id import levels_of

LONGEST = 40
"""Most readable characters of a name in a path; a hash distinguishes names that are cut or changed."""

METRICS = "metrics.prom"
OPEN_METRICS = "metrics.om"
"""The same metrics in the form of OpenMetrics, for those who ask `/metrics` for it."""

PLAIN = re.compile("(?:[a-z0-9]+(?:-[a-z0-9]+)*)?")


def account_page(account: str) -> str:
    return f"accounts/{_path(account)}.html"


def provider_page(provider: str) -> str:
    return f"providers/{slug(provider)}.html"


def incident_page(incident: str) -> str:
    return f"incidents/{incident}.html"


def month_page(at: datetime) -> str:
    return f"history/{at.astimezone(UTC):%Y-%m}.html"


def badge_path(of: str) -> str:
    """Return the path of a badge without its suffix; `of`: the id of an account or a provider."""
    return f"badges/{_path(of)}"


def slug(name: str) -> str:
    """Return a name as a part of a path: two names never share one."""
    if len(name) <= LONGEST and PLAIN.fullmatch(name):
        return name
    plain = re.sub("[^a-z0-9]+", "-", name.lower())[:LONGEST].strip("-")
    return f"{plain}-{blake2s(name.encode(errors='replace'), digest_size=4).hexdigest()}".strip("-")


def _path(id: str) -> str:
    return "/".join(map(slug, levels_of(id)))
