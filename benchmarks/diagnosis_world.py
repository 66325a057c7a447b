"""Random worlds with a known truth: accounts, causes that begin and end, pages that tell of them or do not."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from math import ceil
from pathlib import Path
from random import Random

from msgspec import Struct

from monitor.config.alerting import ChannelSection
from monitor.config.config import Config
from monitor.config.document import AccountSection, Document, SiteSection
from monitor.config.load import build_config
from monitor.diagnose.corroboration import AccountGroup, Level
from monitor.diagnose.subject import Scope
from probes.model import Blame, Fault, Target

MINUTE_S = 60.0


class Hit(StrEnum):
    """What falls together."""

    PROVIDER = "provider"
    CHAT = "chat"
    MODEL = "model"
    REGION = "region"
    KEYS = "keys"
    ACCOUNT = "account"
    ABILITY = "ability"
    ACCOUNT_MODEL = "account's model"
    SLOW_ACCOUNT = "slow account"
    SLOW_PROVIDER = "slow provider"
    GROUP = "group"
    EDGE = "edge"
    EGRESS = "egress"
    OFFLINE = "offline"


class Course(StrEnum):
    """How a trouble goes on between its begin and its end."""

    STEADY = "steady"
    CREEP = "creep"
    FLAP = "flap"
    BROWNOUT = "brownout"


class Manner(StrEnum):
    """How a provider's page tells of trouble."""

    HONEST = "honest"
    SILENT = "silent"
    LATE = "late"
    LYING = "lying"
    STALE = "stale"


SIZES = (1, 1, 2, 2, 3, 3, 4, 5, 6, 8, 12, 20, 56)
"""So many accounts has the provider that is hit, one as likely as the other; the large ones take long to play."""
SEVERAL = tuple(size for size in SIZES if size > 1)
MANY = tuple(size for size in SIZES if size > 2)
FEW = tuple(size for size in SIZES if size < 12)


class Plot(Struct, frozen=True, kw_only=True):
    """One cause as it may come: what it hits, how that looks, when. Spans are (least, most) in seconds.

    The members of what is hit follow the first within `apart_s`, and come back within `parts_s` of each other.
    `where`: which of the world's providers it hits, by number; the first has the most accounts. `whole`: all accounts
    there. `paid`: only what costs something.
    """

    hit: Hit
    faults: tuple[Fault, ...] = (Fault.OVERLOADED,)
    begins_s: tuple[float, float] = (130, 440)
    lasts_s: tuple[float, float] = (8 * MINUTE_S, 16 * MINUTE_S)
    apart_s: float = 0.0
    parts_s: float = 0.0
    course: Course = Course.STEADY
    level: Level = Level.ORGANIZATION
    whole: bool = False
    paid: bool = False
    where: int = 0


class Kind(Struct, frozen=True, kw_only=True):
    """What worlds of one kind have in common. `sizes`: how many accounts the first provider may have.

    `told`: whether the causes are to be told at all. `unreachable`: the channel needs the same road as all else.
    `restarts`: the monitor is stopped in the middle and started again. `jumps_s`: by so much the clock may be set then.
    """

    plots: tuple[Plot, ...] = ()
    sizes: tuple[int, ...] = SIZES
    providers: tuple[int, int] = (1, 8)
    alone: bool = False
    models: int = 1
    gateway: bool = False
    told: bool = True
    unreachable: bool = False
    tied: bool = False
    restarts: bool = False
    jumps_s: tuple[float, ...] = ()
    manners: tuple[Manner, ...] = (Manner.HONEST, Manner.SILENT, Manner.LATE, Manner.STALE)


class Reading(Struct, frozen=True):
    """A right way to tell a cause. Not `sure`: nobody can be sure of it."""

    scope: Scope
    subject: str
    blames: frozenset[Blame]
    sure: bool = True


