"""The words of a message: what each step says, in each form, and templates that are not fit to be used."""

import html
import re
import time
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from monitor import words
from monitor.alert.case import Step
from monitor.alert.channel import Detail, Format
from monitor.alert.text import (
    LISTED,
    TEMPLATE_FOLDER,
    DigestSummary,
    MessageContext,
    MessagePart,
    MessageStyle,
    MessageTemplates,
    UsableAccount,
    compose,
    compose_channel_failure,
    compose_digest,
    compose_storage_notice,
    worst_severity,
)
from monitor.detect.reason import HardlyLeft, UnderReview
from monitor.diagnose.diagnosis import FLAP, Diagnosis, Evidence
from monitor.diagnose.incident import Announcement, Change, ChangeKind, Severity, absence_change, open_incident
from monitor.diagnose.reason import NoLongerWatched
from monitor.diagnose.subject import Scope, Subject, read_subject
from monitor.publish.render import TEMPLATES
from monitor.publish.shared_risk import BESIDE
from monitor.publish.usable import RECHECKED
from monitor.sentence.translation import load_language
from probes.advice import choose_advice
from probes.catalog import load_provider
from probes.model import Blame, Confidence, Fault
from probes.phrase import Phrase, in_english
from tests.conftest import at
from tests.test_page_speech import mute

EVIDENCE = Evidence(
    "openai/main/chat", at(0), Fault.ACCOUNT_SUSPENDED, "openai/deactivated", "has been deactivated", 401, "req_7"
)  # fmt: skip
CAUSE = Diagnosis(
    read_subject(Scope.ACCOUNT, "openai/main"), Fault.ACCOUNT_SUSPENDED, Confidence.HIGH, at(0),
    ("chat: HTTP 401, account_suspended",), ("openai/main/chat",), (EVIDENCE,),
)  # fmt: skip
OPENED = Change(open_incident(CAUSE), ChangeKind.OPENED, at(20))
RESOLVED = Change(replace(OPENED.incident, closed_at=at(3620)), ChangeKind.RESOLVED, at(3620))
AROUND = MessageContext("office", simulated=False, advice=(Phrase("Appeal at https://help.openai.com."),))


def message(step=Step.OPENED, change=OPENED, around=AROUND, form=Format.TEXT, detail=Detail.FULL, seconds=20, **facts):
    return compose(
        [MessagePart(step, 0, change, around, **facts)], MessageStyle(MessageTemplates(), detail, form), at(seconds)
    )


def plain(text):
    """The text as it is read, without its markup; a link is its address."""
    return re.sub("[*]+|<[^>]+>", "", re.sub(r"\[[^]]+\]\(([^)]+)\)", r"\1", text.body))


def test_a_message_says_what_who_since_when_with_proof_and_what_to_do():
    text = message(around=replace(AROUND, usable=[UsableAccount("openai/backup", at(-20))], url="https://s.example"))

    assert text.title == "[DOWN] openai/main: account suspended"
    for part in (
        "Whose fault: your account (sure), since 21 Nov 2026, 12:00 UTC (20 s ago)\n",
        "HTTP 401, account_suspended, request id req_7",
        '"has been deactivated"',
        "What to do: Appeal at https://help.openai.com.",
        "Working instead: openai/backup (seen working 40 s ago)",
        "Seen from: office",
        f"https://s.example/incidents/{OPENED.incident.id}.html",
    ):
        assert part in text.body


@pytest.mark.parametrize(
    ("step", "head", "words"),
    [
        (Step.CHANGED, "[CHANGED]", "This has changed; the incident was already open"),
        (Step.REMINDER, "[STILL DOWN]", "nobody has acknowledged it"),
        (Step.ESCALATED, "[ESCALATED]", "because nobody has acknowledged it"),
    ],
)
@pytest.mark.parametrize("form", Format)
def test_each_step_says_what_it_is_in_each_form(form, step, head, words):
    text = message(step, form=form)

    assert text.title == f"{head} openai/main: account suspended"
    assert words in text.body


@pytest.mark.parametrize("form", Format)
def test_an_end_says_how_long_it_lasted_how_often_it_came_and_that_the_account_is_back(form):
    text = message(Step.RESOLVED, RESOLVED, replace(AROUND, times=3, downtime_s=5400), form, seconds=3700, first=False)

    assert text.title == "[RESOLVED] openai/main: account suspended"
    assert "Over after 1 h" in text.body
    assert "the account is back" in text.body
    assert "Within 24 hours: 3 times, down for 1 h 30 min in all" in text.body
    assert "first you hear" not in text.body
    assert "first you hear" in message(Step.RESOLVED, RESOLVED, form=form, first=True).body


DRILLED = Change(replace(open_incident(CAUSE, drill=True), closed_at=at(10)), ChangeKind.RESOLVED, at(10))


@pytest.mark.parametrize("detail", Detail)
@pytest.mark.parametrize("form", Format)
def test_the_end_of_a_drill_says_that_the_drill_is_over_and_of_no_account_that_it_is_back(form, detail):
    text = message(Step.RESOLVED, DRILLED, form=form, detail=detail)

    for said in (plain(text), text.brief):
        assert "The drill is over after " in said
        assert "is back" not in said


