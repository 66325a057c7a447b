"""The first screen of `status`: one row an account, the worst first, whole at any width."""

import json
import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from monitor.alert.reply import Reply, ReplyKind
from monitor.backend import open_store
from monitor.config.load import load_config
from monitor.console.status_screen import make_screen, screen_lines
from monitor.console.table import Table, TableCell, fill, lay_out
from monitor.console.terminal import Colour, is_coloured, paint
from monitor.detect.health import Health, State
from monitor.diagnose.incident import Severity
from monitor.diagnose.subject import Scope
from monitor.publish.collect import UNSEEN
from monitor.publish.snapshot import Substitute
from monitor.publish.status import current_state
from monitor.store.row import Batch
from monitor.store.writer import Writer
from probes.model import Fault, Observation, Outcome
from tests.backstage import KEYS, VARIABLES, call
from tests.builders_page import NOW, account, incident, shown, sick, snapshot, target

TROUBLES = (Fault.ACCOUNT_SUSPENDED, Fault.QUOTA_EXHAUSTED, Fault.VERIFICATION_REQUIRED, Fault.INVALID_KEY)
NAMES = ("production", "backup-europe-west", "mobile-app", "ci")
LONG = "openai/mobile-app-frontend-gateway-europe-west-1-blue-green-canary"


def screen(shot, most=80, ids=None, **options):
    now = current_state(shot)
    made = make_screen(shot, now, frozenset(now.marks) if ids is None else ids, targets=False, most=most, **options)
    return list(screen_lines(made))


def forty():
    """A team's accounts: ten in trouble, each with an incident of its own, and thirty that work."""
    ids = [
        f"{provider}/{name}-{number}" for provider in ("openai", "anthropic") for name in NAMES for number in range(5)
    ]
    ill = {id: TROUBLES[number % 4] for number, id in enumerate(ids[::4])}
    instead = tuple(Substitute(id, NOW) for id in ids[1:4])
    views = [sick(id, ill[id]) if id in ill else account(id) for id in ids]
    told = [
        shown(incident(id, fault, id=f"2026112{n}-101100-{n:010}"), instead=instead)
        for n, (id, fault) in enumerate(ill.items())
    ]
    return snapshot(*views, open_incidents=tuple(told)), ids, ill


def test_forty_accounts_ten_of_them_in_trouble_take_one_screen():
    shot, ids, _ = forty()
    lines = screen(shot)

    assert len(ids) == 40
    assert len(lines) <= 50
    assert all(len(line) <= 80 for line in lines)
    assert lines[0] == "10 of 40 accounts have trouble. The other 30 work."


@pytest.mark.parametrize("most", [60, 80, 120, None])
def test_every_account_is_named_whole_and_every_incident_with_what_works_instead(most):
    shot, ids, ill = forty()
    lines = screen(shot, most)
    words = re.split(r"[\s,;:]+", "\n".join(lines))

    assert set(ids) <= set(words)
    assert {view.incident.id for view in shot.open_incidents} <= set(words)
    assert "\n".join(lines).count("nstead: openai/production-1") == len(ill)
    assert most is None or all(len(line) <= most for line in lines)


@pytest.mark.parametrize("most", [60, 80, 120])
def test_an_id_too_long_for_its_column_takes_a_line_of_its_own_and_narrows_no_other(most):
    lines = screen(snapshot(sick(LONG, Fault.INVALID_KEY), sick("openai/short", Fault.INVALID_KEY)), most)

    assert sum(line.split()[:2] == ["Down", LONG] for line in lines) == (most > len(LONG))
    assert any(re.match("Down +openai/short +23 min +key rejected", line) for line in lines)


def test_a_pipe_gets_one_line_for_each_account_and_no_colour(capsys):
    shot, _, ill = forty()
    lines = screen(shot, most=None)

    assert sum(line.startswith("Down ") for line in lines) == len(ill)
    assert "\x1b" not in "".join(lines)


def test_the_worst_comes_first_then_the_gravest_then_what_has_lasted_longest():
    old, new = NOW - timedelta(hours=5), NOW - timedelta(minutes=5)
    mild = account("openai/mild", [target("openai/mild", "chat", State.DOWN, fault=Fault.RATE_LIMITED)])
    shot = snapshot(
        account("openai/well"),
        mild,
        sick("openai/new", Fault.INVALID_KEY, since=new),
        account("openai/checked", [target("openai/checked", "chat", State.SUSPECTED)]),
        sick("openai/old", Fault.INVALID_KEY, since=old),
    )
    rows = [line.split()[:3] for line in screen(shot) if "openai/" in line and not line.startswith("Down:")]

    order = [
        next(word for word in row if "/" in word)
        for row in rows
        if row[0] in ("Down", "Trouble", "Rechecking", "Works")
    ]
    assert order == ["openai/old", "openai/new", "openai/mild", "openai/checked", "openai/well"]


