"""The places from which accounts are probed when several share a store."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from msgspec import Meta, Struct

from monitor.config.section import END, Section
from probes.document import Problem

PlaceName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,30}" + END,
        description="1 to 31 letters, digits, spaces, dots, underscores or hyphens, with a letter or digit first",
    ),
]


class LocationSection(Section, frozen=True, kw_only=True):
    """One place from which accounts are probed, where several share `[store] url`.

    name: what `location` says there
    without: accounts that are not probed from there: provider/name
    """

    name: PlaceName
    without: list[str] = []


class Location(Struct, frozen=True):
    """A place, and the ids of the accounts that are not probed from there."""

    name: str
    without: frozenset[str] = frozenset()


def check_locations(
    sections: list[LocationSection], here: str, shared: bool, accounts: Mapping[str, object], file: str
) -> Iterator[Problem]:
    """Yield what is wrong with the places. `shared`: there is a shared store; `accounts`: by id."""
    if sections and not shared:
        yield Problem(file, "locations", "names places, but no store that they share", "add url to [store]")
    names = [one.name for one in sections]
    for name in sorted({one for one in names if names.count(one) > 1}):
        yield Problem(file, "locations", f'holds "{name}" {names.count(name)} times', "give each a name of its own")
    if sections and here not in names:
        repair = f"write one of {', '.join(names)}, or add it to [[locations]]"
        yield Problem(file, "location", f'= "{here}" is none of the places', repair)
    for section in sections:
        for id in section.without:
            if id not in accounts:
                key = f"locations.{section.name}.without"
                yield Problem(file, key, f'names "{id}", which is no account', "write provider/name of one")


def locations(sections: list[LocationSection], here: str, shared: bool) -> tuple[Location, ...]:
    """Return the places: those that are named, else the one where this node is; none without a shared store."""
    if not shared:
        return ()
    return tuple(Location(one.name, frozenset(one.without)) for one in sections) or (Location(here),)
