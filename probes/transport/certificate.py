"""Which certificate authorities to trust, and a hook that notes when a TLS handshake begins and ends."""

import os
import ssl
import stat
from functools import lru_cache

from probes.transport.progress import UNDER_WAY


class Handshake(ssl.SSLObject):
    """Notes that the connection is up and the TLS handshake begins, and that it ended well."""

    _is_begun = False

    def do_handshake(self) -> None:
        if not self._is_begun:
            self._is_begun = True
            if progress := UNDER_WAY.get():
                progress.begin_handshake()
        super().do_handshake()  # raises as long as it waits for the other side
        if progress := UNDER_WAY.get():
            progress.end_handshake(self)


MOST_BYTES = 16 * 1024 * 1024
"""Most bytes of a CA file; a whole system's authorities take a quarter of a megabyte."""


def why_unreadable(seen: os.stat_result) -> str | None:
    """Return why a file must not be read, as reading may never end; None where it is safe."""
    if stat.S_ISDIR(seen.st_mode):
        return "is a folder"
    if not stat.S_ISREG(seen.st_mode):
        return "is a pipe or a device, and no file"
    return "is larger than any file of authorities" if seen.st_size > MOST_BYTES else None


class CaFileError(Exception):
    """The CA file cannot be used; the text says why."""


def make_ssl_context(ca_file: str | None) -> ssl.SSLContext:
    """Return a context that trusts only the file's authorities, or the system's (SSL_CERT_FILE, SSL_CERT_DIR).

    A changed file is read again. Raises CaFileError.
    """
    if ca_file is None:
        return _trusting(None, 0)
    try:
        seen = os.stat(ca_file)
        if why := why_unreadable(seen):
            raise CaFileError(why)
        return _trusting(ca_file, seen.st_mtime_ns)
    except ssl.SSLError:
        raise CaFileError("holds no certificate that can be read") from None
    except OSError as error:
        raise CaFileError(f"cannot be read ({error.strerror or error})") from None


@lru_cache(64)
def _trusting(ca_file: str | None, _: int) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    context.sslobject_class = Handshake
    return context
