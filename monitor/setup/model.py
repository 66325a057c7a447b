"""Which model of a list the paid canary asks: the one whose name says that it is small."""

import re
from collections.abc import Iterable

SMALL = (
    r"nano",
    r"flash-?lite",
    r"(?<![\w.])(?:0\.\d|[1-4])b(?!\w)",
    r"mini(?!max)",
    r"flash",
    r"haiku",
    r"(?<![\w.])[5-9]b(?!\w)",
    r"lite|small|tiny|instant|turbo|air",
)
"""Parts of names, the smallest first."""
NO_CHAT = re.compile(
    r"embed|rerank|image|dall|whisper|tts|audio|speech|realtime|transcri|moderation|guard|vision-only|sora|video|ocr|bge",
    re.IGNORECASE,
)


def small_model(offer: Iterable[str]) -> str | None:
    """Return a model to chat with; None where none is on offer."""
    able = [name for name in offer if not NO_CHAT.search(name)]
    ranked = (name for part in SMALL for name in able if re.search(part, name, re.IGNORECASE))
    return next(ranked, next(iter(able), None))
