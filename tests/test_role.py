"""What each node does of a configuration that several have in common."""

import pytest

from monitor.config.load import load_config
from monitor.config.role import SHARED, judging_part, probing_part
from monitor.schedule import first_at
from probes.document import DocumentError
from probes.target_id import account_of, canary_of, location_of, look_of, part_of, provider_of, target_id
from tests.conftest import NOON

TEXT = """
location = "sin"
[store]
url = "env:DATABASE"
[[locations]]
name = "fra"
[[locations]]
name = "sin"
[[locations]]
name = "iad"
without = ["openai/bound"]
[budget]
daily_usd = 3.0
daily_tokens = 900
[[accounts]]
name = "main"
provider = "openai"
key = "env:ONE"
interval_s = { chat = 300, list = 60 }
[[accounts]]
name = "bound"
provider = "openai"
key = "env:TWO"
[[channels]]
name = "hook"
url = "json://host.example/"
[heartbeat]
url = "https://hc-ping.com/x"
"""
KNOWN = {
    "ONE": "sk-sim-one-0123456789abcdef",
    "TWO": "sk-sim-two-0123456789abcdef",
    "DATABASE": "postgresql://u:p@db.example/monitor",
}


def load(folder, text=TEXT, known=KNOWN):
    (folder / "monitor.toml").write_text(text)
    return load_config(folder / "monitor.toml", known)


def problems(folder, text):
    with pytest.raises(DocumentError) as error:
        load(folder, text)
    return [str(one) for one in error.value.problems]


def test_a_place_probes_and_keeps_what_it_sees_and_tells_nobody(tmp_path):
    part = probing_part(load(tmp_path))

    assert (part.store.url, part.heartbeat, part.feeds) == ("", None, {})
    assert [one.name for one in part.channels] == ["terminal"]
    assert {account_of(id) for id in part.watches} == {"openai/main", "openai/bound"}
    assert not any(location_of(id) for id in part.watches)


def test_what_costs_money_goes_round_the_places_and_the_budget_is_that_of_all(tmp_path):
    part = probing_part(load(tmp_path))

    ways = {part_of(id): (watch.interval_s, watch.turn) for id, watch in part.watches.items() if "/main/" in id}
    assert ways["list"] == (60, pytest.approx(1 / 3))
    assert next(way for name, way in ways.items() if name.startswith("chat")) == (900, pytest.approx(1 / 3))
    main, bound = part.budgets["openai/main"], part.budgets["openai/bound"]
    assert (main.daily_usd, main.daily_tokens) == (1.0, 300)
    assert (bound.daily_usd, bound.daily_tokens) == (1.5, 450)


def test_an_account_that_is_left_out_of_a_place_is_not_probed_from_there(tmp_path):
    config = load(tmp_path, TEXT.replace('location = "sin"', 'location = "iad"'))

    assert {account_of(id) for id in probing_part(config).watches} == {"openai/main"}
    places = {location_of(id) for id in judging_part(config).watches if account_of(id) == "openai/bound"}
    assert places == {"fra", "sin"}


def test_the_places_look_one_after_the_other_within_an_interval(tmp_path):
    firsts = []
    for name in ("fra", "sin", "iad"):
        part = probing_part(load(tmp_path, TEXT.replace('location = "sin"', f'location = "{name}"')))
        watch = next(one for id, one in part.watches.items() if id == "openai/main/list")
        firsts.append((first_at(watch, NOON, 60) - NOON).total_seconds())

    assert [(one - firsts[0]) % 60 for one in firsts] == [0, pytest.approx(20), pytest.approx(40)]


def test_a_judge_goes_by_each_target_from_each_place_and_needs_no_key(tmp_path):
    part = judging_part(load(tmp_path, known={"DATABASE": KNOWN["DATABASE"]}))

    assert {location_of(id) for id in part.watches} == {"fra", "sin", "iad"}
    assert part.location == SHARED
    assert not any(account.problem for account in part.accounts.values())
    assert [one.name for one in part.channels] == ["hook"]


def test_a_node_alone_at_its_store_is_its_only_place(tmp_path):
    text = TEXT.replace("[[locations]]", "#").replace('name = "fra"', "#").replace('name = "sin"', "#")
    text = text.replace('name = "iad"', "#").replace('without = ["openai/bound"]', "#")

    assert {location_of(id) for id in judging_part(load(tmp_path, text)).watches} == {"sin"}


WRONG = {
    "no shared store": (TEXT.replace('url = "env:DATABASE"', ""), "locations names places, but no store"),
    "not one of them": (TEXT.replace('location = "sin"', 'location = "ams"'), 'location = "ams" is none of the places'),
    "one name twice": (TEXT.replace('name = "iad"', 'name = "fra"'), 'locations holds "fra" 2 times'),
    "an unknown account": (TEXT.replace("openai/bound", "openai/gone"), "no account"),
    "a slash": (TEXT.replace('name = "iad"', 'name = "i/ad"'), "locations"),
    "a colon": (TEXT.replace('name = "iad"', 'name = "i:ad"'), "locations"),
    "another database": (TEXT.replace("env:DATABASE", "mysql://u:hidden-5ecret@x/y"), "store.url"),
    "a variable that is not set": (TEXT.replace("env:DATABASE", "env:MISSING"), "MISSING"),
}


@pytest.mark.parametrize(("text", "words"), WRONG.values(), ids=WRONG)
def test_a_mistake_about_places_is_named_with_its_repair(tmp_path, text, words):
    found = problems(tmp_path, text)

    assert any(words in one for one in found), found
    assert not any("5ecret" in one for one in found)


IDS = {
    "fra:openai/main/chat/gpt-5": ("fra", "openai/main", "openai", "chat"),
    "openai/main/chat/ft:gpt-5:org": ("", "openai/main", "openai", "chat"),
    "us east.1:gateway/a:b/list": ("us east.1", "gateway/a:b", "gateway", "list"),
    "gateway/a:b/list": ("", "gateway/a:b", "gateway", "list"),
}


@pytest.mark.parametrize(("id", "parts"), IDS.items(), ids=IDS)
def test_the_place_in_an_id_is_told_from_colons_in_names_and_models(id, parts):
    assert (location_of(id), account_of(id), provider_of(id), canary_of(id)) == parts
    assert target_id(account_of(id), canary_of(id), part_of(id).partition("/")[2] or None, location_of(id)) == id
    assert look_of(id) == id.removeprefix(f"{parts[0]}:")


def test_who_answers_at_an_address_with_a_port_is_no_place():
    assert provider_of("gateway@host.example:8443") == "gateway"
