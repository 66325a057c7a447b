"""A hint names the command as it was called, so that it can be typed as it stands."""

from pathlib import Path

import pytest

from monitor.console.invocation import called_as

HERE = Path("/home/jo/monitor")


@pytest.mark.parametrize(
    ("program", "found", "said"),
    [
        ("/usr/bin/provider-monitor", "/usr/bin/provider-monitor", "provider-monitor"),
        (".venv/bin/provider-monitor", None, ".venv/bin/provider-monitor"),
        ("/home/jo/monitor/.venv/bin/provider-monitor", None, ".venv/bin/provider-monitor"),
        (".venv/bin/provider-monitor", "/usr/bin/provider-monitor", ".venv/bin/provider-monitor"),
        ("/opt/provider-monitor/bin/provider-monitor", None, "/opt/provider-monitor/bin/provider-monitor"),
        ("/home/jo/monitor/monitor/__main__.py", None, "provider-monitor"),
    ],
)
def test_a_program_is_named_as_it_was_called(program, found, said):
    assert called_as(program, HERE, lambda _: found) == said
