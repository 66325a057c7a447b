"""Status sources → the texts that the templates show; pure."""

from collections.abc import Sequence
from datetime import datetime

from monitor.publish.incident_text import IncidentsByNotice
from monitor.publish.snapshot import SourceView
from monitor.publish.view_model import NoticeRow, StatusPages
from monitor.sentence.translation import PageLanguage
from probes.notice import UNTITLED, Impact, Notice


def build_status_pages(
    sources: Sequence[SourceView], now: datetime, speech: PageLanguage, known: IncidentsByNotice
) -> StatusPages:
    telling = [source for source in sources if source.readable and source.notices]
    quiet = dict.fromkeys(source.provider for source in sources if source.readable)
    loud = {source.provider for source in sources if source.readable and (source.notices or source.unread)}
    return StatusPages(
        notices=tuple(_notice(source, one, now, speech, known) for source in telling for one in source.notices),
        quiet=tuple(name for name in quiet if name not in loud),
        dark=tuple(
            speech.about(source.provider, _why_dark(source, speech))
            for source in sources
            if not source.readable or source.unread
        ),
    )


def _why_dark(source: SourceView, speech: PageLanguage) -> str:
    if source.readable:
        return speech.many(source.unread, "{n} item could not be read", "{n} items could not be read")
    return speech.doubt(source.problem) if source.problem else speech.say("not read yet")


def _notice(
    source: SourceView, notice: Notice, now: datetime, speech: PageLanguage, known: IncidentsByNotice
) -> NoticeRow:
    incident = known.get((source.id, notice.id))
    is_graded = not notice.planned and notice.impact is not Impact.UNKNOWN
    return NoticeRow(
        provider=source.provider,
        title=speech.notice_title(notice),
        is_theirs=notice.posted and notice.title != UNTITLED,
        href=notice.url or source.page,
        phase=speech.items(map(speech.say, notice.stage)),
        impact=speech.say(str(notice.impact)) if is_graded else "",
        began=speech.moment(notice.began_at, now) if notice.began_at else None,
        planned=notice.planned,
        lead=speech.lead(incident.lead) if incident else "",
    )
