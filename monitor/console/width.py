"""How wide the output may be. `--help` loads this, so it imports nothing of ours."""

import os
import sys
from contextlib import suppress


def width() -> int | None:
    """Return the columns of stdout, COLUMNS first as everywhere; None if nothing limits them, as in a pipe."""
    with suppress(ValueError):
        if (columns := int(os.environ.get("COLUMNS", ""))) > 0:
            return columns
    with suppress(ValueError, OSError):
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    return None
