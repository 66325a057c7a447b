"""A template of the user's own that is passed over, and why."""

from pathlib import Path

from msgspec import Struct


class UnusedTemplate(Struct, frozen=True):
    """One template of a folder; as a `str` it is a sentence without its full stop."""

    folder: Path
    name: str
    reason: str

    def __str__(self) -> str:
        return f"the template {self.name} of {self.folder} is not used: {self.reason}"
