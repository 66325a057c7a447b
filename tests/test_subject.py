"""What a trouble is about, and the ids that it is told by."""

import re
from string import ascii_lowercase, digits

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from monitor.alert.reply import Reply
from monitor.alert.rule import accounts_of_incident, providers_of
from monitor.diagnose.diagnosis import Diagnosis, Evidence
from monitor.diagnose.incident import Incident, open_incident
from monitor.diagnose.subject import (
    Scope,
    Subject,
    read_subject,
    subject_of,
    subject_of_account,
    subject_of_answerer,
)
from monitor.store.row import from_json, to_json
from probes.model import Account, Confidence, Fault, Target
from probes.target_id import (
    account_id,
    account_of,
    answerer_id,
    host_of,
    is_account,
    levels_of,
    location_of,
    look_of,
    model_of,
    name_of,
    part_of,
    provider_of,
    source_id,
)
from tests.conftest import at
from tests.rows import each_row

# As probes/provider.py and monitor/config/section.py admit them; a model is any text, a host what an address holds.
ALNUM = ascii_lowercase + digits
PLAIN = st.builds(str.__add__, st.sampled_from(ALNUM), st.text(ALNUM + "-", max_size=8))
LOCATIONS = st.sampled_from(["", "FRA", "a@b", "my place"])
LABELS = st.text(st.sampled_from("ab@ /:%.é|"), min_size=1, max_size=8).filter(
    lambda text: re.fullmatch(r"[^/\s](?:[^/]*[^/\s])?", text)
)
MODELS = st.text(st.sampled_from("ab@ /:%.é"), min_size=1, max_size=12)
HOSTS = st.none() | st.sampled_from(["gateway.example.com", "10.0.0.1:8080", "[::1]:80", "jo@example.com"])


@st.composite
def targets(draw):
    account = account_id(draw(PLAIN), draw(LABELS))
    return Target(account, provider_of(account), draw(PLAIN), draw(st.none() | MODELS), draw(HOSTS), draw(LOCATIONS))


def forms(target, label):
    """What the diagnosis makes of a target, by scope: of its account, of all that answer there, or of nobody."""

    def own(scope, *parts):
        return [subject_of_account(scope, target, part) for part in parts]

    def shared(scope, *parts):
        return [subject_of_answerer(scope, target, part) for part in parts]

    def named(scope, *holders):
        return [subject_of(scope, holder, label) for holder in holders]

    model, part = target.model or "m", part_of(target.id)
    return {
        Scope.TARGET: own(Scope.TARGET, part),
        Scope.MODEL: own(Scope.MODEL, model, part) + shared(Scope.MODEL, model),
        Scope.CAPABILITY: own(Scope.CAPABILITY, target.canary),
        Scope.LOCATION: [
            replace(one, locations=places)
            for one in (
                Subject(Scope.LOCATION),
                *own(Scope.LOCATION, "", target.canary, part),
                *shared(Scope.LOCATION, ""),
            )
            for places in (("FRA",), ("FRA", "SIN"))
        ],
        Scope.ACCOUNT: own(Scope.ACCOUNT, "", label),
        Scope.ORGANIZATION: shared(Scope.ORGANIZATION, "", label),
        Scope.PROVIDER: shared(Scope.PROVIDER, ""),
        Scope.EGRESS: [*shared(Scope.EGRESS, ""), Subject(Scope.EGRESS)],
        Scope.MONITOR: [Subject(Scope.MONITOR), Subject(Scope.MONITOR, part=label)],
        Scope.SOURCE: named(Scope.SOURCE, target.provider),
        Scope.REMINDER: named(Scope.REMINDER, target.account, ""),
        Scope.OBJECTIVE: named(Scope.OBJECTIVE, target.account, target.provider),
        Scope.STAGE: [Subject(Scope.STAGE, part=label)],
    }


TARGETS = targets()


@st.composite
def subjects(draw, scope):
    """A subject of that width, and a target that shows it."""
    target = draw(TARGETS)
    if scope is Scope.MODEL and target.model is None:
        target = replace(target, model="m")
    return draw(st.sampled_from(forms(target, draw(LABELS))[scope])), target


@pytest.mark.parametrize("scope", Scope)
@given(st.data())
def test_a_subject_is_read_from_its_name_whatever_is_in_the_names(scope, data):
    subject, target = data.draw(subjects(scope))

    assert read_subject(subject.scope, str(subject), [target.id]) == subject.identity


@pytest.mark.parametrize("scope", Scope)
@given(st.data())
def test_a_subject_is_kept_as_it_is(scope, data):
    subject, _ = data.draw(subjects(scope))

    assert from_json(to_json(subject), Subject) == subject


def cause(subject, *seen):
    evidence = tuple(Evidence(one, at(0), Fault.TIMEOUT, "rule", "words") for one in seen)
    return Diagnosis(subject, Fault.TIMEOUT, Confidence.HIGH, at(0), (), tuple(seen), evidence)


@pytest.mark.parametrize("scope", Scope)
@given(st.data())
def test_an_incident_that_was_kept_while_a_subject_was_a_name_is_read_as_it_was_meant(scope, data):
    subject, target = data.draw(subjects(scope))
    incident = open_incident(cause(subject, target.id))
    old = msgspec.to_builtins(incident) | {
        "scope": subject.scope,
        "subject": str(subject),
        "widest": [subject.scope, str(subject)],
    }
    del old["about"]

    meant = replace(incident, about=subject.identity, widest=subject.identity)
    assert from_json(msgspec.json.encode(old).decode(), Incident) == meant


