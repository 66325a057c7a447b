"""What every channel hears of the database: once that it cannot be written, and once that it can."""

from datetime import timedelta

import pytest

from monitor.alert.channel import Channel
from monitor.alert.storage_notice import LASTING, RECENT, STEADY, Heard, StoreNews, due_news, read_news
from monitor.state.services import Pauses
from monitor.storage_refusal import RefusalKind, StorageRefusal
from tests.conftest import NOON

PHONE, MAIL = Channel("phone", "json://a"), Channel("mail", "json://b")
BRIEF = Pauses().lock_notice
SECOND = timedelta(seconds=1)


def heard(refusal, refused_at=None, told=None, channels=(PHONE,)):
    told = {name: Heard(news, NOON - ago) for name, (news, ago) in (told or {}).items()}
    return [(one.channel, *read_news(one.note)) for one in due_news(channels, refusal, refused_at, told, NOON, BRIEF)]


def since(ago, kind=RefusalKind.FULL):
    return StorageRefusal(kind, "it is full", NOON - ago)


def test_every_channel_hears_that_it_cannot_be_written():
    assert heard(since(SECOND), channels=(PHONE, MAIL)) == [
        ("phone", StoreNews.REFUSED, "it is full"),
        ("mail", StoreNews.REFUSED, "it is full"),
    ]


@pytest.mark.parametrize(
    ("refusal", "refused_ago", "told", "news"),
    [
        pytest.param(None, None, {}, None, id="all is well"),
        pytest.param(since(SECOND), SECOND, {"phone": (StoreNews.REFUSED, SECOND)}, None, id="it knows"),
        pytest.param(None, STEADY, {"phone": (StoreNews.REFUSED, RECENT)}, StoreNews.BACK, id="it is back"),
        pytest.param(None, STEADY - SECOND, {"phone": (StoreNews.REFUSED, RECENT)}, None, id="back for a moment"),
        pytest.param(None, None, {"phone": (StoreNews.REFUSED, RECENT)}, StoreNews.BACK, id="back after a restart"),
        pytest.param(None, None, {"phone": (StoreNews.BACK, RECENT)}, None, id="it knows that it is back"),
        pytest.param(
            None, -STEADY, {"phone": (StoreNews.REFUSED, -RECENT)}, StoreNews.BACK, id="the clock was set back since"
        ),
        pytest.param(
            since(SECOND), None, {"phone": (StoreNews.BACK, -SECOND)}, StoreNews.REFUSED, id="and then came again"
        ),
        pytest.param(since(SECOND), SECOND, {"phone": (StoreNews.BACK, SECOND)}, None, id="comes and goes"),
        pytest.param(
            since(LASTING), SECOND, {"phone": (StoreNews.BACK, LASTING)}, StoreNews.REFUSED, id="came again and stays"
        ),
        pytest.param(since(SECOND), SECOND, {"phone": (StoreNews.BACK, RECENT)}, StoreNews.REFUSED, id="came again"),
        pytest.param(since(BRIEF - SECOND, RefusalKind.LOCKED), SECOND, {}, None, id="somebody copies it"),
        pytest.param(since(BRIEF, RefusalKind.LOCKED), SECOND, {}, StoreNews.REFUSED, id="somebody holds it"),
    ],
)
def test_each_is_told_once_and_what_comes_and_goes_is_not_told_each_time(refusal, refused_ago, told, news):
    found = heard(refusal, refused_ago and NOON - refused_ago, told)

    assert [kind for _, kind, _ in found] == ([news] if news else [])
