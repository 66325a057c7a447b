"""What a person should do next about a fault, with the provider's address for it."""

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import NamedTuple, assert_never

from probes.hint import Demand, is_leak, read_demands
from probes.model import KEPT_WORDS, Fault, Phase
from probes.phrase import Phrase, Sentences
from probes.provider import NoPage, Provider


class Advice(NamedTuple):
    """What to do, and how to introduce the address where to do it, if the provider's file has one.

    `{meanwhile}` is what helps until the provider has fixed it.
    """

    do: str
    where: str = "More at {address}."


class AdviceContext(NamedTuple):
    """What is known besides the answers.

    `served`: the same address answers others from here well, and has since. `own_base`: the address is the user's own.
    `works` names working alternatives, the best first; None where nobody checked. `together`: several accounts were hit
    at once, by one cause. `phase` is the stage at which it failed; None where none did, or it is not known.
    """

    served: bool = False
    own_base: bool = True
    works: Sequence[str | Phrase] | None = None
    together: bool = False
    phase: Phase | None = None


ALONE = AdviceContext()


ADVICE = {
    Fault.INVALID_KEY: Advice(
        "The key is not accepted: check whether it was revoked, replaced or cut, and put a working one in its place.",
        "Create keys at {address}.",
    ),
    Fault.ACCOUNT_SUSPENDED: Advice(
        "Stop automated traffic with this key and do not move it to another account: what got this account suspended "
        "can cost the next one, too.",
        "Appeal at {address} and name the request id.",
    ),
    Fault.PERMISSION_DENIED: Advice(
        "The key works but lacks a permission: ask the account's owner for the scope, model or allowed address.",
        "Ask at {address}.",
    ),
    Fault.VERIFICATION_REQUIRED: Advice(
        "The provider wants to know who you are: a person must verify the account; it can take a few minutes to take "
        "effect.",
        "Verify at {address}.",
    ),
    Fault.QUOTA_EXHAUSTED: Advice(
        "Credit, a spend limit or an allowance is used up: add credit, raise the limit, or wait until it resets.",
        "Billing is at {address}.",
    ),
    Fault.RATE_LIMITED: Advice(
        "Send less for a few minutes; if it lasts, somebody else is using the account or its limits were cut.",
        "Limits are shown at {address}.",
    ),
    Fault.MODEL_UNAVAILABLE: Advice(
        "The model is gone or not open to this account: name another one, or ask for access.",
        "Models are listed at {address}.",
    ),
    Fault.CONTENT_FILTERED: Advice(
        "The canary's harmless text was filtered: change the canary, and check whether the filter was tightened."
    ),
    Fault.BAD_REQUEST: Advice(
        "Our own request is not accepted: check the base, model and canary of this account; your other traffic may be "
        "fine."
    ),
    Fault.REGION_BLOCKED: Advice(
        "The provider does not serve the country it sees: check whether it serves yours, and if it does, ask its "
        "support to correct what it sees.",
        "Supported countries are listed at {address}.",
    ),
    Fault.BLOCKED_BY_EDGE: Advice(
        "A firewall in front of the provider refuses this address, not the key: send less and wait; if it lasts, ask "
        "the provider's support to let your address in."
    ),
    Fault.OVERLOADED: Advice("The provider is overloaded; nothing on your side helps: {meanwhile}."),
    Fault.SERVER_ERROR: Advice("The provider is failing internally; nothing on your side helps: {meanwhile}."),
    Fault.TIMEOUT: Advice("The provider does not answer in time; nothing on your side helps: {meanwhile}."),
    Fault.CONNECTION_FAILED: Advice(
        "No connection could be made: check DNS, firewall and certificates; the key is not the problem."
    ),
    Fault.PROXY_FAILED: Advice(
        "The proxy on the way out does not let the request through: check its address, its user and password, and "
        "what it allows; neither the key nor the provider is the problem."
    ),
    Fault.INVALID_RESPONSE: Advice(
        "What came back is not the API's answer: check the base address; if it is right, {meanwhile}."
    ),
    Fault.SLOW: Advice("Answers come, but much later than usual; nothing on your side helps: {meanwhile}."),
    Fault.LIMIT_COLLAPSE: Advice(
        "The account is allowed far less than before: look for mail about its tier or a policy, and send less.",
        "Limits are shown at {address}.",
    ),
    Fault.LOW_BALANCE: Advice(
        "Nothing is failing yet: add credit or raise the limit before it is used up.", "Billing is at {address}."
    ),
    Fault.EXPIRES_SOON: Advice(
        "Nothing is failing yet: renew the key or the credit before it expires.", "Create keys at {address}."
    ),
    Fault.MODEL_RETIRING: Advice(
        "Nothing is failing yet: read the provider's notice and move to a model that stays.",
        "Models are listed at {address}.",
    ),
    Fault.UNCLASSIFIED: Advice(
        "No rule matches this answer: read its words and decide; a rule for it belongs in the provider's file."
    ),
}

