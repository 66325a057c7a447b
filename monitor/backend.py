"""What is behind the address of a store: a file here, or a PostgreSQL that several nodes share."""

import os
from socket import gethostname
from typing import TYPE_CHECKING

from monitor.storage_refusal import StoreError
from monitor.store.setting import USUAL_LIMITS, StoreAddress, WriterLimits
from monitor.store.store import Store

# Loaded only where a store is shared: the extra may not be installed.
if TYPE_CHECKING:
    from monitor.store.postgres.election import Election
    from monitor.store.postgres.link import SharedLink
    from monitor.store.postgres.store import PostgresStore
    from probes.model import Clock


async def open_election(address: StoreAddress, node: str) -> "Election":
    """Let this node stand by to lead on a shared store. Raises StoreError where nobody could lead."""
    from monitor.store.postgres.election import Election
    from monitor.store.postgres.term import ClusterNode

    election = Election(address, ClusterNode(address.cluster, node, gethostname(), os.getpid()))
    await election.open()
    return election


def shared_store(address: StoreAddress) -> "PostgresStore":
    """Return the store that several nodes share. Raises StoreError if there is none, or what it takes is missing."""
    try:
        from monitor.store.postgres.store import PostgresStore
    except ImportError as error:
        repair = "install provider-monitor[postgres]"
        raise StoreError(f"[store] url: needs psycopg, which cannot be loaded ({error}); {repair}") from None
    if not address.url:
        raise StoreError("[store] url: names no shared store; write env:DATABASE_URL there")
    return PostgresStore(address)


def open_link(address: StoreAddress, clock: "Clock") -> "SharedLink":
    """Return the way between places and judges. Nothing is opened before it is used."""
    from monitor.store.postgres.link import SharedLink

    return SharedLink(address.url, clock)


def open_store(address: StoreAddress, limits: WriterLimits = USUAL_LIMITS) -> Store:
    """Return the store at an address. Raises StoreError if what it takes is not installed."""
    if not address.url:
        return Store(address, limits)
    return shared_store(address)
