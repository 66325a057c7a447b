"""What a first configuration would hold: values only, and no key but where a file holds it itself."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from probes.redact import has_key, mask_keys
from probes.target_id import account_id

LONGEST = 64
"""Most characters of an account's name."""


Variables = Mapping[str, str]
"""Names and values: of the environment, or of an env file."""


class ProposedAccount(Struct, frozen=True):
    """One account. `key` is a reference; `secret` is the key itself, where an imported file holds it.

    `source` says where it was found. `hindrance` is why it cannot work yet, "" if nothing stands against it: it is then
    written as a comment. `expect` are models that its owner uses, of which only `models` are asked.
    """

    provider: str
    name: str
    source: str
    key: str | None = None
    admin_key: str | None = None
    base: str | None = None
    models: tuple[str, ...] = ()
    expect: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}
    secret: str = ""
    hindrance: str = ""

    def __repr__(self) -> str:
        return f"ProposedAccount({self.id})"

    @property
    def id(self) -> str:
        return account_id(self.provider, self.name)

    @property
    def is_ready(self) -> bool:
        return not self.hindrance


class Proposal(Struct, frozen=True):
    """What was found. `unread`: what was there, too, and was not understood, each with its place, in words."""

    accounts: tuple[ProposedAccount, ...] = ()
    unread: tuple[str, ...] = ()

    def __add__(self, other: "Proposal") -> "Proposal":
        return Proposal(self.accounts + other.accounts, self.unread + other.unread)


def label(text: str, otherwise: str = "account") -> str:
    """Return a text as the name of an account; another one where it has no letter, or may be a key."""
    plain = re.sub(r"[^\w.@:+-]+", "-", text, flags=re.ASCII)[:LONGEST].strip("-._")
    return otherwise if not plain or has_key(plain) or mask_keys(plain) != plain else plain


def tidied(proposal: Proposal) -> Proposal:
    """Return it with each account once, and each under a name of its own."""
    return replace(proposal, accounts=tuple(_named(_joined(proposal.accounts))))


def _joined(accounts: Iterable[ProposedAccount]) -> Sequence[ProposedAccount]:
    """Join accounts of one key at one address: they differ in their models alone."""
    found: dict[tuple[str, ...], ProposedAccount] = {}
    for one in accounts:
        place = (one.provider, one.key or "", one.secret, one.base or "", *one.environment)
        first = found.get(place)
        found[place] = _with_models(first, one) if first else one
    return [*found.values()]


def _with_models(first: ProposedAccount, other: ProposedAccount) -> ProposedAccount:
    wanted = dict.fromkeys((*first.expect, *other.models, *other.expect))
    expect = tuple(model for model in wanted if model not in first.models)
    return replace(first, expect=expect, models=first.models or other.models)


def _named(accounts: Iterable[ProposedAccount]) -> Iterator[ProposedAccount]:
    taken: dict[str, int] = {}
    for one in accounts:
        yield with_free_name(one, taken)


def with_free_name(one: ProposedAccount, taken: dict[str, int]) -> ProposedAccount:
    """Return an account under its name, or the first name with a number whose id is not taken, and take that.

    `taken` has the last number that was given to each id: a file may name thousands of accounts alike.
    """
    number, named = taken.get(one.id, 1), one
    while named.id in taken:
        number += 1
        named = replace(one, name=f"{one.name[: LONGEST - 4]}-{number}")
    taken[one.id] = number
    taken.setdefault(named.id, 1)
    return named
