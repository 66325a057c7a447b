"""What people write about an incident, besides their replies; pure."""

from collections.abc import Collection
from datetime import datetime
from hashlib import blake2s

from msgspec import Struct
from msgspec.structs import replace

from monitor.alert.reply import WrongArgument, misdated, use_one_of

LONGEST_TEXT = 2_000
"""Most characters of a note: it is read on a page and in a feed."""
LONGEST_NAME = 100
"""Most characters of a name; a longer one is cut."""
NONE_ON_RECORD = "there is none yet; `drill ACCOUNT` rehearses one"


class IncidentNote(Struct, frozen=True):
    """One note. `incident`: its id; `by`: who wrote it; `public`: its text is for the public site, too."""

    incident: str
    at: datetime
    by: str
    text: str
    public: bool = False

    @property
    def id(self) -> str:
        """An id that is the same for the same request, so that a repeated one does not count."""
        name = f"{self.incident}:{self.at.isoformat()}:{self.by}:{self.public}:{self.text}"
        return blake2s(name.encode(), digest_size=8).hexdigest()


def shorten_name(note: IncidentNote) -> IncidentNote:
    return replace(note, by=note.by[:LONGEST_NAME].strip())


def objection_to_note(note: IncidentNote, incidents: Collection[str], now: datetime) -> WrongArgument | None:
    """Return why a note cannot be meant; None if it can. `incidents`: the ids on record, open ones first.

    The command and the process that it talks to ask the same question here.
    """
    if note.incident not in incidents:
        return WrongArgument(
            f'"{note.incident}"', "is no incident", use_one_of(note.incident, incidents, NONE_ON_RECORD)
        )
    if not note.text:
        return WrongArgument("note", "is empty", 'write what others should know: "vendor ticket opened"')
    if len(note.text) > LONGEST_TEXT:
        what = f"has {len(note.text):,} characters, and {LONGEST_TEXT:,} is the most"
        return WrongArgument("note", what, "shorten it, or write several")
    return misdated(note.at, now)
