"""What any store promises, whatever is behind it: another one is put under the same tests by a line in BACKENDS.

Nothing here knows of SQL, or of a file but a backup.
"""

import asyncio
import time
from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from monitor.alert.case import KEEP_FOR, Message, Notification, Step
from monitor.alert.incident_note import IncidentNote
from monitor.alert.reply import Reply, ReplyKind
from monitor.alert.rule import Match
from monitor.backend import open_store
from monitor.control.message import Request, RequestKind, RequestResult, RequestStatus
from monitor.detect.account_memory import AccountMemory
from monitor.detect.credit import CreditHistory
from monitor.detect.health import State
from monitor.detect.latency import Measure
from monitor.detect.limits import MOST
from monitor.detect.shared_latency import Pool, PoolKey
from monitor.detect.target_memory import NEW
from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.incident import Change, ChangeKind, open_incident
from monitor.diagnose.stage_failure import Stage, add_failure
from monitor.diagnose.status_source import StatusSource
from monitor.diagnose.subject import Scope, read_subject
from monitor.schedule import Spending
from monitor.slo.indicator import quantile
from monitor.storage_refusal import StoreError
from monitor.store.clock import ClockTrace
from monitor.store.lock import Busy
from monitor.store.overlap import Overlap
from monitor.store.row import Batch
from monitor.store.setting import Retention, StoreAddress
from monitor.store.store import scratch_store
from probes.doubt import Defect, Defective, PlatformChanged
from probes.model import Answer, Confidence, Credit, Fault, Limit, Outcome, Phase
from tests.conftest import CHAT, NOON, at, health, observation

BACKENDS = {"sqlite": lambda request: "", "postgres": lambda request: request.getfixturevalue("postgres_database")}
"""Each returns the URL of the database that a test's stores share, "" for the file that is all that SQLite needs."""
PARAMETERS = [pytest.param(name, marks=pytest.mark.cluster if name == "postgres" else ()) for name in BACKENDS]


class Through:
    """The writer of a store that is held, each of its methods by the way that a monitor takes."""

    def __init__(self, held):
        self._held = held

    def __getattr__(self, name):
        return lambda *values: self._held.do(lambda writer: getattr(writer, name)(*values))


@pytest.fixture(params=PARAMETERS)
def opened(request, tmp_path):
    """Return what opens the test's store at a location."""
    file, url = tmp_path / "state" / "monitor.db", BACKENDS[request.param](request)
    file.parent.mkdir()
    return lambda location="here": open_store(StoreAddress(file, location, url))


def holding(store):
    return store.writing(lambda: NOON, time.monotonic)


@pytest.fixture
def writer(opened):
    with holding(opened()) as held:
        yield Through(held)


@pytest.fixture
def stored(writer, opened):
    with opened().reading() as reader:
        yield reader


def incident(number=0):
    cause = Diagnosis(
        read_subject(Scope.ACCOUNT, "openai/main"),
        Fault.ACCOUNT_SUSPENDED,
        Confidence.HIGH,
        at(number),
        ("why",),
        ("t",),
        (),
    )
    return open_incident(cause, location="here")


ACKNOWLEDGED = Reply(ReplyKind.ACKNOWLEDGE, at(50), "Jo", incident().id)
FOR_EVER = Retention(1000, 1000, 1000)


def looks(stored, since=NOON):
    return list(stored.history.observations(CHAT, since))


def number_of(stored):
    """Return the number of the series that the tests look at."""
    return stored.history.series_ids()[CHAT.id]


def letter(writer, change, *channels, seconds=0):
    writer.save(Batch(at(seconds), changes=(change,), messages=tuple(Message(change.id, name) for name in channels)))


@pytest.mark.parametrize(("most", "seen"), [(None, [1, 2, 3]), (2, [2, 3]), (10**30, [1, 2, 3]), (0, [])])
def test_the_latest_looks_are_told_oldest_first_and_no_more_than_asked_for(writer, stored, most, seen):
    writer.save(Batch(at(3), tuple(observation(seconds=one) for one in range(4))))

    assert [one.at for one in stored.history.latest_observations(CHAT, at(1), most)] == [at(one) for one in seen]


# Who may write, and what a reader finds


def test_one_process_alone_writes_and_the_next_may_when_it_has_ended(opened):
    with holding(opened()), pytest.raises(Busy), holding(opened()):
        pass
    with holding(opened()) as held:
        Through(held).save(Batch(at(0)))


def test_what_was_never_written_is_said_with_the_way_to_it(opened):
    with pytest.raises(StoreError, match="start `run`"), opened().reading():
        pass


def test_a_reader_sees_what_is_written_meanwhile_and_in_a_snapshot_only_what_was_before(writer, stored):
    writer.save(Batch(at(0), (observation(),)))
    with stored.snapshot():
        assert len(looks(stored)) == 1
        writer.save(Batch(at(1), (observation(seconds=1),)))
        assert len(looks(stored)) == 1
    assert len(looks(stored)) == 2


def test_a_store_has_a_short_name_and_a_full_one_for_messages(opened):
    address = opened().address

    assert opened().name == address.name
    assert address.full_name.endswith(address.name)


