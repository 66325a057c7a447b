"""The maintenances that providers announce, as a calendar; pure. Source: RFC 5545."""

from datetime import UTC, datetime

from monitor.publish.summary import AnnouncedMaintenance, SiteSummary
from probes.redact import CONTROLS

FOLD = 73
"""Octets per line: at most 75 with the space that starts a continuation; characters are never split."""

NOTHING = (
    *("BEGIN:VTIMEZONE", "TZID:UTC", "BEGIN:STANDARD", "DTSTART:19700101T000000"),
    *("TZOFFSETFROM:+0000", "TZOFFSETTO:+0000", "TZNAME:UTC", "END:STANDARD", "END:VTIMEZONE"),
)
"""What a calendar without an event holds: RFC 5545, 3.6 demands a component, and no reader shows a time zone."""


def render_calendar(board: SiteSummary) -> bytes:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//provider-monitor//EN", f"X-WR-CALNAME:{_text(board.title)}"]
    for work in board.works:
        lines += _event(work)
    lines += () if board.works else NOTHING
    return "".join(_fold(line) for line in [*lines, "END:VCALENDAR"]).encode(errors="replace")


def _event(work: AnnouncedMaintenance) -> list[str]:
    """Return one event, stamped with its own start so that an unchanged calendar stays the same."""
    lines = [
        "BEGIN:VEVENT",
        f"UID:{_text(work.id)}@provider-monitor",
        f"DTSTAMP:{_time(work.begins_at)}",
        f"DTSTART:{_time(work.begins_at)}",
        *([f"DTEND:{_time(work.ends_at)}"] if work.ends_at > work.begins_at else []),  # it must be later: 3.8.2.2
        f"SUMMARY:{_text(work.name)}",
        "TRANSP:TRANSPARENT",
    ]
    lines += [f"DESCRIPTION:{_text(work.text)}"] if work.text else []
    lines += [f"URL:{_line(work.url)}"] if work.url else []
    return [*lines, "END:VEVENT"]


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(text: str) -> str:
    plain = CONTROLS.sub("", text).replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return plain.replace("\n", "\\n")


def _line(text: str) -> str:
    return "".join(CONTROLS.sub("", text).split())


def _fold(line: str) -> str:
    pieces, size = [""], 0
    for character in line:
        length = len(character.encode(errors="replace"))
        if size + length > FOLD:
            pieces.append(" ")
            size = 0
        pieces[-1] += character
        size += length
    return "\r\n".join(pieces) + "\r\n"
