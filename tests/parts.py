"""Calls a stage with the parts of a state that its signature names."""

import inspect
from functools import cache

from monitor.state.monitor_state import MonitorState


def run_stage(stage, state, *rest):
    return stage(*(getattr(state, name) for name in parts_of(stage)), *rest)


def spare_the_disk(state):
    """Let SQLite wait for no disk: a played world commits at each of its thousands of minutes, and loses no power."""
    state.services.storage.failover.connection.execute("PRAGMA synchronous = OFF")
    return state


@cache
def parts_of(stage):
    """Read once: a played world runs the same few stages at each of its minutes."""
    return [name for name in inspect.signature(stage).parameters if name in MonitorState.__struct_fields__]
