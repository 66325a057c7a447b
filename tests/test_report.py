"""The reports of all commands for programs: real output against the schema that is shipped."""

import csv
import io
import json
from argparse import ArgumentParser, Namespace

import jsonschema
import pytest

from monitor.cli import COMMANDS, load_command
from monitor.console.report import FORMULA, SCHEMAS, print_report, schema, streams
from monitor.console.report_row import ROWS, LogKind, PickReport
from probes.simulator import Trouble
from tests.backstage import backstage, call
from tests.rows import each_row

SILENCE = ("silence", "1h", "--account", "openai/main", "--reason", "key is being replaced")
# Of an account without trouble: nothing is held, whenever this runs.
WINDOW = '[[maintenance]]\nname = "backup"\naccounts = ["openai/backup"]\ncron = "0 3 * * *"\nlasts_s = 3600\n'
ACCOUNT = '[[accounts]]\nname = "main"\nprovider = "openai"\nkey = "env:OPENAI_MAIN"\n'
REPORTS = {
    "incidents": ("incidents",),
    "incident": ("incidents", "2"),
    "pick": ("pick", "openai"),
    "feeds": ("feeds",),
    "cost": ("cost",),
    "maintenance": ("maintenance",),
    "providers": ("providers",),
    "providers-stale": ("providers", "--stale", "--days", "0"),
    "probe": ("probe",),
    "silence": ("silence",),
    "alerts-history": ("alerts", "history"),
    "tune": ("tune",),
    "check": ("check",),
    "doctor": ("doctor",),
    "alerts-test": ("alerts", "test"),
    "alerts-explain": ("alerts", "explain"),
    "alerts-preview": ("alerts", "preview"),
    "alerts-replay": ("alerts", "replay"),
}


ALONE = {"drill"}
"""Reports of what would add to the others."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder whose monitor lost an account, told of it, and is silenced about another."""
    folder = tmp_path_factory.mktemp("reports")
    with backstage() as stage:
        stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
        page = stage.simulator.status_page("openai")
        feed = (
            f'[[providers.openai.feeds]]\nid = "page"\nform = "statuspage"\npage = "{page}"\n'
            f'url = "{page}/api/v2/summary.json"\nsource = "https://docs.example.com"\n'
        )
        stage.write_config(folder, "[status]\npoll = true\n" + feed + WINDOW, every_s=600)
        assert call("once", folder=folder)[0] == 1
        assert call(*SILENCE, folder=folder)[0] == 0
        yield folder


def test_each_report_is_tried():
    assert {*REPORTS, *ALONE} == ROWS.keys()


@each_row("name", [*ROWS, *streams()])
def test_the_shipped_schema_is_that_of_the_code(name):
    assert json.loads((SCHEMAS / f"{name}.json").read_text()) == schema(name)
    assert {path.stem for path in SCHEMAS.iterdir()} == {*ROWS, *streams()}


@pytest.mark.parametrize("name", REPORTS)
def test_what_a_command_reports_fits_its_schema(name, folder):
    code, out, err = call(*REPORTS[name], "--json", folder=folder)

    assert code in (0, 1), err
    made = json.loads(out)
    jsonschema.validate(made, json.loads((SCHEMAS / f"{name}.json").read_text()))
    assert made["version"] == 1
    assert made["rows"] or name == "tune", "a schema that was never tried"
    assert set(made["rows"][0] if made["rows"] else ROWS[name].__struct_fields__) == set(ROWS[name].__struct_fields__)


@pytest.mark.parametrize("name", [name for name in REPORTS if name != "incident"])
def test_a_table_as_csv_has_the_rows_of_its_json(name, folder):
    _, out, err = call(*REPORTS[name], "--csv", folder=folder)
    _, told, _ = call(*REPORTS[name], "--json", folder=folder)

    first, *rows = csv.reader(io.StringIO(out))
    assert tuple(first) == ROWS[name].__struct_fields__, err
    assert len(rows) == len(json.loads(told)["rows"])


