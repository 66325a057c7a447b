"""One look from several places: whose trouble it is if all see it, or one does, or one is blind, deaf or slow."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from monitor.detect.finding import Finding
from monitor.detect.health import Health, State, Thresholds, advance
from monitor.detect.reason import PoolRose
from monitor.diagnose.corroboration import AccountGroup, Corroboration, Level, LocalWitness
from monitor.diagnose.diagnose import diagnose
from monitor.diagnose.incident import ChangeKind, Severity, open_incident, severity_of
from monitor.diagnose.lifecycle import advance_incidents
from monitor.diagnose.reason import OnlyFrom, RoadFails, SeenFrom, Siblings
from monitor.diagnose.subject import Scope
from monitor.diagnose.target_state import TargetState
from monitor.words import title
from probes.model import Blame, ControlAnswer, Fault, Target
from probes.target_id import look_of
from tests.conftest import at, observation

KEY, DENIED, SUSPENDED = Fault.INVALID_KEY, Fault.PERMISSION_DENIED, Fault.ACCOUNT_SUSPENDED
REGION, EDGE, LOST = Fault.REGION_BLOCKED, Fault.BLOCKED_BY_EDGE, Fault.CONNECTION_FAILED
DOWN, LATE, GONE = Fault.SERVER_ERROR, Fault.TIMEOUT, Fault.MODEL_UNAVAILABLE
NOW = at(170)
FAILS, LATER = (0, 5, 15, 60, 125), 7
"""Seconds of the looks at what fails since noon, and by how much each further place looks later than the one before."""
PLACES = ("FRA", "SIN", "IAD", "GRU", "SYD")
UNSEEN = "unseen"
"""Not looked at since it began."""
ONE, TWO = ("openai/a",), ("openai/a", "openai/b")
MANY = (*TWO, "openai/c", "anthropic/a", "groq/a")


def state_of(target, fault, later=0, looks=FAILS):
    """The state of what was well a minute before noon, and failed at these seconds, or answered, or was not seen."""
    seen = [(None, later - 60.0)]
    if fault is not UNSEEN:
        seen += [(fault, later + second) for second in looks]
    status = None if fault in (LOST, LATE) else 403
    now = Health()
    for what, second in seen:
        facts = {"status": status} if what else {}
        now = advance(now, observation(what, second, target, **facts), Thresholds(), 60)
    return TargetState(target, now)


def world(meets, places=PLACES[:3], accounts=MANY, canaries=("list", "chat"), looks=FAILS):
    """`meets(place, account, canary)` is what a look gets: a fault, None if it is good, or UNSEEN."""
    return [
        state_of(
            Target(account, account.partition("/")[0], canary, location=place),
            meets(place, account, canary),
            number * LATER,
            looks,
        )
        for number, place in enumerate(places)
        for account in accounts
        for canary in canaries
    ]


def verdicts(states, **known):
    return [(one.scope, one.subject, one.blame) for one in diagnose(states, NOW, **known) if one.settled]


def from_fra(fault, whose=lambda _: True, canaries=("list", "chat")):
    return lambda place, account, canary: fault if place == "FRA" and whose(account) and canary in canaries else None


def from_all(fault, whose=lambda _: True, canaries=("list", "chat")):
    return lambda _, account, canary: fault if whose(account) and canary in canaries else None


def openai(account):
    return account.startswith("openai/")


def first(account):
    return account == "openai/a"


def local(subject, blame=Blame.PATH):
    return (Scope.LOCATION, subject, blame)


LOST_KEY = (Scope.ACCOUNT, "openai/a", Blame.ACCOUNT)
SITUATIONS = {
    "a region is blocked": (from_fra(REGION, openai), [local("FRA:openai")]),
    "an allow-list lacks one address": (from_fra(DENIED, first), [local("FRA:openai/a", Blame.ACCOUNT)]),
    "one account's region rule": (from_fra(REGION, first), [local("FRA:openai/a", Blame.ACCOUNT)]),
    "an edge refuses one place": (from_fra(EDGE, openai), [local("FRA:openai")]),
    "one place resolves no names": (from_fra(LOST), [local("FRA", Blame.UNKNOWN)]),
    "small answers pass, large ones do not": (from_fra(LATE, canaries=("chat",)), [local("FRA")]),
    "the route to one provider": (from_fra(LOST, openai), [local("FRA:openai")]),
    "the route to two of three providers": (
        from_fra(LOST, lambda one: not one.startswith("groq/")),
        [local("FRA")],
    ),
    "keys refused at all providers at once: another way out": (from_fra(DENIED), [local("FRA")]),
    "one key": (from_all(KEY, first), [LOST_KEY]),
    "one suspension": (from_all(SUSPENDED, first), [LOST_KEY]),
    "one ability": (from_all(DENIED, first, ("chat",)), [(Scope.CAPABILITY, "openai/a/chat", Blame.ACCOUNT)]),
    "one ability from one place": (
        from_fra(DENIED, first, ("chat",)),
        [local("FRA:openai/a/chat", Blame.ACCOUNT)],
    ),
    "all keys of one provider": (from_all(KEY, openai), [(Scope.PROVIDER, "openai", Blame.UNKNOWN)]),
    "a provider": (from_all(DOWN, openai), [(Scope.PROVIDER, "openai", Blame.PROVIDER)]),
    "all is well": (from_all(None), []),
}


@pytest.mark.parametrize("places", [PLACES[:2], PLACES[:3], PLACES])
@pytest.mark.parametrize("name", SITUATIONS)
def test_each_situation_has_one_cause_however_many_places_look_at_different_instants(name, places):
    meets, expected = SITUATIONS[name]

    assert verdicts(world(meets, places)) == expected


ALONE = {
    "its region": (from_fra(REGION), [local("FRA:openai")]),
    "its allow-list, or its region": (from_fra(DENIED), [local("FRA:openai/a", Blame.ACCOUNT)]),
    "its road": (from_fra(LOST), [local("FRA:openai")]),
    "its key": (from_all(KEY), [LOST_KEY]),
    "its provider": (from_all(DOWN), [(Scope.PROVIDER, "openai", Blame.PROVIDER)]),
}


@pytest.mark.parametrize("places", [PLACES[:2], PLACES[:3], PLACES])
@pytest.mark.parametrize("name", ALONE)
def test_the_only_account_has_the_other_places_as_its_witnesses(name, places):
    meets, expected = ALONE[name]

    assert verdicts(world(meets, places, ONE)) == expected


# Paid looks go round the places: what is not looked at from elsewhere is explained by what is


@pytest.mark.parametrize(
    ("fault", "whose", "expected"),
    [
        (REGION, openai, [local("FRA:openai")]),
        (KEY, first, [local("FRA:openai/a", Blame.ACCOUNT)]),
        (LOST, openai, [local("FRA:openai")]),
    ],
)
def test_a_paid_look_that_only_one_place_takes_is_explained_by_the_free_ones_of_its_account(fault, whose, expected):
    def meets(place, account, canary):
        return UNSEEN if place != "FRA" and canary == "chat" else from_fra(fault, whose)(place, account, canary)

    (found,) = diagnose(world(meets), NOW)
    assert [(found.scope, found.subject, found.blame)] == expected
    assert {look_of(one).split("/")[2] for one in found.targets} == {"list", "chat"}


def test_a_provider_whose_paid_looks_only_one_place_takes_is_no_trouble_of_that_place():
    def meets(place, account, canary):
        if canary == "list" or not openai(account):
            return None
        return DOWN if place == "FRA" else UNSEEN

    assert verdicts(world(meets)) == [(Scope.PROVIDER, "openai", Blame.PROVIDER)]


def test_an_account_with_paid_looks_alone_is_lost_if_no_other_place_has_looked_since():
    def meets(place, account, canary):
        return KEY if place == "FRA" and account == "openai/a" else UNSEEN if account == "openai/a" else None

    assert verdicts(world(meets, canaries=("chat",))) == [LOST_KEY]


# Which looks count


def test_a_place_that_has_not_looked_since_it_began_says_neither_yes_nor_no():
    def meets(place, account, _):
        return None if account != "openai/a" else UNSEEN if place == "IAD" else KEY

    (found,) = diagnose(world(meets), NOW)
    assert (found.scope, found.subject) == (Scope.ACCOUNT, "openai/a")
    assert SeenFrom(("FRA", "SIN")) in found.reasons
    assert {one.partition(":")[0] for one in found.targets} == {"FRA", "SIN"}


@pytest.mark.parametrize("fault", [KEY, REGION, LOST, DOWN])
def test_what_a_place_without_a_voice_sees_counts_for_nothing(fault):
    assert diagnose(world(from_fra(fault)), NOW, muted={"FRA"}) == []


@pytest.mark.parametrize("places", [PLACES[:2], PLACES[:3]])
def test_a_place_without_a_voice_keeps_no_account_from_being_lost(places):
    def meets(place, account, _):
        return KEY if account == "openai/a" and place != "FRA" else None

    assert verdicts(world(meets, places), muted={"FRA"}) == [LOST_KEY]


def test_nothing_is_said_if_no_place_has_a_voice():
    assert diagnose(world(from_all(KEY)), NOW, muted=set(PLACES)) == []


def test_what_two_of_five_places_are_refused_is_one_trouble_of_these_places():
    def meets(place, account, _):
        return EDGE if place in ("FRA", "SIN") and openai(account) else None

    assert verdicts(world(meets, PLACES)) == [local("FRA+SIN:openai")]


def test_two_places_that_lose_their_roads_lose_two_roads():
    def meets(place, *_):
        return LOST if place in ("FRA", "SIN") else None

    assert verdicts(world(meets)) == [local("FRA", Blame.UNKNOWN), local("SIN", Blame.UNKNOWN)]


def test_a_blind_place_says_nothing_of_a_provider_that_is_down():
    def meets(place, account, _):
        return LOST if place == "FRA" else DOWN if openai(account) else None

    blind, provider = diagnose(world(meets), NOW)
    assert (blind.subject, blind.blame) == ("FRA", Blame.UNKNOWN)
    assert (provider.scope, provider.subject) == (Scope.PROVIDER, "openai")
    assert not [one for one in provider.targets if one.startswith("FRA:")]


def test_a_place_that_reaches_other_hosts_is_not_blind():
    known = Corroboration(places={"FRA": LocalWitness(online=True)})

    assert verdicts(world(from_fra(LOST)), corroboration=known) == [local("FRA")]


def test_a_place_with_one_provider_is_blind_if_it_reaches_nothing_else_either():
    known = Corroboration(places={"FRA": LocalWitness(online=False)})

    assert verdicts(world(from_fra(LOST), accounts=TWO), corroboration=known) == [local("FRA", Blame.UNKNOWN)]


def test_a_call_without_a_key_is_heard_from_the_place_that_made_it():
    refused, answered = ControlAnswer(at(100), REGION, 403), ControlAnswer(at(100), None, 401)
    known = Corroboration(places={"FRA": LocalWitness({"openai": refused}), "SIN": LocalWitness({"openai": answered})})

    (found,) = diagnose(world(from_fra(REGION, openai)), NOW, corroboration=known)
    assert [one.fault for one in found.reasons if hasattr(one, "latency_s")] == [REGION]


def test_a_brownout_that_meets_each_place_now_and_then_is_no_place_s_trouble():
    """It was answered elsewhere, but failed there as well since it began."""

    def one(place, failing):
        target = Target("openai/a", "openai", "list", location=place)
        return state_of(target, DOWN) if failing else shaken(target)

    def shaken(target):
        now = state_of(target, UNSEEN).health
        for fault, second in ((DOWN, 8), (None, 13), (DOWN, 60), (None, 130)):
            facts = {"status": 500} if fault else {}
            now = advance(now, observation(fault, second, target, **facts), Thresholds(), 60)
        return TargetState(target, now)

    (found,) = diagnose([one("FRA", failing=True), one("SIN", failing=False)], NOW)
    assert (found.scope, found.subject) == (Scope.PROVIDER, "openai")


def test_what_another_place_is_refused_by_another_cause_is_another_trouble():
    """FRA was blocked while SIN still worked; now the key is revoked, too."""

    def meets(place, account, _):
        return None if not openai(account) else REGION if place == "FRA" else KEY

    states = [
        state_of(one.target, KEY, 140, (0, 15)) if one.health.fault is KEY else one
        for one in world(meets, accounts=(*ONE, "groq/a"))
    ]
    states = [one if one.health.well_at else replace(one, health=replace(one.health, well_at=at(80))) for one in states]

    assert [(one.scope, one.subject) for one in diagnose(states, at(300))] == [
        (Scope.LOCATION, "FRA:openai"),
        (Scope.ACCOUNT, "openai/a"),
    ]


# How soon


def look_by_look(*looks, accounts=ONE):
    """The states after these looks at the list of one account: place, second, and what it met."""
    healths = {}
    for place, second, fault in looks:
        target = Target("openai/a", "openai", "list", location=place)
        facts = {"status": 403} if fault else {}
        before = healths.get(target, state_of(target, UNSEEN).health)
        healths[target] = advance(before, observation(fault, second, target, **facts), Thresholds(), 60)
    return [TargetState(one, health) for one, health in healths.items()]


@pytest.mark.parametrize(
    ("looks", "now_s", "expected"),
    [
        # One failure is none, whoever answers elsewhere.
        ([("FRA", 0, REGION), ("SIN", 1, None)], 3, []),
        # A like failure elsewhere confirms it; the re-check says whether that was chance.
        ([("FRA", 0, REGION), ("SIN", 1, REGION)], 3, [("openai", False)]),
        ([("FRA", 0, REGION), ("SIN", 1, REGION), ("FRA", 5, REGION), ("SIN", 6, REGION)], 6, [("openai", True)]),
        ([("FRA", 0, REGION), ("SIN", 1, REGION)], 30, [("openai", True)]),
        # An unlike one does not, and neither does one much later.
        ([("FRA", 0, REGION), ("SIN", 1, KEY)], 3, []),
        ([("FRA", 0, REGION), ("SIN", 40, REGION)], 41, []),
        # Nobody has looked elsewhere yet: that look is on its way, but not for ever.
        ([("FRA", 0, REGION), ("FRA", 5, REGION), ("FRA", 15, REGION), ("SIN", -9, None)], 16, [("openai", False)]),
        ([("FRA", 0, REGION), ("FRA", 5, REGION), ("FRA", 15, REGION), ("SIN", -9, None)], 26, [("openai", True)]),
        # It is answered elsewhere.
        ([("FRA", 0, REGION), ("SIN", 1, None), ("FRA", 5, REGION), ("FRA", 15, REGION)], 16, [("FRA:openai", True)]),
        # An outage reaches a place after the other: one that answered meanwhile is to look again.
        (
            [(place, n + second, REGION) for n, place in ((0, "FRA"), (20, "SIN")) for second in (0, 5, 15)]
            + [("IAD", 9, None)],
            60,
            [("openai", True)],
        ),
        # What a company decides of an account reaches its regions in steps.
        ([("FRA", 0, KEY), ("SIN", 1, None), ("FRA", 15, KEY)], 16, [("FRA:openai/a", False)]),
        ([("FRA", 0, KEY), ("SIN", 1, None), ("FRA", 15, KEY), ("SIN", 16, None)], 17, [("FRA:openai/a", True)]),
        # All are well again, and it is the last to see it.
        ([("FRA", second, REGION) for second in (0, 5, 15, 60)] + [("SIN", 300, None)], 301, [("FRA:openai", False)]),
    ],
)
def test_a_trouble_is_told_as_soon_as_its_place_is_known(looks, now_s, expected):
    found = diagnose(look_by_look(*looks), at(now_s))

    assert [(one.subject, one.settled) for one in found] == expected


# What it says


def test_a_local_trouble_says_from_where_it_fails_and_from_where_it_was_answered():
    (found,) = diagnose(world(from_fra(REGION, openai)), NOW)

    assert OnlyFrom(("FRA",), ("IAD", "SIN"), at(125 + 2 * LATER)) in found.reasons
    assert found.about.locations == ("FRA",)
    assert all(one.startswith("FRA:openai/") for one in found.targets)


def test_an_account_s_rule_says_how_many_others_of_its_provider_answer_there():
    (found,) = diagnose(world(from_fra(DENIED, first)), NOW)

    assert [one.well for one in found.reasons if isinstance(one, Siblings)] == [2]


def test_a_road_says_how_many_providers_fail_on_it():
    (found,) = diagnose(world(from_fra(LATE, canaries=("chat",))), NOW)

    assert RoadFails("FRA", 3, 3) in found.reasons


@pytest.mark.parametrize(
    ("meets", "words"),
    [
        (from_fra(REGION, openai), "openai: region blocked, from FRA only"),
        (from_fra(DENIED, first), "openai/a: permission denied, from FRA only"),
        (from_fra(LOST), "FRA: nothing answers from there"),
        (from_fra(LATE, canaries=("chat",)), "FRA: the network path from there is failing"),
        (from_all(KEY, first), "openai/a: key rejected"),
    ],
)
def test_the_title_says_from_where(meets, words):
    (found,) = diagnose(world(meets), NOW)

    assert title(open_incident(found)) == words


@pytest.mark.parametrize(
    ("meets", "severity"),
    [
        (from_fra(REGION, openai), Severity.MAJOR),
        (from_fra(Fault.OVERLOADED, openai), Severity.WARNING),
        (from_all(KEY, first), Severity.CRITICAL),
    ],
)
def test_what_works_from_elsewhere_is_less_than_a_lost_account_and_more_than_a_warning(meets, severity):
    (found,) = diagnose(world(meets), NOW)

    assert severity_of(found) is severity
    assert Severity.WARNING.rank < Severity.MAJOR.rank < Severity.CRITICAL.rank


# Signs


def slow(place, account="openai", fault=Fault.SLOW):
    seen_on = f"{place}:openai/a/chat"
    return Finding(account, fault, at(0), at(60), seen_on, "latency/total/pool", PoolRose(2.0, at(0)), ())


def signs(*findings, **known):
    found = diagnose(world(from_all(None)), NOW, findings, **known)
    return [(one.scope, one.subject, one.blame, [e.target for e in one.evidence]) for one in found]


def test_what_is_slow_from_one_place_says_so_and_what_is_slow_from_all_is_one_sign():
    fra, sin, iad = map(slow, PLACES[:3])
    chats = [f"{place}:openai/a/chat" for place in ("FRA", "IAD", "SIN")]

    assert signs(fra) == [(Scope.PROVIDER, "FRA:openai", Blame.PATH, chats[:1])]
    assert signs(fra, sin, iad) == [(Scope.PROVIDER, "openai", Blame.PROVIDER, chats)]
    assert signs(fra, sin, iad, muted={"FRA"}) == [(Scope.PROVIDER, "openai", Blame.PROVIDER, chats[1:])]


def test_a_balance_is_the_same_from_wherever_it_was_read():
    low = slow("FRA", "openai/a", Fault.LOW_BALANCE)

    assert signs(low, replace(low, target="SIN:openai/a/list")) == [
        (Scope.ACCOUNT, "openai/a", Blame.ACCOUNT, ["FRA:openai/a/chat", "SIN:openai/a/list"])
    ]


# Names


FAULTS = st.sampled_from([None, None, None, UNSEEN, KEY, DENIED, REGION, LOST, DOWN, LATE, SUSPENDED, GONE])
LOOKS = [(place, account, canary) for place in PLACES[:3] for account in MANY for canary in ("list", "chat")]
GROUPS = {"openai/a": (AccountGroup(Level.LOGIN, "jo"),), "openai/b": (AccountGroup(Level.LOGIN, "jo"),)}
KNOWN = Corroboration(groups=GROUPS)


@st.composite
def met(draw):
    """What each look meets: mostly alike at each place, as causes are shared."""
    everywhere = {(account, canary): draw(FAULTS) for account in MANY for canary in ("list", "chat")}
    own = {one: draw(FAULTS) for one in draw(st.lists(st.sampled_from(LOOKS), max_size=12, unique=True))}
    return lambda *look: own.get(look, everywhere[look[1:]])


def renamed(states, names):
    return [replace(one, target=replace(one.target, location=names[one.target.location])) for one in states]


def told(diagnoses, names):
    """What diagnoses say but for the names of places; in no order."""

    def name(id):
        place, _, look = id.rpartition(":")
        return names.get(place, ""), look

    return sorted(
        (
            *(one.scope, one.about.thing, sorted(names[place] for place in one.about.locations)),
            *(one.fault, one.blame, one.confidence, one.since, one.settled),
            *(sorted(map(name, one.targets)), sorted(name(its.target) for its in one.evidence)),
        )
        for one in diagnoses
    )


@given(met(), st.permutations(PLACES[:3]), st.sampled_from([20, 170, 900]))
def test_the_names_of_places_decide_nothing(meets, order, now_s):
    states, names = world(meets), dict(zip(PLACES, order, strict=False))
    back = {new: old for old, new in names.items()}

    assert told(diagnose(renamed(states, names), at(now_s), corroboration=KNOWN), back) == told(
        diagnose(states, at(now_s), corroboration=KNOWN), {one: one for one in names}
    )


@given(met(), st.sampled_from([20, 170, 900]))
def test_one_place_alone_is_diagnosed_as_a_monitor_that_has_one_place(meets, now_s):
    named = world(meets, PLACES[:1])
    unnamed = renamed(named, {"FRA": ""})

    assert told(diagnose(named, at(now_s), corroboration=KNOWN), {"FRA": ""}) == told(
        diagnose(unnamed, at(now_s), corroboration=KNOWN), {}
    )


@given(met(), st.sampled_from([20, 170, 900]))
def test_what_fails_for_sure_has_one_cause_and_what_works_has_none(meets, now_s):
    states = world(meets)
    failing = [one.target.id for one in states if one.health.lasting]
    found = diagnose(states, at(now_s), corroboration=KNOWN)
    named = [target for one in found for target in one.targets]

    assert sorted(named) == sorted(set(named))
    assert {*failing} <= {*named}
    well = {one.target.id for one in states if one.health.state is State.UP}
    assert well.isdisjoint(named)


def test_a_staggered_look_is_not_taken_for_another_cause():
    """Each place looks when it is its turn, up to a minute after the first."""
    states = [
        state_of(Target("openai/a", "openai", "list", location=place), KEY, number * 29)
        for number, place in enumerate(PLACES[:3])
    ]

    (found,) = diagnose(states, NOW + timedelta(seconds=60))
    assert (found.scope, found.subject, found.since) == (Scope.ACCOUNT, "openai/a", at(0))


# The life of an incident


def live(*scenes):
    """What happens to incidents over some scenes, each at its second, and what stands at the end."""
    standing, told = {}, []
    for now_s, states in scenes:
        well = {one.target.id: one.health.since if one.health.state is State.UP else None for one in states}
        course = advance_incidents(list(standing.values()), diagnose(states, at(now_s)), well, at(now_s))
        for change in course.changes:
            standing[change.incident.id] = change.incident
            told.append((change.kind, change.incident.scope, change.incident.subject))
        standing |= {one.id: one for one in course.refreshed}
        standing = {id: one for id, one in standing.items() if one.closed_at is None}
    return told, [(one.scope, one.subject) for one in standing.values()]


def going_on(meets, until_s, accounts=TWO):
    """Looks each minute from noon on, at each place a little later, while `meets` also knows the second."""
    seconds = [0, 5, 15, *range(60, until_s, 60)]
    made = []
    for number, place in enumerate(PLACES[:3]):
        for account in accounts:
            target, now = Target(account, "openai", "list", location=place), Health()
            for second in [-60, *seconds]:
                fault = meets(place, account, second)
                facts = {"status": 403} if fault else {}
                seen = observation(fault, second + number * LATER, target, **facts)
                now = advance(now, seen, Thresholds(), 60)
            made.append(TargetState(target, now))
    return made


def scenes(meets, *seconds, accounts=TWO):
    return [(second, going_on(meets, second, accounts)) for second in seconds]


def test_what_one_place_is_refused_ends_when_that_place_is_answered():
    def meets(place, account, second):
        return REGION if place == "FRA" and 0 <= second < 300 else None

    assert live(*scenes(meets, 90, 250, 550)) == (
        [
            (ChangeKind.OPENED, Scope.LOCATION, "FRA:openai"),
            (ChangeKind.RESOLVED, Scope.LOCATION, "FRA:openai"),
        ],
        [],
    )


def test_what_spreads_from_one_place_to_all_is_the_same_incident_and_is_told_again():
    def meets(place, account, second):
        return REGION if second >= {"FRA": 0, "SIN": 300, "IAD": 300}[place] else None

    assert live(*scenes(meets, 90, 250, 550)) == (
        [
            (ChangeKind.OPENED, Scope.LOCATION, "FRA:openai"),
            (ChangeKind.CHANGED, Scope.EGRESS, "openai"),
        ],
        [(Scope.EGRESS, "openai")],
    )


def test_what_spreads_to_a_second_place_is_told_and_its_retreat_is_not():
    def meets(place, account, second):
        return EDGE if place == "FRA" or (place == "SIN" and 300 <= second < 600) else None

    told, standing = live(*scenes(meets, 90, 550, 1000))
    assert told == [
        (ChangeKind.OPENED, Scope.LOCATION, "FRA:openai"),
        (ChangeKind.CHANGED, Scope.LOCATION, "FRA+SIN:openai"),
        (ChangeKind.UPDATED, Scope.LOCATION, "FRA:openai"),
    ]
    assert standing == [(Scope.LOCATION, "FRA:openai")]


def test_a_lost_account_that_is_answered_from_all_places_but_one_goes_on_quietly_as_that_place_s():
    def meets(place, account, second):
        return DENIED if account == "openai/a" and (place == "FRA" or 0 <= second < 600) else None

    told, standing = live(*scenes(meets, 90, 550, 1000, 1300))
    assert told == [
        (ChangeKind.OPENED, Scope.ACCOUNT, "openai/a"),
        (ChangeKind.UPDATED, Scope.LOCATION, "FRA:openai/a"),
    ]
    assert standing == [(Scope.LOCATION, "FRA:openai/a")]


def test_what_comes_back_to_all_places_after_that_is_no_news_either():
    def meets(place, account, second):
        if account != "openai/a":
            return None
        return DENIED if place == "FRA" or not 600 <= second < 1200 else None

    told, standing = live(*scenes(meets, 90, 1000, 1500))
    assert [kind for kind, *_ in told] == [ChangeKind.OPENED, ChangeKind.UPDATED, ChangeKind.UPDATED]
    assert standing == [(Scope.ACCOUNT, "openai/a")]
