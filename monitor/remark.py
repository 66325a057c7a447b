"""What a round said of ours that does not work: kept beside the database, so that the next need not say it again."""

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec


def digest(words: str) -> str:
    """Return what stands for words: the file need not hold them."""
    return hashlib.sha256(words.encode()).hexdigest()


def recall(database: Path) -> dict[str, str]:
    """Return the digest of what the round before said, by what it is about; of an unreadable file nothing."""
    with suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode(_file(database).read_bytes(), type=dict[str, str])
    return {}


def keep(database: Path, warnings: Mapping[str, str]) -> None:
    """Note what this round said. Where that cannot be written the next one says it again."""
    with suppress(OSError):
        if not warnings:
            _file(database).unlink(missing_ok=True)
            return
        file = os.open(_file(database), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, msgspec.json.encode({about: digest(words) for about, words in warnings.items()}))
        finally:
            os.close(file)


def _file(database: Path) -> Path:
    return database.with_name(f"{database.name}.remarks")
