"""What was sent to people, what they replied, and what each channel knows."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct, field

from monitor.alert import case
from monitor.alert.case import Cases, Message, with_messages
from monitor.alert.reply import Reply
from monitor.alert.storage_notice import LastNotice
from monitor.store.writer import OutboxKey

MOST_SENT = 10_000
"""Most messages remembered in memory as sent, in case their record was lost; older ones rely on the record."""


class AlertState(Struct, kw_only=True):
    """What was sent to whom, and the replies.

    `digest_from`: no digest due before it is owed. `digests`: when each channel got its last one. `heard`: what each
    channel was told about the database. `sent`: messages this process has sent, oldest first. `tells_unremembered`:
    send even what cannot be recorded anywhere; among single rounds only one an hour does, or each would send it.
    """

    digest_from: datetime
    cases: Cases = field(default_factory=dict)
    replies: list[Reply] = field(default_factory=list)
    digests: dict[str, datetime] = field(default_factory=dict)
    heard: dict[str, LastNotice] = field(default_factory=dict)
    sent: dict[OutboxKey, None] = field(default_factory=dict)
    tells_unremembered: bool = True

    def note(self, messages: Sequence[Message], at: datetime) -> None:
        """Record these messages, decided at `at`, as on their way."""
        self.cases = with_messages(self.cases, [(message, at) for message in messages])

    def note_sent(self, keys: Sequence[OutboxKey]) -> None:
        self.sent |= dict.fromkeys(keys)
        while len(self.sent) > MOST_SENT:
            del self.sent[next(iter(self.sent))]

    def redate(self, by: timedelta) -> None:
        """Shift the dates of everything in progress by `by`, as far as the clock was set."""
        self.cases = case.shift_cases(self.cases, by)