def test_status_as_csv_has_a_line_for_each_account_the_worst_first(folder):
    code, out, _ = call("status", "--csv", folder=folder)

    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 1
    assert [(row["account"], row["mark"], row["usable"]) for row in rows] == [
        ("openai/main", "down", "false"),
        ("anthropic/team", "up", "true"),
        ("openai/backup", "up", "true"),
    ]
    assert rows[0]["incident"]
    assert len(list(csv.DictReader(io.StringIO(call("status", "--csv", "--down", folder=folder)[1])))) == 1


@pytest.mark.parametrize("words", [("status",), ("pick", "openai"), ("probe",)])
def test_one_format_at_a_time(words, folder):
    code, _, err = call(*words, "--json", "--csv", folder=folder)

    assert code == 2
    assert "not allowed with" in err


def test_how_a_drill_went_is_a_report(tmp_path):
    (tmp_path / "monitor.toml").write_text(ACCOUNT)
    code, out, err = call("drill", "main", "--json", folder=tmp_path)

    made = json.loads(out)
    jsonschema.validate(made, json.loads((SCHEMAS / "drill.json").read_text()))
    assert (code, [(row["channel"], row["step"], row["state"]) for row in made["rows"]]) == (
        0,
        [("terminal", "opened", "sent"), ("terminal", "resolved", "sent")],
    )
    assert "one message that it is down, one that it is over" in err


def test_the_log_as_json_is_a_stream_of_lines_with_probes_and_changes(folder):
    code, out, err = call("logs", "--json", "--last", "500", folder=folder)

    lines = list(map(json.loads, out.splitlines()))
    form = json.loads((SCHEMAS / "logs.json").read_text())
    for line in lines:
        jsonschema.validate(line, form)
    assert (code, err) == (0, "")
    assert {line["kind"] for line in lines} == {*LogKind}
    assert any(
        (one["account"], one["fault"], one["status"]) == ("openai/main", "account_suspended", 401) for one in lines
    )


def test_what_is_wrong_with_a_file_is_a_row_each(tmp_path):
    (tmp_path / "monitor.toml").write_text("[probe]\nfailures = true\nblip_s = true\n")
    code, out, err = call("check", "--json", folder=tmp_path)

    rows = json.loads(out)["rows"]
    assert (code, err) == (2, "")
    assert [(row["level"], row["file"], row["key"]) for row in rows] == [
        ("error", "monitor.toml", "probe.blip_s"),
        ("error", "monitor.toml", "probe.failures"),
    ]
    assert rows[1]["repair"] == "give a whole number, without quotes"


def test_a_message_that_is_printed_does_not_mix_with_a_report(tmp_path):
    (tmp_path / "monitor.toml").write_text(ACCOUNT)
    code, out, err = call("alerts", "test", "--json", folder=tmp_path)

    assert (code, json.loads(out)["rows"]) == (0, [{"channel": "terminal", "error": None}])
    assert "[TEST]" in err


@pytest.mark.parametrize("begin", FORMULA)
def test_no_spreadsheet_runs_what_a_provider_said(begin, capsys):
    row = PickReport("openai", begin + "HYPERLINK(1)", None)
    print_report(Namespace(json=False, csv=True), PickReport, [row], pytest.fail)

    written = capsys.readouterr().out.replace('"', "")
    assert f"openai,'{begin}HYPER".replace("\r", "\n") in written.replace("\r", "\n")


def test_a_report_without_rows_names_its_columns(capsys):
    print_report(Namespace(json=False, csv=True), PickReport, [], pytest.fail)

    assert capsys.readouterr().out == "provider,account,caution\n"


def test_every_command_that_reports_takes_the_formats():
    acts = {"init", "run", "once", "acknowledge", "snooze", "backup", "restore", "migrate-store"}
    without = acts | {"classify", "completion", "help", "logs"}
    for name in COMMANDS.keys() - without:
        parser = ArgumentParser()
        load_command(name).add_arguments(parser)
        assert {"--json", "--csv"} <= parser._option_string_actions.keys(), name
