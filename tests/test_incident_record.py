"""What the database holds about an incident, and what people said of it, in its view."""

import json
from contextlib import closing

import pytest
from msgspec.structs import replace

from monitor.alert.incident_note import IncidentNote
from monitor.alert.reply import Reply, ReplyKind
from monitor.alert.rule import Match
from monitor.config.load import load_config
from monitor.console.incident_story import reply_reports
from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.incident import Change, ChangeKind, open_incident
from monitor.diagnose.subject import Scope, read_subject
from monitor.publish import incident_record, private_site
from monitor.publish.collect import build_snapshot
from monitor.publish.status import current_state
from monitor.store.connection import open_writer
from monitor.store.reader import Reader
from monitor.store.row import Batch
from monitor.store.writer import Writer
from probes.model import Confidence, Fault
from tests.conftest import at

FILE = """
[[accounts]]
name = "main"
provider = "openai"
tags = ["prod"]
key = "env:SET"
"""
CAUSE = Diagnosis(
    read_subject(Scope.ACCOUNT, "openai/main"), Fault.TIMEOUT, Confidence.HIGH, at(0), (), ("openai/main/chat",), ()
)
ONE = open_incident(CAUSE, at(60), location="here")
PAGE = f"incidents/{ONE.id}.html"
SOON, LATER = at(1000), at(7 * 86_400)


def recorded(tmp_path, *replies, notes=(), closed=None, drill=False, existing=None, more="", now=SOON):
    """Return a snapshot with one incident, and these words of people."""
    (tmp_path / "monitor.toml").write_text(FILE + more)
    config, one = load_config(tmp_path / "monitor.toml", {"SET": "sk-123456789"}), replace(ONE, drill=drill)
    changes = [Change(one, ChangeKind.OPENED, at(60))]
    changes += [Change(replace(one, targets=("openai/main/chat", "openai/b/chat")), ChangeKind.UPDATED, at(90))]
    changes += [Change(replace(one, closed_at=closed), ChangeKind.RESOLVED, closed)] if closed else []
    config.store.database.parent.mkdir()
    with closing(open_writer(config.store.database)) as db:
        writer = Writer(db, "here")
        writer.save(Batch(at(60), changes=tuple(changes), replies=replies))
        for note in notes:
            writer.save_note(note)
        return build_snapshot(Reader(db, "here"), config, now, existing=existing)


def view_of(shot):
    (view,) = (*shot.open_incidents, *shot.past_incidents)
    return view


def silence(match, seconds=100, until=2000):
    return Reply(ReplyKind.SILENCE, at(seconds), "Lee", match=match, until=at(until), reason="moving")


def test_its_own_steps_replies_and_notes_are_with_it_oldest_first(tmp_path):
    acknowledged = Reply(ReplyKind.ACKNOWLEDGE, at(200), "Jo", ONE.id)
    another = Reply(ReplyKind.ACKNOWLEDGE, at(150), "Kim", "i-2")
    note = IncidentNote(ONE.id, at(300), "Jo", "ticket 7")
    view = view_of(recorded(tmp_path, acknowledged, another, silence(Match()), notes=[note]))

    assert [(one.kind, len(one.state.targets)) for one in view.steps] == [
        (ChangeKind.OPENED, 1),
        (ChangeKind.UPDATED, 2),
    ]
    assert [one.by for one in view.replies] == ["Lee", "Jo"]
    assert view.notes == (note,)


@pytest.mark.parametrize(
    ("one", "facts", "is_told"),
    [
        (silence(Match()), {}, True),
        (silence(Match(accounts=("openai/main", "openai/b"))), {}, True),
        (silence(Match(accounts=("openai/main",))), {}, False),
        (silence(Match(tags=("staging",))), {}, False),
        (silence(Match(faults=(Fault.SLOW,))), {}, False),
        (silence(Match(), -900, -100), {}, False),
        (silence(Match(), -900, 100), {}, True),
        (silence(Match(), 500), {"closed": at(400)}, False),
        (silence(Match()), {"drill": True}, False),
    ],
)
def test_a_silence_is_told_of_what_it_held_and_of_nothing_else(tmp_path, one, facts, is_told):
    assert bool(view_of(recorded(tmp_path, one, **facts)).replies) is is_told


def test_a_silence_that_was_ended_early_is_told_with_its_end_unless_that_came_before(tmp_path):
    held = silence(Match(), -900)
    ended = Reply(ReplyKind.LIFT, at(200), "Kim", held.id)
    assert [one.by for one in view_of(recorded(tmp_path, held, ended)).replies] == ["Lee", "Kim"]


