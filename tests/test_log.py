import logging
import sys

from monitor.log import Discreet

KEY = "sk-proj-0123456789abcdefABCDEF"


def line(message, *values, error=None):
    record = logging.LogRecord("monitor", logging.ERROR, "x", 1, message, values, error)
    return Discreet([KEY]).format(record)


def test_a_line_says_when_and_how_grave():
    assert line("opened: %s", "openai/main").endswith("ERROR opened: openai/main")


def test_a_key_never_reaches_a_line():
    assert KEY not in line("asked with %s", KEY)


def test_a_key_never_reaches_a_traceback():
    try:
        raise ValueError(f"Illegal header value b'Bearer {KEY}'")
    except ValueError:
        text = line("failed", error=sys.exc_info())

    assert "Traceback" in text
    assert "0123456789abcdef" not in text


def test_a_message_cannot_forge_a_second_line():
    assert "\x1b" not in line("seen: %s", "\x1b[2Jok")
