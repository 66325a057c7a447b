"""Where a configuration is looked for, and in which order."""

import os
from collections.abc import Mapping
from pathlib import Path

from monitor.config.document import FILE

LOCAL = "monitor.local.toml"
"""The user's own file beside a shipped monitor.toml, which an upgrade would overwrite; git ignores it."""
PROGRAM = "provider-monitor"


def user_file(environment: Mapping[str, str], platform: str) -> Path | None:
    """Return the configuration in the user's own folder, there or not; None for a user without a home.

    `platform` is that of `sys.platform`. Source: the XDG Base Directory Specification 0.8, which ignores relative
    paths; and Apple's File System Programming Guide.
    """
    named, home = environment.get("XDG_CONFIG_HOME", ""), environment.get("HOME", "")
    if os.path.isabs(named):
        return Path(named) / PROGRAM / FILE
    if not os.path.isabs(home):
        return None
    usual = ("Library", "Application Support") if platform == "darwin" else (".config",)
    return Path(home, *usual) / PROGRAM / FILE


def find_file(environment: Mapping[str, str], platform: str) -> Path:
    """Return the file to read: the first that is there, as seen from this folder; without any ./monitor.toml."""
    if os.path.lexists(LOCAL):  # not in a folder that is closed to us, where the error names the usual file
        return Path(LOCAL)
    if is_there(Path(FILE)):
        return Path(FILE)
    own = user_file(environment, platform)
    return own if own and os.path.lexists(own) else Path(FILE)  # a home that is closed to us has none


def is_there(path: Path) -> bool:
    """Whether a file may exist, also in a folder closed to us, for which `Path.exists` raises or says no."""
    try:
        path.stat()
    except FileNotFoundError:
        return os.path.islink(path)  # whoever made a link that leads nowhere expects it to be read
    except OSError:
        return True
    return True
