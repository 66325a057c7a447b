"""Whatever an answer holds, what is kept of it can be written, read again and shown."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from monitor.store.connection import open_writer
from monitor.store.reader import Reader
from monitor.store.row import Batch, from_json, to_json
from monitor.store.writer import Writer
from probes.model import Answer, Credit, Fault, HeaderWarning, Limit, Observation, Outcome, Usage
from probes.notice import Bulletin, Impact, Notice, NoticePhase, Trust, Validators
from probes.sanitize import EARLIEST, LARGEST, LATEST, MAX_LENGTH, sanitize
from tests.conftest import CHAT, NOON, health, observation

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)
ANY_NUMBER = st.floats() | st.none()
ANY_DATE = st.datetimes(timezones=st.just(UTC)) | st.none()


@st.composite
def observations(draw):
    limits = st.tuples(st.builds(Limit, ANY_TEXT, ANY_NUMBER, ANY_NUMBER, ANY_NUMBER, ANY_NUMBER))
    return Observation(
        CHAT, NOON, Outcome.FAILED, draw(ANY_NUMBER), draw(ANY_NUMBER), draw(st.integers() | st.none()),
        draw(ANY_TEXT | st.none()), Usage(draw(st.integers()), draw(st.integers())), draw(ANY_NUMBER),
        draw(limits), Fault.INVALID_KEY,
        Answer(draw(ANY_TEXT), draw(ANY_TEXT), body=draw(ANY_TEXT), retry_after_s=draw(ANY_NUMBER)),
        draw(st.tuples(st.builds(Credit, ANY_TEXT, ANY_NUMBER, ANY_NUMBER, ANY_NUMBER, st.booleans(), ANY_DATE))),
        draw(st.tuples(ANY_TEXT) | st.none()),
        draw(st.tuples(st.builds(HeaderWarning, st.just(Fault.SLOW), ANY_TEXT, ANY_TEXT))),
    )  # fmt: skip


@given(observations())
def test_whatever_was_observed_comes_back_as_it_was_written(seen):
    sound = sanitize(seen)

    assert from_json(to_json(sound), Observation) == sound
    with closing(sqlite3.connect(":memory:")) as db:
        row = (sound.request_id, sound.answer.body, sound.status, sound.usage.tokens_in, sound.latency_s)
        assert db.execute("SELECT ?, ?, ?, ?, ?", row).fetchone() == row


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("bad \ud800 key", "bad  key"),
        ("\udcff\udcfe", ""),
        ("a\x00b\x1b[31m", "ab[31m"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("x" * 100_000, "x" * MAX_LENGTH),
        ("密钥无效", "密钥无效"),
    ],
)
def test_a_text_loses_what_no_text_may_hold(text, kept):
    assert sanitize(Answer("rule", text)).words == kept


@pytest.mark.parametrize(("number", "kept"), [(nan, None), (inf, None), (-inf, None), (1e300, None), (0.25, 0.25)])
def test_a_measure_that_is_none_was_not_told(number, kept):
    assert sanitize(Limit("requests", 60.0, number, number)) == Limit("requests", 60.0, kept, kept)


@pytest.mark.parametrize(("count", "kept"), [(2**63, LARGEST), (-(10**400), -LARGEST), (17, 17)])
def test_of_a_count_that_is_too_large_the_largest_is_taken(count, kept):
    assert sanitize(Usage(count, 0)) == Usage(kept, 0)


@pytest.mark.parametrize("year", [1, EARLIEST.year - 1, LATEST.year, 9999])
def test_a_date_that_cannot_be_reckoned_with_was_not_told(year):
    credit = Credit("USD", 1.0, expires_at=datetime(year, 12, 31, tzinfo=UTC))

    assert sanitize(credit).expires_at is None


def test_what_a_status_page_says_is_made_sound_however_deep_it_stands():
    notice = Notice("i\ud800", "t\udfff", "http://\ud800/", NoticePhase.UNKNOWN, Impact.MAJOR, components=("API\x00",))
    told = Bulletin("x/y", NOON, Trust.READ, notices=(notice,), validators=Validators('"\udcff"'))

    (sound,) = sanitize(told).notices
    assert (sound.id, sound.title, sound.url, sound.components) == ("i", "t", "http:///", ("API",))
    assert sanitize(told).validators.etag == '""'


def test_what_is_sound_is_the_same_value():
    seen = observation(limits=(Limit("requests", 60.0, 100.0, 99.0),), request_id="req_1")

    assert sanitize(seen) is seen


def test_what_names_a_target_stays_as_the_configuration_has_it():
    odd = replace(CHAT, model="gpt\u200b")

    assert sanitize(observation(target=odd)).target.id == odd.id


def test_what_was_admitted_is_found_again_in_the_database(tmp_path):
    seen = sanitize(observation(Fault.INVALID_KEY, request_id="req\udcff", answer=Answer("a/b", "bad \ud800 key")))
    with closing(open_writer(tmp_path / "monitor.db")) as db:
        Writer(db, "here").save(Batch(NOON, (seen,), {CHAT.id: health(Fault.INVALID_KEY, answer=seen.answer)}))

        assert Reader(db, "here").resumption.resume().healths[CHAT.id].answer.words == "bad  key"