@pytest.mark.parametrize("form", Format)
def test_a_list_says_which_of_several_that_ended_was_a_drill(form):
    pieces = [MessagePart(Step.RESOLVED, 0, one, AROUND) for one in (RESOLVED, DRILLED)]
    said = compose(pieces, MessageStyle(MessageTemplates(), Detail.FULL, form), at(3700)).body

    assert [said.count(words) for words in (", over after", ", the drill is over after")] == [1, 1]


@pytest.mark.parametrize("facts", [{"signal": True}, {"about": Subject(Scope.MONITOR)}])
def test_what_was_not_down_is_not_said_to_have_been(facts):
    over = replace(RESOLVED, incident=replace(RESOLVED.incident, **facts))
    text = message(Step.RESOLVED, over, replace(AROUND, times=3, downtime_s=5400))

    assert "Within 24 hours: 3 times, 1 h 30 min in all" in text.body


@pytest.mark.parametrize(("step", "head"), [(Step.REMINDER, "STILL DOWN"), (Step.CHANGED, "CHANGED")])
def test_a_reminder_is_an_opening_to_those_whom_nothing_reached_before(step, head):
    assert message(step).title.startswith(f"[{head}]")
    assert message(step, first=True).title.startswith("[DOWN]")
    assert "still so" not in message(step, first=True).body


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize(("step", "head"), [(Step.MISSED, "GAP"), (Step.RESOLVED, "RESOLVED")])
def test_who_was_offline_says_from_when_to_when_and_what_it_did_not_see(form, step, head):
    targets = ("openai/a/chat", "openai/a/list", "openai/b/list", "groq/c/list")
    facts = {"about": Subject(Scope.MONITOR), "fault": Fault.CONNECTION_FAILED, "targets": targets, "covered": ()}
    over = replace(RESOLVED, incident=replace(RESOLVED.incident, **facts, closed_at=at(480)))
    text = message(step, over, form=form)

    assert text.title == f"[{head}] the monitor was offline for 8 min"
    assert "Not watched in the meantime: openai (2 accounts), groq (1 account)" in plain(text).replace("`", "")
    assert "Nothing is known about this time" in text.body
    assert "Began: 21 Nov 2026, 12:00 UTC" in plain(text)
    assert "Ended: 21 Nov 2026, 12:08 UTC" in plain(text)
    assert "quiet hours" not in text.body
    assert ("first you hear" in message(step, over, form=form, first=True).body) is (step is Step.RESOLVED)
    brief = message(step, over, detail=Detail.SHORT).body
    assert brief.startswith(
        "From 21 Nov 2026, 12:00 UTC to 21 Nov 2026, 12:08 UTC. Nothing is known about this time of op"
    )


@pytest.mark.parametrize("form", Format)
def test_a_gap_says_what_is_not_known_and_what_to_do(form):
    text = message(Step.MISSED, absence_change(at(0), at(3600)), form=form)

    assert text.title == "[GAP] the monitor was not watching for 1 h"
    assert "Nothing is known about this time" in text.body
    assert in_english(AROUND.advice) in plain(text)
    assert "over" not in text.body
    assert "quiet hours" not in text.body


MAIN = "openai/main/list"
FLAP_EVIDENCE = [Evidence(f"openai/{name}/list", at(0), Fault.TIMEOUT, FLAP, "11 changes") for name in ("a", "b")]
FLAPPING = Change(
    open_incident(
        replace(
            CAUSE, fault=Fault.TIMEOUT, signal=True, targets=(), evidence=tuple(FLAP_EVIDENCE),
            reasons=("11 changes in 30 min; further changes are held until it is calm", "calm is 30 min of it"),
        )
    ),
    ChangeKind.OPENED,
    at(1800),
)  # fmt: skip


@pytest.mark.parametrize("form", Format)
def test_what_comes_and_goes_says_how_often_and_what_and_later_that_it_is_calm(form):
    text = message(change=FLAPPING, form=form, seconds=1800)

    assert text.title == "[FLAPPING] openai/main: no answer in time again and again"
    told = "It comes and goes: 11 changes in 30 min; further changes are held until it is calm"
    assert f"{told} (calm is 30 min of it)." in text.body
    assert f"{told}.\n" in text.brief
    assert text.body.index("What comes and goes") < text.body.index("openai/a/list") < text.body.index("openai/b/list")
    assert "What came back" not in text.body
    over = replace(FLAPPING, incident=replace(FLAPPING.incident, closed_at=at(3600)), kind=ChangeKind.RESOLVED)
    calm = message(Step.RESOLVED, over, form=form)
    assert calm.title == "[RESOLVED] openai/main: no answer in time again and again"
    assert "Calm again: no outage for half an hour" in calm.body
    assert "Ended:" not in calm.body