SERVED = {
    Fault.BAD_REQUEST: Advice(
        "Our own request is not accepted: check the model and canary of this account; your other traffic may be fine."
    ),
    Fault.INVALID_RESPONSE: Advice("What came back is not the API's answer; nothing on your side helps: {meanwhile}."),
    Fault.CONNECTION_FAILED: Advice(
        "No connection could be made, while the same address answers others from here: wait a few minutes; the key "
        "is not the problem."
    ),
    Fault.BLOCKED_BY_EDGE: Advice(
        "A firewall in front of the provider refuses these requests, while others from here get through: send less "
        "and wait; if it lasts, ask the provider's support what it takes them for."
    ),
    Fault.REGION_BLOCKED: Advice(
        "The provider refuses these requests by their country, while others from here are served: check which "
        "country the account has, and if that one is served, ask its support to correct it.",
        "Supported countries are listed at {address}.",
    ),
}
"""Advice where the same address answers others well: the address is right, and the network path works."""
CLOSED = Advice(
    "The connection was made but closed before the answer was complete: wait a few minutes, and if it lasts, check "
    "what stands between here and the provider; the key is not the problem."
)
BROKEN = {
    Phase.TLS: Advice(
        "No secure connection (TLS) could be made: check the base, its scheme and its port, then certificates and "
        "whatever inspects TLS on the way; the key is not the problem."
    ),
    **dict.fromkeys((Phase.REQUEST, Phase.FIRST_BYTE, Phase.BODY), CLOSED),
}
"""Advice for a failed connection that is known to have been established."""
TOGETHER = {
    Fault.INVALID_KEY: Advice(
        "Several keys were rejected at once, which no single key explains: replace none of them yet, and check the "
        "provider's status page and what these accounts share.",
        "Keys are listed at {address}.",
    ),
    Fault.ACCOUNT_SUSPENDED: Advice(
        "Stop automated traffic with all of these keys and do not move it to another account: what got these accounts "
        "suspended can cost the next one, too.",
        "Appeal at {address} and name the request ids.",
    ),
    Fault.PERMISSION_DENIED: Advice(
        "Several accounts lost a permission at once, which no single key explains: change none yet, and check the "
        "provider's status page and what these accounts share.",
        "Ask at {address}.",
    ),
}
"""Advice where several accounts were hit at once: the cause is what they share, or the provider."""
SWITCHED = frozenset(fault for fault, advice in ADVICE.items() if "{meanwhile}" in advice.do)
"""Faults whose advice names a working alternative."""
SHIPPED = frozenset({Fault.BAD_REQUEST, Fault.INVALID_RESPONSE})
"""Faults with that advice also for an address that we ship, since nobody entered it."""

LEAKS = {
    Fault.INVALID_KEY: Advice(
        "The provider considers this key leaked: revoke it, find out where it leaked and what was spent with it, and "
        "only then put a new one in place.",
        "Revoke and create keys at {address}.",
    ),
    Fault.ACCOUNT_SUSPENDED: Advice(
        "The provider considers a key of this account leaked: stop automated traffic and do not move it to another "
        "account, revoke the key, and find out where it leaked and what was spent with it.",
        "Appeal at {address}, say what you found, and name the request id.",
    ),
    Fault.PERMISSION_DENIED: Advice(
        "The provider considers this key leaked and has taken permissions from it: revoke it, find out where it "
        "leaked and what was spent with it, and only then put a new one in place.",
        "Permissions are granted at {address}.",
    ),
}
"""Advice where the answer says that a key leaked: a new key next to the leak would be lost the same way."""