def test_severity_goes_before_time():
    since = NOW - timedelta(days=3)
    mild, grave = sick("openai/mild", Fault.INVALID_KEY, since=since), sick("openai/grave", Fault.INVALID_KEY)
    about = incident("openai/mild", Fault.INVALID_KEY, severity=Severity.WARNING)
    lines = screen(snapshot(mild, grave, open_incidents=(shown(about), shown(incident("openai/grave")))))

    assert [line.split()[1] for line in lines if line.startswith("Down")] == ["openai/grave", "openai/mild"]


def test_an_account_that_no_incident_explains_says_whose_trouble_it_is():
    assert "no answer in time (the provider)" in "\n".join(
        screen(snapshot(account(state=State.DOWN), account("openai/b")))
    )


def test_a_fault_of_one_canary_names_it():
    ill = account("openai/a", [target("openai/a", "list"), target("openai/a", "chat", State.DOWN)])

    assert "chat: no answer in time" in "\n".join(screen(snapshot(ill)))


def test_few_accounts_that_work_have_a_row_each_and_many_share_lines():
    assert sum(line.startswith("Works ") for line in screen(snapshot(*(account(f"openai/{n}") for n in range(9))))) == 9
    many = screen(snapshot(*(account(f"openai/{n}") for n in range(10))))
    assert " ".join(many[2:]).split() == ["Works", "(10):", *(f"openai/{n}," for n in range(9)), "openai/9"]


def test_a_crowd_is_counted_by_provider():
    crowd = [account(f"openai/{n}") for n in range(300)] + [account(f"groq/{n}") for n in range(200)]
    lines = screen(snapshot(*crowd, sick("groq/ill", Fault.INVALID_KEY)))

    assert "Works (500): 300 of openai, 200 of groq" in lines
    assert len(lines) < 10


def test_of_hundreds_in_trouble_the_worst_are_shown_and_the_rest_is_counted():
    lines = screen(snapshot(*(sick(f"openai/{n}", Fault.INVALID_KEY) for n in range(60))))

    assert sum(line.startswith("Down") for line in lines) == 40
    assert "and 20 more: provider-monitor status --down --targets" in lines


def test_accounts_not_known_for_the_same_reason_share_lines():
    lost = [account(f"openai/{n}", state=State.UNKNOWN) for n in range(12)]

    assert any(
        line.startswith("Not known (12, the day's budget is spent): openai/0") for line in screen(snapshot(*lost))
    )


def test_an_account_that_is_down_needs_no_caution():
    suspended = sick("openai/a", Fault.ACCOUNT_SUSPENDED)
    shot = snapshot(suspended, sick("openai/b", Fault.INVALID_KEY), account("openai/c"))

    (caution,) = (line for line in screen(shot, most=None) if line.startswith("Caution"))
    assert caution.startswith("Caution about openai/c:")


def test_a_monitor_that_nobody_runs_says_how_to_start_it():
    unseen = account("openai/a", [target("openai/a", state=State.UNKNOWN, reason=UNSEEN)])

    for shot in (
        snapshot(unseen),
        snapshot(unseen, account("openai/b")),
        snapshot(sick("openai/a", Fault.INVALID_KEY)),
    ):
        assert any("start `provider-monitor run`" in line for line in screen(shot, unwatched=True))
        assert not any("start `provider-monitor run`" in line for line in screen(shot))


def test_the_gravest_incident_is_told_at_length_and_one_of_several_accounts_has_lines_of_its_own():
    wide = incident("openai", Fault.SERVER_ERROR, Scope.PROVIDER, targets=("openai/a/chat", "openai/b/chat"), id="wide")
    shot = snapshot(
        *(sick(f"openai/{name}", Fault.SERVER_ERROR) for name in "ab"),
        open_incidents=(shown(incident("openai/c"), advice="Do this."), shown(wide, advice="Do that.")),
    )
    text = "\n".join(screen(shot))

    assert text.count("Do ") == 1
    assert "CRITICAL openai: server errors" in text
    assert "wide" in text