@pytest.mark.parametrize("form", Format)
def test_the_outage_that_makes_a_row_is_told_with_it_as_one(form):
    outage = replace(OPENED, incident=replace(OPENED.incident, fault=Fault.TIMEOUT))
    row = replace(FLAPPING, incident=replace(FLAPPING.incident, evidence=(replace(FLAP_EVIDENCE[0], target=MAIN),)))
    both = [MessagePart(Step.OPENED, 0, change, AROUND) for change in (row, outage)]
    text = compose(both, MessageStyle(MessageTemplates(), Detail.FULL, form), at(1800))

    assert text.title == "[FLAPPING] openai/main: no answer in time"
    assert "It comes and goes: 11 changes in 30 min" in text.body
    assert "What came back" in text.body
    assert "11 changes in 30 min" in text.brief
    other = MessagePart(Step.OPENED, 0, OPENED, AROUND)
    assert compose([*both, other], MessageStyle(MessageTemplates(), Detail.FULL, form), at(1800)).title.startswith(
        "[1 FLAPPING, 1 DOWN] "
    )


ENDLESS = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"


def test_a_template_that_does_not_end_is_tried_once_until_it_is_changed(tmp_path):
    (tmp_path / "short.txt.j2").write_text(ENDLESS)
    templates = MessageTemplates(tmp_path)
    began = time.monotonic()
    first = compose(
        [MessagePart(Step.OPENED, 0, OPENED, AROUND)], MessageStyle(templates, Detail.SHORT, Format.TEXT), at(20)
    )
    told, took_s = dict(templates.warnings), time.monotonic() - began
    again = compose(
        [MessagePart(Step.OPENED, 0, OPENED, AROUND)], MessageStyle(templates, Detail.SHORT, Format.TEXT), at(20)
    )

    assert first.body == again.body == message(detail=Detail.SHORT).body
    assert "TimeoutError: it does not end within 0.5 s" in str(told["short.txt.j2"])
    assert "it does not end" in str(templates.warnings["short.txt.j2"])
    assert time.monotonic() - began - took_s < took_s
    (tmp_path / "short.txt.j2").write_text("mended")
    assert templates.fill("short.txt.j2", {}) == "mended\n"


def test_a_reminder_of_a_sign_does_not_say_that_anything_is_down():
    sign = replace(OPENED, incident=replace(OPENED.incident, signal=True, fault=Fault.LIMIT_COLLAPSE))

    assert message(Step.REMINDER, sign).title == "[STILL AT RISK] openai/main: rate limit cut sharply"


BARE = replace(OPENED, incident=replace(OPENED.incident, reasons=(), evidence=(), blamed=Blame.UNKNOWN))
ALL_STEPS = [(step, OPENED) for step in (Step.OPENED, Step.CHANGED, Step.REMINDER, Step.ESCALATED)]
ALL_STEPS += [(Step.RESOLVED, RESOLVED), (Step.MISSED, RESOLVED), (Step.OPENED, FLAPPING), (Step.OPENED, BARE)]


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize(("step", "change"), ALL_STEPS)
def test_a_text_does_not_repeat_its_title_and_has_no_empty_part(step, change, form):
    text = message(step, change, replace(AROUND, url="https://s.example"), form)
    lines = text.body.splitlines()

    assert words.title(change.incident) not in text.body
    assert "\n\n\n" not in text.body
    assert not [
        one for one, following in pairwise([*filter(str.strip, lines), ""]) if one[-1:] == ":" == following[-1:]
    ]
    assert ("Why we say so" in text.body) is (
        step not in (Step.RESOLVED, Step.MISSED) and change not in (BARE, FLAPPING)
    )


def test_the_address_to_turn_to_is_a_link_in_html():
    assert '<a href="https://help.openai.com"' in message(form=Format.HTML).body


@pytest.mark.parametrize("form", Format)
def test_the_first_line_says_whose_and_since_when_or_that_it_is_over(form):
    first, over = (plain(message(*one, form=form)).splitlines()[0] for one in ((), (Step.RESOLVED, RESOLVED)))

    assert first == "Whose fault: your account (sure), since 21 Nov 2026, 12:00 UTC (20 s ago)"
    assert over == "Over after 1 h; the account is back"


@pytest.mark.parametrize("form", Format)
def test_an_end_says_who_knew_first_and_a_beginning_has_links_to_answer_and_to_read_more(form):
    known = Announcement(at(680), "Elevated errors", None, "openai/page")
    incident = replace(RESOLVED.incident, announcement=known, detected_at=at(20))
    ended = message(Step.RESOLVED, replace(RESOLVED, incident=incident), form=form)
    begun = message(
        around=replace(AROUND, url="https://s.example", links={"Acknowledge": "https://s.example/answer/x"}), form=form
    )

    assert "Who knew first: we knew 11 min before the provider's page" in html.unescape(ended.body)
    assert "Acknowledge" in begun.body
    assert "https://s.example/answer/x" in begun.body
    assert f"https://s.example/incidents/{OPENED.incident.id}.html" in begun.body


@pytest.mark.parametrize("form", Format)
def test_where_there_is_nothing_to_do_there_is_no_line_for_it(form):
    assert "What to do" not in message(around=replace(AROUND, advice=()), form=form).body


def test_nobody_is_blamed_for_what_is_undecided_with_any_certainty():
    assert "Whose fault: undecided, since" in message(change=BARE).body


