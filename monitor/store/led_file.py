"""What a judge that leads keeps on its own disk, for when the shared store is away and it is started anew."""

import os
from pathlib import Path

from monitor.store.setting import StoreAddress


class LedFile:
    """The file beside the node's own database. Its content is the caller's."""

    def __init__(self, address: StoreAddress) -> None:
        self.path: Path = address.database.with_name("led.json")

    def read(self) -> bytes | None:
        """Return what was kept; None: nothing, or it cannot be read."""
        try:
            return self.path.read_bytes()
        except OSError:
            return None

    def keep(self, content: bytes | None) -> None:
        """Keep it, or with None forget what was kept. Raises OSError."""
        if content is None:
            self.path.unlink(missing_ok=True)
            return
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(file, "wb") as out:
                out.write(content)
            draft.rename(self.path)
        finally:
            draft.unlink(missing_ok=True)