class Spell(Struct, frozen=True):
    """A time in which looks at one target fail, with this chance each, rising to it from nothing where it `creeps`."""

    begin_s: float
    end_s: float
    creeps: bool = False
    share: float = 1.0

    def chance(self, at_s: float) -> float:
        if not self.begin_s <= at_s < self.end_s:
            return 0.0
        risen = (at_s - self.begin_s) / (0.6 * (self.end_s - self.begin_s))
        return self.share * min(1.0, risen) if self.creeps else self.share


class Cause(Struct, frozen=True):
    """One trouble: when what fails, how that looks, and how it may be told.

    `open`: who sees only its looks cannot tell whose it is, as long as no page of the provider tells of trouble.
    `course` as in its plot; `answerers` are those whose call without a key fails alike. `slow`: nothing fails, but
    answers take so many times as long. `look` chooses among the faces of its fault.
    """

    hit: Hit
    fault: Fault
    course: Course
    blame: Blame
    readings: tuple[Reading, ...]
    spells: Mapping[str, tuple[Spell, ...]]
    answerers: frozenset[str] = frozenset()
    open: bool = False
    look: int = 0
    slow: float | None = None

    @property
    def begin_s(self) -> float:
        return min(one.begin_s for its in self.spells.values() for one in its)

    @property
    def end_s(self) -> float:
        return max(one.end_s for its in self.spells.values() for one in its)

    def chance(self, target: str, at_s: float) -> float:
        """Return how likely a look at a target fails."""
        return 0.0 if self.slow else max((one.chance(at_s) for one in self.spells.get(target, ())), default=0.0)

    def slowed(self, target: str, at_s: float) -> float:
        """Return how many times as long as usual an answer takes."""
        return self.slow if self.slow and any(one.chance(at_s) for one in self.spells.get(target, ())) else 1.0

    def is_on(self, at_s: float) -> bool:
        return self.begin_s <= at_s < self.end_s


class Setting(Struct, frozen=True):
    """One world before anything is played: what is watched, and what is so.

    `away`: from when to when the monitor does not run. `jump`: when its clock is set, and by how much. Seconds.
    """

    kind: str
    seed: int
    config: Config
    causes: tuple[Cause, ...]
    pages: Mapping[str, Manner]
    deaf: bool
    ends_s: float
    told: bool
    unreachable: bool
    siblings: int
    away: tuple[float, float] | None = None
    jump: tuple[float, float] | None = None

    def hits(self, target: str, at_s: float) -> Cause | None:
        """Return what certainly or perhaps takes a target at this instant; what cuts off comes first."""
        found = [one for one in self.causes if one.chance(target, at_s) > 0]
        return min(found, key=lambda one: list(Hit).index(one.hit) * -1, default=None)

    def is_offline(self, at_s: float) -> bool:
        return any(one.hit is Hit.OFFLINE and one.is_on(at_s) for one in self.causes)


PASSING = (Fault.OVERLOADED, Fault.SERVER_ERROR)
LOSSES = (Fault.ACCOUNT_SUSPENDED, Fault.INVALID_KEY, Fault.QUOTA_EXHAUSTED)
LONG = (14 * MINUTE_S, 20 * MINUTE_S)
MIDDLE = (-600.0, -100.0)
LEARNT = (2700.0, 2900.0)
"""By then what is usual is known of what is asked each minute."""
TIMES_AS_SLOW = 5.0
OVERLOAD = Plot(hit=Hit.PROVIDER, faults=PASSING)
LOSS = Plot(hit=Hit.ACCOUNT, faults=LOSSES, lasts_s=LONG)
SERVICE = Plot(hit=Hit.KEYS, faults=(Fault.INVALID_KEY,), apart_s=2)

