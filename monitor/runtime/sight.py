"""Whether a judge can see: whoever led last tells, without the shared store, that it cannot, and that it can again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from math import inf

from msgspec.structs import replace

from monitor.alert.blindness import (
    KEPT,
    LastLead,
    compose_blindness,
    compose_sight,
    is_to_be_told,
    read_lead,
    write_lead,
)
from monitor.alert.channel import Channel
from monitor.alert.deliver import Print, send
from monitor.alert.text import MessageStyle, MessageTemplates, MessageText
from monitor.config.config import Config
from monitor.diagnose.incident import Incident, Severity
from monitor.stages.deliver import message_style
from monitor.state.services import Edge
from monitor.store.led_file import LedFile

log = logging.getLogger("monitor")

LOOK_S = 1.0
"""Seconds between two looks."""
KEEP_S = 60.0
"""Seconds between two times that what is known is kept, as long as nothing changes."""
STEADY_S = 10.0
"""Seconds for which a node sees before it counts: a server that begins anew may be away again at once."""
RETRY_S = 30.0
"""Seconds until a channel that failed is tried again."""

Send = Callable[[Channel, MessageText, Severity | None, Print], Awaitable[str | None]]


class Sight:
    """One node's sight of the shared store. `sees`: asked each second; set by the node once it takes part."""

    def __init__(self, name: str, config: Callable[[], Config], file: LedFile, edge: Edge, send: Send = send) -> None:
        self._name, self._config, self._file, self._edge, self._send = name, config, file, edge, send
        self.sees: Callable[[], bool] = lambda: False
        self._open: Callable[[], Iterable[Incident]] | None = None
        self._last, self._kept_s = read_lead(file.read()), edge.timer()
        self._seen_s = self._unseen_s = edge.timer()
        self._tried_s: dict[str, float] = {}

    @contextmanager
    def leading(self, incidents: Callable[[], Iterable[Incident]]) -> Iterator[None]:
        """Keep in mind what is open while this node leads."""
        self._open = incidents
        try:
            yield
        finally:
            self._open = None

    async def watch(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:  # a bug of ours must not end the watch
                log.exception("whether the shared store can be seen cannot be told")
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Note what is known; tell what is to be told."""
        now_s = self._edge.timer()
        if self.sees():
            self._unseen_s = now_s
            if now_s - self._seen_s >= STEADY_S:
                await self._see()
            return
        self._seen_s = now_s
        away, last = timedelta(seconds=now_s - self._unseen_s), self._last
        if last and is_to_be_told(last, away, self._edge.clock()):
            await self._tell_blind(last)

    async def _see(self) -> None:
        if self._last and self._last.told:
            await self._tell_sight(self._last)
        if self._open:
            self._note(tuple(self._open())[:KEPT])
        elif self._last:
            self._keep(None)  # another node leads

    def _note(self, incidents: tuple[Incident, ...]) -> None:
        before, now_s = self._last, self._edge.timer()
        is_news = before is None or [one.id for one in before.open] != [one.id for one in incidents]
        self._last = LastLead(self._edge.clock(), incidents)
        if is_news or now_s - self._kept_s >= KEEP_S:
            self._keep(self._last)

    async def _tell_blind(self, last: LastLead) -> None:
        """Tell the channels that do not know yet; what fails is tried again."""
        for channel in self._config().channels:
            if channel.name not in last.told and self._may_try(channel.name):
                text = compose_blindness(last, self._name, self._style(channel))
                if await self._tell(channel, text, Severity.CRITICAL):
                    last = replace(last, told=(*last.told, channel.name))
                    self._keep(last)

    def _may_try(self, channel: str) -> bool:
        now_s = self._edge.timer()
        if now_s - self._tried_s.get(channel, -inf) < RETRY_S:
            return False
        self._tried_s[channel] = now_s
        return True

    async def _tell_sight(self, last: LastLead) -> None:
        """Tell those who were told that it is blind; the last try counts."""
        told = [one for one in self._config().channels if one.name in last.told]
        for channel in told:
            await self._tell(channel, compose_sight(last, self._name, self._style(channel), self._edge.clock()), None)
        self._tried_s.clear()
        self._keep(replace(last, told=()))

    async def _tell(self, channel: Channel, text: MessageText, severity: Severity | None) -> bool:
        error = await self._send(channel, text, severity, self._edge.show)
        if error:
            log.warning("channel %s: not delivered (%s)", channel.name, error)
        return error is None

    def _style(self, channel: Channel) -> MessageStyle:
        config = self._config()
        return message_style(channel, MessageTemplates(config.templates), config)

    def _keep(self, last: LastLead | None) -> None:
        self._last, self._kept_s = last, self._edge.timer()
        try:
            self._file.keep(write_lead(last) if last else None)
        except OSError as error:
            log.warning("%s cannot be written: %s", self._file.path, error.strerror)
