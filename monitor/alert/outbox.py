"""What waits to be sent: one row of the outbox, and the message that goes to one channel."""

from datetime import datetime

from msgspec import Struct

from monitor.alert.case import Step
from monitor.diagnose.incident import Change


class OutboxRow(Struct, frozen=True):
    """One row of the outbox. `change` is None for what is about no incident; `first`: nothing got through before.

    `change_id` is the change's id in its row, "" for none. `about_channel` is the channel that it is about, if any.
    """

    id: int
    step: Step
    number: int
    change: Change | None
    note: str
    tries: int
    first: bool
    change_id: str = ""
    about_channel: str = ""


class OutboxMessage(Struct, frozen=True):
    """What goes to one channel as one message: all that was decided at one instant. `tries` failed so far."""

    channel: str
    at: datetime
    items: tuple[OutboxRow, ...]

    @property
    def id(self) -> int:
        return self.items[0].id

    @property
    def tries(self) -> int:
        return max(item.tries for item in self.items)
