from dataclasses import replace

from monitor.alert.routing import remember, route
from monitor.diagnose import Diagnosis, Scope
from monitor.incident import Change, ChangeKind, open_incident
from probes.model import Confidence, Fault
from tests.conftest import at

CAUSE = Diagnosis(Scope.ACCOUNT, "openai/main", Fault.ACCOUNT_SUSPENDED, Confidence.HIGH, at(0), (), (), ())
INCIDENT = open_incident(CAUSE)


def change(kind):
    return Change(INCIDENT, kind, at(0))


def hearers(kind, channels=("phone", "mail"), told=()):
    return [message.channel for message in route([change(kind)], channels, {INCIDENT.id: frozenset(told)})]


def test_an_opening_is_told_to_every_channel():
    assert hearers(ChangeKind.OPENED) == ["phone", "mail"]


def test_an_end_is_told_to_whoever_heard_of_the_beginning():
    assert hearers(ChangeKind.RESOLVED, told=["mail"]) == ["mail"]
    assert hearers(ChangeKind.CHANGED, told=["mail"]) == ["mail"]
    assert hearers(ChangeKind.RESOLVED) == []


def test_a_channel_that_is_gone_hears_nothing():
    assert hearers(ChangeKind.RESOLVED, channels=["mail"], told=["phone", "mail"]) == ["mail"]


def test_what_was_only_merged_or_withdrawn_is_told_to_nobody():
    assert hearers(ChangeKind.MERGED, told=["mail"]) == []
    assert hearers(ChangeKind.WITHDRAWN, told=["mail"]) == []


def test_the_end_of_a_part_is_told_to_whoever_does_not_hear_of_the_wholes():
    part = replace(INCIDENT, parent="whole", closed_at=at(9))
    told = {INCIDENT.id: frozenset({"phone", "mail"}), "whole": frozenset({"mail"})}

    messages = route([Change(part, ChangeKind.RESOLVED, at(9))], ["phone", "mail"], told)

    assert [message.channel for message in messages] == ["phone"]


def test_that_a_page_says_so_too_is_no_message():
    assert hearers(ChangeKind.ANNOUNCED, told=["mail"]) == []


def test_who_was_told_is_remembered_until_the_end():
    opened, closed = change(ChangeKind.OPENED), Change(replace(INCIDENT, closed_at=at(9)), ChangeKind.RESOLVED, at(9))
    told = remember({}, [opened], route([opened], ["phone"], {}))

    assert told == {INCIDENT.id: {"phone"}}
    assert remember(told, [closed], route([closed], ["phone"], told)) == {}
