"""What a trouble is about: made and read only here."""

from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from monitor.stage import FORMER_NAMES
from probes.model import Target
from probes.target_id import account_of, answerer_id, host_of, is_account, model_of, part_of, provider_of


class Scope(StrEnum):
    """What is in trouble. A wider scope absorbs narrower ones: one cause, one incident."""

    TARGET = "target"
    MODEL = "model"
    CAPABILITY = "capability"
    LOCATION = "location"
    ACCOUNT = "account"
    ORGANIZATION = "organization"
    PROVIDER = "provider"
    EGRESS = "egress"
    MONITOR = "monitor"
    SOURCE = "source"
    REMINDER = "reminder"
    OBJECTIVE = "objective"
    STAGE = "stage"


SILENCE, CLOCK = "silence", "clock"
"""The parts of a place that can be in trouble by themselves: nothing is heard of it, or its clock is wrong."""
PLUS = "+"
"""Joins the places of a display name."""


class Subject(Struct, frozen=True, omit_defaults=True):
    """What a trouble is about: how wide it is, and where.

    `provider` is the id of the provider; "" for none: the road, the monitor itself, a date. `host` is the own address
    at which all accounts in trouble are probed; None where that is the provider's, or an older version's row does not
    say it. `account` is the id of the one account in trouble; "" for several. `part` is a part of that: a canary, a
    model, a group, a source, an objective, a stage; "" is all. `locations` are the only places from which it is in
    trouble, sorted; empty: it is so from everywhere, or only one place watches.
    """

    scope: Scope
    provider: str = ""
    host: str | None = None
    account: str = ""
    part: str = ""
    locations: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the display name; other subjects may share it."""
        return ":".join(filter(None, (PLUS.join(self.locations), self.thing)))

    def __repr__(self) -> str:
        """Ids of incidents are made of it: without locations it is as it was before there were any."""
        its = [(name, getattr(self, name)) for name in self.__struct_fields__ if name != "locations" or self.locations]
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in its)})"

    @property
    def thing(self) -> str:
        """What is in trouble, wherever it is seen from; "" for a road of its own."""
        return "/".join(filter(None, (self.holder, self.part)))

    @property
    def answerer(self) -> str:
        """Who answers, as in `Target.answerer`."""
        return answerer_id(self.provider, self.host)

    @property
    def holder(self) -> str:
        """The id of the account, or else of who answers."""
        return self.account or self.answerer

    @property
    def identity(self) -> "Subject":
        """What stays the same while an account is moved to another address."""
        return replace(self, host=None) if self.account else self

    def answerer_of(self, account: str) -> str:
        """Who answers one of its accounts; of a trouble of several providers, each at its own address."""
        return self.answerer if self.provider else provider_of(account)

    def is_of(self, account: str, answerer: str) -> bool:
        """Whether it is of an account, or of all that is answered by who answers this account."""
        return account == self.account or (self.is_whole and answerer == self.answerer)

    def holds(self, other: "Subject") -> bool:
        """Whether another one is the same thing, or a part of it, whatever the scope of each."""
        if self.holder == other.holder:
            return not self.part or f"{other.part}/".startswith(f"{self.part}/")
        return bool(other.account) and self.is_of(other.account, other.answerer)

    @property
    def is_of_place(self) -> bool:
        """Whether it is about how a place itself is, and none of its targets."""
        return self.scope is Scope.LOCATION and not self.provider and self.part in (SILENCE, CLOCK)

    @property
    def is_whole(self) -> bool:
        """Whether it is of all that is answered by who answers."""
        return bool(self.provider) and not (self.account or self.part)


def subject_of_answerer(scope: Scope, target: Target, part: str = "") -> Subject:
    """Return the subject of all that answers at a target's address."""
    return Subject(scope, target.provider, target.host, part=part)


def subject_of_account(scope: Scope, target: Target, part: str = "") -> Subject:
    """Return the subject of a target's account."""
    return Subject(scope, target.provider, target.host, target.account, part)


def subject_of(scope: Scope, holder: str, part: str = "", host: str | None = None) -> Subject:
    """Return the subject of an account, or else of who answers, by id; "" is nobody's.

    `host` is the account's own address, as its id does not name it.
    """
    if is_account(holder):
        return Subject(scope, provider_of(holder), host, holder, part)
    return Subject(scope, provider_of(holder), host_of(holder), part=part)


def own_hosts(targets: Iterable[Target]) -> dict[str, str]:
    """Return the own address of each account that has one."""
    return {one.account: one.host for one in targets if one.host}


def read_subject(scope: Scope, name: str, targets: Collection[str] = ()) -> Subject:
    """Return the subject of a name: the inverse of `str`, given the ids of the targets at which it was seen.

    It reads rows that were written before subjects were values. The name of an account does not hold its own address.
    Without targets a model of three parts or more is an account's.
    """
    match scope:
        case Scope.STAGE:
            return Subject(scope, part=FORMER_NAMES.get(name, name))
        case Scope.MONITOR:
            return Subject(scope, part=name)
        case Scope.PROVIDER | Scope.EGRESS | Scope.ORGANIZATION | Scope.SOURCE:
            return _split(scope, name)
        case Scope.TARGET | Scope.CAPABILITY | Scope.ACCOUNT:
            return subject_of(scope, account_of(name), part_of(name))
        case Scope.MODEL:
            return _read_model(name, targets)
        case Scope.OBJECTIVE | Scope.REMINDER:
            holder, _, part = name.rpartition("/")
            return subject_of(scope, holder, part)
        case Scope.LOCATION:
            return _read_local(name)
        case _:
            assert_never(scope)


def _read_model(name: str, targets: Collection[str]) -> Subject:
    """Tell a model of who answers, which all that ask for it meet, from a model of one account."""
    whole = _split(Scope.MODEL, name)
    shared = any(model_of(one) == whole.part for one in targets) if targets else "/" not in whole.part
    return whole if shared else subject_of(Scope.MODEL, account_of(name), part_of(name))


def _read_local(name: str) -> Subject:
    """Tell the places from what is in trouble there: only accounts and their parts have a "/"."""
    places, _, thing = name.partition(":")
    if thing in (SILENCE, CLOCK):
        return Subject(Scope.LOCATION, part=thing, locations=(places,))
    its = subject_of(Scope.LOCATION, account_of(thing), part_of(thing)) if thing else Subject(Scope.LOCATION)
    return replace(its, locations=tuple(places.split(PLUS)))


def _split(scope: Scope, name: str) -> Subject:
    answerer, _, part = name.partition("/")
    return subject_of(scope, answerer, part)