KINDS: Mapping[str, Kind] = {
    "provider overloaded": Kind(plots=(OVERLOAD,)),
    "provider silent": Kind(plots=(Plot(hit=Hit.PROVIDER, faults=(Fault.TIMEOUT, Fault.CONNECTION_FAILED)),)),
    "chat of a provider down": Kind(plots=(Plot(hit=Hit.CHAT, faults=PASSING, lasts_s=LONG),)),
    "one model down": Kind(
        plots=(Plot(hit=Hit.MODEL, faults=(*PASSING, Fault.MODEL_UNAVAILABLE), lasts_s=LONG),), models=2
    ),
    "one region down": Kind(plots=(Plot(hit=Hit.REGION, faults=PASSING),), sizes=MANY),
    "key service down": Kind(plots=(SERVICE,), sizes=SEVERAL),
    "key service down, all declared": Kind(plots=(SERVICE,), sizes=SEVERAL, tied=True),
    "half of a provider's calls fail": Kind(
        plots=(Plot(hit=Hit.PROVIDER, faults=PASSING, course=Course.BROWNOUT, lasts_s=LONG),)
    ),
    "account lost": Kind(plots=(LOSS,)),
    "credit used up": Kind(
        plots=(Plot(hit=Hit.ACCOUNT, faults=(Fault.QUOTA_EXHAUSTED,), paid=True, lasts_s=LONG),), sizes=FEW
    ),
    "project lost": Kind(
        plots=(Plot(hit=Hit.GROUP, faults=LOSSES, level=Level.PROJECT, apart_s=30, lasts_s=LONG),), sizes=MANY
    ),
    "organization lost": Kind(
        plots=(Plot(hit=Hit.GROUP, faults=LOSSES, level=Level.ORGANIZATION, apart_s=40, lasts_s=LONG),), sizes=MANY
    ),
    "billing lost": Kind(
        plots=(Plot(hit=Hit.GROUP, faults=(Fault.QUOTA_EXHAUSTED,), level=Level.BILLING, apart_s=40, lasts_s=LONG),),
        sizes=MANY,
    ),
    "all of an owner lost": Kind(
        plots=(Plot(hit=Hit.GROUP, faults=LOSSES, whole=True, apart_s=20, lasts_s=LONG),), sizes=SEVERAL
    ),
    "account may not chat": Kind(plots=(Plot(hit=Hit.ABILITY, faults=(Fault.PERMISSION_DENIED,), lasts_s=LONG),)),
    "account lost a model": Kind(
        plots=(Plot(hit=Hit.ACCOUNT_MODEL, faults=(Fault.MODEL_UNAVAILABLE,), lasts_s=LONG),), models=2, sizes=SEVERAL
    ),
    "blocked by the edge": Kind(plots=(Plot(hit=Hit.EDGE, faults=(Fault.BLOCKED_BY_EDGE, Fault.REGION_BLOCKED)),)),
    "road out cut": Kind(
        plots=(Plot(hit=Hit.EGRESS, faults=(Fault.CONNECTION_FAILED, Fault.TIMEOUT)),), providers=(3, 8), sizes=FEW
    ),
    "offline": Kind(plots=(Plot(hit=Hit.OFFLINE, faults=(Fault.CONNECTION_FAILED,)),)),
    "offline, and so the channel": Kind(
        plots=(Plot(hit=Hit.OFFLINE, faults=(Fault.CONNECTION_FAILED,)),), unreachable=True
    ),
    "offline for long": Kind(plots=(Plot(hit=Hit.OFFLINE, faults=(Fault.CONNECTION_FAILED,), lasts_s=(1200, 2400)),)),
    "upstream of a gateway": Kind(
        plots=(Plot(hit=Hit.MODEL, faults=(*PASSING, Fault.MODEL_UNAVAILABLE), lasts_s=LONG),),
        gateway=True,
        models=3,
        sizes=FEW,
    ),
    "recovery in parts": Kind(plots=(Plot(hit=Hit.PROVIDER, faults=PASSING, parts_s=240),), sizes=SEVERAL),
    "overload and a loss elsewhere": Kind(
        plots=(OVERLOAD, Plot(hit=Hit.ACCOUNT, faults=LOSSES, lasts_s=LONG, where=1)), providers=(2, 8)
    ),
    "overload and a loss there": Kind(plots=(OVERLOAD, LOSS), sizes=SEVERAL),
    "two providers overloaded": Kind(
        plots=(OVERLOAD, Plot(hit=Hit.PROVIDER, faults=PASSING, where=1)), providers=(2, 8)
    ),
    "overload, and offline meanwhile": Kind(
        plots=(
            Plot(hit=Hit.PROVIDER, faults=PASSING, begins_s=(130, 190), lasts_s=LONG),
            Plot(hit=Hit.OFFLINE, faults=(Fault.CONNECTION_FAILED,), begins_s=(400, 600), lasts_s=(200, 400)),
        )
    ),
    "loss while offline": Kind(
        plots=(
            Plot(hit=Hit.OFFLINE, faults=(Fault.CONNECTION_FAILED,), begins_s=(130, 190), lasts_s=(400, 700)),
            Plot(hit=Hit.ACCOUNT, faults=LOSSES, begins_s=(300, 450), lasts_s=LONG),
        )
    ),
    "loss, and restarted": Kind(plots=(LOSS,), restarts=True),
    "overload, and restarted": Kind(plots=(Plot(hit=Hit.PROVIDER, faults=PASSING, lasts_s=LONG),), restarts=True),
    "overload, and the clock set": Kind(
        plots=(Plot(hit=Hit.PROVIDER, faults=PASSING, lasts_s=LONG),), jumps_s=(-3600, -300, -40, 40, 300, 3600)
    ),
    "loss, and the clock set": Kind(plots=(LOSS,), jumps_s=(-3600, -300, -40, 40, 300, 3600)),
    "one account slow": Kind(plots=(Plot(hit=Hit.SLOW_ACCOUNT, begins_s=LEARNT, lasts_s=LONG),), sizes=(3, 5, 8)),
    "provider slow": Kind(plots=(Plot(hit=Hit.SLOW_PROVIDER, begins_s=LEARNT, lasts_s=LONG),), sizes=(3, 5, 8)),
    "flapping": Kind(plots=(Plot(hit=Hit.PROVIDER, faults=PASSING, course=Course.FLAP, lasts_s=(2400, 2400)),)),
    "creeping overload": Kind(plots=(Plot(hit=Hit.PROVIDER, faults=PASSING, course=Course.CREEP, lasts_s=LONG),)),
    "started in an overload": Kind(plots=(Plot(hit=Hit.PROVIDER, faults=PASSING, begins_s=MIDDLE, lasts_s=LONG),)),
    "started in a loss": Kind(plots=(Plot(hit=Hit.ACCOUNT, faults=LOSSES, begins_s=MIDDLE, lasts_s=(1500, 1800)),)),
    "started with all keys refused": Kind(
        plots=(Plot(hit=Hit.KEYS, faults=(Fault.INVALID_KEY,), begins_s=MIDDLE, lasts_s=(1500, 1800)),), sizes=SEVERAL
    ),
    "organization back in parts": Kind(
        plots=(Plot(hit=Hit.GROUP, faults=LOSSES, apart_s=5, parts_s=300, lasts_s=LONG),), sizes=MANY
    ),
    "started offline": Kind(
        plots=(Plot(hit=Hit.OFFLINE, faults=(Fault.CONNECTION_FAILED,), begins_s=MIDDLE, lasts_s=LONG),)
    ),
    "alone: provider overloaded": Kind(plots=(OVERLOAD,), alone=True),
    "alone: account lost": Kind(plots=(LOSS,), alone=True),
    "alone: blocked by the edge": Kind(plots=(Plot(hit=Hit.EDGE, faults=(Fault.BLOCKED_BY_EDGE,)),), alone=True),
    "alone: offline": Kind(plots=(Plot(hit=Hit.OFFLINE, faults=(Fault.CONNECTION_FAILED,)),), alone=True),
    "page lies, account lost": Kind(plots=(LOSS,), manners=(Manner.LYING,)),
    "page lies, nothing wrong": Kind(told=False, manners=(Manner.LYING,)),
    "nothing wrong": Kind(told=False),
    "short blip": Kind(plots=(Plot(hit=Hit.PROVIDER, faults=PASSING, lasts_s=(20, 75)),), told=False),
    "short blips": Kind(
        plots=(
            Plot(hit=Hit.PROVIDER, faults=PASSING, lasts_s=(40, 75)),
            Plot(hit=Hit.PROVIDER, faults=PASSING, begins_s=(600, 900), lasts_s=(40, 75)),
            Plot(hit=Hit.PROVIDER, faults=PASSING, begins_s=(1300, 1500), lasts_s=(40, 75)),
        ),
        told=False,
    ),
    "short time offline": Kind(
        plots=(Plot(hit=Hit.OFFLINE, faults=(Fault.CONNECTION_FAILED,), lasts_s=(15, 60)),), told=False
    ),
}
"""The kinds of worlds. Each is played with pages and control calls that tell the truth, and with some that do not."""