def test_who_is_on_an_incident_and_what_holds_its_messages_is_told_with_it():
    jo = Reply(ReplyKind.ACKNOWLEDGE, NOW - timedelta(minutes=4), "Jo", "i")
    lee = Reply(ReplyKind.SILENCE, NOW, "Lee", until=NOW + timedelta(hours=1), reason="moving")
    shot = snapshot(
        sick("openai/a", Fault.ACCOUNT_SUSPENDED),
        sick("openai/b", Fault.INVALID_KEY),
        open_incidents=(
            shown(incident("openai/a"), replies=(jo,)),
            shown(incident("openai/b", Fault.INVALID_KEY), replies=(lee,)),
        ),
    )
    text = "\n".join(screen(shot, most=None))

    assert "  Acknowledged by Jo at 10:30 UTC.\n" in text
    assert "; silenced by Lee until 11:34 UTC: moving; " in text


def test_a_warning_about_an_account_that_works_keeps_its_row():
    sign = incident("openai/0", Fault.LOW_BALANCE, signal=True)
    lines = screen(snapshot(*(account(f"openai/{n}") for n in range(12)), open_incidents=(shown(sign),)))

    assert any(line.startswith("At risk") and "warning: credit is running out" in line for line in lines)


def test_only_the_accounts_asked_for_are_counted_and_told_of():
    shot, ids, _ = forty()
    lines = screen(shot, ids=frozenset(ids[:20]))

    assert lines[0].startswith("5 of 20 accounts")
    assert "anthropic" not in "\n".join(lines)


def test_what_is_down_alone_leaves_out_what_works():
    shot, _, ill = forty()
    lines = screen(shot, down=True)

    assert not any(line.startswith("Works") for line in lines)
    assert sum(line.startswith("Down") for line in lines) == len(ill)


def test_what_is_down_alone_leaves_out_what_works_at_risk():
    sign = incident("openai/b", Fault.LOW_BALANCE, signal=True)
    shot = snapshot(sick("openai/a", Fault.INVALID_KEY), account("openai/b"), open_incidents=(shown(sign),))

    assert [line for line in screen(shot) if line.startswith("At risk")]
    assert not [line for line in screen(shot, down=True) if line.startswith("At risk")]


def test_no_caution_is_told_about_an_account_that_is_down_itself():
    ill = sick("openai/ill", Fault.ACCOUNT_SUSPENDED)
    down = (sick("openai/a", Fault.INVALID_KEY), sick("openai/b", Fault.SERVER_ERROR))
    told = [line for line in screen(snapshot(ill, *down, account("openai/c")), most=None) if line.startswith("Caution")]

    assert [one.partition(":")[0] for one in told] == ["Caution about openai/c"]


def test_a_caution_names_the_first_account_that_it_is_about_and_counts_the_others():
    ids = ("openai/b", "openai/c", "anthropic/b", "anthropic/c", "anthropic/d")
    ill = (sick(f"{provider}/ill", Fault.ACCOUNT_SUSPENDED) for provider in ("openai", "anthropic"))
    told = [line for line in screen(snapshot(*ill, *map(account, ids)), most=None) if line.startswith("Caution")]

    assert len(told) == 1
    assert told[0].startswith("Caution about openai/b and others (2 in all): openai/ill is suspended")


def test_one_account_of_many_needs_no_sentence_about_all():
    shot, ids, _ = forty()

    assert screen(shot, ids=frozenset(ids[:1]))[0].startswith("CRITICAL openai/production-0")


words = some.text(some.sampled_from("abcde-/."), min_size=1, max_size=30)
cells = some.lists(words, max_size=6).map(" ".join)


@given(some.lists(some.tuples(words, cells, cells), min_size=1, max_size=5), some.integers(20, 130))
def test_a_table_breaks_no_word_loses_none_and_is_as_wide_as_it_may_be(rows, most):
    lines = list(lay_out(Table(("a", "b", "c"), rows), most))
    printed = re.split(r"[\s;]+", "\n".join(lines))

    assert all(printed.count(word) >= cell.split().count(word) for row in rows for cell in row for word in cell.split())
    assert all(len(line) <= most or len(line.split()) == 1 for line in lines)


@pytest.mark.parametrize("most", [20, 33, 60])
def test_text_of_wide_characters_is_wrapped_by_the_columns_that_it_takes(most):
    name = "中文 帐户 生产 环境 备用 欧洲 西部 e\u0301e\u0301 网关 测试"
    lines = [*fill(name, most, 2), *lay_out(Table(("a", "b"), [("x", name)]), most)]

    assert all(sum(2 if "一" <= one <= "鿿" else 1 for one in line) <= most for line in lines)
    assert "".join(fill(name, most, 2)).replace(" ", "") == name.replace(" ", "")


def test_a_wide_character_takes_two_columns():
    one, other = lay_out(Table(("a", "b"), [("中文", "x")]), 80)

    assert (one, other) == ("a     b", "中文  x")


