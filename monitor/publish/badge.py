"""Badges, one word about one component for other people's pages: SVG, and the JSON that shields.io reads; pure.

Source: https://shields.io/badges/endpoint-badge, read 2026-11-21.
"""

from msgspec import Struct

from monitor.publish.json_text import encode
from monitor.publish.status import Mark

COLOURS = {
    Mark.UP: "brightgreen",
    Mark.AT_RISK: "yellowgreen",
    Mark.SUSPECTED: "yellow",
    Mark.PARTLY: "orange",
    Mark.DOWN: "red",
    Mark.UNKNOWN: "lightgrey",
}
GROUNDS = {
    Mark.UP: "#17763f",
    Mark.AT_RISK: "#8f5200",
    Mark.SUSPECTED: "#8f5200",
    Mark.PARTLY: "#8f5200",
    Mark.DOWN: "#bd2229",
    Mark.UNKNOWN: "#545d69",
}
LONGEST = 40
"""Most characters of a badge's label."""
WIDTH = 7
"""Pixels per letter, roughly at most; the SVG squeezes or stretches each text to its place."""
CACHE_S = 60


class Badge(Struct, frozen=True):
    """What the template draws. `left` and `right`: widths in pixels of the label and the message."""

    label: str
    message: str
    ground: str
    left: int
    right: int

    @property
    def whole(self) -> int:
        return self.left + self.right

    @property
    def left_middle(self) -> int:
        return self.left // 2

    @property
    def right_middle(self) -> int:
        return self.left + self.right // 2


def draw_badge(label: str, mark: Mark, word: str) -> Badge:
    label = label if len(label) <= LONGEST else f"{label[: LONGEST - 1]}…"
    return Badge(label, word, GROUNDS[mark], WIDTH * len(label) + 10, WIDTH * len(word) + 10)


def endpoint_json(label: str, mark: Mark, word: str) -> bytes:
    """Return the JSON that https://img.shields.io/endpoint?url=... turns into a badge."""
    document = {
        "schemaVersion": 1,
        "label": label,
        "message": word,
        "color": COLOURS[mark],
        "isError": mark is Mark.DOWN,
        "cacheSeconds": CACHE_S,
    }
    return encode(document)