COMPANIES = (
    *("openai", "anthropic", "gemini", "groq", "mistral", "deepseek", "cohere", "together", "xai", "fireworks"),
    *("cerebras", "moonshot"),
)
GATEWAY = "openai-compatible"
SHARED = "acme"
"""What those are called who fall together."""
CALM_S = 660.0
"""So long every world goes on after its last trouble, and one without any."""


def setting(kind: str, seed: int, folder: Path) -> Setting:
    """Return the world of a kind and a seed; the same each time."""
    rng, facts = Random(f"{kind} {seed}"), KINDS[kind]
    sections = list(_accounts(facts, rng))
    config = _config(sections, folder)
    causes = tuple(_cause(plot, config, rng) for plot in facts.plots)
    first = next(iter(_by_answerer(config).values()))
    ends_s = max([*(one.end_s for one in causes), CALM_S]) + CALM_S
    inside_s = rng.uniform(causes[0].begin_s + 30, causes[0].end_s - 60) if causes else 0.0
    jump_s = rng.choice(facts.jumps_s) if facts.jumps_s else 0.0
    return Setting(
        kind=kind,
        seed=seed,
        config=config,
        causes=causes,
        pages={provider: rng.choice(facts.manners) for provider in config.providers},
        deaf=rng.random() < 0.2,
        ends_s=ends_s,
        told=facts.told,
        unreachable=facts.unreachable,
        siblings=len({target.account for target in first}),
        away=(inside_s, inside_s + rng.uniform(5, 120)) if facts.restarts else None,
        jump=(inside_s, jump_s) if facts.jumps_s else None,
    )