def test_a_silence_that_was_ended_before_it_began_held_nothing(tmp_path):
    held = silence(Match(), -900)
    assert view_of(recorded(tmp_path, held, Reply(ReplyKind.LIFT, at(-500), "Kim", held.id))).replies == ()


def test_programs_and_pages_learn_who_is_on_it(tmp_path):
    shot = recorded(tmp_path, Reply(ReplyKind.ACKNOWLEDGE, at(200), "Jo", ONE.id), silence(Match()))
    ((told,),) = ([one] for one in json.loads(private_site.status_json(shot, current_state(shot)))["open_incidents"])
    files = private_site.render(shot)

    assert told["replies"] == [
        {"kind": "silence", "at": "2026-11-21T12:01:40Z", "by": "Lee", "until": "2026-11-21T12:33:20Z",
         "reason": "moving"},
        {"kind": "acknowledge", "at": "2026-11-21T12:03:20Z", "by": "Jo", "until": None, "reason": ""},
    ]  # fmt: skip
    for name in ("index.html", f"incidents/{ONE.id}.html"):
        assert "Acknowledged by Jo at 12:03 UTC" in files[name].decode()
        assert "Silenced by Lee until 12:33 UTC: moving" in files[name].decode()


def test_programs_and_pages_learn_of_the_latest_snooze_and_of_each_person_once(tmp_path):
    shot = recorded(
        tmp_path,
        Reply(ReplyKind.ACKNOWLEDGE, at(100), "Jo", ONE.id),
        Reply(ReplyKind.SNOOZE, at(120), "Jo", ONE.id, until=at(7200)),
        Reply(ReplyKind.SNOOZE, at(140), "Kim", ONE.id, until=at(1800)),
        Reply(ReplyKind.ACKNOWLEDGE, at(160), "Jo", ONE.id),
    )
    told = json.loads(private_site.status_json(shot, current_state(shot)))["open_incidents"][0]
    page = private_site.render(shot)[f"incidents/{ONE.id}.html"].decode()

    expected = [("acknowledge", "2026-11-21T12:01:40Z"), ("snooze", "2026-11-21T12:02:20Z")]
    assert [(one["kind"], one["at"]) for one in told["replies"]] == expected
    assert [(one.kind, one.at) for one in reply_reports(view_of(shot))] == [
        (ReplyKind.ACKNOWLEDGE, at(100)),
        (ReplyKind.SNOOZE, at(140)),
    ]
    assert "Acknowledged by Jo at 12:02 UTC" not in page
    assert "Snooze changed by Kim: until 12:30 UTC" in page


def test_the_page_of_an_ended_incident_is_made_again_when_somebody_writes_about_it(tmp_path, monkeypatch):
    monkeypatch.setattr(incident_record, "RECENT", 0)
    name = f"incidents/{ONE.id}.html"
    (tmp_path / "quiet").mkdir()
    shot, quiet = (
        recorded(
            tmp_path, closed=at(400), notes=[IncidentNote(ONE.id, at(500), "Jo", "it was a cable")], existing={name}
        ),
        recorded(tmp_path / "quiet", closed=at(400), existing={name}, now=LATER),
    )

    assert name not in private_site.render(quiet)
    assert "Jo: it was a cable" in private_site.render(shot)[name].decode()
    assert "Jo: it was a cable" in private_site.render(shot)["feed.xml"].decode()


SERVICE = """
[[services]]
name = "Chat"
accounts = ["openai/main"]
"""


@pytest.mark.parametrize(
    ("existing", "services", "now", "is_made", "steps"),
    [
        (set(), "", LATER, True, 3),
        ({PAGE}, "", LATER, False, 0),
        (None, "", LATER, False, 0),
        ({PAGE}, SERVICE, LATER, False, 3),
        ({PAGE}, "", at(500), True, 3),
    ],
)
def test_of_an_incident_long_past_no_page_is_made_without_its_story(
    tmp_path, monkeypatch, existing, services, now, is_made, steps
):
    monkeypatch.setattr(incident_record, "RECENT", 0)
    shot = recorded(tmp_path, closed=at(400), existing=existing, more=services, now=now)
    files = private_site.render(shot)

    assert len(view_of(shot).steps) == steps
    assert (PAGE in files) is is_made
    assert not is_made or "openai/b joined" in files[PAGE].decode()
