"""A history in SQLite is brought to the store that several places share."""

import time

import pytest

from monitor.backend import open_store, shared_store
from monitor.cli import main
from monitor.config.role import SHARED
from monitor.diagnose.incident import Change, ChangeKind
from monitor.store.row import Batch
from monitor.store.setting import StoreAddress
from monitor.store.writer import Writer
from tests.conftest import CHAT, NOON, at, health, observation, target
from tests.test_store_contract import ACKNOWLEDGED, incident

pytestmark = pytest.mark.cluster

FRA = target("openai/main", "chat", "gpt-5-nano")


@pytest.fixture
def folder(tmp_path, postgres_database, monkeypatch):
    """A place with an hour of history, whose configuration names a shared store."""
    monkeypatch.setenv("DATABASE_URL", postgres_database)
    monkeypatch.setenv("ONE", "sk-sim-one-0123456789abcdef")
    (tmp_path / "monitor.toml").write_text(
        'location = "fra"\n[store]\nurl = "env:DATABASE_URL"\n'
        '[[accounts]]\nname = "main"\nprovider = "openai"\nkey = "env:ONE"\n'
    )
    (tmp_path / "state").mkdir()
    for name, count in (("fra", 70), ("elsewhere", 3)):
        with own(tmp_path, name).writing(lambda: NOON, time.monotonic) as held:
            for number in range(count):
                batch = Batch(at(60 * number), (observation(seconds=60 * number),), {CHAT.id: health(None)})
                held.do(Writer.save, batch)
            changes = (Change(incident(), ChangeKind.OPENED, at(5)),)
            held.do(Writer.save, Batch(at(5), changes=changes, replies=(ACKNOWLEDGED,)))
            while due := held.reader.next_roll_up(at(7200)):
                held.do(Writer.save_roll_up, due)
    return tmp_path


def own(folder, location="fra"):
    return open_store(StoreAddress(folder / "state" / "monitor.db", location))


def shared(folder, url, location=SHARED):
    return shared_store(StoreAddress(folder / "state" / "monitor.db", location, url))


def run(folder):
    return main(["--config", str(folder / "monitor.toml"), "migrate-store"])


def seen(store):
    with store.reading() as stored:
        (id,) = stored.history.series_ids()
        number = stored.history.series_ids()[id]
        hours = stored.history.cells(NOON, {1: [number]})
        return id, [(one.ok, one.failed) for one in hours[1].values()], stored.incidents.ids()


def test_what_a_place_has_seen_is_that_of_the_place_and_what_was_said_is_of_all(folder, postgres_database, capsys):
    before = seen(own(folder))
    assert run(folder) == 0

    id, hours, incidents = seen(shared(folder, postgres_database))
    assert (id, hours, incidents) == (f"fra:{before[0]}", before[1], before[2])
    with shared(folder, postgres_database).reading() as stored:
        assert stored.messages.replies() == [ACKNOWLEDGED]
        assert stored.marks.last_beat() is None  # that is of a process, not of the results
    assert "rows of monitor.db are in" in capsys.readouterr().out


def test_it_goes_on_where_it_was_cut_short(folder, postgres_database):
    def show(table):
        if table == "hourly":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shared(folder, postgres_database, "fra").migrate(SHARED, show)
    before = seen(own(folder))

    assert run(folder) == 0
    assert seen(shared(folder, postgres_database))[1] == before[1]


def test_a_monitor_that_goes_on_there_numbers_on(folder, postgres_database):
    assert run(folder) == 0
    store = shared(folder, postgres_database)
    with store.writing(lambda: NOON, time.monotonic) as held:
        later = observation(seconds=9000, target=target("openai/other"))
        held.do(Writer.save, Batch(at(9000), (later,), changes=(Change(incident(77), ChangeKind.OPENED, at(77)),)))
    with store.reading() as stored:
        assert len(stored.history.series_ids()) == 2
        assert len(stored.incidents.ids()) == 2


def test_results_that_are_there_already_are_left_alone(folder, postgres_database, capsys):
    assert run(folder) == 0
    assert run(folder) == 2

    assert "holds results already" in capsys.readouterr().err


def test_a_monitor_at_work_is_to_be_stopped_first(folder, capsys):
    with own(folder).writing(lambda: NOON, time.monotonic):
        assert run(folder) == 2

    assert "another provider-monitor" in capsys.readouterr().err


def test_without_an_address_it_says_where_to_write_one(folder, capsys):
    text = (folder / "monitor.toml").read_text()
    (folder / "monitor.toml").write_text(text.replace('[store]\nurl = "env:DATABASE_URL"\n', ""))

    assert run(folder) == 2
    assert "env:DATABASE_URL" in capsys.readouterr().err