@pytest.mark.parametrize("form", Format)
def test_what_to_do_stands_before_what_proves_it(form):
    body = message(around=replace(AROUND, usable=[UsableAccount("openai/backup", at(0))]), form=form).body

    assert body.index("What to do:") < body.index("Working instead:") < body.index("Why we say so")


@pytest.mark.parametrize("form", Format)
def test_what_may_be_lost_next_is_offered_with_that_warning(form):
    caution = Phrase("openai/main is suspended: whatever caused that can hit this account, too")
    warned = UsableAccount("openai/backup", at(-20), caution)
    body = plain(message(around=replace(AROUND, usable=[UsableAccount("groq/a", at(-20)), warned]), form=form))

    assert "groq/a (seen working 40 s ago); openai/backup (seen working 40 s ago; openai/main is suspended" in body


@pytest.mark.parametrize("detail", [Detail.SHORT, Detail.FULL])
def test_where_an_account_is_lost_and_nobody_is_known_to_work_that_is_said(detail):
    said = "nstead: nothing else watched here is known to work now"
    lost, mild = (message(around=replace(AROUND, replaced=one), detail=detail) for one in (True, False))
    helped = message(around=replace(AROUND, replaced=True, usable=[UsableAccount("groq/a", at(0))]), detail=detail)

    assert said in lost.body
    assert said not in mild.body + helped.body


def test_what_quiet_hours_held_back_says_so():
    text = message(Step.MISSED, RESOLVED, first=True)

    assert text.title.startswith("[WHILE QUIET]")
    assert "It came and went during quiet hours." in text.body


def test_a_short_message_is_a_few_lines_with_what_to_do_and_the_link():
    around = replace(AROUND, usable=[UsableAccount("openai/backup", at(-20))], url="https://s.example")
    text = message(around=around, detail=Detail.SHORT)

    assert text.body == (
        "Your account (sure), for 20 s. Appeal at https://help.openai.com.\n"
        "Instead: openai/backup (seen working 40 s ago)\n"
        f"https://s.example/incidents/{OPENED.incident.id}.html\n"
    )
    assert message(Step.RESOLVED, RESOLVED, detail=Detail.SHORT).body == "Over after 1 h; the account is back.\n"


@pytest.mark.parametrize("form", Format)
def test_drills_and_simulations_are_marked_in_the_title_and_first_thing_in_the_text(form):
    drill = Change(open_incident(CAUSE, drill=True), ChangeKind.OPENED, at(20))
    text = message(change=drill, around=replace(AROUND, simulated=True), form=form)

    assert text.title.startswith("[DRILL] [SIMULATED] [DOWN]")
    assert plain(text).startswith("This is a DRILL: nothing is wrong.")
    assert text.brief.startswith("A drill: nothing is wrong.\n")
    assert "SIMULATED:" in text.body


def many(number):
    ones = [
        replace(OPENED.incident, id=f"i{n}", about=read_subject(Scope.ACCOUNT, f"openai/a{n}")) for n in range(number)
    ]
    return [MessagePart(Step.OPENED, 0, replace(OPENED, incident=one), AROUND) for one in ones]


@pytest.mark.parametrize("form", Format)
def test_several_messages_are_one_list_and_the_rest_is_counted(form):
    pieces = [*many(LISTED + 5), MessagePart(Step.RESOLVED, 0, RESOLVED, AROUND)]
    text = compose(pieces, MessageStyle(MessageTemplates(), Detail.FULL, form), at(20))

    assert text.title == f"[{LISTED + 5} DOWN, 1 RESOLVED] openai/a0: account suspended, and {LISTED + 5} more"
    assert text.body.count("account suspended") == plain(text).count(in_english(AROUND.advice)) == LISTED
    assert "and 6 more" in text.body
    assert text.brief.count("\n") == 6


@pytest.mark.parametrize("url", [None, "https://s.example"])
@pytest.mark.parametrize("form", Format)
def test_a_list_names_each_incident_and_what_to_use_instead_of_what_goes_on(form, url):
    around = replace(AROUND, usable=[UsableAccount("openai/backup", at(-20))], url=url)
    nobody = replace(AROUND, replaced=True, url=url)
    first, second = many(2)
    over = replace(RESOLVED, incident=replace(RESOLVED.incident, id="over"))
    pieces = [
        replace(first, around=around),
        replace(second, around=nobody),
        MessagePart(Step.RESOLVED, 0, over, replace(AROUND, url=url)),
    ]
    text = compose(pieces, MessageStyle(MessageTemplates(), Detail.FULL, form), at(20))

    assert [one for one in ("i0", "i1", "over") if one not in plain(text)] == []
    assert plain(text).count("Instead:") == 2
    assert "openai/backup (seen working 40 s ago)" in plain(text)
    assert "nothing else watched here is known to work now" in plain(text)


def test_a_list_is_named_after_what_goes_on_not_after_what_is_over():
    over = MessagePart(Step.RESOLVED, 0, RESOLVED, AROUND)
    text = compose([over, *many(1)], MessageStyle(MessageTemplates(), Detail.FULL, Format.TEXT), at(20))

    assert text.title == "[1 DOWN, 1 RESOLVED] openai/a0: account suspended, and 1 more"


