"""What runs a resident monitor."""

import asyncio
import gc
import sys

import pytest

from monitor.daemon import runner


@pytest.fixture(autouse=True)
def usual_garbage():
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


async def _loop():
    return type(asyncio.get_running_loop()).__module__


def test_without_the_extra_it_runs_on_asyncio(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)

    with runner() as loop:
        assert loop.run(_loop()).startswith("asyncio")


def test_with_the_extra_it_runs_on_uvloop():
    pytest.importorskip("uvloop")

    with runner() as loop:
        assert loop.run(_loop()).startswith("uvloop")


def test_garbage_is_looked_for_seldom():
    before = gc.get_threshold()[0]

    with runner():
        assert gc.get_threshold()[0] > before
        assert gc.get_freeze_count() > 0
