"""What documents show is true: their examples load and parse, and their links lead somewhere."""

import ast
import json
import re
import subprocess
from contextlib import closing, suppress
from functools import cache
from importlib import util

import pytest
import yaml

from monitor.cli import COMMANDS, build_parser
from monitor.config.load import config_of_text
from monitor.console.man_page import commands_of
from monitor.store.connection import open_writer
from probes.model import Fault
from tests.markdown import ROOT, anchors, blocks, commands, documents, links, spoken
from tests.rows import each_row
from tests.toml_example import Example

MAKEFILE = (ROOT / "Makefile").read_text()
KINDS = {
    *("console", "toml", "python", "json", "yaml", "sh", "sql"),  # these are checked
    *("text", "html", "ini", "xml", "nginx", "caddyfile", "dockerfile"),  # these are shown
}
WITHIN = {"docker", "kubectl", "podman", "sudo"}
"""Programs that may be given a command of ours."""


def named_by_path(file):
    return str(file.relative_to(ROOT))


COMMAND = pytest.mark.parametrize(
    "words", [pytest.param(words, id=one.place) for one in blocks("console") for words in commands(one)]
)
EXAMPLE = pytest.mark.parametrize("block", [pytest.param(one, id=one.place) for one in blocks("toml")])
CODE = pytest.mark.parametrize(
    "block", [pytest.param(one, id=one.place) for one in blocks("python", "json", "yaml", "sh", "sql")]
)


def test_each_block_says_what_it_is():
    assert [one.place for one in blocks() if one.kind not in KINDS and not one.kind.startswith("{")] == []


@EXAMPLE
def test_a_configuration_that_is_shown_loads(block, tmp_path):
    example = Example(block.text, tmp_path)

    assert config_of_text(example.text, tmp_path / "monitor.toml", example.environment)


@COMMAND
def test_a_command_that_is_shown_can_be_given(words, capsys, tmp_path):
    ours = our_words(words)
    program = words[0].rpartition("/")[2]
    if ours is not None:
        assert is_taken(ours), capsys.readouterr().err
    elif program == "make":
        wanted = [word for word in words[1:] if "=" not in word and not word.startswith("-")]
        assert [one for one in wanted if not re.search(rf"^{one}:", MAKEFILE, re.MULTILINE)] == []
    elif program.startswith("python") and "-m" in words:
        assert util.find_spec(words[words.index("-m") + 1])
    elif program == "sqlite3":
        assert explained(words[-1], tmp_path)


def our_words(words):
    """Return the arguments of provider-monitor; None if another program is called, and not for it."""
    named = [number for number, word in enumerate(words) if word.rpartition("/")[2] == "provider-monitor"]
    if not named or (named[0] and not (words[0] in WITHIN and {"exec", "run", "sudo"} & set(words))):
        return None
    return words[named[-1] + 1 :]


def is_taken(words):
    try:
        build_parser(words).parse_args(words)
    except SystemExit as end:
        return end.code == 0
    return True


@each_row("file", documents(), ids=named_by_path)
def test_a_command_that_is_named_has_these_options(file):
    known = options()
    named = [line.split() for line in spoken(file) if re.match(r"(\S*/)?provider-monitor [a-z]+( |$)", line)]

    assert [words[1] for words in named if words[1] not in known] == []
    assert [words for words in named if not set(re.findall(r"--[a-z-]+", " ".join(words))) <= known[words[1]]] == []


@cache
def options():
    """Return what each command takes, by its name."""
    general = build_parser([])._option_string_actions
    return {
        name: {*general, *one._option_string_actions} for name, one in commands_of(build_parser([*COMMANDS])).items()
    }


@CODE
def test_code_that_is_shown_is_sound(block, tmp_path):
    match block.kind:
        case "python":
            assert [name for name in imported(ast.parse(block.text, block.place)) if not found(name)] == []
        case "json":
            json.loads(block.text)
        case "yaml":
            assert [*yaml.safe_load_all(block.text)]
        case "sh":
            assert subprocess.run(["bash", "-n"], input=block.text, text=True, capture_output=True).stderr == ""
        case "sql":
            assert explained(block.text, tmp_path)


def imported(tree):
    for one in ast.walk(tree):
        if isinstance(one, ast.Import):
            yield from (name.name for name in one.names)
        elif isinstance(one, ast.ImportFrom):
            yield one.module


def explained(query, folder):
    """Let a new database of ours explain a query: each table and column that it names is there."""
    with closing(open_writer(folder / "monitor.db")) as db:
        return db.execute(f"EXPLAIN {query}").fetchall()


def found(module):
    with suppress(ModuleNotFoundError):
        return util.find_spec(module)
    return None


@each_row("file", documents(), ids=named_by_path)
def test_each_link_leads_to_a_file_and_each_anchor_to_a_heading(file):
    dead = []
    for link in links(file):
        path, _, anchor = link.partition("#")
        there = (file.parent / path) if path else file
        if re.match(r"[a-z]+:", link):
            continue
        if not there.exists() or (anchor and there.suffix == ".md" and anchor not in anchors(there)):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("file", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml")), ids=named_by_path)
def test_a_form_has_what_a_code_host_demands_and_names_real_commands(file):
    form = yaml.safe_load(file.read_text())
    asked = [one for one in form["body"] if one["type"] != "markdown"]
    ids = [one["id"] for one in asked]

    assert {"name", "description", "body"} <= form.keys() <= {"name", "description", "labels", "body"}
    assert {one["type"] for one in form["body"]} <= {"markdown", "textarea", "input", "dropdown", "checkboxes"}
    assert len(set(ids)) == len(ids)
    assert all(one["attributes"]["label"] for one in asked)
    assert set(re.findall(r"provider-monitor ([a-z]+)\b", file.read_text())) <= COMMANDS.keys()


def test_the_form_for_an_answer_offers_each_fault():
    form = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / "answer.yml").read_text())
    (offered,) = (one["attributes"]["options"] for one in form["body"] if one["type"] == "dropdown")

    assert {*offered} - {"nothing is wrong", "I do not know"} == {*Fault} - {Fault.UNCLASSIFIED}