@pytest.mark.parametrize("severity", Severity)
def test_of_what_is_as_grave_a_list_is_named_after_the_widest(severity):
    found = (
        (Scope.REMINDER, "the card"),
        (Scope.CAPABILITY, "openai/a/chat"),
        (Scope.PROVIDER, "openai"),
        (Scope.ACCOUNT, "openai/b"),
    )
    facts = {"fault": Fault.TIMEOUT, "severity": severity}
    ones = [replace(OPENED.incident, about=read_subject(scope, subject), **facts) for scope, subject in found]
    pieces = [MessagePart(Step.OPENED, 0, replace(OPENED, incident=one), AROUND) for one in ones]

    title = compose(pieces, MessageStyle(MessageTemplates(), Detail.FULL, Format.TEXT), at(20)).title
    assert title == "[4 DOWN] openai: no answer in time, and 3 more"


@pytest.mark.parametrize("form", Format)
def test_in_a_list_a_gap_names_its_length_once(form):
    pieces = [MessagePart(Step.MISSED, 0, absence_change(at(0), at(3600)), AROUND), *many(1)]

    assert (
        compose(pieces, MessageStyle(MessageTemplates(), Detail.FULL, form), at(3600)).body.count("1 h") == 2
    )  # the other one lasts as long


def test_a_short_list_ends_with_the_page():
    pieces = [replace(one, around=replace(AROUND, url="https://s.example")) for one in many(2)]
    text = compose(pieces, MessageStyle(MessageTemplates(), Detail.SHORT, Format.TEXT), at(20))

    assert text.body.splitlines() == [
        *(f"DOWN: openai/a{n}: account suspended" for n in range(2)),
        "https://s.example/",
    ]


def test_a_list_of_ten_thousand_stays_small():
    assert len(compose(many(10_000), MessageStyle(MessageTemplates(), Detail.FULL, Format.HTML), at(20)).body) < 20_000


def test_a_message_is_as_grave_as_the_gravest_that_goes_on():
    warning = replace(OPENED, incident=replace(OPENED.incident, severity=Severity.WARNING))
    over = MessagePart(Step.RESOLVED, 0, RESOLVED, AROUND)

    assert worst_severity([MessagePart(Step.OPENED, 0, warning, AROUND), over]) is Severity.WARNING
    assert worst_severity([over]) is None


EVIL = "<img src=x onerror=alert(1)> [pay here](https://evil.example) `x` {{ 7 * 7 }}"


@pytest.mark.parametrize(
    ("form", "kept"),
    [
        (Format.HTML, "&lt;img src=x onerror=alert(1)&gt;"),
        (Format.MARKDOWN, "`<img src=x onerror=alert(1)> [pay here](https://evil.example) 'x' {{ 7 * 7 }}`"),
    ],
)
def test_a_providers_words_are_neither_markup_nor_template(form, kept):
    bad = replace(OPENED, incident=replace(OPENED.incident, reasons=(EVIL,), evidence=(replace(EVIDENCE, words=EVIL),)))
    body = message(change=bad, form=form).body

    assert body.count(kept) == 2
    assert form is Format.MARKDOWN or "<img" not in body


def test_a_template_of_a_users_own_finds_sentences_in_the_incident(tmp_path):
    fields = "{{ incident.reasons | join('|') }}|{{ incident.ending }}|{{ incident.evidence[0].words }}"
    (tmp_path / "incident.txt.j2").write_text(fields)
    evidence = (replace(EVIDENCE, words=HardlyLeft("requests", 60)),)
    incident = replace(RESOLVED.incident, reasons=(UnderReview(),), ending=NoLongerWatched(), evidence=evidence)
    piece = MessagePart(Step.RESOLVED, 0, replace(RESOLVED, incident=incident), AROUND)

    assert compose(
        [piece], MessageStyle(MessageTemplates(tmp_path), Detail.FULL, Format.TEXT), at(600)
    ).body.strip() == "|".join(
        [
            "a sign that the account may be under review, not that it is lost",
            "it is no longer watched: the configuration no longer names it",
            "requests per minute: hardly anything is left",
        ]
    )


def test_signs_of_one_account_with_the_same_figures_share_a_line():
    told = {"a": HardlyLeft("requests", 60), "b": HardlyLeft("requests", 60), "c": HardlyLeft("tokens", 60)}
    its = tuple(replace(EVIDENCE, target=f"openai/main/{name}", words=words) for name, words in told.items())
    body = message(change=replace(OPENED, incident=replace(OPENED.incident, signal=True, evidence=its))).body

    assert body.count("hardly anything is left") == 2


@pytest.mark.parametrize("form", Format)
def test_a_sign_that_ends_without_being_mended_says_so_instead_of_over(form):
    ending = "requests per minute: 50 instead of 500; it has stayed that way and is the new baseline"
    change = replace(RESOLVED, incident=replace(RESOLVED.incident, ending=ending))
    text = message(Step.RESOLVED, change, form=form)

    assert ending in text.body
    assert ending in text.brief
    assert "No longer news" in text.body
    assert not re.search(r"\bover\b", text.body + text.brief, re.IGNORECASE)


