"""Ids of everything that is watched: made and parsed only here.

    account     provider/name
    target      provider/name/canary, or provider/name/canary/model
    source      provider/feed
    answerer    provider, or provider@host for an account with its own address

Where several places watch the same accounts, a target's id begins with the place: `FRA:openai/main/chat`.

Providers and canaries have lower-case letters, digits and "-"; hosts and names have no "/", models may; places have
neither ":" nor "/". So each id is parsed from the left.
"""


def is_location(name: str) -> bool:
    """Whether a place can be called so in an id."""
    return bool(name) and not {":", "/"} & set(name)


def account_id(provider: str, name: str) -> str:
    return f"{provider}/{name}"


def target_id(account: str, canary: str, model: str | None, location: str = "") -> str:
    """Return the id of a target; `location` is "" where only one place watches. Raises ValueError."""
    look = f"{account}/{canary}/{model}" if model else f"{account}/{canary}"
    return located_id(look, location) if location else look


def located_id(look: str, location: str) -> str:
    """Return the id of a look from one of several places. Raises ValueError."""
    if not is_location(location):
        raise ValueError(
            f'the location "{location}" holds ":" or "/", which part the ids of targets: name it otherwise'
        )
    return f"{location}:{look}"


def source_id(provider: str, feed: str) -> str:
    return f"{provider}/{feed}"


def answerer_id(provider: str, host: str | None) -> str:
    return f"{provider}@{host}" if host else provider


def _begin(id: str) -> int:
    """Return where an id goes on after its location. A ":" in a name or a model comes after the first "/"."""
    return id.find(":", 0, max(id.find("/"), 0)) + 1


def location_of(target: str) -> str:
    """Return the place of a target id; "" where only one place watches."""
    return target[: max(_begin(target) - 1, 0)]


def look_of(target: str) -> str:
    """Return a target's id without its place: the same look from elsewhere has the same."""
    return target[_begin(target) :]


def account_of(target: str) -> str:
    """Return the account id of a target; an account's id is returned as it is."""
    begin, slash = _begin(target), target.find("/")
    end = target.find("/", slash + 1)
    return target[begin:] if end < 0 else target[begin:end]


def part_of(target: str) -> str:
    """Return the part of a target id after its account: `canary` or `canary/model`; "" for an account's id."""
    return target[_begin(target) + len(account_of(target)) + 1 :]


def canary_of(target: str) -> str:
    return part_of(target).partition("/")[0]


def model_of(target: str) -> str:
    """Return the model of a target id; "" where it has none."""
    return part_of(target).partition("/")[2]


def provider_of(id: str) -> str:
    """Return the provider of an account, target, source or answerer id."""
    return id[_begin(id) :].partition("/")[0].partition("@")[0]


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
