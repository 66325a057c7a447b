"""When each fact was read last, and which ones nobody read again for long."""

import csv
import io
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from monitor.cli import main
from probes.catalog import load_provider, load_wording, provider_ids
from probes.freshness import SHARED, DatedFact, dated_facts, dated_wording, future_days, stale
from probes.hint import Demand
from probes.model import Fault
from probes.provider import Canary, Dialect, NoPage, Price, Provider, Rule, Wording
from tests.rows import each_row

READ = "https://docs.example.com"
TODAY = date(2026, 12, 1)
OF_FILE, LATER = date(2026, 8, 1), date(2026, 11, 30)
EXAMPLE = Provider(
    id="example",
    name="Example",
    source=READ,
    checked=OF_FILE,
    help_checked=date(2026, 9, 1),
    canaries={
        "list": Canary(dialect=Dialect.LIST, path="/models", source=f"{READ}/list"),
        "chat": Canary(dialect=Dialect.OPENAI_CHAT, path="/chat", model="m", source=f"{READ}/chat", checked=LATER),
    },
    prices=[
        Price(model="m-4", input_usd=1, output_usd=1, source=f"{READ}/4", checked=date(2026, 7, 1)),
        Price(model="m-4.1", input_usd=1, output_usd=1, source=f"{READ}/41", checked=date(2026, 7, 2)),
    ],
    rules=[
        Rule(id="old", fault=Fault.OVERLOADED, status=[503], source="unverified: from memory"),
        Rule(id="new", fault=Fault.SLOW, tag=["x"], source=f"{READ}/new", checked=LATER),
    ],
    help={
        Fault.INVALID_KEY: "https://example.com/keys",
        Fault.ACCOUNT_SUSPENDED: NoPage(none="no form is published"),
    },
    verification={Demand.PHONE: "https://example.com/phone"},
    unverified=["canaries.list.path"],
)


@each_row(
    ("path", "source", "checked"),
    [
        ("source", READ, OF_FILE),
        ("canaries.list", f"{READ}/list", OF_FILE),
        ("canaries.list.path", f"{READ}/list", OF_FILE),
        ("canaries.chat.model", f"{READ}/chat", LATER),
        ("prices.m-4", f"{READ}/4", date(2026, 7, 1)),
        ("prices.m-4.1", f"{READ}/41", date(2026, 7, 2)),
        ("rules.old", "unverified: from memory", OF_FILE),
        ("rules.new", f"{READ}/new", LATER),
        ("help.invalid_key", "https://example.com/keys", date(2026, 9, 1)),
        ("help.account_suspended", READ, date(2026, 9, 1)),
        ("verification.phone", "https://example.com/phone", date(2026, 9, 1)),
    ],
)
def test_a_fact_has_the_source_and_the_day_of_its_block_or_else_of_its_file(path, source, checked):
    found = {one.path: one for one in dated_facts(EXAMPLE)}

    assert (found[path].source, found[path].checked) == (source, checked)


def test_the_addresses_of_help_were_read_with_the_file_where_nothing_else_is_said():
    plain = msgspec.structs.replace(EXAMPLE, help_checked=None)

    assert {one.checked for one in dated_facts(plain) if one.path.startswith(("help", "verif"))} == {OF_FILE}


def test_what_all_providers_share_has_its_days_too():
    rules = [
        Rule(id="a", fault=Fault.SLOW, tag=["x"], source="unverified: seen"),
        Rule(id="b", fault=Fault.SLOW, tag=["y"], source=READ, checked=LATER),
    ]

    assert list(dated_wording(Wording(checked=OF_FILE, rules=rules))) == [
        DatedFact(SHARED, "rules.a", "unverified: seen", OF_FILE, verified=False),
        DatedFact(SHARED, "rules.b", READ, LATER, verified=True),
    ]


def test_no_fact_of_the_shipped_files_is_without_a_day_and_a_source():
    for provider in map(load_provider, provider_ids()):
        assert {one.path for one in dated_facts(provider)} == provider.facts().keys()
        assert all(one.source.startswith(("https://", "unverified: ")) for one in dated_facts(provider))
    assert all(one.source for one in dated_wording(load_wording()))


def test_what_was_not_read_for_so_long_is_stale_the_oldest_first():
    facts = list(dated_facts(EXAMPLE))
    of_file = (TODAY - OF_FILE).days

    assert {one.checked for one in stale(facts, TODAY, of_file)} == {OF_FILE, date(2026, 7, 1), date(2026, 7, 2)}
    assert OF_FILE not in {one.checked for one in stale(facts, TODAY, of_file + 1)}
    assert [one.path for one in stale(facts, TODAY, 90)][:2] == ["prices.m-4", "prices.m-4.1"]
    assert len(stale(facts, TODAY, 0)) == len(facts)


def test_nobody_has_read_anything_tomorrow_but_in_another_time_zone():
    def told(day):
        return list(map(str, future_days(dated_facts(msgspec.structs.replace(EXAMPLE, checked=day)), TODAY)))

    assert told(TODAY + timedelta(days=1)) == []
    assert told(TODAY + timedelta(days=2)) == [
        "example.toml: source was checked on 2026-12-03, which is after today, 2026-12-01; "
        "give the day on which its source was read"
    ]


OWN = """\
[providers.own]
id = "own"
name = "Own"
source = "https://docs.example.com"
checked = 2026-01-01
[providers.own.canaries.list]
dialect = "list"
path = "/models"
source = "https://docs.example.com/list"
[[providers.own.rules]]
id = "x"
fault = "slow"
tag = ["x"]
source = "https://docs.example.com/x"
checked = DAY
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder whose configuration adds one provider, read long ago but for one rule."""
    monkeypatch.chdir(tmp_path)
    today = datetime.now(UTC).date()
    (tmp_path / "monitor.toml").write_text(OWN.replace("DAY", today.isoformat()))
    return tmp_path


def test_stale_facts_are_listed_with_source_and_day_and_the_exit_code_says_that_there_are_any(folder, capsys):
    code = main(["providers", "own", "--stale", "--csv"])

    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert code == 1
    assert [(row["fact"], row["checked"], row["source"]) for row in rows] == [
        ("source", "2026-01-01", "https://docs.example.com"),
        ("canaries.list", "2026-01-01", "https://docs.example.com/list"),
    ]


def test_where_nothing_is_that_old_it_says_how_old_the_oldest_is(folder, capsys):
    code = main(["providers", "own", "--stale", "--days", "9999"])

    assert code == 0
    assert capsys.readouterr().out == ("not read again for 9999 days: 0 of 3 facts; the oldest was on 2026-01-01\n")


@pytest.mark.parametrize(
    ("day", "words", "said"),
    [
        ("2999-01-01", ["--stale"], "own.toml: rules.x was checked on 2999-01-01, which is after today"),
        ('"soon"', ["--stale"], "rules.x.checked"),
        ("2026-01-01", ["--days", "9"], "add --stale"),
        ("2026-01-01", ["--stale", "--days", "-1"], "--days"),
        ("2026-01-01", ["--stale", "--days", "many"], '"many" is no number of days; give 0 to 9999'),
    ],
)
def test_a_day_that_cannot_be_is_refused(day, words, said, folder, capsys):
    (folder / "monitor.toml").write_text(OWN.replace("DAY", day))
    try:
        code = main(["providers", "own", *words])
    except SystemExit as end:
        code = end.code

    assert code == 2
    assert said in capsys.readouterr().err