def test_what_is_cleared_begins_anew(opened):
    with holding(opened()) as held:
        Through(held).save(Batch(at(0), (observation(),)))
    opened().clear()

    with pytest.raises(StoreError), opened().reading():
        pass
    with holding(opened()) as held:
        assert held.reader.marks.last_beat() is None


def test_a_scratch_store_is_gone_at_its_end():
    with scratch_store("here") as store, holding(store) as held:
        Through(held).save(Batch(at(0), (observation(),)))

    with pytest.raises(StoreError), store.reading():
        pass


# A batch


def test_a_batch_is_written_whole_or_not_at_all(writer, stored):
    with pytest.raises(StoreError):
        writer.save(Batch(at(0), (observation(),), messages=(Message("no such change", "phone"),)))
    assert (looks(stored), stored.history.series_ids(), stored.marks.last_beat()) == ([], {}, None)

    writer.save(Batch(at(1), (observation(seconds=1),)))
    assert len(looks(stored)) == 1


def test_a_part_that_cannot_be_written_is_returned_and_holds_up_no_other(opened):
    bad = Message("no such change", "phone")
    with holding(opened()) as held:
        (refused,) = held.do(opened().save, Batch(at(0), (observation(),), messages=(bad,)))
        assert held.do(opened().save, Batch(at(1), (observation(seconds=1),))) == []
        assert len(looks(held.reader)) == 2

    assert refused.part.messages == (bad,)


def test_a_look_comes_back_as_it_was(writer, stored):
    met = Answer("openai/x", "words", Confidence.MEDIUM, phase=Phase.BODY)
    failed = observation(Fault.TIMEOUT, 1, answer=met, latency_s=1.5, status=None)
    good = replace(observation(None, 2), latency_s=0.25, ttft_s=0.125)
    unseen = observation("the monitor is offline", 3)
    writer.save(Batch(at(3), (good, failed, unseen)))

    found = looks(stored)
    assert [one.outcome for one in found] == [Outcome.FAILED, Outcome.OK, Outcome.UNKNOWN]
    assert [(one.at, one.fault, one.status, one.latency_s, one.ttft_s) for one in found[:2]] == [
        (at(1), Fault.TIMEOUT, None, 1.5, None),
        (at(2), None, 200, 0.25, 0.125),
    ]
    assert (found[0].answer.rule, found[0].answer.confidence, found[0].answer.phase) == (
        "openai/x", Confidence.MEDIUM, Phase.BODY,
    )  # fmt: skip
    assert looks(stored, at(2)) == found[1:]


# What a start resumes


def test_a_restart_resumes_what_was_believed_planned_spent_open_and_told(writer, stored):
    seen = observation(Fault.ACCOUNT_SUSPENDED, answer=Answer("openai/x", "words", Confidence.MEDIUM, "body"))
    now = health(None, *[Fault.ACCOUNT_SUSPENDED] * 3, answer=seen.answer)
    opened = Change(incident(), ChangeKind.OPENED, at(60))
    writer.save(
        Batch(
            at(60), (seen,), {CHAT.id: now}, {CHAT.id: at(120)}, {"openai/main": Spending(NOON.date(), 5, 0.25)},
            (opened,), (Message(opened.id, "phone", incident_id=opened.incident.id),),
            replies=(ACKNOWLEDGED,),
        )
    )  # fmt: skip

    remembered = stored.resumption.resume()
    assert remembered.healths == {CHAT.id: now}
    assert remembered.plans == {CHAT.id: at(120)}
    assert remembered.spendings == {"openai/main": Spending(NOON.date(), 5, 0.25)}
    assert remembered.incidents == {opened.incident.id: opened.incident}
    told = stored.resumption.correspondence(at(61))
    assert told.cases[opened.incident.id].changes == (opened,)
    assert told.cases[opened.incident.id].told == {"phone": (Notification(Step.OPENED, 0, opened.id, at(60)),)}
    assert (told.replies, told.digests, told.beat) == ([ACKNOWLEDGED], {}, at(60))
    assert stored.marks.last_beat() == at(60)


def test_what_ended_long_ago_and_replies_that_ran_out_are_not_resumed(writer, stored):
    over = replace(incident(), closed_at=at(5))
    short = Reply(ReplyKind.SILENCE, at(0), match=Match(), until=at(60))
    writer.save(Batch(at(5), changes=(Change(over, ChangeKind.RESOLVED, at(5)),), replies=(ACKNOWLEDGED, short)))

    assert stored.resumption.correspondence(at(59)).replies == [short]
    late = stored.resumption.correspondence(at(6) + KEEP_FOR)
    assert (late.cases, late.replies) == ({}, [])


def test_another_location_has_its_own_beliefs(writer, opened):
    writer.save(Batch(at(0), (observation(),), {CHAT.id: health(None)}))

    with opened("elsewhere").reading() as other:
        assert other.resumption.resume().healths == {}


def test_a_recovery_forgets_the_answer(writer, stored):
    failed = observation(Fault.TIMEOUT)
    writer.save(Batch(at(0), (failed,), {CHAT.id: health(Fault.TIMEOUT)}))
    writer.save(Batch(at(60), (observation(seconds=60),), {CHAT.id: health(Fault.TIMEOUT, None)}))

    found = stored.resumption.resume().healths[CHAT.id]
    assert (found.state, found.answer, found.fault) == (State.UP, None, None)


