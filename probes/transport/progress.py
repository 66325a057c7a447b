"""How far along its road a request has come: what it meets on the way notes it here."""

from contextvars import ContextVar

from msgspec import Struct

from probes.model import Phase
from probes.proxy import Proxy


class Progress(Struct):
    """`phase` is what goes on now; `proxy` is what it goes through, None where it goes straight out.

    `reused`: by a connection that was open before, so that neither name nor TLS was asked for.
    """

    proxy: Proxy | None = None
    phase: Phase | None = None
    reused: bool = False
    is_proxy_secured: bool = False

    def begin(self) -> None:
        """Note that a connection is asked for."""
        self.phase, self.reused = Phase.PROXY if self.proxy else Phase.NAME, True

    def open_socket(self) -> None:
        """Note that the address is known, and a new connection is made to it."""
        self.phase, self.reused = Phase.PROXY if self.proxy else Phase.CONNECT, False

    def begin_handshake(self) -> None:
        if self.proxy and self.proxy.scheme == "https" and not self.is_proxy_secured:
            self.is_proxy_secured = True  # the first handshake is the proxy's own
            return
        self.phase = Phase.TLS

    def send(self) -> None:
        """Note that the connection stands; what we ask is a few hundred bytes, which are sent at once."""
        self.phase = Phase.FIRST_BYTE


UNDER_WAY: ContextVar[Progress | None] = ContextVar("UNDER_WAY", default=None)
"""The request that this task makes; what is below aiohttp finds it in no other way."""
