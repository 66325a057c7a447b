"""What people were told, what they answered, and what every channel has heard."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct, field

from monitor.alert import case
from monitor.alert.case import Cases, Message, with_messages
from monitor.alert.reply import Reply
from monitor.alert.storage_notice import Heard
from monitor.store.writer import Key

REMEMBERED = 10_000
"""So many of the latest messages are known to be sent whatever became of the note of it; the others are by the note."""


class Told(Struct, kw_only=True):
    """What was told to whom, and what was answered.

    No digest is owed that was due before `digest_from`. `digests` is when each channel had its last one. `heard` is
    what each channel was told of the database, `sent` are the messages that this process knows to be sent, the oldest
    first. `tells_unremembered`: what can be remembered nowhere is told even so; of single rounds by one an hour, else
    each would tell it.
    """

    digest_from: datetime
    cases: Cases = field(default_factory=dict)
    replies: list[Reply] = field(default_factory=list)
    digests: dict[str, datetime] = field(default_factory=dict)
    heard: dict[str, Heard] = field(default_factory=dict)
    sent: dict[Key, None] = field(default_factory=dict)
    tells_unremembered: bool = True

    def note(self, messages: Sequence[Message], at: datetime) -> None:
        """Remember that these messages, decided at `at`, are on their way."""
        self.cases = with_messages(self.cases, [(message, at) for message in messages])

    def note_sent(self, keys: Sequence[Key]) -> None:
        self.sent |= dict.fromkeys(keys)
        while len(self.sent) > REMEMBERED:
            del self.sent[next(iter(self.sent))]

    def redate(self, by: timedelta) -> None:
        """Date what goes on by a clock that was set by so much."""
        self.cases = case.redated(self.cases, by)
