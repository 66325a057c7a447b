import base64
import gc
import logging
import os
import subprocess
import sys
import threading
import warnings

import pytest

from monitor.log import RedactingFormatter

KEY = "sk-proj-0123456789abcdefABCDEF"


def line(message, *values, error=None):
    record = logging.LogRecord("monitor", logging.ERROR, "x", 1, message, values, error)
    return RedactingFormatter([KEY]).format(record)


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


def test_a_key_that_is_written_over_two_lines_or_encoded_never_reaches_a_line_either():
    written = base64.b64encode(f"user:{KEY}".encode()).decode()
    shown = line("%s, %s", f"{KEY[:12]}\n{KEY[12:]}", written)

    assert KEY[13:] not in shown
    assert written[8:30] not in shown


class Freed:
    def __del__(self):
        raise ValueError(KEY)


def end_in_a_thread():
    thread = threading.Thread(target=lambda: int(KEY))
    thread.start()
    thread.join()


def end_while_freed():
    Freed()
    gc.collect()


def end_unheard():
    try:
        raise ValueError(KEY)
    except ValueError:
        sys.excepthook(*sys.exc_info())


OUTLETS = {
    "thread": end_in_a_thread,
    "freed": end_while_freed,
    "uncaught": end_unheard,
    "warning": lambda: warnings.warn(f"odd: {KEY}", stacklevel=1),
    "other-package": lambda: logging.getLogger("aiohttp.client").error(
        "Illegal header value %r", f"Bearer {KEY}".encode()
    ),
}


@pytest.mark.parametrize("outlet", OUTLETS)
def test_what_the_interpreter_prints_by_itself_holds_no_key(outlet):
    script = (
        "import logging, tests.test_log as here, monitor.log; monitor.log.start_log(logging.INFO, [here.KEY]); "
        f"here.OUTLETS[{outlet!r}]()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=dict(os.environ), capture_output=True, text=True, check=True
    )

    assert "[redacted]" in done.stderr
    assert KEY[5:] not in done.stderr