def _accounts(facts: Kind, rng: Random) -> Iterator[AccountSection]:
    count = rng.randint(*facts.providers)
    companies = rng.sample(COMPANIES, count)
    if facts.alone:
        companies = companies if count > 1 else rng.sample(COMPANIES, 2)
    sizes = [1 if facts.alone else rng.choice(facts.sizes)]
    sizes += [1 if facts.alone else rng.randint(1, 3) for _ in companies[1:]]
    level = next((plot.level for plot in facts.plots if plot.hit is Hit.GROUP), None)
    for place, (company, size) in enumerate(zip(companies, sizes, strict=True)):
        gateway = facts.gateway and place == 0
        sharing = _sharing(facts, size, rng) if level and place == 0 else 0
        for number in range(size):
            group = {level.value: SHARED} if level and number < sharing else _tie(facts, rng)
            yield AccountSection(
                name=f"a{number:02}",
                provider=GATEWAY if gateway else company,
                base="https://gateway.example/v1" if gateway else None,
                key="env:KEY",
                models={"chat": [f"model-{one}" for one in "abc"[: facts.models]]} if facts.models > 1 else [],
                **group,  # type: ignore[arg-type]
            )


def _sharing(facts: Kind, size: int, rng: Random) -> int:
    return size if facts.plots[0].whole else rng.randint(2, size - 1)


