"""What is open in a database that was written for another location: it ends, and people are told."""

import logging

from msgspec.structs import replace

from monitor.diagnose.incident import Change, ChangeKind
from monitor.state.alert_state import AlertState
from monitor.state.services import Services
from monitor.state.stage_signal import SaveChange
from monitor.storage_refusal import StoreError
from monitor.store.former_location import FormerLocation
from monitor.store.reader import Reader
from monitor.store.store import Store
from monitor.store.writer import Writer
from monitor.words import count

log = logging.getLogger("monitor")


async def end_former_locations(services: Services, told: AlertState, tell: SaveChange) -> None:
    """End what is open at locations for which this database was written before, and warn; call it at the start.

    Nobody watches for them any more: `location` was changed, or the database was restored from elsewhere.
    """
    storage = services.storage
    try:
        for one in await storage.ask(Reader.former_locations, services.edge.clock()):
            services.own.warn(f"location {one.name}", _words(storage.store, one), logging.WARNING)
            await _end(services, told, tell, one)
    except StoreError as error:
        log.error("what %s holds of other locations cannot be ended: %s", storage.store.name, error)


async def _end(services: Services, told: AlertState, tell: SaveChange, former: FormerLocation) -> None:
    now = services.edge.clock()
    told.cases = {**told.cases, **former.cases}
    changes = [Change(replace(one, closed_at=now), ChangeKind.WITHDRAWN, now) for one in former.incidents]
    for one in changes:
        await tell(one)
    await services.storage.write(Writer.end_elsewhere, former.name, changes)


def _words(store: Store, former: FormerLocation) -> str:
    left = f"{count(len(former.incidents), 'incident')} and {count(former.silences, 'silence')}"
    ends = f"what was open there ends as no longer watched ({left})"
    return f'{store.name} was written for the location "{former.name}", and is used for "{store.location}" now: {ends}'