@pytest.mark.parametrize("phase", [*Phase, None])
def test_the_part_of_the_road_that_failed_is_remembered(writer, stored, phase):
    met = Answer("transport/x", "some words", phase=phase)
    writer.save(Batch(at(0), (observation(Fault.TIMEOUT, answer=met),), {CHAT.id: health(Fault.TIMEOUT, answer=met)}))

    assert stored.resumption.resume().healths[CHAT.id].answer == met
    assert [one.phase for one in stored.history.observations(CHAT, at(0))] == [phase]


def test_a_start_resumes_what_the_detectors_remember(writer, stored):
    key, pool = PoolKey("openai", "chat", Measure.TOTAL, None), Pool(at(0))
    note, track = AccountMemory(), NEW
    source = StatusSource("openai", problem=PlatformChanged(Defective(Defect.EMPTY), ("Checkly",)))
    writer.save(
        Batch(
            at(0), (observation(),), {CHAT.id: health(None)},
            notes={"openai/main": note}, tracks={CHAT.id: track}, pools={key: pool},
            trace=ClockTrace(at(0), 5.0, "boot"),
        )
    )  # fmt: skip
    writer.save_source(source)

    left = stored.resumption
    assert (left.tracks(), left.pools()) == ({CHAT.id: track}, {key: pool})
    assert (left.resume().notes, left.resume().sources) == ({"openai/main": note}, {"openai": source})
    assert stored.marks.trace() == ClockTrace(at(0), 5.0, "boot")


def test_what_one_process_leaves_to_the_next_is_the_last_that_was_said(writer, stored):
    assert (stored.marks.failing(), stored.marks.said(), stored.marks.overlap()) == ([], {}, None)
    failing, overlap = add_failure(None, Stage.PROBE, "OSError", NOON), Overlap(3, at(0), at(60))
    for said in ({"page": "full"}, {"page": "fuller"}):
        writer.save_said(said)
    writer.save_failing([failing])
    writer.save_overlap(overlap)

    assert (stored.marks.failing(), stored.marks.said()) == ([failing], {"page": "fuller"})
    assert stored.marks.overlap() == overlap


def test_of_each_day_the_money_is_added_up_and_the_latest_day_resumed(writer, stored):
    for day, usd in ((20, 0.5), (21, 0.25), (21, 0.75)):
        spent = Spending(date(2026, 11, day), 5, usd)
        writer.save(Batch(at(0), spendings={"openai/main": spent}))

    assert stored.history.spent(date(2026, 11, 20)) == {"openai/main": 1.25}
    assert stored.history.spent(date(2026, 11, 21)) == {"openai/main": 0.75}
    assert stored.resumption.resume().spendings == {"openai/main": spent}


# Incidents and replies


def test_incidents_are_found_by_id_by_time_and_by_what_happened_to_them(writer, stored):
    first, second = incident(0), incident(100)
    over = replace(first, closed_at=at(50))
    changes = (
        Change(first, ChangeKind.OPENED, at(1)),
        Change(over, ChangeKind.RESOLVED, at(50)),
        Change(second, ChangeKind.OPENED, at(101)),
    )
    writer.save(Batch(at(101), changes=changes))
    log = stored.incidents

    assert (log.find(first.id), log.find(second.id), log.find("no such id")) == (over, second, None)
    assert set(log.ids()) == {first.id, second.id}
    assert log.closed(9) == [over]
    assert stored.resumption.resume().incidents == {second.id: second}
    assert (log.between(at(0), at(60)), log.between(at(60), at(99))) == ([over], [])
    assert log.between(at(10), at(200)) == [over, second]
    assert (log.changes_since(at(0)), log.changes_since(at(2))) == (list(changes), [changes[-1]])


def test_the_same_change_written_twice_is_one(writer, stored):
    opened = Change(incident(), ChangeKind.OPENED, at(0))
    for _ in range(2):
        writer.save(Batch(at(0), changes=(opened,)))

    assert stored.incidents.changes_since(at(-1)) == [opened]


def test_a_reply_counts_once_and_is_known_by_its_id(writer, stored):
    for _ in range(2):
        writer.save(Batch(at(60), replies=(ACKNOWLEDGED,)))

    assert stored.messages.replies() == [ACKNOWLEDGED]
    assert stored.messages.is_replied(ACKNOWLEDGED.id)
    assert not stored.messages.is_replied("another")


NOTE = IncidentNote(incident().id, at(70), "Jo", "vendor ticket 7 opened")


def test_a_note_counts_once_and_is_told_with_its_incident_oldest_first(writer, stored):
    letter(writer, Change(incident(), ChangeKind.OPENED, at(0)))
    later = replace(NOTE, at=at(80), public=True)

    assert [writer.save_note(one) for one in (later, NOTE, NOTE)] == [True, True, False]
    assert stored.incidents.notes() == {incident().id: (NOTE, later)}


def test_what_a_process_knows_of_the_telling_is_written_where_a_store_lacks_it(writer, stored):
    opened = Change(incident(), ChangeKind.OPENED, at(0))
    letter(writer, opened, "phone")
    case = replace(
        stored.resumption.correspondence(at(1)).cases[opened.incident.id],
        told=dict.fromkeys(("phone", "mail"), (Notification(Step.OPENED, 0, opened.id, at(0)),)),
    )
    writer.recall([case], [ACKNOWLEDGED], at(3600))

    assert [(one.channel, one.state) for one in stored.messages.of(opened.incident.id)] == [
        ("phone", "waiting"),
        ("mail", "sent"),
    ]
    assert stored.messages.replies() == [ACKNOWLEDGED]


