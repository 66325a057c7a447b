"""What is shipped for other programs to take over, with those programs themselves."""

import asyncio
import importlib.util
import json
import os
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from aiohttp import ETag, web

from probes.simulator import Trouble
from tests.backstage import KEYS, backstage, call

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it fetches one from the network when it is imported
pytestmark = pytest.mark.filterwarnings("ignore:Items? .* on TypedDict class:UserWarning")  # LiteLLM's own
FILE = Path(__file__).parents[1] / "examples" / "litellm_router.py"
NOW = datetime.now(UTC)
DAY_S = 86_400
MAIN, BACKUP, LAST = "openai/main", "openai/backup", "anthropic/team"


@cache
def litellm():
    """Loaded by who runs these tests, and not by all who collect them: that takes seconds."""
    return pytest.importorskip("litellm", reason="the development extra is not installed in full")


def example():
    spec = importlib.util.spec_from_file_location("litellm_router", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def stage():
    with backstage() as made:
        yield made


@pytest.fixture(autouse=True)
def alone():
    theirs = litellm()
    yield
    theirs.callbacks = []


def router(stage, usable):
    base = stage.simulator.base("openai")
    litellm().callbacks = [example().UsableAccounts(usable)]
    return litellm().Router(
        [
            {
                "model_name": "fast",
                "litellm_params": {"model": "openai/gpt-5-nano", "api_key": KEYS[id], "api_base": base},
                "model_info": {"account": id},
            }
            for id in (MAIN, BACKUP)
        ],
        num_retries=0,
    )


def complete(stage, router, times=10):
    """Ask so often; return how many requests came with the key of each account meanwhile."""

    async def ask():
        for _ in range(times):
            await router.acompletion(model="fast", messages=[{"role": "user", "content": "Hello."}])

    before = dict(stage.simulator.counts)
    asyncio.run(ask())
    return {id: stage.simulator.counts[key] - before.get(key, 0) for id, key in KEYS.items() if id != LAST}


@pytest.mark.slow
def test_a_router_goes_over_to_another_account_and_sends_the_suspended_key_nothing_more(tmp_path, stage):
    stage.write_config(tmp_path, every_s=60)
    call("once", folder=tmp_path)
    it = router(stage, tmp_path / "site" / "usable.json")
    both = complete(stage, it, 40)
    assert min(both.values()) > 0

    stage.set(MAIN, Trouble.ACCOUNT_SUSPENDED)
    (tmp_path / "state" / "monitor.db").unlink()  # so that all is due at once
    call("once", folder=tmp_path)
    assert complete(stage, it) == {MAIN: 0, BACKUP: 10}


def test_a_router_without_a_usable_account_sends_nothing(tmp_path, stage):
    file = tmp_path / "usable.json"
    file.write_text(
        json.dumps({"valid_until": NOW.isoformat(), "accounts": {MAIN: words(False), BACKUP: words(False)}})
    )
    with pytest.raises(Exception, match="No deployments available"):
        complete(stage, router(stage, file), 1)
    assert not stage.simulator.counts


def words(usable, valid_s=DAY_S, **more):
    until = (NOW + timedelta(seconds=valid_s)).isoformat()
    told = {"usable": usable, "valid_until": until, "suspected": False, "caution": None, "withheld": False}
    return told | more


def left(folder, fresh_s=DAY_S, **accounts):
    """Return whom the callback leaves of MAIN, BACKUP and one that the file does not name."""
    document = {"valid_until": (NOW + timedelta(seconds=fresh_s)).isoformat()}
    named = {f"openai/{name}": one for name, one in accounts.items()}
    (folder / "usable.json").write_text(json.dumps(document | {"accounts": named}))
    return ask(example().UsableAccounts(folder / "usable.json"))


def ask(callback, ids=(MAIN, BACKUP, "openai/other")):
    deployments = [{"model_info": {"account": id}} for id in ids]
    found = asyncio.run(callback.async_filter_deployments("fast", deployments, None))
    return [one["model_info"]["account"] for one in found]


@pytest.mark.parametrize(
    ("accounts", "fresh_s", "found"),
    [
        ({"main": words(True), "backup": words(None)}, DAY_S, [MAIN]),
        ({"main": words(False), "backup": words(None)}, DAY_S, [BACKUP, "openai/other"]),
        ({"main": words(True, suspected=True), "backup": words(True)}, DAY_S, [BACKUP]),
        ({"main": words(True, caution="x"), "backup": words(None)}, DAY_S, [MAIN]),
        ({"main": words(True, withheld=True), "backup": words(None, withheld=True)}, DAY_S, ["openai/other"]),
        # What has expired is not known; what was not usable stays so.
        ({"main": words(True, -1), "backup": words(False, -1)}, DAY_S, [MAIN, "openai/other"]),
        ({"main": words(True), "backup": words(False)}, -1, [MAIN, "openai/other"]),
    ],
)
def test_what_is_usable_comes_first_then_what_is_not_known_and_what_is_not_never(tmp_path, accounts, fresh_s, found):
    assert left(tmp_path, fresh_s, **accounts) == found


def test_a_file_that_cannot_be_read_leaves_all_as_it_was(tmp_path):
    file = tmp_path / "usable.json"
    callback = example().UsableAccounts(file)
    assert ask(callback) == [MAIN, BACKUP, "openai/other"]  # there was none yet

    document = {"valid_until": NOW.isoformat(), "accounts": {MAIN: words(False)}}
    foreign = ({MAIN: 5}, {MAIN: None}, {MAIN: {"usable": True}}, {MAIN: words(True) | {"valid_until": "tomorrow"}})
    strange = [json.dumps(document | {"accounts": accounts}) for accounts in foreign]
    for broken in ("{", "[]", "{}", None, *strange):
        file.write_text(json.dumps(document))
        assert ask(callback) == [BACKUP, "openai/other"]
        file.write_text(broken) if broken else file.unlink()
        assert ask(callback) == [BACKUP, "openai/other"]


@asynccontextmanager
async def served(document, asked):
    async def answer(request):
        asked.append(request.headers.get("If-None-Match"))
        reply = web.json_response(document)
        reply.etag = ETag("one")
        return web.Response(status=304) if asked[-1] else reply

    app = web.Application()
    app.router.add_get("/usable.json", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/usable.json"
    finally:
        await runner.cleanup()


def test_an_address_is_asked_for_what_is_new_only_and_not_for_each_request():
    async def play():
        asked, module = [], example()
        deployments = [{"model_info": {"account": id}} for id in (MAIN, BACKUP)]
        async with served({"valid_until": NOW.isoformat(), "accounts": {MAIN: words(False)}}, asked) as url:
            callback = module.UsableAccounts(url)
            for pause in (None, None, 0, 0):
                module.READ_EVERY_S = module.READ_EVERY_S if pause is None else pause
                found = await callback.async_filter_deployments("fast", deployments, None)
                assert [one["model_info"]["account"] for one in found] == [BACKUP]
        return asked

    assert asyncio.run(play()) == [None, '"one"', '"one"']