def _tie(facts: Kind, rng: Random) -> Mapping[str, str]:
    """Now and then accounts share something that no cause is about."""
    return {"organization": rng.choice(("north", "south"))} if facts.tied or rng.random() < 0.15 else {}


def _config(sections: Sequence[AccountSection], folder: Path) -> Config:
    document = Document(
        accounts=list(sections),
        channels=[ChannelSection(name="phone", url="terminal:")],
        site=SiteSection(serve=False, public_folder=""),
    )
    return build_config(document, folder / "monitor.toml", {"KEY": "sk-Wq8ZtL5vXn2RjP7mTb4K"}, [])


def _by_answerer(config: Config) -> Mapping[str, list[Target]]:
    found: dict[str, list[Target]] = {}
    for watch in config.watches.values():
        found.setdefault(watch.target.answerer, []).append(watch.target)
    return found


# Causes


class Ground(Struct, frozen=True):
    """Where a cause falls: at an answerer, among all of them."""

    plot: Plot
    fault: Fault
    answerer: str
    answerers: Mapping[str, Sequence[Target]]
    config: Config
    rng: Random

    @property
    def accounts(self) -> dict[str, list[Target]]:
        return _by_account(self.answerers[self.answerer])

    @property
    def chats(self) -> list[Target]:
        return [target for target in self.answerers[self.answerer] if target.canary == "chat"]


class Stroke(Struct, frozen=True):
    """What a cause hits, in groups that fall and recover together, and how it may be told."""

    groups: Sequence[Sequence[Target]]
    readings: tuple[Reading, ...]
    blame: Blame
    answerers: frozenset[str] = frozenset()
    open: bool = False


def _cause(plot: Plot, config: Config, rng: Random) -> Cause:
    answerers = _by_answerer(config)
    slow = plot.hit in (Hit.SLOW_ACCOUNT, Hit.SLOW_PROVIDER)
    fault = Fault.SLOW if slow else rng.choice(plot.faults)
    stroke = STROKES[plot.hit](Ground(plot, fault, list(answerers)[plot.where], answerers, config, rng))
    return Cause(
        hit=plot.hit,
        fault=fault,
        course=plot.course,
        blame=stroke.blame,
        readings=stroke.readings,
        spells=_spells(plot, stroke.groups, rng),
        answerers=stroke.answerers,
        open=stroke.open,
        look=rng.randrange(1000),
        slow=TIMES_AS_SLOW if slow else None,
    )


def _spells(plot: Plot, groups: Sequence[Sequence[Target]], rng: Random) -> dict[str, tuple[Spell, ...]]:
    begin_s = rng.uniform(*plot.begins_s)
    end_s = begin_s + rng.uniform(*plot.lasts_s)
    spells: dict[str, tuple[Spell, ...]] = {}
    for place, group in enumerate(groups):
        late_s = rng.uniform(0, plot.apart_s) if place else 0.0
        early_s = rng.uniform(0, plot.parts_s) if place else 0.0
        spells |= dict.fromkeys((one.id for one in group), COURSES[plot.course](begin_s + late_s, end_s - early_s))
    return spells


FLAP_S = (200.0, 260.0)
"""So long it fails, and so long it does not, by turns."""


def _flaps(begin_s: float, end_s: float) -> tuple[Spell, ...]:
    fails_s, turn_s = FLAP_S[0], sum(FLAP_S)
    begins = (begin_s + turn_s * turn for turn in range(ceil((end_s - begin_s) / turn_s)))
    return tuple(Spell(one_s, one_s + fails_s) for one_s in begins)


