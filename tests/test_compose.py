"""The compose files: their form, and that what they name is what the image, the web server and monitor.toml name."""

import json
import re
from pathlib import Path

import check_jsonschema
import pytest
import yaml
from jsonschema import validators

from monitor.cli import build_parser
from monitor.config.files import CONFIGURATION, STATE
from monitor.config.load import load_config
from monitor.config.role import Role
from monitor.config.secret import file_of
from monitor.setup.service import Installation, ServiceKind, service_file
from tests.backstage import ROOT

FOLDER = ROOT / "deploy" / "compose"
TEXT = (FOLDER / "compose.yaml").read_text()
SAID = yaml.safe_load(TEXT)
MONITOR, CADDY = SAID["services"]["provider-monitor"], SAID["services"]["caddy"]
CADDYFILE = (ROOT / "deploy" / "Caddyfile").read_text()
CONFIG = (FOLDER / "config" / "monitor.toml").read_text()
SCHEMA = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
OF_INIT = service_file(ServiceKind.COMPOSE, Installation(("x",), Path("/x/monitor.toml"), Path("/x"), Path("/x")))
CLUSTER = (FOLDER / "compose.cluster.yaml").read_text()
TEXTS = {
    "the simple one": (ROOT / "compose.yaml").read_text(),
    "with secrets": TEXT,
    "of init": OF_INIT.text,
    "a cluster": CLUSTER,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_compose_knows_every_key(text):
    schema = json.loads(SCHEMA.read_text())

    assert [one.message for one in validators.validator_for(schema)(schema).iter_errors(yaml.safe_load(text))] == []


def test_each_secret_is_a_file_and_goes_to_one_service_only():
    given = [name for one in (MONITOR, CADDY) for name in one["secrets"]]

    assert {name: one["file"] for name, one in SAID["secrets"].items()} == {name: f"./keys/{name}" for name in given}
    assert "env_file" not in MONITOR


def test_the_configuration_is_right_with_the_keys_that_are_mounted(tmp_path):
    (keys := tmp_path / "secrets").mkdir()
    for name in MONITOR["secrets"]:
        (keys / name).write_text("sk-" + "a1B2" * 10)
    (tmp_path / "monitor.toml").write_text(CONFIG.replace("/run/secrets", str(keys)))
    config = load_config(tmp_path / "monitor.toml", {})

    assert [one.problem for one in config.accounts.values()] == [None] * len(config.accounts)
    named = {file_of(one, tmp_path).name for its in config.places.values() for one in its}
    assert named == set(MONITOR["secrets"])


def test_caddy_serves_by_the_names_that_the_monitor_answers_to():
    hosts = re.findall(r"^(\S+\.example\.com) {", CADDYFILE, re.MULTILINE)

    assert sorted(hosts) == sorted(re.findall(r'"https://(.+)"', CONFIG))


def test_caddy_is_told_all_that_its_file_asks_for():
    asked = set(re.findall(r"{\$(\w+)", CADDYFILE))

    assert asked == set(CADDY["environment"])
    (name,) = CADDY["secrets"]
    assert CADDY["environment"]["PROVIDER_MONITOR_HASH"] == f"{{file./run/secrets/{name}}}"
    assert CADDY["environment"]["PROVIDER_MONITOR_ADDRESS"] == "provider-monitor:8321"


def test_only_caddy_is_reached_from_outside_and_it_sees_nothing_but_the_public_page():
    volumes = dict(one.split(":")[:2] for one in MONITOR["volumes"])
    (root,) = re.findall(r"root \* (\S+)", CADDYFILE)

    assert "ports" not in MONITOR
    assert volumes == {"./config": str(CONFIGURATION), "data": str(STATE), "public": root}
    assert [one for one in CADDY["volumes"] if one.startswith(("data", "public"))] == [f"public:{root}:ro"]
    assert set(SAID["volumes"]) == {"data", "public", "certificates"}


@pytest.mark.parametrize("one", [MONITOR, CADDY], ids=["the monitor", "Caddy"])
def test_neither_can_do_more_than_it_must(one):
    assert one["read_only"]
    assert (one["cap_drop"], one["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
    assert one.get("cap_add", []) == ([] if one is MONITOR else ["NET_BIND_SERVICE"])


NODES = {name: one for name, one in yaml.safe_load(CLUSTER)["services"].items() if name != "database"}


@pytest.mark.parametrize("one", NODES.values(), ids=NODES)
def test_a_node_of_a_cluster_starts_with_what_it_is_given(one, tmp_path):
    (keys := tmp_path / "secrets").mkdir()
    (keys / "openai_api_key").write_text("sk-" + "a1B2" * 10)
    (keys / "database_url").write_text("postgresql://monitor:secret@database/monitor")
    for name in {"openai_api_key", "database_url"} - {*one["secrets"]}:
        (keys / name).unlink()
    text = (FOLDER / "config-cluster" / "monitor.toml").read_text()
    (tmp_path / "monitor.toml").write_text(text.replace("/run/secrets", str(keys)))
    config = load_config(tmp_path / "monitor.toml", {})
    words = [word.replace("${LOCATION:-fra}", "sin") for word in one["command"]]
    arguments = build_parser(words).parse_args(words)

    assert config.store.name == "monitor@database"
    assert arguments.location in (None, *(place.name for place in config.locations))
    has_key = [account.problem for account in config.accounts.values()] == [None]
    assert has_key or arguments.role is Role.JUDGE


def test_two_judges_of_one_machine_have_names_of_their_own():
    names = [one["command"][one["command"].index("--node") + 1] for name, one in NODES.items() if "judge" in name]

    assert len(set(names)) == len(names) == 2
