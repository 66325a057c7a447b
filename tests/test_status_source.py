"""One status source from poll to poll: what is believed of it, and since when it says what it says."""

from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace

from monitor.diagnose.incident import Announcement
from monitor.diagnose.reason import SourceDoubted
from monitor.diagnose.status_source import (
    PATIENCE,
    STALE,
    StatusSource,
    diagnose_unreadable,
    find_announcements,
    read_status_page,
    update_source,
)
from monitor.diagnose.subject import Scope
from probes.doubt import Defect, Defective
from probes.notice import Bulletin, Impact, Notice, NoticePhase, Trust, Validators
from tests.conftest import at

ID = "openai/summary"


def notice(id="1", phase=NoticePhase.INVESTIGATING, impact=Impact.MAJOR, **facts):
    return Notice(id, f"Errors {id}", f"https://status.example.com/{id}", phase, impact, **facts)


def bulletin(seconds=0, *notices, trust=Trust.READ, problem=None, **facts):
    return Bulletin(ID, at(seconds), trust, problem, tuple(notices), **facts)


EMPTY = Defective(Defect.EMPTY)


def doubtful(seconds=0, problem=EMPTY):
    return bulletin(seconds, trust=Trust.DOUBTFUL, problem=problem)


def followed(*bulletins):
    source = StatusSource(ID)
    for one in bulletins:
        source = update_source(source, one)
    return source


def test_what_was_read_is_believed():
    source = followed(bulletin(0, notice()))

    assert source.is_readable(at(1))
    assert [one.id for one in source.notices] == ["1"]


def test_what_was_not_read_yet_is_not_readable():
    assert not StatusSource(ID).is_readable(at(0))


def test_a_doubtful_poll_takes_back_the_belief_and_keeps_what_was_said():
    source = followed(bulletin(0, notice()), doubtful(60))

    assert (source.problem, source.doubtful_since, source.failures) == (EMPTY, at(60), 1)
    assert not source.is_readable(at(61))
    assert source.notices


def test_doubt_is_dated_by_its_first_poll_and_ends_with_a_good_one():
    dark = followed(doubtful(0), doubtful(60))
    light = update_source(dark, bulletin(120))

    assert (dark.doubtful_since, dark.failures) == (at(0), 2)
    assert (light.doubtful_since, light.problem, light.failures) == (None, None, 0)


def test_an_unchanged_answer_renews_what_was_read():
    source = followed(
        bulletin(0, notice(), validators=Validators("v1")),
        bulletin(60, trust=Trust.UNCHANGED, validators=Validators("v1")),
    )

    assert source.is_readable(at(60) + STALE - timedelta(seconds=1))
    assert [one.id for one in source.notices] == ["1"]
    assert source.validators.etag == "v1"


def test_what_was_not_asked_for_half_an_hour_is_not_readable():
    assert not followed(bulletin(0)).is_readable(at(0) + STALE)


def test_polls_without_an_open_notice_are_counted():
    source = followed(bulletin(0), bulletin(60, notice(phase=NoticePhase.RESOLVED)))

    assert source.quiet_polls == 2
    assert update_source(source, bulletin(120, notice())).quiet_polls == 0


@pytest.mark.parametrize(
    ("began_s", "published_s"),
    [
        (90, 90),
        (None, 120),  # not told: when we saw it
        (-3600, 60),  # dated back to when the trouble began: not before our last look
        (900, 120),  # a clock that is fast
    ],
)
def test_a_notice_came_between_two_polls(began_s, published_s):
    began_at = None if began_s is None else at(began_s)
    source = followed(bulletin(60), bulletin(120, notice(began_at=began_at)))

    assert source.published == {"1": at(published_s)}


def test_a_notice_that_was_there_at_the_first_poll_is_as_old_as_it_says():
    assert followed(bulletin(60, notice(began_at=at(-3600)))).published == {"1": at(-3600)}


def test_when_a_notice_came_does_not_change_with_its_updates():
    source = followed(bulletin(0), bulletin(60, notice()), bulletin(120, notice(phase=NoticePhase.MONITORING)))

    assert source.published == {"1": at(60)}


def test_what_is_doubted_says_nothing():
    said = read_status_page([followed(bulletin(0, notice()), doubtful(60))], at(61))

    assert (said.readable, said.notices) == (False, ())


def test_one_readable_source_of_two_is_enough():
    good, bad = followed(bulletin(0, notice())), replace(followed(doubtful()), id="openai/history")

    assert read_status_page([good, bad], at(1)).readable
    assert read_status_page([good, bad], at(1)).trouble.id == "1"


@pytest.mark.parametrize(
    ("one", "is_trouble"),
    [
        (notice(), True),
        (notice(impact=Impact.MINOR), True),
        (notice(impact=Impact.UNKNOWN), True),
        (notice(impact=Impact.NONE), False),
        (notice(phase=NoticePhase.RESOLVED), False),
        (notice(phase=NoticePhase.MONITORING), True),
        (notice(phase=NoticePhase.SCHEDULED, impact=Impact.MAINTENANCE, planned=True), False),
        (notice(phase=NoticePhase.IN_PROGRESS, impact=Impact.MAINTENANCE, planned=True), False),
    ],
)
def test_trouble_is_what_is_open_and_hurts(one, is_trouble):
    source = followed(bulletin(0, one))

    assert (read_status_page([source], at(1)).trouble is not None) == is_trouble
    assert bool(find_announcements([source], at(1))) == is_trouble


def test_of_two_troubles_the_graver_speaks_for_the_page():
    source = followed(bulletin(0, notice("1", impact=Impact.MINOR), notice("2", impact=Impact.CRITICAL)))

    assert read_status_page([source], at(1)).trouble.id == "2"


def test_an_announcement_says_when_and_where():
    (said,) = find_announcements([followed(bulletin(0), bulletin(60, notice(began_at=at(30))))], at(61))

    assert said == Announcement(at(30), "Errors 1", "https://status.example.com/1", ID, "1")


def test_hours_of_doubt_are_one_quiet_sign():
    source = followed(doubtful(0), doubtful(60))

    assert diagnose_unreadable([source], at(0) + PATIENCE - timedelta(seconds=1)) == []
    (sign,) = diagnose_unreadable([source], at(0) + PATIENCE)
    assert (sign.scope, sign.subject, sign.signal, sign.reasons) == (
        Scope.SOURCE,
        ID,
        True,
        (SourceDoubted(EMPTY),),
    )


def test_what_is_remembered_survives_a_restart():
    source = followed(bulletin(0, notice(), validators=Validators("v")), doubtful(60))

    assert msgspec.json.decode(msgspec.json.encode(source), type=StatusSource) == source
