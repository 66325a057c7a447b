"""What others said, as the reasons of recorded incidents tell it."""

import pytest
from msgspec.structs import replace

from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.incident import Change, ChangeKind, open_incident
from monitor.diagnose.reason import ControlAnswered, NeutralHosts
from monitor.diagnose.subject import Scope, read_subject
from monitor.replay.control_probes import ControlHistory
from monitor.state.belief import ControlResult
from probes.model import Confidence, ControlAnswer, Fault, Target
from tests.conftest import at

MAIN, OTHER = Target("openai/main", "openai", "list"), Target("groq/llama", "groq", "list")
TARGETS = {one.id: one for one in (MAIN, OTHER)}
KNOCKED = ControlAnswered(at(110), Fault.SERVER_ERROR, 503, 0.2)


def incident(*reasons, targets=(MAIN,)):
    ids = tuple(one.id for one in targets)
    return open_incident(
        Diagnosis(read_subject(Scope.PROVIDER, "openai"), Fault.TIMEOUT, Confidence.HIGH, at(100), reasons, ids, ())
    )


def heard(*changes):
    return ControlHistory.of(changes, TARGETS)


def test_neutral_hosts_answered_as_the_incident_says_from_its_first_failure_to_its_end():
    begun = incident(NeutralHosts(reached=False))
    over = replace(begun, closed_at=at(400))
    found = heard(Change(begun, ChangeKind.OPENED, at(160)), Change(over, ChangeKind.RESOLVED, at(420)))

    assert [found.at(at(second)).online for second in (99, 100, 399, 400)] == [None, False, False, None]


def test_what_a_later_change_says_holds_from_then_on():
    begun = incident(NeutralHosts(reached=False))
    after = replace(begun, reasons=(NeutralHosts(reached=True),))
    found = heard(Change(begun, ChangeKind.OPENED, at(160)), Change(after, ChangeKind.UPDATED, at(300)))

    assert [found.at(at(second)).online for second in (299, 300, 9999)] == [False, True, True]


def test_a_knock_is_heard_from_when_it_was_made_and_again_while_the_incident_is_open():
    found = heard(Change(incident(KNOCKED), ChangeKind.OPENED, at(160)))

    assert found.at(at(109)) == ControlResult()
    assert found.at(at(115)) == ControlResult({"openai": ControlAnswer(at(110), Fault.SERVER_ERROR, 503, 0.2)})
    assert found.at(at(7200)).controls["openai"].at == at(7140)


@pytest.mark.parametrize("targets", [(MAIN, OTHER), ()], ids=["of two companies", "of nobody who is watched"])
def test_a_knock_that_could_be_anybodys_is_nobodys(targets):
    assert heard(Change(incident(KNOCKED, targets=targets), ChangeKind.OPENED, at(160))).at(at(200)) == ControlResult()


def test_of_nothing_nothing_was_heard():
    assert heard().at(at(0)) == ControlResult()
    assert heard(Change(incident(), ChangeKind.OPENED, at(160))).at(at(200)) == ControlResult()
