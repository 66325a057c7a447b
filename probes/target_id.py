"""Ids of everything that is watched: made and parsed only here.

    account     provider/name
    target      provider/name/canary, or provider/name/canary/model; of one that is probed from several places the
                place stands before it, as in fra:provider/name/canary
    source      provider/feed
    answerer    provider, or provider@host for an account with its own address

Providers and canaries have lower-case letters, digits and "-"; places, hosts and names have no "/", and places no ":";
models may have both. So each id is parsed from the left.
"""


def account_id(provider: str, name: str) -> str:
    return f"{provider}/{name}"


def target_id(account: str, canary: str, model: str | None, location: str = "") -> str:
    id = f"{account}/{canary}/{model}" if model else f"{account}/{canary}"
    return f"{location}:{id}" if location else id


def location_of(target: str) -> str:
    """Return the place from which a target is probed; "" where there is only one."""
    place, _, rest = target.partition(":")
    return place if rest and "/" not in place else ""


def unplaced(target: str) -> str:
    """Return the id that a target has wherever it is probed from."""
    place = location_of(target)
    return target[len(place) + 1 :] if place else target


def source_id(provider: str, feed: str) -> str:
    return f"{provider}/{feed}"


def answerer_id(provider: str, host: str | None) -> str:
    return f"{provider}@{host}" if host else provider


def account_of(target: str) -> str:
    """Return the account id of a target; an account's id is returned as it is."""
    target = unplaced(target)
    end = target.find("/", target.find("/") + 1)
    return target if end < 0 else target[:end]


def part_of(target: str) -> str:
    """Return the part of a target id after its account: `canary` or `canary/model`; "" for an account's id."""
    return unplaced(target)[len(account_of(target)) + 1 :]


def canary_of(target: str) -> str:
    return part_of(target).partition("/")[0]


def model_of(target: str) -> str:
    """Return the model of a target id; "" where it has none."""
    return part_of(target).partition("/")[2]


def provider_of(id: str) -> str:
    """Return the provider of an account, target, source or answerer id."""
    first = id.partition("/")
    return (unplaced(id).partition("/")[0] if first[1] else first[0]).partition("@")[0]


def name_of(account: str) -> str:
    """Return the account's name within its provider."""
    return account.partition("/")[2]


def host_of(answerer: str) -> str | None:
    """Return an answerer's own host; None where it is the provider's."""
    return answerer.partition("@")[2] or None


def is_account(id: str) -> bool:
    """Whether an id is an account's, not an answerer's."""
    return "/" in id


def levels_of(id: str) -> tuple[str, ...]:
    """Return the levels of an account id: `(provider, name)`; `(provider,)` for a provider's id."""
    return tuple(id.split("/", 1))
