"""The benchmarks' own parts that others rely on: the report, and the provider that stands in for nginx."""

import asyncio
import json
import re
import subprocess
import sys
import urllib.request
from html import unescape
from pathlib import Path

import pytest

from benchmarks import floor, server
from benchmarks.result import Report
from benchmarks.site import seen, spent_ms
from monitor.publish.private_site import render
from tests.conftest import NOON

ROOT = Path(__file__).parents[1]


def _row(text, what):
    return next(line for line in text.splitlines() if line.startswith(f"| {what} |"))


def _ask(url):
    with urllib.request.urlopen(url, data=b"{}") as answer:
        return json.loads(answer.read()), answer.headers


def test_a_goal_is_met_or_not_by_the_median_of_the_ratios():
    bare = [{"cpu_ms": ms, "per_s": 1000.0} for ms in (0.1, 0.1, 0.2)]
    ours = [{"cpu_ms": ms, "per_s": 700.0} for ms in (0.15, 0.16, 0.28)]
    text = Report({"bare 200": bare, "ours 200": ours, "bare 1000": bare, "saturated": ours}, []).text()

    assert _row(text, "CPU per stored probe, N = 200, to the bare loop flat out").endswith("| 1.5 (1.4–1.6) | yes |")
    assert _row(text, "saturation, 5,000 targets, to the bare loop").endswith("| 0.7 (0.7–0.7) | yes |")


def test_what_was_not_measured_is_said_and_not_met():
    row = _row(Report({}, []).text(), "… to LiteLLM warm, N = 200")

    assert "not measured" in row
    assert "yes" not in row


def test_the_stages_of_a_probe_add_up_to_all_of_it():
    stages = [{"cpu_ms": 0.2, "judge_ms": 0.03, "plan_ms": 0.005, "note_ms": 0.003, "save_ms": 0.022, "page_ms": 0.0}]
    rows = _stages(Report({"bare 1000": [{"cpu_ms": 0.1}], "stages": stages}, []).text())

    assert rows[0] == ("the bare loop: aiohttp's request and answer, sockets, asyncio", 100)
    assert rows[1][0].endswith("(what is left)")
    assert rows[1][1] == 200 - 100 - 30 - 5 - 3 - 22
    assert rows[-1] == ("all of `run`", 200)
    assert sum(us for _, us in rows[:-1]) == rows[-1][1]


def _stages(text):
    table = text.partition("| stage | µs |\n|---|---|\n")[2].partition("\n\n")[0]
    return [
        (row.split(" | ")[0].removeprefix("| "), int(row.split(" | ")[1].removesuffix(" |")))
        for row in table.split("\n")
    ]


def test_an_engine_under_load_tells_what_it_and_each_of_its_stages_cost(tmp_path):
    with server.fast(tmp_path, 0, 1) as (_, plain, _):
        base = f"http://127.0.0.1:{plain}/a{{}}/v1"
        command = [sys.executable, "-m", "benchmarks.load", "engine", base, "2", "1", "--every", "0.01", "--stages"]
        told = json.loads(subprocess.run(command, capture_output=True, check=True, cwd=ROOT).stdout)

    assert told["per_s"] > 0
    assert 0 < told["judge_ms"] + told["plan_ms"] + told["note_ms"] + told["save_ms"] < told["cpu_ms"]


def test_without_nginx_our_own_server_answers_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(server.shutil, "which", lambda name, path: None)

    with server.fast(tmp_path, 0, 1) as (name, plain, _):
        body, told = _ask(f"http://127.0.0.1:{plain}/a/v1/chat/completions")

    assert name == "benchmarks/server.py"
    assert body["choices"][0]["message"]["content"] == "Hello!"
    assert told["x-ratelimit-limit-requests"] == "500"


@pytest.mark.parametrize("now", [NOON, NOON.replace(hour=23, minute=53)], ids=["over two days", "within a day"])
@pytest.mark.parametrize("accounts", [3, 8, 12, 41], ids=["in full", "as rows", "as cells", "folded"])
def test_the_floor_writes_the_files_that_it_names_with_the_figures_of_the_site(tmp_path, accounts, now):
    snapshot = asyncio.run(seen(tmp_path, accounts, now))
    ours, theirs = render(snapshot), floor.site(snapshot)
    judged = {name for name in theirs if not name.endswith(("404.html", "favicon.svg"))}

    assert theirs.keys() == floor.names(snapshot)
    assert theirs.keys() <= ours.keys()
    assert {name: _figures(ours[name]) for name in judged} == {name: _figures(theirs[name]) for name in judged}


def test_a_file_that_the_floor_does_not_name_costs_nothing_in_its_ratio():
    times = iter([0.0])

    def clock():
        return next(times)

    def files():
        nonlocal times
        for name, at in (("index.html", 1.0), ("new.csv", 5.0), ("feed.xml", 5.5)):
            times = iter([at])
            yield name, b""

    assert spent_ms(files(), {"index.html", "feed.xml"}, clock) == 1500


def _figures(page):
    return re.findall(r"[0-9][0-9.,:]*", unescape(re.sub("<[^>]*>", " ", page.decode())))