@pytest.mark.parametrize("form", Format)
def test_what_is_no_longer_watched_is_neither_over_nor_back(form):
    ending = "it is no longer watched: the configuration no longer names it"
    change = Change(replace(RESOLVED.incident, ending=NoLongerWatched()), ChangeKind.WITHDRAWN, RESOLVED.at)
    text = message(Step.RESOLVED, change, form=form)

    assert text.title.startswith("[NO LONGER WATCHED] ")
    assert "No longer watched after" in text.body
    assert ending in text.body
    assert ending in text.brief
    assert not re.search(r"\bover\b|is back", text.body + text.brief, re.IGNORECASE)


@pytest.mark.parametrize("form", Format)
def test_a_digest_tells_what_is_open_and_what_is_over(form):
    summary = DigestSummary(
        at(-86400),
        at(7200),
        [OPENED.incident, replace(RESOLVED.incident, about=read_subject(Scope.ACCOUNT, "openai/b"))],
        "office",
    )
    text = compose_digest(summary, MessageStyle(MessageTemplates(), Detail.FULL, form))

    assert text.title == "[DIGEST] 1 open, 1 over since 20 Nov 2026, 12:00 UTC"
    assert text.body.index("openai/main") < text.body.index("openai/b")
    assert "nothing" not in text.body
    gap = compose_digest(
        replace(summary, incidents=[absence_change(at(0), at(3600)).incident]),
        MessageStyle(MessageTemplates(), Detail.FULL, form),
    )
    assert gap.body.count("1 h") == 1
    empty = compose_digest(replace(summary, incidents=[]), MessageStyle(MessageTemplates(), Detail.FULL, form))
    assert empty.body.count("nothing") == 2


@pytest.mark.parametrize("form", Format)
def test_a_failing_channel_is_named_with_the_reason_and_how_to_try_it(form):
    text = compose_channel_failure(
        "mail", "no answer within 20 s", "office", MessageStyle(MessageTemplates(), Detail.FULL, form)
    )

    assert text.title == "[CHANNEL FAILING] messages to mail are not getting through"
    assert "provider-monitor alerts test mail" in text.body
    assert "no answer within 20 s" in text.body
    short = compose_channel_failure(
        "mail", "no answer within 20 s", "office", MessageStyle(MessageTemplates(), Detail.SHORT, form)
    )
    lines = [line for line in plain(short).splitlines() if line]
    assert lines == ["no answer within 20 s", "Try it: provider-monitor alerts test mail"]


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize(
    ("note", "title", "said"),
    [
        (
            "refused: disk is full",
            "[MONITOR] results cannot be written; alerts go on from memory",
            ("Why: disk is full", "What to do: Free space on that disk", "provider-monitor status"),
        ),
        ("back: ", "[MONITOR] results are written again", ("written there now", "nothing to do")),
        (
            "event: monitor.db: was broken",
            "[MONITOR] the database was lost or broken; watching goes on",
            ("monitor.db: was broken", "What to do:", "provider-monitor restore FILE"),
        ),
    ],
)
def test_what_became_of_the_database_is_told_in_every_form(form, note, title, said):
    text = compose_storage_notice(note, "office", MessageStyle(MessageTemplates(), Detail.FULL, form))
    plain = html.unescape(re.sub(r"<[^>]*>|[`*]", "", text.body))

    assert text.title == title
    assert all(words in plain for words in (*said, "office"))
    short = compose_storage_notice(note, "office", MessageStyle(MessageTemplates(), Detail.SHORT, form))
    assert short.body.strip() == (note.partition(": ")[2] or "What was seen in the meantime is written there now.")


# Templates of one's own


def own(folder, words, name="incident.txt.j2"):
    (folder / name).write_text(words)
    templates = MessageTemplates(folder)
    return templates, compose(
        [MessagePart(Step.OPENED, 0, OPENED, AROUND)], MessageStyle(templates, Detail.FULL, Format.TEXT), at(20)
    )


def test_a_template_of_ones_own_replaces_the_shipped_one_and_may_use_its_parts(tmp_path):
    templates, text = own(tmp_path, 'Call Jo: {{ what }}\n{% include "foot.txt.j2" %}')

    assert text.body.startswith("Call Jo: openai/main: account suspended\nSeen from: office")
    assert (templates.warnings, templates.problems()) == ({}, [])


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("{% if %}", "TemplateSyntaxError: Expected an expression, got 'end of statement block' (line 1)"),
        ("{{ nonsense }}", "UndefinedError: 'nonsense' is undefined"),
        ("{{ 1 / 0 }}", "ZeroDivisionError: division by zero"),
        ("{{ incident.__class__.__mro__ }}",
         "SecurityError: access to attribute '__class__' of 'Incident' object is unsafe."),
    ],
)  # fmt: skip
def test_a_template_that_fails_gives_way_to_the_shipped_one_with_a_warning(tmp_path, words, why):
    templates, text = own(tmp_path, words)

    assert "Whose fault: your account" in text.body
    told = {name: str(one) for name, one in templates.warnings.items()}
    assert told == {"incident.txt.j2": f"the template incident.txt.j2 of {tmp_path} is not used: {why}"}


