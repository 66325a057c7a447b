"""What every channel hears of the database: once that it cannot be written, and once that it can."""

from datetime import timedelta

import pytest

from monitor.alert.channel import Channel
from monitor.alert.storage_notice import LASTING, RECENT, STEADY, LastNotice, StorageEventKind, due_notices, read_notice
from monitor.state.services import Pauses
from monitor.storage_refusal import RefusalKind, StorageRefusal
from tests.conftest import NOON
from tests.rows import each_row

PHONE, MAIL = Channel("phone", "json://a"), Channel("mail", "json://b")
BRIEF = Pauses().lock_notice
SECOND = timedelta(seconds=1)


def heard(refusal, refused_at=None, told=None, channels=(PHONE,)):
    told = {name: LastNotice(news, NOON - ago) for name, (news, ago) in (told or {}).items()}
    return [
        (one.channel, *read_notice(one.note)) for one in due_notices(channels, refusal, refused_at, told, NOON, BRIEF)
    ]


def since(ago, kind=RefusalKind.FULL):
    return StorageRefusal(kind, "it is full", NOON - ago)


def test_every_channel_hears_that_it_cannot_be_written():
    assert heard(since(SECOND), channels=(PHONE, MAIL)) == [
        ("phone", StorageEventKind.REFUSED, "it is full"),
        ("mail", StorageEventKind.REFUSED, "it is full"),
    ]


@each_row(
    ("refusal", "refused_ago", "told", "news"),
    [
        pytest.param(None, None, {}, None, id="all is well"),
        pytest.param(since(SECOND), SECOND, {"phone": (StorageEventKind.REFUSED, SECOND)}, None, id="it knows"),
        pytest.param(
            None, STEADY, {"phone": (StorageEventKind.REFUSED, RECENT)}, StorageEventKind.BACK, id="it is back"
        ),
        pytest.param(
            None, STEADY - SECOND, {"phone": (StorageEventKind.REFUSED, RECENT)}, None, id="back for a moment"
        ),
        pytest.param(
            None, None, {"phone": (StorageEventKind.REFUSED, RECENT)}, StorageEventKind.BACK, id="back after a restart"
        ),
        pytest.param(None, None, {"phone": (StorageEventKind.BACK, RECENT)}, None, id="it knows that it is back"),
        pytest.param(
            None,
            -STEADY,
            {"phone": (StorageEventKind.REFUSED, -RECENT)},
            StorageEventKind.BACK,
            id="the clock was set back since",
        ),
        pytest.param(
            since(SECOND),
            None,
            {"phone": (StorageEventKind.BACK, -SECOND)},
            StorageEventKind.REFUSED,
            id="and then came again",
        ),
        pytest.param(since(SECOND), SECOND, {"phone": (StorageEventKind.BACK, SECOND)}, None, id="comes and goes"),
        pytest.param(
            since(LASTING),
            SECOND,
            {"phone": (StorageEventKind.BACK, LASTING)},
            StorageEventKind.REFUSED,
            id="came again and stays",
        ),
        pytest.param(
            since(SECOND), SECOND, {"phone": (StorageEventKind.BACK, RECENT)}, StorageEventKind.REFUSED, id="came again"
        ),
        pytest.param(since(BRIEF - SECOND, RefusalKind.LOCKED), SECOND, {}, None, id="somebody copies it"),
        pytest.param(since(BRIEF, RefusalKind.LOCKED), SECOND, {}, StorageEventKind.REFUSED, id="somebody holds it"),
    ],
)
def test_each_is_told_once_and_what_comes_and_goes_is_not_told_each_time(refusal, refused_ago, told, news):
    found = heard(refusal, refused_ago and NOON - refused_ago, told)

    assert [kind for _, kind, _ in found] == ([news] if news else [])
