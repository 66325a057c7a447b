"""Which parts of an answer are measured."""

from enum import StrEnum

STREAMED = 200
"""Output tokens timed in a stream: with as many, the least rise that people notice (see `latency`) is 1 ms a token."""


class Measure(StrEnum):
    """What is measured: the whole answer, the time to its first chunk, or the time of STREAMED tokens after that."""

    TOTAL = "total"
    FIRST = "first"
    TOKEN = "token"