@pytest.mark.parametrize("text", ["[]", "{}", '{"scope": "moon", "subject": "openai"}', '{"scope": "account"}'])
def test_what_is_no_incident_of_any_version_cannot_be_read(text):
    with pytest.raises(msgspec.ValidationError):
        from_json(text, Incident)


def test_what_is_of_another_kind_says_itself_why_it_cannot_be_read():
    with pytest.raises(msgspec.ValidationError, match="kind"):
        from_json('{"subject": "openai"}', Reply)


@given(TARGETS)
def test_an_id_gives_back_what_it_was_made_of_whatever_is_in_the_names(target):
    account = Account(name_of(target.account), target.provider)

    assert account.id == target.account == account_of(target.id) == account_of(target.account)
    assert look_of(target.id).removeprefix(f"{target.account}/") == part_of(target.id)
    assert location_of(target.id) == target.location
    assert (location_of(target.account), location_of(target.answerer)) == ("", "")
    assert (model_of(target.id) or None) == target.model
    assert levels_of(account.id) == (account.provider, account.name)
    assert (provider_of(target.answerer), host_of(target.answerer)) == (target.provider, target.host)
    assert {provider_of(one) for one in (account.id, target.id, source_id(target.provider, "page"))} == {
        target.provider
    }
    assert is_account(account.id)
    assert not is_account(answerer_id(target.provider, target.host))


@given(TARGETS, TARGETS)
def test_who_is_asked_for_the_accounts_of_an_incident_is_told_no_other(one, other):
    shared = open_incident(cause(subject_of_answerer(Scope.MODEL, one, "vendor/m"), one.id, other.id))
    sign = replace(open_incident(cause(subject_of_account(Scope.MODEL, one, "m"))), signal=True)

    assert accounts_of_incident(shared) == {one.account, other.account}
    assert providers_of(shared) == {one.provider, other.provider}
    assert (accounts_of_incident(sign), providers_of(sign)) == ({one.account}, {one.provider})


MAIN = Target("openai/main", "openai", "chat", "gpt")
GATEWAY = Target("openai/main", "openai", "chat", "gpt", "gateway.example.com")
REACHED = subject_of_account(Scope.ACCOUNT, GATEWAY)
ACCOUNT, PART = subject_of_account(Scope.ACCOUNT, MAIN), subject_of_account(Scope.MODEL, MAIN, "gpt")
WHOLE, BEHIND = subject_of_answerer(Scope.PROVIDER, MAIN), subject_of_answerer(Scope.PROVIDER, GATEWAY)
SHARED, ROAD = subject_of_answerer(Scope.MODEL, MAIN, "main/gpt"), Subject(Scope.EGRESS)
NAMESAKE = subject_of_account(Scope.ACCOUNT, Target("openai/main2", "openai", "chat"))


@each_row(
    ("wide", "narrow", "holds"),
    [
        (ACCOUNT, ACCOUNT, True),
        (ACCOUNT, PART, True),
        (PART, ACCOUNT, False),
        (WHOLE, PART, True),
        (WHOLE, SHARED, True),
        (SHARED, PART, False),  # of one name, and another thing
        (PART, SHARED, False),
        (ACCOUNT, SHARED, False),
        (ACCOUNT, NAMESAKE, False),
        (BEHIND, ACCOUNT, False),  # it is asked at the provider's own address
        (BEHIND, REACHED, True),
        (BEHIND, subject_of_account(Scope.MODEL, GATEWAY, "vendor/m"), True),
        (BEHIND, subject_of_account(Scope.ACCOUNT, replace(GATEWAY, host="other.example.com")), False),
        (WHOLE, REACHED, False),
        (ROAD, ACCOUNT, False),
        (PART, subject_of_account(Scope.MODEL, MAIN, "gpt/tokens"), True),
        (PART, subject_of_account(Scope.MODEL, MAIN, "gpt-mini"), False),
    ],
)
def test_a_subject_holds_what_is_a_part_of_it(wide, narrow, holds):
    assert wide.holds(narrow) is holds


def test_an_account_that_moves_to_another_address_is_the_same():
    assert (REACHED.identity, BEHIND.identity) == (ACCOUNT, BEHIND)
    assert open_incident(cause(REACHED)).id == open_incident(cause(ACCOUNT)).id


def test_two_subjects_of_one_name_are_two_troubles():
    assert str(SHARED) == str(PART)
    assert open_incident(cause(SHARED)).id != open_incident(cause(PART)).id


@pytest.mark.parametrize("name", ["FRA:1", "eu/west"])
def test_a_place_whose_name_would_part_an_id_is_refused_by_name(name):
    with pytest.raises(ValueError, match=f'"{name}" holds ":" or "/"'):
        replace(MAIN, location=name)


def test_a_target_of_the_only_place_has_the_id_that_it_always_had():
    assert (MAIN.id, replace(MAIN, location="FRA").id) == (
        "openai/main/chat/gpt",
        "FRA:openai/main/chat/gpt",
    )
    assert replace(MAIN, location="FRA").answerer == MAIN.answerer


def test_the_id_of_an_incident_is_what_it_was_before_places_had_names():
    """Pinned: an upgrade would tell again what is open."""
    named = "Subject(scope=<Scope.ACCOUNT: 'account'>, provider='openai', host=None, account='openai/main', part='')"

    assert repr(ACCOUNT) == named
    assert to_json(ACCOUNT) == '{"scope":"account","provider":"openai","account":"openai/main"}'


def test_a_trouble_of_one_place_has_an_incident_of_its_own():
    fra, sin = (replace(ACCOUNT, scope=Scope.LOCATION, locations=(place,)) for place in ("FRA", "SIN"))

    assert len({open_incident(cause(one)).id for one in (ACCOUNT, fra, sin)}) == 3