# Copies


@pytest.fixture
def copy(opened, tmp_path):
    """A backup of a store with one observation, which has two by now."""
    with holding(opened()) as held:
        Through(held).save(Batch(at(0), (observation(),)))
        assert opened().back_up(tmp_path / "copy") is False
        Through(held).save(Batch(at(1), (observation(seconds=1),)))
    return tmp_path / "copy"


def seen(store):
    with store.reading() as stored:
        return len(looks(stored))


def test_a_backup_replaces_an_older_one_and_says_so(opened, copy):
    assert opened().back_up(copy) is True
    assert opened().restore(copy, at(2))
    assert seen(opened()) == 2


def test_a_backup_replaces_no_file_that_the_configuration_names(opened, copy):
    with pytest.raises(StoreError, match="named there"):
        opened().back_up(copy, [copy])


def test_a_restored_store_is_as_it_was_and_the_present_one_is_kept(opened, copy):
    kept = opened().restore(copy, at(2))

    assert seen(opened()) == 1
    assert any(opened().name in one for one in kept)
    with holding(opened()) as held:
        Through(held).save(Batch(at(3), (observation(seconds=3),)))
    assert seen(opened()) == 2


def test_a_backup_is_restored_where_there_is_no_store_yet(opened, copy):
    opened().clear()

    assert opened().restore(copy, at(2)) == []
    assert seen(opened()) == 1


def test_a_store_that_is_held_is_not_replaced_nor_by_what_is_no_backup(opened, copy, tmp_path):
    with holding(opened()), pytest.raises(Busy):
        opened().restore(copy, at(2))
    (tmp_path / "no backup").write_text("what somebody wrote")
    with pytest.raises(StoreError, match="`backup` wrote"):
        opened().restore(tmp_path / "no backup", at(2))

    assert seen(opened()) == 2


# Between processes


def begin(store):
    with holding(store) as held:
        Through(held).save(Batch(at(0)))


def test_a_reply_is_saved_where_nobody_holds_the_store_and_the_same_one_once(opened):
    begin(opened())
    for _ in range(2):
        opened().submit_reply(ACKNOWLEDGED)

    with opened().reading() as stored:
        assert stored.messages.replies() == [ACKNOWLEDGED]


def test_a_reply_belongs_to_the_location_of_whoever_gave_it(opened):
    begin(opened("here"))
    opened("there").submit_reply(ACKNOWLEDGED)

    with opened("here").reading() as mine, opened("there").reading() as its:
        assert (mine.messages.replies(), its.messages.replies()) == ([], [ACKNOWLEDGED])


def asked_of_a_holder(opened, ask, answer=RequestStatus.DONE):
    """Return what a process that holds the store is asked while `ask` runs in another thread, and what `ask` returns.

    It answers each request with a status and with words.
    """
    heard = []

    async def handle(request):
        heard.append(request)
        return RequestResult(answer, "as it says")

    async def play():
        with holding(opened()) as held:
            server = opened().control_server(handle, held.is_holder)
            await server.listen()
            try:
                return await asyncio.to_thread(ask)
            finally:
                await server.close()

    return heard, asyncio.run(play())


def test_a_reply_goes_to_the_process_that_holds_the_store(opened, caplog):
    (request,), _ = asked_of_a_holder(opened, lambda: opened().submit_reply(ACKNOWLEDGED))

    assert (request.kind, msgspec.json.decode(request.body, type=Reply)) == (RequestKind.REPLY, ACKNOWLEDGED)
    assert caplog.messages == ["as it says"]


def test_a_note_goes_to_the_process_that_holds_the_store_and_else_is_saved(opened):
    (request,), _ = asked_of_a_holder(opened, lambda: opened().submit_note(NOTE))
    assert (request.kind, msgspec.json.decode(request.body, type=IncidentNote)) == (RequestKind.NOTE, NOTE)

    with holding(opened()) as held:
        letter(Through(held), Change(incident(), ChangeKind.OPENED, at(0)))
    opened().submit_note(NOTE)
    with opened().reading() as stored:
        assert stored.incidents.notes() == {incident().id: (NOTE,)}


def test_a_copy_holds_the_notes(opened, tmp_path):
    with holding(opened()) as held:
        letter(Through(held), Change(incident(), ChangeKind.OPENED, at(0)))
    opened().submit_note(NOTE)
    opened().back_up(tmp_path / "copy.db")
    opened().clear()
    opened().restore(tmp_path / "copy.db", at(90))

    with opened().reading() as stored:
        assert stored.incidents.notes() == {incident().id: (NOTE,)}


DRILL = Request(RequestKind.DRILL, msgspec.Raw(b"{}"))


def no_holder():
    raise AssertionError("there is a process that holds it")


def test_a_request_goes_to_the_process_that_holds_the_store_and_its_words_come_back(opened):
    heard, words = asked_of_a_holder(opened, lambda: opened().submit(DRILL, no_holder))

    assert ([one.kind for one in heard], words) == ([RequestKind.DRILL], "as it says")