WANTED = {
    Demand.PHONE: "a phone number verified",
    Demand.IDENTITY: "a person's identity verified",
    Demand.BUSINESS: "the business verified",
    Demand.ORGANIZATION: "the organization verified",
    Demand.SECOND_FACTOR: "a second factor set up",
    Demand.EMAIL: "an e-mail address verified",
    Demand.CARD: "a payment card verified",
    Demand.AGE: "your age verified",
    Demand.USE_CASE: "a form about the use case filled in",
}

WANTS = "The provider wants {what}: a person must do it; it can take a few minutes to take effect."
EITHER = "{before} and/or {next}"

SWITCH = "wait, or switch to another model or provider that works"
NOTHING_WORKS = "wait; nothing else watched here is known to work now"
ONE_WORKS = "wait, or switch to {first}, which works now"
BOTH_WORK = "wait, or switch to {first} or to {second}, which both work now"

VERIFY = "Verify at {address}."
VERIFY_SOMEWHERE = "The account's settings or the provider's mail say where."
WRITE_TO = "{reason}: write to {address} and name the request id."
NO_PAGE = "{reason}."

NEAR = {
    Fault.LOW_BALANCE: Fault.QUOTA_EXHAUSTED,
    Fault.EXPIRES_SOON: Fault.INVALID_KEY,
    Fault.MODEL_RETIRING: Fault.MODEL_UNAVAILABLE,
}
"""The fault that a warning leads to, whose address also helps now."""


def choose_advice(
    fault: Fault, provider: Provider, said: Sequence[str] = (), around: AdviceContext = ALONE
) -> Sentences:
    """Return one or two sentences on what to do next; `said`: the words of the answers that have the fault."""
    do, where = _choose(fault, [words[:KEPT_WORDS] for words in said], around)
    if fault is Fault.VERIFICATION_REQUIRED and (wanted := _wanted(said)):
        what = _either(Phrase(WANTED[demand]) for demand in wanted)
        return Phrase(WANTS, {"what": what}), _where_to_verify(provider, wanted)
    told = Phrase(do, {"meanwhile": _meanwhile(around.works)}) if "{meanwhile}" in do else Phrase(do)
    match provider.help.get(fault) or provider.help.get(NEAR.get(fault, fault)):
        case None:
            return (told,)
        case NoPage() as none:
            return told, _reason(none)
        case str() as address:
            return told, Phrase(where, {"address": address})
        case never:
            assert_never(never)


def _choose(fault: Fault, said: Sequence[str], around: AdviceContext) -> Advice:
    if fault in LEAKS and any(map(is_leak, said)):
        return LEAKS[fault]
    if around.together and fault in TOGETHER:
        return TOGETHER[fault]
    if fault is Fault.CONNECTION_FAILED and around.phase in BROKEN:
        return BROKEN[around.phase]
    if fault in SERVED and (around.served or (fault in SHIPPED and not around.own_base)):
        return SERVED[fault]
    return ADVICE[fault]


def _wanted(said: Sequence[str]) -> list[Demand]:
    return list(dict.fromkeys(demand for words in said for demand in read_demands(words[:KEPT_WORDS])))


def _where_to_verify(provider: Provider, wanted: Sequence[Demand]) -> Phrase:
    """Say where to do the required verification: the page for one kind is no use for another."""
    pages = dict.fromkeys(provider.verification[demand] for demand in wanted if demand in provider.verification)
    if pages:
        return Phrase(VERIFY, {"address": _either(pages)})
    usual = provider.help.get(Fault.VERIFICATION_REQUIRED)
    return _reason(usual) if isinstance(usual, NoPage) else Phrase(VERIFY_SOMEWHERE)


def _either(names: Iterable[str | Phrase]) -> str | Phrase:
    return reduce(lambda before, one: Phrase(EITHER, {"before": before, "next": one}), names)


def _meanwhile(works: Sequence[str | Phrase] | None) -> Phrase:
    """Say what helps until the provider has fixed it; never recommend what is not known to work."""
    if works is None:
        return Phrase(SWITCH)
    if not works:
        return Phrase(NOTHING_WORKS)
    first, *others = works
    return Phrase(BOTH_WORK, {"first": first, "second": others[0]}) if others else Phrase(ONE_WORKS, {"first": first})


def _reason(none: NoPage) -> Phrase:
    because = Phrase(none.none[0].upper() + none.none[1:])
    if none.mail:
        return Phrase(WRITE_TO, {"reason": because, "address": none.mail})
    return Phrase(NO_PAGE, {"reason": because})
