"""A status page may send any bytes: a bulletin comes of it that can be kept, or the word that none can be read."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from probes.feeds.parse import parse_feed
from probes.feeds.poll import make_bulletin
from probes.provider import Platform
from probes.sanitize import sanitize
from tests.conftest import NOON, why
from tests.fuzz.material import JSON_TEXT, PHRASES, STRINGS, fuzz, is_clean, mutated
from tests.test_feeds import SAMPLES, feed

RECORDED = sorted(SAMPLES.glob("*/*"))
PIECES = (
    PHRASES
    | JSON_TEXT
    | st.sampled_from(
        [
            *("<![CDATA[", "]]>", "<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;&a;'>]>", "&b;" * 50, "<item>"),
            *(
                "</item>",
                "<entry",
                "xmlns:x=''",
                "<?xml version='9'?>",
                "9999-12-31T23:59:59-12:00",
                "0001-01-01",
                "1e300",
            ),
            *(
                "Mon, 99 Foo 2026 99:99:99 +9999",
                "http://[::1",
                "javascript:alert(1)",
                "//\ud800/",
                '"',
                "'",
                "<",
                "\\",
            ),
        ]
    )
)
DATA = st.sampled_from(RECORDED).flatmap(
    lambda path: st.tuples(
        st.just(Platform(path.parent.name)), mutated(st.just(path.read_bytes().decode("latin-1")), PIECES)
    )
)
CHARSETS = st.sampled_from(
    [None, "utf-8", "utf-7", "utf-16", "idna", "unicode_escape", "base64", "\ud800", "", "x" * 999]
)


def told(form, text, charset=None):
    data = text.encode("utf-8", "surrogatepass") if not text.isascii() else text.encode()
    return make_bulletin(parse_feed(form, data, charset), feed(form), "example/main", NOON)


def texts(bulletin):
    yield from filter(None, [why(bulletin)])
    for one in bulletin.notices:
        yield from filter(None, [one.id, one.title, one.url, *one.components])
    yield from (one.name for one in bulletin.components)


def assert_keepable(bulletin):
    kept = sanitize(bulletin)
    assert all(is_clean(text) for text in texts(kept))
    assert len(kept.notices) <= 1_000
    for one in kept.notices:
        assert one.updated_at is None or one.updated_at + timedelta(days=30)


@fuzz
@given(DATA, CHARSETS)
def test_no_change_of_a_recorded_page_makes_a_bulletin_that_cannot_be_kept(sample, charset):
    assert_keepable(told(*sample, charset))


@fuzz
@given(st.sampled_from(list(Platform)), JSON_TEXT | STRINGS, CHARSETS)
def test_no_page_at_all_makes_a_bulletin_that_cannot_be_kept(form, text, charset):
    assert_keepable(told(form, text, charset))