def test_a_request_that_its_holder_refuses_is_not_carried_out_by_others(opened):
    with pytest.raises(StoreError, match="refuses this: as it says"):
        asked_of_a_holder(opened, lambda: opened().submit(DRILL, no_holder), RequestStatus.REFUSED)


def test_a_request_is_carried_out_by_whoever_has_it_where_nobody_holds_the_store(opened):
    begin(opened())
    done = []

    assert opened().submit(DRILL, lambda: done.append("alone")) == ""
    assert done == ["alone"]


def test_an_older_version_left_nothing_in_a_new_store(opened):
    begin(opened())

    assert opened().left_replies() == []
    opened().forget_left([])


def test_each_round_that_was_skipped_is_counted_once(opened):
    begin(opened())
    for seconds in (60, 120):
        opened().note_overlap(at(seconds))

    assert opened().take_overlaps() == [at(60), at(120)]
    assert opened().take_overlaps() == []


# The key of signed links


def test_the_key_of_links_is_made_once_and_is_a_secret_from_then_on(opened):
    begin(opened())
    assert opened().link_secrets() == []
    key = opened().link_key()

    assert len(key) >= 32
    assert opened().link_key() == key
    assert key.hex() in opened().link_secrets()


def test_another_store_signs_with_another_key(opened):
    begin(opened())
    with scratch_store("here") as other:
        begin(other)
        assert other.link_key() != opened().link_key()


# Limits, hours and days


def test_a_ceiling_keeps_the_date_since_which_it_holds(writer, stored):
    for seconds, most in ((0, 100.0), (60, 100.0), (120, 10.0)):
        limits = (Limit("requests", 60.0, most, most - 1),)
        writer.save(Batch(at(seconds), (observation(seconds=seconds, limits=limits),)))

    (kept,) = stored.history.ceilings()[number_of(stored)]
    assert (kept.limit, kept.since) == (Limit("requests", 60, 10.0, 9.0), at(120))


def test_a_ceiling_stands_when_an_answer_tells_only_what_is_left(writer, stored):
    for seconds, most, left in ((0, 100.0, 99.0), (60, None, 0.0)):
        limits = (Limit("requests", 60.0, most, left),)
        writer.save(Batch(at(seconds), (observation(seconds=seconds, limits=limits),)))

    (kept,) = stored.history.ceilings()[number_of(stored)]
    assert (kept.limit, kept.since) == (Limit("requests", 60, 100.0, 0.0), at(0))


DAY_S = 86_400
DAY, MIDNIGHT = timedelta(days=1), NOON.replace(hour=0)


def test_of_each_day_before_the_present_ceiling_the_one_last_told_is_kept(writer, stored):
    for seconds, most in ((0, 10.0), (60, 8.0), (DAY_S, 8.0), (DAY_S + 60, None), (3 * DAY_S, 9.0), (4 * DAY_S, 9.0)):
        limits = (Limit("requests", 60.0, most, 1.0),)
        writer.save(Batch(at(seconds), (observation(seconds=seconds, limits=limits),)))

    number = number_of(stored)
    (days,) = stored.history.earlier_ceilings([number], at(-DAY_S))[number].values()
    assert [(one.at, one.value) for one in days] == [(MIDNIGHT, 8), (MIDNIGHT + DAY, 8)]
    (late,) = stored.history.earlier_ceilings([number], at(0))[number].values()
    assert [one.at for one in late] == [MIDNIGHT + DAY]
    assert stored.history.earlier_ceilings([number], at(2 * DAY_S)) == {}


def test_of_each_day_the_credit_last_told_is_kept_of_who_told_it(writer, stored):
    for seconds, left in ((0, 10.0), (60, 8.5), (DAY_S, 2.0)):
        told = observation(seconds=seconds, credits=(Credit("USD", left),))
        writer.save(Batch(at(seconds), (told,), notes={CHAT.account: with_credit(left, at(seconds))}))
    writer.save(Batch(at(DAY_S + 9), (observation(seconds=9),), notes={CHAT.account: with_credit(0.0, at(DAY_S + 9))}))

    number = number_of(stored)
    days = stored.history.daily_credits([number], at(-DAY_S))[number]["USD"]
    assert [(one.at, one.value) for one in days] == [(MIDNIGHT, 8.5), (MIDNIGHT + DAY, 2)]


def with_credit(left, now):
    return AccountMemory({"USD list": CreditHistory("USD", CHAT.id, now, left)})


def test_what_was_each_day_is_forgotten_as_days_are(writer, stored):
    for seconds, most in ((0, 7.0), (9 * DAY_S, 8.0), (10 * DAY_S, 9.0)):
        told = observation(seconds=seconds, limits=(Limit("requests", 60.0, most, 1.0),), credits=(Credit("USD", 1.0),))
        writer.save(Batch(at(seconds), (told,), notes={CHAT.account: with_credit(1.0, at(seconds))}))
    forget(writer, replace(FOR_EVER, daily_days=4), at(10 * DAY_S))

    number = number_of(stored)
    assert [len(its) for its in stored.history.earlier_ceilings([number], MIDNIGHT)[number].values()] == [1]
    assert [len(its) for its in stored.history.daily_credits([number], MIDNIGHT)[number].values()] == [2]


