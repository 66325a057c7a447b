"""What of an answer is measured."""

from enum import StrEnum

STREAMED = 200
"""Of a stream it is followed how long so many output tokens take, so that the least rise that a person notices (see
`latency`) is there, too: 1 ms a token."""


class Kind(StrEnum):
    """What is measured: the whole answer, the time until its first piece, or how long STREAMED tokens take after it."""

    TOTAL = "total"
    FIRST = "first"
    TOKEN = "token"
