"""A model of consistency: whatever was seen, all tell the same of an account, and nothing dead is handed out."""

import asyncio
import json
import re
import tempfile
import time
from collections import Counter, defaultdict
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path

from hypothesis import Phase, example, given, settings
from hypothesis import strategies as some
from msgspec.structs import replace

from monitor.config.public_page import PublicSection, PublicService
from monitor.console.status_screen import make_screen, screen_lines
from monitor.detect.health import State
from monitor.diagnose.corroboration import AccountGroup, Level
from monitor.diagnose.diagnosis import ACCOUNT_WIDE
from monitor.diagnose.incident import accounts_of_targets
from monitor.publish import collect
from monitor.publish.ability import LATE_INTERVALS
from monitor.publish.account_row import account_rows
from monitor.publish.advice import find_substitutes
from monitor.publish.front_page import build_front, group_accounts
from monitor.publish.headline import write_headline
from monitor.publish.incident_text import top_incidents
from monitor.publish.metrics import render_metrics
from monitor.publish.private_site import status_json, usable_json
from monitor.publish.public_site import render as render_public
from monitor.publish.status import MARKS, Mark, current_state
from monitor.publish.statuspage import STATUSES
from monitor.publish.uptime import watched_since
from monitor.publish.uptime_text import since_words
from monitor.publish.usable import assess_usability, pick
from monitor.schedule import Watch
from monitor.sentence.translation import ENGLISH
from monitor.stages.beat import beat
from monitor.state.monitor_state import open_state
from monitor.state.services import Edge
from monitor.store.connection import open_reader
from monitor.store.reader import Reader
from monitor.words import FAULTS, iso
from probes.model import Answer, Fault, Observation, Outcome, Target
from tests.conftest import NOON
from tests.parts import spare_the_disk
from tests.test_evaluate import Nowhere
from tests.test_run import config

IDS = ("openai/main", "openai/backup", "groq/llama")
ASKED = (("list", None, True), ("chat", "a", False), ("chat", "b", False))
EVERY_S = {"list": 60, "chat": 300}
SIGHT = {
    "ok": None,
    "no budget": Outcome.UNKNOWN,
    "503": (Fault.SERVER_ERROR, 503),
    "429": (Fault.RATE_LIMITED, 429),
    "wrong key": (Fault.INVALID_KEY, 401),
    "suspended": (Fault.ACCOUNT_SUSPENDED, 403),
    "no right": (Fault.PERMISSION_DENIED, 403),
    "redirect": (Fault.INVALID_RESPONSE, 302),
    "garbage": (Fault.INVALID_RESPONSE, 200),
    "timeout": (Fault.TIMEOUT, None),
    "no road": (Fault.CONNECTION_FAILED, None),
}
PAUSES_S = (5, 15, 60, 60, 300, 1200)


def look(target, at, sight):
    told = SIGHT[sight]
    if told is None:
        return Observation(target, at, Outcome.OK, latency_s=0.5, status=200)
    if told is Outcome.UNKNOWN:
        return Observation(target, at, told, answer=Answer("monitor/not-asked", "the day's budget is spent"))
    fault, status = told
    outcome = Outcome.DEGRADED if fault is Fault.RATE_LIMITED else Outcome.FAILED
    return Observation(target, at, outcome, status=status, fault=fault, answer=Answer(f"x/{fault}", "words"))


class Clock:
    now = NOON


class Past:
    """What really was seen: when each target, by its id, was last well."""

    def __init__(self):
        self.well_at = {}

    def add(self, one):
        if one.outcome is Outcome.OK:
            self.well_at[one.target.id] = one.at

    def is_well(self, account, kind, now):
        """Whether any target of an account's kind was answered well within three of its intervals."""
        its = [at for id, at in self.well_at.items() if id.startswith(f"{account}/{kind}")]
        return any(now - at <= timedelta(seconds=LATE_INTERVALS * EVERY_S[kind]) for at in its)


@asynccontextmanager
async def opened(settings_, clock):
    async with open_state(settings_, Edge(lambda: clock.now, time.monotonic, lambda: 0.5, lambda _: None)) as state:
        spare_the_disk(state).planned.plan_probes(state.belief.config.watches, state.services.edge.clock(), 0)
        yield state


