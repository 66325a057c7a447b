"""Calls a stage with the parts of a state that its signature names."""

import inspect

from monitor.state.monitor_state import MonitorState


def run_stage(stage, state, *rest):
    parts = [name for name in inspect.signature(stage).parameters if name in MonitorState.__struct_fields__]
    return stage(*(getattr(state, name) for name in parts), *rest)