def test_a_mended_template_is_warned_of_no_more(tmp_path):
    templates, _ = own(tmp_path, "{{ nonsense }}")
    (tmp_path / "incident.txt.j2").write_text("mended")
    text = compose(
        [MessagePart(Step.OPENED, 0, OPENED, AROUND)], MessageStyle(templates, Detail.FULL, Format.TEXT), at(20)
    )

    assert (text.body, templates.warnings) == ("mended\n", {})


@pytest.mark.parametrize("form", Format)
def test_a_message_goes_out_though_even_the_shipped_template_was_taken_away(tmp_path, form):
    templates = MessageTemplates(shipped=tmp_path)
    evil = replace(OPENED, incident=replace(OPENED.incident, about=read_subject(Scope.ACCOUNT, "<b>/main")))
    text = compose([MessagePart(Step.OPENED, 0, evil, AROUND)], MessageStyle(templates, Detail.FULL, form), at(20))

    assert text.title.startswith("[DOWN] <b>/main")
    assert ("&lt;b&gt;/main" if form is Format.HTML else "<b>/main") in text.body
    assert any("TemplateNotFound" in str(one) for one in templates.warnings.values())


def test_templates_that_cannot_be_read_or_replace_nothing_are_named_before_they_are_needed(tmp_path):
    (tmp_path / "incident.md.j2").write_text("{% if %}")
    (tmp_path / "incidents.txt.j2").write_text("x")

    (first, why), (second, other) = MessageTemplates(tmp_path).problems()
    assert (first, second) == ("incident.md.j2", "incidents.txt.j2")
    assert "TemplateSyntaxError" in why
    assert other.startswith("replaces none of digest.html.j2, ")


def test_every_shipped_template_is_used_in_all_three_forms():
    names = {path.name for path in TEMPLATE_FOLDER.iterdir()}
    forms = {
        f"{name}.{ending}.j2"
        for name in ("incident", "list", "digest", "failing", "store")
        for ending in ("txt", "md", "html")
    }

    assert names == forms | {"short.txt.j2", "foot.txt.j2", "evidence.txt.j2"}


@pytest.mark.parametrize("form", Format)
def test_a_message_asks_whose_fault_it_is_in_the_words_of_the_page(form):
    page = (TEMPLATES / "incident.html").read_text()
    assert '_("Whose fault")' in page
    assert "Whose fault: your account" in plain(message(form=form))


def test_nobody_is_asked_whose_trouble_it_is():
    shown = [one for folder in (TEMPLATE_FOLDER, TEMPLATES) for one in folder.rglob("*") if one.is_file()]
    assert len(shown) > 20
    assert [one.name for one in shown if "whose trouble" in one.read_text().lower()] == []


# Languages


NAMES = {*("openai", "main", "chat", "HTTP", "req", "has", "been", "deactivated", "office", "https", "example", "html")}
"""Names, codes and foreign words that the messages quote."""
NAMES |= {*("incidents", "help", "com", "groq", "provider", "monitor", "alerts", "test", "mail", "restore", "FILE")}
NAMES |= {*("status", "db", "was", "broken", "disk", "is", "full", "Acknowledge", "UTC")}


def words_of(text):
    """The words of a message, without tags, entities, and ids of incidents."""
    return set(re.findall(r"[A-Za-z]{2,}", html.unescape(re.sub(r"<[^>]*>|\b\d{8}-\d{6}-\w+", " ", text))))


EVERYTHING = replace(
    AROUND,
    advice=(Phrase("Check the way out from here: router, firewall, DNS."),),
    usable=[UsableAccount("groq/main", at(-20), Phrase(BESIDE, {"account": "openai/main"}))],
    url="https://s.example",
    links={"Acknowledge": "https://s.example/answer"},
    times=3,
    downtime_s=5400,
)
ENDED = {
    "over": RESOLVED,
    "a drill": DRILLED,
    "a row": Change(replace(RESOLVED.incident, signal=True, evidence=tuple(FLAP_EVIDENCE)), ChangeKind.RESOLVED, at(9)),
    "withdrawn": Change(replace(RESOLVED.incident, ending=NoLongerWatched()), ChangeKind.WITHDRAWN, at(9)),
    "away": absence_change(at(0), at(3600)),
}
MOMENTS = [
    *((step, OPENED) for step in (Step.OPENED, Step.CHANGED, Step.REMINDER, Step.ESCALATED)),
    *((step, change) for step in (Step.RESOLVED, Step.MISSED) for change in ENDED.values()),
]