def configured(folder, ties):
    made = config(folder, Nowhere(), ids=IDS)
    targets = [Target(id, id.partition("/")[0], canary, model) for id in IDS for canary, model, _ in ASKED]
    free = {canary: is_free for canary, _, is_free in ASKED}
    watches = {one.id: Watch(one, EVERY_S[one.canary], free[one.canary]) for one in targets}
    groups = {id: (AccountGroup(Level.LOGIN, "jo"),) for id in ties}
    return replace(
        made,
        watches=watches,
        groups=groups,
        probe=replace(made.probe, blip_s=120),
        accounts={id: replace(one, base=None) for id, one in made.accounts.items()},
        public_folder=folder / "public",
        public=PublicSection(providers=True),
        services=tuple(_service(id, [id], targets) for id in IDS) + (_service("Everything", IDS, targets),),
    )


def _service(name, accounts, targets):
    """A service of these accounts, by the name of the only one."""
    ids = frozenset(one.id for one in targets if one.account in accounts)
    return PublicService(name.rpartition("/")[2], None, "", ids, len(accounts))


class Told:
    """All that is told of one instant."""

    def __init__(self, settings_, now):
        with closing(open_reader(settings_.store.database)) as db:
            shot = collect.build_snapshot(Reader(db, settings_.location), settings_, now)
        self.now, self.shot, self.stand = now, shot, current_state(shot)
        self.open_ids = [view.incident.id for view in top_incidents(shot)]
        self.every = assess_usability(shot, self.stand)
        self.usable = json.loads(usable_json(shot, self.stand))
        self.status = {one["id"]: one for one in json.loads(status_json(shot, self.stand))["accounts"]}
        self.rows = {row.id: row for row in account_rows(shot, self.stand)}
        self.cards = {card.id: card for group in group_accounts(shot, self.stand) for card in group.accounts}
        self.headline = write_headline(shot, self.stand)
        self.screen = [list(_printed(shot, self.stand, most)) for most in (60, 80, 120, None)]
        gauges = _gauges(render_metrics(shot, self.stand).classic.decode())
        self.up, self.known, self.offered = gauges["up"], gauges["known"], gauges["offered"]

    def verdicts(self):
        return {id: one["usable"] for id, one in self.usable["accounts"].items()}


def _printed(shot, stand, most):
    return screen_lines(make_screen(shot, stand, frozenset(stand.marks), targets=False, most=most))


def _gauges(text):
    found = defaultdict(dict)
    for gauge, provider, name, value in re.findall(
        r'^llm_account_(\w+)\{provider="(.+)",account="(.+)"\} (.+)$', text, re.M
    ):
        found[gauge][f"{provider}/{name}"] = float(value)
    return found


def check_alike(told):
    for id, one in told.usable["accounts"].items():
        word, mark = one["usable"], told.stand.marks[id]
        assert all(told.status[id][name] == one[name] for name in ("usable", "caution", "withheld"))
        assert told.status[id]["mark"] == one["state"] == mark
        assert told.known[id] == (word is not None)
        assert (told.up[id] > 0) is word if word is not None else id not in told.up
        assert word is {Mark.UP: True, Mark.DOWN: False, Mark.UNKNOWN: None}.get(mark, word)
        if word:
            assert one["abilities"]["chat"]
        assert set(one["abilities"]) == {"list", "chat"}
        if mark is Mark.SUSPECTED:
            assert one["suspected"]
        check_times(one, told.usable["made_at"])
        check_row(told, id)


def check_row(told, id):
    """The terminal says of an account what the page and the files for programs say of it."""
    row, card, status = told.rows[id], told.cards[id], told.status[id]
    assert row.mark == card.mark == status["mark"]
    assert (row.incident.id if row.incident else None) == _incident_id(card) or row.incident.signal
    assert told.stand.offline or (row.since and iso(row.since)) == status["since"]
    if row.mark.is_trouble and status["fault"]:
        assert FAULTS[status["fault"]] in row.why
    for lines in told.screen:
        assert sum(re.match(f"{MARKS[row.mark]} +{id}( |$)", line) is not None for line in lines) == 1


def _incident_id(card):
    return card.incident and re.fullmatch("incidents/(.+).html", card.incident)[1]


def check_screen(told):
    """The counts and incidents of the terminal are those of the page."""
    sick = [id for id, one in told.status.items() if one["mark"] in ("down", "partly")]
    for lines, most in zip(told.screen, (60, 80, 120, None), strict=True):
        text = " ".join(" ".join(lines).split())
        assert told.headline.lead in text
        assert sum(line.startswith(("Down", "Trouble")) for line in lines) == len(sick)
        assert all(view in text for view in told.open_ids)
        assert all(len(line) <= (most or 10_000) or len(line.split()) == 1 for line in lines)  # an address