@pytest.mark.parametrize("most", [float("inf"), float("nan")])
def test_a_ceiling_that_is_no_number_is_on_no_day(writer, stored, most):
    for seconds, told in ((0, most), (DAY_S, 9.0)):
        writer.save(Batch(at(0), (observation(seconds=seconds, limits=(Limit("requests", 60.0, told, 1.0),)),)))

    assert stored.history.earlier_ceilings([number_of(stored)], MIDNIGHT) == {}


def test_the_answers_of_a_day_are_drawn_together_by_their_medians(writer, stored):
    for seconds, latency_s in ((60, 1.0), (120, 9.0), (180, 2.0), (1300, 4.0)):
        one = replace(observation(seconds=seconds), latency_s=latency_s, ttft_s=latency_s / 2 if seconds < 99 else None)
        writer.save(Batch(at(seconds), (one, observation(Fault.TIMEOUT, seconds + 1))))

    step, number = timedelta(minutes=20), number_of(stored)
    assert stored.history.paces(number, at(0), step, 3) == ((2.0, 4.0, None), (0.5, None, None))
    assert stored.history.paces(number, at(-1200), step, 2)[0] == (None, 2.0)


def test_a_limit_that_was_not_told_for_long_is_forgotten(writer, stored):
    for seconds, unit in ((0, "old"), (3600, "new")):
        limits = (Limit(unit, None, 10.0, None),)
        writer.save(Batch(at(seconds), (observation(seconds=seconds, limits=limits),)))
    forget(writer, replace(FOR_EVER, raw_days=1), at(86400 + 60))

    assert [one.limit.unit for one in stored.history.ceilings()[number_of(stored)]] == ["new"]


