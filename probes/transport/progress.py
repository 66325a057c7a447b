"""How far a request has come; the layers it passes note it here."""

from contextvars import ContextVar
from ssl import SSLObject

from msgspec import Struct

from probes.model import Phase
from probes.proxy import Proxy


class Progress(Struct):
    """`phase` is the current stage; `proxy` is the proxy in use, None for a direct connection.

    `reused`: over a connection that was already open, so without resolving or TLS.
    """

    proxy: Proxy | None = None
    phase: Phase | None = None
    reused: bool = False
    is_proxy_secured: bool = False

    def begin(self) -> None:
        """Note that a connection is requested."""
        self.phase, self.reused = Phase.PROXY if self.proxy else Phase.NAME, True

    def open_socket(self) -> None:
        """Note that the name is resolved and a new connection is being made."""
        self.phase, self.reused = Phase.PROXY if self.proxy else Phase.CONNECT, False

    def begin_handshake(self) -> None:
        if self.proxy and self.proxy.scheme == "https" and not self.is_proxy_secured:
            self.is_proxy_secured = True  # the first handshake is with the proxy
            return
        self.phase = Phase.TLS

    def end_handshake(self, peer: SSLObject) -> None:
        """Note whom a secure connection was agreed with; the host is the last of them."""

    def send(self) -> None:
        """Note that the connection is up; our few hundred bytes are sent at once."""
        self.phase = Phase.FIRST_BYTE


UNDER_WAY: ContextVar[Progress | None] = ContextVar("UNDER_WAY", default=None)
"""The request that this task makes; the layers below aiohttp have no other way to find it."""