def check_times(one, made_at):
    match one["usable"]:
        case True:
            assert one["valid_until"] >= made_at
        case False:
            assert one["valid_until"] > made_at
            assert one["retry_at"] is None or one["valid_until"] > one["retry_at"]
        case None:
            assert one["valid_until"] is None


def check_picks(told):
    for provider, choice in told.usable["providers"].items():
        its = [one for one in told.every if one.provider == provider]
        offered = {one.account: one for one in its if one.usable and not (one.caution and one.caution.withheld)}
        assert {id for id, value in told.offered.items() if value and id.startswith(f"{provider}/")} == set(offered)
        assert all(told.usable["accounts"][one.account]["offered"] == (one.account in offered) for one in its)
        best = pick(told.every, provider)
        assert choice["use"] == (best.account if best else None)
        assert (best is None) == (not offered)
        if best:
            assert best.account in offered
            assert not best.suspected or all(one.suspected for one in offered.values())


def check_numbers(told):
    """Each number is the same on the page of accounts, in the terminal, in JSON, in metrics and on the public page."""
    text, page = render_metrics(told.shot, told.stand).classic.decode(), build_front(told.shot, told.stand)
    marks = Counter(one["mark"] for one in told.status.values())
    assert (
        {str(one.mark): one.number for one in page.fleet.counts}
        == marks
        == Counter(row.mark for row in told.rows.values())
    )
    assert sum(value == 0 for value in told.up.values()) == list(told.verdicts().values()).count(False)
    ids = [one["id"] for one in json.loads(status_json(told.shot, told.stand))["open_incidents"]]
    assert set(re.findall(r'^llm_incident_active\{incident="([^"]+)"', text, re.M)) == set(ids)
    assert sorted(row.id for row in (*page.open, *page.folded)) == sorted(told.open_ids)
    assert set(told.open_ids) <= set(ids)
    check_shares(told, text)
    check_public(told, render_public(told.shot))


def check_shares(told, metrics):
    """What is good of 24 hours is one number, and no window is longer than what was watched."""
    shares = dict(re.findall(r"^llm_probe_availability_ratio\{(.+)\} (.+)$", metrics, re.M))
    for account in told.shot.accounts_by_id().values():
        its = [float(value) for labels, value in shares.items() if f'account="{account.name}"' in labels]
        assert sorted(its) == sorted(one.availability for one in account.targets if one.availability is not None)
        card = told.cards[account.id]
        worst = ENGLISH.percent(min(its)) if its else "no data"
        assert card.shares[0].words == card.uptime.partition(" since ")[0] == worst
        since = watched_since(account)
        window = f"since {since_words(since, told.now, ENGLISH)}" if since else "so far"
        assert [it.window for it in card.shares] == [window]


def check_public(told, files):
    """The public page, its files for programs and its badges tell of each part what the page of accounts implies."""
    status, summary = json.loads(files["status.json"]), json.loads(files["api/v2/summary.json"])
    marks = {one["id"]: one["mark"] for one in (*status["providers"], *status["services"])}
    assert {one["id"]: one["status"] for one in summary["components"]} == {
        id: STATUSES[Mark(mark)] for id, mark in marks.items()
    }
    for id, mark in marks.items():
        assert json.loads(files[f"badges/{id}.json"])["message"] == MARKS[mark]
    page = files["index.html"].decode()
    states = re.findall(r'<li class="(\w+)"><header>', page)
    assert Counter(states) == Counter(marks.values())
    assert len(summary["incidents"]) == page.count('class="small" href="incidents/')
    assert {one["id"] for one in summary["incidents"]} <= {
        name[10:-5] for name in files if name.startswith("incidents/")
    }
    check_services(told, {one["name"]: one["mark"] for one in status["services"]})


def check_services(told, marks):
    """Whoever may use an account reads that its service works, or why not; and nobody reads it of one that is lost."""
    usable = {id.rpartition("/")[2]: word for id, word in told.verdicts().items()}
    for name, word in usable.items():
        assert marks[name] != "up" or word
        assert marks[name] != "down" or not word or told.stand.incidents
    assert marks["Everything"] != "up" or all(usable.values())


def check_truth(told, past):
    """Nothing is handed out that was not answered well a short while ago."""
    for id, one in told.usable["accounts"].items():
        for kind, word in one["abilities"].items():
            assert not word or past.is_well(id, kind, told.now)