@pytest.mark.parametrize("detail", Detail)
@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize(("step", "change"), MOMENTS)
def test_no_word_of_ours_is_in_a_message_but_through_its_language(step, change, form, detail):
    style = MessageStyle(MessageTemplates(), detail, form, mute())
    change = replace(change, incident=replace(change.incident, reasons=(UnderReview(),)))
    piece = MessagePart(step, 1, change, replace(EVERYTHING, simulated=True), first=True)
    others = [replace(one, around=EVERYTHING) for one in many(2)]
    for pieces in ([piece], [piece, *others]):
        text = compose(pieces, style, at(7200))
        assert words_of(f"{text.title} {text.body} {text.brief}") <= NAMES | {"answer"}


@pytest.mark.parametrize("form", Format)
def test_no_word_of_ours_is_in_a_digest_or_a_notice_but_through_its_language(form):
    style = MessageStyle(MessageTemplates(), Detail.FULL, form, mute())
    summary = DigestSummary(at(-86400), at(7200), [OPENED.incident, RESOLVED.incident], "office", "https://s.example")
    found = [
        compose_digest(summary, style),
        compose_digest(replace(summary, incidents=[]), style),
        compose_channel_failure("mail", "HTTP 500", "office", style),
        *(
            compose_storage_notice(note, "office", style)
            for note in ("refused: disk is full", "back: ", "event: db was")
        ),
    ]
    assert set().union(*(words_of(f"{one.title} {one.body} {one.brief}") for one in found)) <= NAMES


def test_a_message_in_german_says_all_in_german():
    around = replace(
        EVERYTHING,
        advice=choose_advice(Fault.ACCOUNT_SUSPENDED, load_provider("openai")),
        usable=[UsableAccount("groq/main", at(-20), RECHECKED)],
    )
    piece = MessagePart(Step.OPENED, 0, OPENED, around)
    text = compose([piece], MessageStyle(MessageTemplates(), language=load_language("de")), at(20))

    assert text.title == "[AUSFALL] openai/main: Konto gesperrt"
    assert text.body.splitlines() == [
        "Verursacher: Ihr Konto (sicher), seit 21. Nov. 2026, 12:00 UTC (vor 20 s)",
        "",
        "Was zu tun ist: Stoppen Sie den automatischen Verkehr mit diesem Schlüssel, und verlagern Sie ihn nicht auf "
        "ein anderes Konto: Was zur Sperre dieses Kontos führte, kann auch das nächste kosten. Legen Sie unter "
        "https://openai.com/form/appeal/ Einspruch ein und nennen Sie die Anfrage-ID.",
        "Funktioniert stattdessen: groq/main (vor 40 s in Ordnung; eben fehlgeschlagen, wird nachgeprüft)",
        "Bestätigen: https://s.example/answer",
        "",
        "Warum wir das sagen:",
        "- chat: HTTP 401, account_suspended",
        "",
        "Was zurückkam:",
        "- openai/main/chat: HTTP 401, Konto gesperrt, Anfrage-ID req_7",
        '  "has been deactivated"',
        "",
        "Gemessen von: office",
        f"Vorfall: https://s.example/incidents/{OPENED.incident.id}.html",
    ]


@pytest.mark.parametrize("language", ["en", "de", "he", "zh-Hans"])
def test_every_time_in_a_message_is_told_and_named_in_the_zone_of_its_reader(language):
    style = MessageStyle(MessageTemplates(), language=load_language(language, zone=ZoneInfo("Europe/Berlin")))
    incident = replace(OPENED.incident, closed_at=at(300))
    over = MessagePart(Step.RESOLVED, 0, replace(OPENED, incident=incident, kind=ChangeKind.RESOLVED), AROUND)
    summary = DigestSummary(at(-86400), at(0), [OPENED.incident], "office")
    made = [
        compose([MessagePart(Step.REMINDER, 1, OPENED, AROUND)], style, at(20)),
        compose([over], style, at(400)),
        compose([over, MessagePart(Step.OPENED, 0, OPENED, AROUND)], style, at(400)),
        compose_digest(summary, style),
    ]

    found = [re.findall(r"\d\d:\d\d(?::\d\d)?(?: \w+)?", f"{one.title}\n{one.body}\n{one.brief}") for one in made]
    assert [bool(told) for told in found] == [True, True, False, True]
    assert {it for told in found for it in told} == {"13:00 CET", "13:05 CET"}


@pytest.mark.parametrize(("language", "begin"), [("he", '<div dir="rtl" lang="he">\n<p>'), ("de", "<p>")])
def test_a_message_in_html_reads_in_the_direction_of_its_language(language, begin):
    style = MessageStyle(MessageTemplates(), Detail.FULL, Format.HTML, load_language(language))

    assert compose([MessagePart(Step.OPENED, 0, OPENED, AROUND)], style, at(20)).body.startswith(begin)


def test_a_template_of_ones_own_says_our_phrases_in_the_language_of_the_channel(tmp_path):
    (tmp_path / "incident.txt.j2").write_text('{{ head }}: {{ _("Whose fault") }}, {{ whose }}, {{ reasons[0] }}')
    style = MessageStyle(MessageTemplates(tmp_path), language=load_language("de"))

    assert compose([MessagePart(Step.OPENED, 0, OPENED, AROUND)], style, at(20)).body == (
        "AUSFALL: Verursacher, Ihr Konto (sicher), chat: HTTP 401, account_suspended\n"
    )
