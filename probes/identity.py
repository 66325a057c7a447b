"""Ids of what is watched: made and read here alone.

    account     provider/name
    target      provider/name/canary, or provider/name/canary/model
    source      provider/feed
    answerer    provider, or provider@host where an address of one's own is asked

A provider and a canary hold lower-case letters, digits and "-"; a host and a name hold no "/", a model may. So each
id is read from its left end.
"""


def account_id(provider: str, name: str) -> str:
    return f"{provider}/{name}"


def target_id(account: str, canary: str, model: str | None) -> str:
    return f"{account}/{canary}/{model}" if model else f"{account}/{canary}"


def source_id(provider: str, feed: str) -> str:
    return f"{provider}/{feed}"


def answerer_id(provider: str, host: str | None) -> str:
    return f"{provider}@{host}" if host else provider


def account_of(target: str) -> str:
    """Return the id of the account that a target is of; an account is of itself."""
    end = target.find("/", target.find("/") + 1)
    return target if end < 0 else target[:end]


def part_of(target: str) -> str:
    """Return what a target is of its account: `canary`, or `canary/model`; "" where it is all of it."""
    return target[len(account_of(target)) + 1 :]


def model_of(target: str) -> str:
    """Return the model that a target asks for; "" where it asks for none."""
    return part_of(target).partition("/")[2]


def provider_of(id: str) -> str:
    """Return the provider of an account, a target, a source, or of who answers."""
    return id.partition("/")[0].partition("@")[0]


def name_of(account: str) -> str:
    """Return how an account is called among those of its provider."""
    return account.partition("/")[2]


def host_of(answerer: str) -> str | None:
    """Return the address of its own at which somebody answers; None where it is the provider's."""
    return answerer.partition("@")[2] or None


def is_account(id: str) -> bool:
    """Whether an id is that of an account, and not of who answers there."""
    return "/" in id


def levels_of(id: str) -> tuple[str, ...]:
    """Return what an account stands below, and itself, as names: `(provider, name)`; of a provider itself alone."""
    return tuple(id.split("/", 1))