def check_later(before, after):
    """Time alone turns true into not known, and nothing else into anything."""
    for id, word in before.verdicts().items():
        assert after.verdicts()[id] in ({True, None} if word else {word})


sights = some.sampled_from(sorted(SIGHT))
rounds = some.lists(
    some.tuples(
        some.sampled_from(PAUSES_S),
        some.one_of(
            some.dictionaries(some.sampled_from(IDS), sights, min_size=1),  # each account answers alike
            some.lists(some.one_of(some.none(), sights), min_size=9, max_size=9),  # each target for itself
            some.sampled_from(["ok", "no road"]).map(lambda one: dict.fromkeys(IDS, one)),
            some.sampled_from(IDS).map(lambda id: dict.fromkeys(IDS, "ok") | {id: "suspended"}),
        ),
    ),
    min_size=2,
    max_size=10,
)


async def play(folder, history, ties):
    clock, past, settings_ = Clock(), Past(), configured(folder, ties)
    async with opened(settings_, clock) as state:
        for pause_s, seen in history:
            clock.now += timedelta(seconds=pause_s)
            looked = [look(target, clock.now, sight) for target, sight in _each(settings_, seen)]
            for one in looked:
                past.add(one)
            await beat(state, looked, clock.now)
            told = Told(settings_, clock.now)
            check_alike(told)
            check_picks(told)
            check_screen(told)
            check_truth(told, past)
            check_world(state, told)
    async with opened(settings_, clock):
        assert Told(settings_, clock.now).verdicts() == told.verdicts()
    check_numbers(told)
    for hours in (0.2, 5):
        later = Told(settings_, clock.now + timedelta(hours=hours))
        check_alike(later)
        check_numbers(later)
        check_later(told, later)


def _each(settings_, seen):
    """Yield targets and what they answer: by account, or by target."""
    watches = settings_.watches.values()
    if isinstance(seen, dict):
        yield from ((one.target, seen[one.target.account]) for one in watches if one.target.account in seen)
    else:
        yield from ((one.target, sight) for one, sight in zip(watches, seen, strict=True) if sight)


def check_world(state, told):
    """What was refused is not usable, and a message offers what is offered, or was until a look was overdue."""
    offered = {one.account for one in told.every if one.offered or one.usable is None}
    for id, health in state.belief.healths.items():
        refused = health.state is State.DOWN and health.fault in ACCOUNT_WIDE
        assert not refused or told.verdicts()["/".join(id.split("/")[:2])] is False
    for one in state.belief.incidents.values():
        seen = collect.glance_of_beliefs(
            state.belief.config, state.belief.healths, state.belief.incidents.values(), told.now
        )
        named = {it.account for it in find_substitutes(one, state.belief.config, seen)}
        assert named <= offered
        # Of a whole provider's trouble none of its own is named; by a sign nothing is lost yet.
        if one.fault in ACCOUNT_WIDE and "/" in one.subject and not one.signal:
            assert _to_be_picked(told, one, accounts_of_targets(one.targets)) <= named


def _to_be_picked(told, incident, lost):
    """What `pick` gives beside a lost account: of its own provider, and of others where none of its own is sound."""
    best = [it for id in told.usable["providers"] if (it := pick(told.every, id)) and it.account not in lost]
    its = [it for it in best if it.provider == incident.subject.partition("/")[0] and it.caution is None]
    return {it.account for it in its or best}


WELL = dict.fromkeys(IDS, "ok")
# Suspended, then only without a right: what the page offers and what a message names come from one fault.
ANOTHER_FAULT = [
    (15, WELL | {"openai/main": "suspended"}),
    (5, WELL),
    (15, WELL),
    (60, {"groq/llama": "no right", "openai/main": "no budget", "openai/backup": "suspended"}),
    (300, WELL | {"openai/backup": "suspended"}),
    (5, [None, None, None, "garbage", "timeout", "no right", None, None, None]),
    (60, WELL | {"groq/llama": "suspended"}),
    (5, {"openai/backup": "garbage", "groq/llama": "suspended"}),
    (5, {"groq/llama": "suspended"}),
]


@settings(
    max_examples=settings.default.max_examples * 2 // 3,
    phases=(Phase.explicit, Phase.generate),
    report_multiple_bugs=False,
)
@example(ANOTHER_FAULT, IDS)
@given(rounds, some.sampled_from([(), IDS[:2], IDS]))
def test_whatever_was_seen_all_tell_the_same_and_nothing_dead_is_handed_out(history, ties):
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder), history, ties))