COURSES: Mapping[Course, Callable[[float, float], tuple[Spell, ...]]] = {
    Course.STEADY: lambda begin_s, end_s: (Spell(begin_s, end_s),),
    Course.CREEP: lambda begin_s, end_s: (Spell(begin_s, end_s, creeps=True),),
    Course.BROWNOUT: lambda begin_s, end_s: (Spell(begin_s, end_s, share=0.5),),
    Course.FLAP: _flaps,
}


def _read(scope: Scope, subject: str, *blames: Blame) -> Reading:
    return Reading(scope, subject, frozenset(blames))


def _by_account(targets: Iterable[Target]) -> dict[str, list[Target]]:
    found: dict[str, list[Target]] = {}
    for target in targets:
        found.setdefault(target.account, []).append(target)
    return found


def _provider(ground: Ground) -> Stroke:
    """A provider that cannot be reached may be down, or the road to it; nobody here can tell."""
    road = ground.fault is Fault.CONNECTION_FAILED
    blames = (Blame.PROVIDER, Blame.PATH, Blame.UNKNOWN) if road else (Blame.PROVIDER,)
    readings = [_read(Scope.PROVIDER, ground.answerer, *blames)]
    readings += [_read(Scope.EGRESS, ground.answerer, *blames)] if road else []
    its = frozenset({ground.answerer})
    return Stroke(list(ground.accounts.values()), tuple(readings), Blame.PROVIDER, its, road)


def _chat(ground: Ground) -> Stroke:
    return Stroke([ground.chats], (_read(Scope.PROVIDER, ground.answerer, Blame.PROVIDER),), Blame.PROVIDER)


def _model(ground: Ground) -> Stroke:
    """Of one account alone a model that is refused may be the account's own loss; nobody can be sure of that."""
    model = ground.rng.choice(sorted({one.model for one in ground.chats if one.model}))
    hit = [one for one in ground.chats if one.model == model]
    wide = f"{ground.answerer}/{model}"
    if len(hit) > 1:
        return Stroke([hit], (_read(Scope.MODEL, wide, Blame.PROVIDER),), Blame.PROVIDER)
    refused = ground.fault is Fault.MODEL_UNAVAILABLE
    blames = (Blame.PROVIDER, Blame.UNKNOWN) if refused else (Blame.PROVIDER,)
    readings = [_read(Scope.MODEL, subject, *blames) for subject in (hit[0].id, wide)]
    readings += [Reading(Scope.MODEL, hit[0].id, frozenset({Blame.ACCOUNT}), sure=False)] if refused else []
    return Stroke([hit], tuple(readings), Blame.PROVIDER, open=refused)


def _region(ground: Ground) -> Stroke:
    accounts = ground.accounts
    names = ground.rng.sample(sorted(accounts), ground.rng.randint(1, len(accounts) - 1))
    wide = _read(Scope.PROVIDER, ground.answerer, Blame.PROVIDER)
    narrow = _read(Scope.ACCOUNT, names[0], Blame.PROVIDER)
    readings = (wide,) if len(names) > 1 else (wide, narrow)
    return Stroke([accounts[name] for name in names], readings, Blame.PROVIDER)


def _keys(ground: Ground) -> Stroke:
    """Where all that is watched here belongs together, it may be told of that, if nobody is blamed."""
    readings = [_read(Scope.PROVIDER, ground.answerer, Blame.PROVIDER, Blame.UNKNOWN)]
    shared = set[AccountGroup].intersection(*(set(ground.config.groups[name]) for name in ground.accounts))
    readings += [_read(Scope.ORGANIZATION, f"{ground.answerer}/{group}", Blame.UNKNOWN) for group in shared]
    return Stroke(list(ground.accounts.values()), tuple(readings), Blame.PROVIDER, open=True)


def _account(ground: Ground) -> Stroke:
    name = ground.rng.choice(sorted(ground.accounts))
    hit = [one for one in ground.accounts[name] if one.canary == "chat" or not ground.plot.paid]
    return Stroke([hit], (_read(Scope.ACCOUNT, name, Blame.ACCOUNT),), Blame.ACCOUNT)