@pytest.mark.parametrize(
    ("terminal", "environment", "coloured"),
    [(True, {}, True), (False, {}, False), (True, {"NO_COLOR": "1"}, False), (True, {"TERM": "dumb"}, False)],
)
def test_colours_are_for_terminals_that_show_them(terminal, environment, coloured, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert is_coloured() is coloured
    assert ("\x1b" in paint("Down", Colour.RED)) is coloured
    assert list(lay_out(Table(("a",), [(TableCell("x", Colour.RED),)]), 80))[1].strip("\x1b[0m31") == "x"


CONFIG = "".join(
    f'[[accounts]]\nname = "{name}"\nprovider = "{provider}"\nkey = "env:{variable}"\ntags = ["{tag}"]\n'
    for provider, name, variable, tag in (
        ("openai", "main", "OPENAI_MAIN", "prod"),
        ("openai", "backup", "OPENAI_BACKUP", "dev"),
        ("anthropic", "team", "ANTHROPIC_TEAM", "prod"),
    )
)


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A folder whose monitor has seen two accounts answer and one not yet."""
    return watch(tmp_path_factory.mktemp("watched"), datetime.now(UTC))


def watch(folder, at):
    (folder / "monitor.toml").write_text(CONFIG)
    config = load_config(folder / "monitor.toml", {name: KEYS[id] for name, id in VARIABLES.items()})
    asked = [one.target for one in config.watches.values() if one.target.account != "openai/backup"]
    healths = {one.id: Health(State.UP, since=at, seen_at=at, well_at=at) for one in asked}
    seen = tuple(Observation(one, at, Outcome.OK, latency_s=0.5, status=200) for one in asked)
    with open_store(config.store).writing(lambda: at, time.monotonic) as store:
        store.do(Writer.save, Batch(at, observations=seen, healths=healths))
    return folder


@pytest.mark.parametrize("ago_s", [0, 3600])
def test_status_says_that_nobody_is_watching_when_nobody_has_looked_for_long(tmp_path, ago_s):
    out = call("status", folder=watch(tmp_path, datetime.now(UTC) - timedelta(seconds=ago_s)))[1]

    assert ("Nobody is watching: start `provider-monitor run`" in out) is (ago_s > 0)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ((), {"openai/main", "openai/backup", "anthropic/team"}),
        (("--account", "main"), {"openai/main"}),
        (("--account", "main", "--account", "anthropic/team"), {"openai/main", "anthropic/team"}),
        (("--provider", "openai"), {"openai/main", "openai/backup"}),
        (("--provider", "openai", "--provider", "anthropic"), {"openai/main", "openai/backup", "anthropic/team"}),
        (("--tag", "prod"), {"openai/main", "anthropic/team"}),
        (("--tag", "prod", "--provider", "openai"), {"openai/main"}),
        (("--down",), {"openai/backup"}),
    ],
)
def test_status_lists_the_accounts_that_all_its_options_allow(watched, options, named):
    _, out, err = call("status", *options, folder=watched)
    _, told, _ = call("status", "--json", *options, folder=watched)

    assert {word for word in re.split(r"[\s,:.]+", out) if "/" in word} == named, err
    assert {one["id"] for one in json.loads(told)["accounts"]} == named


@pytest.mark.parametrize(("account", "code"), [("main", 0), ("backup", 1)])
def test_the_exit_code_is_that_of_the_accounts_asked_for(watched, account, code):
    assert call("status", "--account", account, folder=watched)[0] == code


@pytest.mark.parametrize(
    ("option", "word", "near"), [("account", "mian", "main"), ("provider", "opnai", "openai"), ("tag", "prd", "prod")]
)
def test_an_unknown_name_is_an_error_that_names_the_nearest(watched, option, word, near):
    code, out, err = call("status", f"--{option}", word, folder=watched)

    assert (code, out) == (2, "")
    assert f'did you mean "{near}"?' in err


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("status",), False),
        (("status", "-v"), True),
        (("status", "--targets"), True),
        (("-v", "status"), True),
        (("status", "--account", "main"), True),
    ],
)
def test_canaries_are_shown_on_request_or_for_one_account(watched, words, shown):
    assert ("list" in call(*words, folder=watched)[1].split()) is shown


@pytest.mark.parametrize("columns", ["60", "80", "120"])
def test_a_pipe_is_as_wide_as_columns_says(watched, columns):
    _, out, _ = call("status", "-v", folder=watched, COLUMNS=columns)

    assert max(map(len, out.splitlines())) <= int(columns)
