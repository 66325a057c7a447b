"""The key that signs links, in a file beside the database."""

import base64
import os
import secrets
from contextlib import suppress
from pathlib import Path

from monitor.store.standby_path import beside

LENGTH = 32
"""Bytes of the key."""


def link_key(database: Path) -> bytes:
    """Return the key, which is made when first needed. Raises OSError if it cannot be kept."""
    return _kept_key(_key_file(database)) or keep_key(database, secrets.token_bytes(LENGTH))


def keep_key(database: Path, key: bytes) -> bytes:
    """Keep this key, and return it as it was kept. Raises OSError."""
    path = _key_file(database)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "wb") as out:
            out.write(key)
        draft.rename(path)  # atomic, so that the key is whole: with a guessable one anybody could sign
    finally:
        draft.unlink(missing_ok=True)
    return path.read_bytes()


def link_secrets(database: Path) -> list[str]:
    """Return the key in the forms in which a text could leak it; empty if there is none yet."""
    with suppress(OSError):
        if key := _kept_key(_key_file(database)):
            return [key.hex(), base64.b64encode(key).decode()]
    return []


def _key_file(database: Path) -> Path:
    """Return the key's file; the one beside a link to the database if an earlier version kept it there."""
    there, before = beside(database, ".key"), database.with_name(f"{database.name}.key")
    return before if before.exists() and not there.exists() else there


def _kept_key(path: Path) -> bytes | None:
    """Return the stored key; None if there is none, or a full disk cut it short, as anybody could guess it.

    A pipe in its place is none, and would hold up whoever reads it.
    """
    if path.exists() and not path.is_file():
        return None
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return None
    return key if len(key) == LENGTH else None