def _ability(ground: Ground) -> Stroke:
    chats = _by_account(ground.chats)
    name = ground.rng.choice(sorted(chats))
    return Stroke([chats[name]], (_read(Scope.CAPABILITY, f"{name}/chat", Blame.ACCOUNT),), Blame.ACCOUNT)


def _account_model(ground: Ground) -> Stroke:
    target = ground.rng.choice(ground.chats)
    return Stroke([[target]], (_read(Scope.MODEL, target.id, Blame.ACCOUNT),), Blame.ACCOUNT)


def _slow_account(ground: Ground) -> Stroke:
    """While the others answer at their usual pace, nobody can be sure that it is the provider's trouble."""
    name = ground.rng.choice(sorted(ground.accounts))
    its = ground.accounts[name]
    places = [(Scope.ACCOUNT, name), *((Scope.MODEL, f"{name}/{one.model}") for one in its if one.model)]
    readings = [_read(*place, Blame.ACCOUNT, Blame.UNKNOWN) for place in places]
    readings += [Reading(*place, frozenset({Blame.PROVIDER}), sure=False) for place in places]
    return Stroke([its], tuple(readings), Blame.ACCOUNT, open=True)


def _slow_provider(ground: Ground) -> Stroke:
    readings = (_read(Scope.PROVIDER, ground.answerer, Blame.PROVIDER),)
    return Stroke([ground.answerers[ground.answerer]], readings, Blame.PROVIDER)


def _group(ground: Ground) -> Stroke:
    """Where all that is watched here is of one owner, a refused key may be the provider's own trouble as well."""
    groups, accounts = ground.config.groups, ground.accounts
    its = {name: them for name, them in accounts.items() if any(one.name == SHARED for one in groups[name])}
    place = Scope.ORGANIZATION, f"{ground.answerer}/{ground.plot.level} {SHARED}"
    doubtful = len(its) == len(accounts) and ground.fault is Fault.INVALID_KEY
    undecided = (_read(*place, Blame.UNKNOWN), _read(Scope.PROVIDER, ground.answerer, Blame.UNKNOWN))
    readings = (_read(*place, Blame.ACCOUNT), *(undecided if doubtful else ()))
    return Stroke(list(its.values()), readings, Blame.ACCOUNT, open=doubtful)


def _edge(ground: Ground) -> Stroke:
    readings = (_read(Scope.EGRESS, ground.answerer, Blame.PATH),)
    return Stroke([ground.answerers[ground.answerer]], readings, Blame.PATH, frozenset({ground.answerer}))


def _egress(ground: Ground) -> Stroke:
    answerers = ground.answerers
    names = ground.rng.sample(sorted(answerers), ground.rng.randint(2, len(answerers) - 1))
    hit = [answerers[name] for name in names]
    return Stroke(hit, (_read(Scope.EGRESS, "", Blame.PATH),), Blame.PATH, frozenset(names))


def _offline(ground: Ground) -> Stroke:
    hit, readings = list(ground.answerers.values()), (_read(Scope.MONITOR, "", Blame.UNKNOWN),)
    return Stroke(hit, readings, Blame.UNKNOWN, frozenset(ground.answerers))


STROKES: Mapping[Hit, Callable[[Ground], Stroke]] = {
    Hit.PROVIDER: _provider,
    Hit.CHAT: _chat,
    Hit.MODEL: _model,
    Hit.REGION: _region,
    Hit.KEYS: _keys,
    Hit.ACCOUNT: _account,
    Hit.ABILITY: _ability,
    Hit.ACCOUNT_MODEL: _account_model,
    Hit.SLOW_ACCOUNT: _slow_account,
    Hit.SLOW_PROVIDER: _slow_provider,
    Hit.GROUP: _group,
    Hit.EDGE: _edge,
    Hit.EGRESS: _egress,
    Hit.OFFLINE: _offline,
}