def write_hours(writer, hours, every_s=600, fault=None):
    for number in range(hours * 3600 // every_s):
        seconds = number * every_s
        writer.save(Batch(at(seconds), (observation(fault if number % 2 else None, seconds),)))


def roll_up(writer, stored, now):
    while due := stored.next_roll_up(now):
        writer.save_roll_up(due)


def forget(writer, keep, now):
    while writer.forget(keep, now):
        pass


def test_hours_are_the_same_before_and_after_they_are_added_up_and_when_their_looks_are_gone(writer, stored):
    write_hours(writer, 3, fault=Fault.TIMEOUT)
    one = number_of(stored)
    before = stored.history.cells(NOON, {one: [one]})
    roll_up(writer, stored, at(4 * 3600))
    assert stored.history.cells(NOON, {one: [one]}) == before
    forget(writer, replace(FOR_EVER, raw_days=1), at(86400 + 4 * 3600))

    assert looks(stored) == []
    assert stored.history.cells(NOON, {one: [one]}) == before
    assert [(cell.ok, cell.failed) for cell in before[one].values()] == [(3, 3)] * 3


def test_an_open_hour_is_not_added_up_and_a_closed_one_once(writer, stored):
    write_hours(writer, 2)
    roll_up(writer, stored, at(3600 + 300))

    assert stored.history.rolled_until("hourly") == at(3600)
    assert stored.next_roll_up(at(3600 + 300)) is None


def test_a_closed_day_is_added_up_from_its_hours(writer, stored):
    write_hours(writer, 14)
    roll_up(writer, stored, at(14 * 3600))

    (day,) = stored.history.days(at(-86400), {1: [number_of(stored)]})[1].values()
    assert (day.ok, day.failed) == (12 * 6, 0)


def test_usual_durations_outlive_the_looks_they_came_from(writer, stored):
    write_hours(writer, 3)
    roll_up(writer, stored, at(4 * 3600))
    forget(writer, replace(FOR_EVER, raw_days=0), at(5 * 3600))

    seen = stored.history.durations(number_of(stored), at(5 * 3600))
    assert quantile(seen.usual_latency, 0.5) == pytest.approx(0.5, rel=0.05)
    assert quantile(seen.latency, 0.5) is None


@given(st.lists(st.integers(0, 40 * 24), unique=True, max_size=12), st.integers(0, 40))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_younger_than_it_is_kept_for_is_never_forgotten(writer, stored, hours, days):
    now = at(40 * 86400)
    for hour in hours:
        writer.save(Batch(at(hour * 3600), (observation(seconds=hour * 3600),)))
    before = {one.at for one in looks(stored)}
    forget(writer, replace(FOR_EVER, raw_days=days), now)

    assert {one.at for one in looks(stored)} == {one for one in before if one >= now - timedelta(days=days)}


def test_limits_with_made_up_names_do_not_pile_up_and_those_known_first_go_on(writer, stored):
    for number in range(2 * MOST):
        limits = (Limit("requests", 60.0, 10.0, float(number)), Limit(f"unit{number}", None, 10.0, None))
        writer.save(Batch(at(number), (observation(seconds=number, limits=limits),)))
    (kept,) = stored.history.ceilings().values()

    assert len(kept) == MOST
    assert next(one.limit for one in kept if one.limit.unit == "requests").remaining == 2 * MOST - 1


def test_hours_without_a_look_cost_no_step(writer, stored):
    writer.save(Batch(at(0), (observation(),)))
    writer.save(Batch(at(86400 * 300), (observation(seconds=86400 * 300),)))
    steps = 0
    while due := stored.next_roll_up(at(86400 * 301)):
        writer.save_roll_up(due)
        steps += 1

    assert steps == 4  # two hours, two days


# Places


def test_two_locations_of_one_store_know_nothing_of_each_other(opened):
    change = Change(incident(), ChangeKind.OPENED, at(5))
    facts = {"changes": (change,), "messages": (Message(change.id, "phone", incident_id=change.incident.id),)}
    spent = {"spendings": {"openai/main": Spending(NOON.date(), 5, 0.25)}}
    with holding(opened("here")) as held:
        Through(held).save(Batch(at(5), replies=(ACKNOWLEDGED,), **facts, **spent))
    with holding(opened("there")) as held:
        writer = Through(held)
        writer.save(Batch(at(7), **facts))
        (due,) = writer.due_messages(at(7))
        writer.delivered(due, at(8))
        writer.complain("mail", "no answer", ["phone"], at(9))

    with opened("here").reading() as mine, opened("there").reading() as its, opened("nowhere").reading() as none:
        assert (mine.marks.last_beat(), its.marks.last_beat()) == (at(5), at(7))
        assert [one.state for one in mine.messages.of(change.incident.id)] == ["waiting"]
        assert [one.state for one in its.messages.of(change.incident.id)] == ["sent"]
        assert (len(mine.messages.latest(9)), len(its.messages.latest(9))) == (1, 2)
        assert (its.messages.replies(), its.history.spent(NOON.date())) == ([], {})
        assert its.resumption.resume().spendings == {}
        assert none.incidents.ids() == none.messages.latest(9) == none.messages.replies() == []


def test_each_location_adds_up_its_own_hours_and_no_others(opened):
    for place in ("here", "there"):
        with holding(opened(place)) as held, opened(place).reading() as stored:
            writer = Through(held)
            write_hours(writer, 2)
            assert stored.history.rolled_until("hourly") < NOON
            roll_up(writer, stored, at(4 * 3600))
            forget(writer, replace(FOR_EVER, raw_days=1), at(86400 + 1800))  # half of the first hour

    for place in ("here", "there"):
        with opened(place).reading() as stored:
            one = number_of(stored)
            assert [cell.ok for cell in stored.history.cells(NOON, {one: [one]})[one].values()] == [6, 6]


# The outbox


def test_a_message_that_is_given_up_is_tried_no_more_and_shown(writer, stored):
    letter(writer, Change(incident(), ChangeKind.OPENED, at(0)), "phone")
    (due,) = writer.due_messages(at(0))
    writer.given_up(due, "no such channel any more", at(1))

    assert (writer.due_messages(at(9999)), writer.next_message_at()) == ([], None)
    ((about, _, told),) = stored.messages.latest(9)
    assert about == incident()
    assert (told.state, told.tries, told.error) == ("failed", 1, "no such channel any more")
    assert stored.messages.failing_channels() == [("phone", "no such channel any more")]


def test_the_fate_of_each_message_is_known_by_what_names_it(writer, stored):
    change = Change(incident(), ChangeKind.OPENED, at(0))
    letter(writer, change, "phone", "mail")
    for due in writer.due_messages(at(0)):
        writer.postponed(due, "no answer", at(60))
    (due,) = [one for one in writer.due_messages(at(60)) if one.channel == "phone"]
    writer.delivered(due, at(61))

    found = stored.messages.fates(at(0))
    assert {key: (fate.state, fate.tries, fate.failures) for key, fate in found.items()} == {
        (change.id, "phone", Step.OPENED, 0): ("sent", 2, 1),
        (change.id, "mail", Step.OPENED, 0): ("waiting", 1, 1),
    }
    assert stored.messages.fates(at(1)) == {}


def test_what_was_sent_stays_sent_whatever_is_noted_of_it_later(writer, stored):
    letter(writer, Change(incident(), ChangeKind.OPENED, at(0)), "phone")
    (due,) = writer.due_messages(at(0))
    writer.delivered(due, at(1))
    writer.postponed(due, "too late", at(60))
    writer.given_up(due, "too late", at(60))

    assert [one.state for one in stored.messages.of(incident().id)] == ["sent"]


def test_a_letter_is_due_until_it_is_delivered(writer, stored):
    letter(writer, Change(incident(), ChangeKind.OPENED, at(0)), "phone")

    (due,) = writer.due_messages(at(0))
    writer.delivered(due, at(1))
    assert writer.due_messages(at(99)) == []
    (told,) = stored.messages.of(due.items[0].change.incident.id)
    assert (told.channel, told.state, told.tries) == ("phone", "sent", 1)


def test_a_letter_that_failed_is_due_again_later_and_shown_meanwhile(writer, stored):
    letter(writer, Change(incident(), ChangeKind.OPENED, at(0)), "phone", "mail")
    first = next(one for one in writer.due_messages(at(0)) if one.channel == "phone")
    writer.postponed(first, "no answer", at(60))

    assert [one.channel for one in writer.due_messages(at(59))] == ["mail"]
    assert [(one.channel, one.tries) for one in writer.due_messages(at(60)) if one.channel == "phone"] == [("phone", 1)]
    assert stored.messages.failing_channels() == [("phone", "no answer")]


def test_one_change_is_one_letter_per_channel(writer, stored):
    change = Change(incident(), ChangeKind.OPENED, at(0))
    letter(writer, change, "phone")
    letter(writer, change, "phone", "phone")

    assert len(writer.due_messages(at(0))) == 1


def test_an_end_waits_until_its_beginning_is_through(writer, stored):
    opened, closed = (
        Change(incident(), kind, at(n)) for n, kind in enumerate((ChangeKind.OPENED, ChangeKind.RESOLVED))
    )
    letter(writer, opened, "phone")
    letter(writer, closed, "phone", seconds=1)
    (first,) = writer.due_messages(at(5))

    assert [item.change.kind for item in first.items] == [ChangeKind.OPENED]
    writer.delivered(first, at(6))
    (second,) = writer.due_messages(at(6))
    assert [(item.change.kind, item.first) for item in second.items] == [(ChangeKind.RESOLVED, False)]


def test_what_could_not_be_sent_gives_way_to_what_is_newer_of_the_same_incident(writer, stored):
    opened, closed = (
        Change(incident(), kind, at(n)) for n, kind in enumerate((ChangeKind.OPENED, ChangeKind.RESOLVED))
    )
    letter(writer, opened, "phone")
    (first,) = writer.due_messages(at(5))
    writer.postponed(first, "no answer", at(60))
    letter(writer, closed, "phone", seconds=6)

    (only,) = writer.due_messages(at(7))
    assert [(item.change.kind, item.first) for item in only.items] == [(ChangeKind.RESOLVED, True)]
    writer.delivered(only, at(8))
    assert writer.due_messages(at(9999)) == []
    assert stored.messages.failing_channels() == []
    assert [one.state for one in stored.messages.of(incident().id)] == ["replaced", "sent"]


def test_what_could_not_be_sent_gives_way_to_nothing_of_another_incident(writer, stored):
    letter(writer, Change(incident(), ChangeKind.OPENED, at(0)), "phone")
    (first,) = writer.due_messages(at(5))
    writer.postponed(first, "no answer", at(60))
    letter(writer, Change(replace(incident(), id="other"), ChangeKind.OPENED, at(6)), "phone", seconds=6)

    assert len(writer.due_messages(at(60))) == 2


def test_what_was_decided_at_one_instant_is_one_letter(writer, stored):
    ones = [Change(replace(incident(), id=f"i{number}"), ChangeKind.OPENED, at(0)) for number in range(3)]
    messages = [Message(one.id, "phone") for one in ones] + [Message(None, "phone", Step.DIGEST, note="n")]
    writer.save(Batch(at(0), changes=tuple(ones), messages=tuple(messages)))

    assert [len(one.items) for one in writer.due_messages(at(0))] == [3, 1]


def test_a_clock_that_is_set_back_holds_no_letter_up(writer, stored):
    letter(writer, Change(incident(), ChangeKind.OPENED, at(0)), "phone")
    earlier = at(-3600)

    (due,) = writer.due_messages(earlier)
    writer.postponed(due, "no answer", earlier + timedelta(seconds=5))
    assert writer.due_messages(earlier) == []
    assert len(writer.due_messages(earlier + timedelta(seconds=5))) == 1


def test_a_channel_that_fails_is_told_of_once_until_it_works_again(writer, stored):
    writer.complain("mail", "no answer", ["phone"], at(0))
    writer.complain("mail", "no answer", ["phone"], at(60))
    (told,) = writer.due_messages(at(60))
    assert [(item.step, item.about_channel, item.note) for item in told.items] == [(Step.FAILING, "mail", "no answer")]
    writer.delivered(told, at(61))

    letter(writer, Change(incident(), ChangeKind.OPENED, at(70)), "mail", seconds=70)
    (through,) = writer.due_messages(at(70))
    writer.delivered(through, at(71))
    writer.complain("mail", "refused", ["phone"], at(80))
    assert len(writer.due_messages(at(80))) == 1


@pytest.mark.parametrize(("one", "other"), [("mail: ops", "mail"), ("mail", "mail: ops"), ("mail", "mail: ")])
def test_a_channel_whose_name_begins_as_that_of_another_is_told_of_beside_it(writer, one, other):
    writer.complain(one, "no answer", ["phone"], at(0))
    writer.complain(other, "no answer", ["phone"], at(0))
    (told,) = writer.due_messages(at(0))

    assert [(item.about_channel, item.note) for item in told.items] == [(one, "no answer"), (other, "no answer")]


def test_a_channel_that_works_again_takes_back_no_word_of_one_whose_name_begins_as_its_own(writer):
    writer.complain("mail: ops", "no answer", ["phone"], at(0))
    letter(writer, Change(incident(), ChangeKind.OPENED, at(5)), "mail", seconds=5)
    (through,) = [one for one in writer.due_messages(at(5)) if one.channel == "mail"]
    writer.delivered(through, at(6))

    assert [(one.channel, one.items[0].about_channel) for one in writer.due_messages(at(7))] == [("phone", "mail: ops")]


def test_the_next_letter_says_when_to_wake(writer, stored):
    assert writer.next_message_at() is None
    letter(writer, Change(incident(), ChangeKind.OPENED, at(0)), "phone", seconds=5)
    assert writer.next_message_at() == at(5)


def test_times_survive_to_the_millisecond(writer, stored):
    when = NOON + timedelta(milliseconds=123)
    writer.save(Batch(when, (observation(seconds=0.123),), {CHAT.id: health(None)}, {CHAT.id: when}))

    assert stored.resumption.resume().plans[CHAT.id] == when
