"""Pure: rules + a complaint → what an answer means."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import assert_never

from msgspec import Struct

from probes.answer.error_body import Complaint, Layer, read_complaint, words_of
from probes.answer.excerpt import BEGINNINGS, Excerpt, is_cut, is_part_of_good, prove_excerpt, read_excerpt
from probes.answer.expression import is_found
from probes.answer.payload import MOST_CHARACTERS
from probes.answer.proof import Proof, prove, prove_any
from probes.model import Confidence, Fault, Verdict
from probes.provider import Canary, Provider, Rule

STATUSES = {
    400: Fault.BAD_REQUEST,
    401: Fault.INVALID_KEY,
    402: Fault.QUOTA_EXHAUSTED,
    403: Fault.PERMISSION_DENIED,
    404: Fault.BAD_REQUEST,
    405: Fault.BAD_REQUEST,
    406: Fault.BAD_REQUEST,
    407: Fault.PROXY_FAILED,
    408: Fault.TIMEOUT,
    409: Fault.BAD_REQUEST,
    410: Fault.BAD_REQUEST,
    411: Fault.BAD_REQUEST,
    413: Fault.BAD_REQUEST,
    414: Fault.BAD_REQUEST,
    415: Fault.BAD_REQUEST,
    422: Fault.BAD_REQUEST,
    424: Fault.SERVER_ERROR,
    429: Fault.RATE_LIMITED,
    431: Fault.BAD_REQUEST,
    451: Fault.REGION_BLOCKED,
    503: Fault.OVERLOADED,
    529: Fault.OVERLOADED,
}
"""The fault for a status when nothing else decides. 3xx and 5xx are ranges; any other status means nothing."""

LOWEST_STATUS = 200
"""Lowest status of an answer; 1xx is never final."""

UNPROVEN = {
    Proof.CUT: "answer/cut",
    Proof.EMPTY: "answer/empty",
    Proof.UNREADABLE: "answer/unreadable",
}
"""The rule for each way in which a good status comes without proof or reason."""

ACCOUNT_FAULTS = frozenset(
    {
        *(Fault.INVALID_KEY, Fault.ACCOUNT_SUSPENDED, Fault.PERMISSION_DENIED, Fault.VERIFICATION_REQUIRED),
        *(Fault.QUOTA_EXHAUSTED, Fault.LIMIT_COLLAPSE),
    }
)
"""Faults of an account as a whole. A relayed rate limit may be our own doing, a missing model our choice."""
ROAD_FAULTS = frozenset({Fault.REGION_BLOCKED, Fault.BLOCKED_BY_EDGE})

LOST = frozenset({Fault.QUOTA_EXHAUSTED, Fault.ACCOUNT_SUSPENDED})
OVERRULED_BY = {
    Fault.RATE_LIMITED: LOST,
    Fault.INVALID_KEY: frozenset({Fault.ACCOUNT_SUSPENDED}),
    Fault.OVERLOADED: LOST | {Fault.INVALID_KEY},
    Fault.SERVER_ERROR: LOST | {Fault.INVALID_KEY},
}
"""Faults that words may turn a bare code into, since they say more than it."""

RulesOf = Callable[[str], Sequence[Rule]]
"""Finds a provider's rules by the name of its file; called only for one that a bad answer names."""


def no_rules(_: str) -> Sequence[Rule]:
    return ()


class ApplicableRules(Struct, frozen=True):
    """Whose rules apply: those of the provider we called, the shared ones, and of any provider an answer names."""

    provider: Provider
    wording: Sequence[Rule]
    rules_of: RulesOf


def classify_answer(
    provider: Provider,
    wording: Sequence[Rule],
    status: int | None,
    headers: Mapping[str, str],
    body: str,
    canary: Canary | None = None,
    *,
    whole: bool = True,
    asked: str = "",
    rules_of: RulesOf = no_rules,
) -> Verdict:
    """Return what an answer means. If no rule matches, its status decides, or it is UNCLASSIFIED.

    A 2xx is good only when it holds what `canary` asked for, or what any request asks for if that is not known. Not
    `whole`: the answer continues after `body`. `asked`: our address; an echo of it proves nothing.
    """
    speakers = ApplicableRules(provider, wording, rules_of)
    if status is not None and not 200 <= status < 300:
        complaint = read_complaint(status, headers, body, asked)
        return _decide(speakers, complaint) or _by_status_of(speakers.provider, complaint)
    proof = prove(canary, body, whole=whole) if canary else prove_any(provider.canaries.values(), body, whole=whole)
    if proof is Proof.GOOD:
        return Verdict(None, "ok/2xx")
    if proof is Proof.FILTERED:
        return Verdict(Fault.CONTENT_FILTERED, "answer/filtered")
    if status is None and is_part_of_good(body):
        return Verdict(None, "ok/excerpt", Confidence.LOW)
    complaint = read_complaint(status, headers, body, asked)
    return _classify_unproven(speakers, proof, complaint) or _classify_excerpt(speakers, complaint, body)


def classify_pasted(
    provider: Provider,
    wording: Sequence[Rule],
    status: int | None,
    headers: Mapping[str, str],
    pasted: str,
    canary: Canary | None = None,
    *,
    rules_of: RulesOf = no_rules,
) -> tuple[Verdict, str]:
    """Return what a pasted answer means, where `classify_answer` would take it as it came, and what it says.

    Terminal output around a good part, or half an object, shows that a person cut it, not a server. No more of it is
    read than of a live answer.
    """
    answer = read_excerpt(pasted)
    body, whole = answer.body[:MOST_CHARACTERS], len(answer.body) < MOST_CHARACTERS
    status, headers = status or answer.status, {**answer.headers, **headers}
    verdict = classify_answer(provider, wording, status, headers, body, canary, whole=whole, rules_of=rules_of)
    if verdict.fault is Fault.INVALID_RESPONSE and _is_edited(answer, body) and prove_excerpt(body) is Proof.GOOD:
        verdict = Verdict(None, "ok/excerpt", Confidence.LOW)
    return verdict, words_of(read_complaint(status, headers, body))


def _is_edited(answer: Excerpt, body: str) -> bool:
    """Whether a person put text around an answer, or cut its JSON, which no connection does without an error."""
    return answer.status is not None or not body.lstrip().startswith(BEGINNINGS) or is_cut(body)


def _classify_unproven(speakers: ApplicableRules, proof: Proof, complaint: Complaint) -> Verdict | None:
    """Return what an answer without the payload means: its words say why, or the status that it names."""
    if verdict := _decide(speakers, complaint):
        return verdict
    if complaint.status is None:
        return None
    if complaint.status >= 400:
        return _by_status_of(speakers.provider, complaint)
    if proof is Proof.FAILED:
        return Verdict(Fault.UNCLASSIFIED, "answer/failure", Confidence.LOW)
    return Verdict(Fault.INVALID_RESPONSE, UNPROVEN[proof], Confidence.MEDIUM)


def _classify_excerpt(speakers: ApplicableRules, complaint: Complaint, body: str) -> Verdict:
    """Return what a pasted excerpt without a status means; its beginning and its end may be missing."""
    match prove_excerpt(body):
        case Proof.GOOD:
            return Verdict(None, "ok/excerpt", Confidence.LOW)
        case Proof.FILTERED:
            return Verdict(Fault.CONTENT_FILTERED, "answer/filtered")
        case Proof.EMPTY:
            return Verdict(Fault.INVALID_RESPONSE, UNPROVEN[Proof.EMPTY], Confidence.LOW)
        case None | Proof.FAILED | Proof.CUT | Proof.UNREADABLE:
            return _by_status_of(speakers.provider, complaint)
        case never:
            assert_never(never)


def _decide(speakers: ApplicableRules, complaint: Complaint) -> Verdict | None:
    """Return the verdict on causes before that on the frames around them, the innermost layer first."""
    return classify_by_rules(speakers, complaint, frame=False) or classify_by_rules(speakers, complaint, frame=True)


def classify_by_rules(speakers: ApplicableRules, complaint: Complaint, *, frame: bool) -> Verdict | None:
    """Return what the causes of a complaint, or the frames around them, mean; None where no rule matches.

    If no sentence decided, names that no rule knows are read as words: a name often is the whole message.
    """
    layers = [layer for layer in dict.fromkeys(complaint.layers) if layer.frame is frame]
    for layer in chain(layers, _names_as_words(layers)):
        if verdict := _apply_rules(speakers, complaint, layer):
            return _as_gateway_failure(verdict) if _is_upstream(speakers.provider, verdict, layer) else verdict
    return None


def _names_as_words(layers: Iterable[Layer]) -> Iterator[Layer]:
    return (Layer(words=one.names, named=one.named, relayed=one.relayed) for one in layers if one.names)


def _is_upstream(provider: Provider, verdict: Verdict, layer: Layer) -> bool:
    """Whether the fault is upstream of a gateway:

    on a page that it relays, path faults too; a command only relays ours.
    """
    if any(rule.own and verdict.rule == f"{provider.id}/{rule.id}" for rule in provider.rules):
        return False
    if layer.page:
        return provider.relays and layer.relayed and verdict.fault in ACCOUNT_FAULTS | ROAD_FAULTS
    return verdict.fault in ACCOUNT_FAULTS and _is_relayed(provider, layer)


def _is_relayed(provider: Provider, layer: Layer) -> bool:
    """Whether it is about a gateway's account upstream: not if our own client, or the provider we called, says it."""
    if not layer.relayed or provider.is_command:
        return False
    return not layer.named or (provider.relays and layer.named != provider.id)


def _apply_rules(speakers: ApplicableRules, complaint: Complaint, layer: Layer) -> Verdict | None:
    """Apply the rules of the provider that a frame names, then of the one we called, then the shared ones."""
    provider = speakers.provider
    named = layer.named if layer.named != provider.id else ""
    for loose in (False, True):
        for id, rules in ((named, speakers.rules_of(named) if named else ()), (provider.id, provider.rules)):
            if rule := _first_match(rules, complaint, layer, loose):
                return _more_specific(rule, speakers.wording, complaint, layer) or _by_rule(rule, id)
        if rule := _first_match(speakers.wording, complaint, layer, loose):
            return _by_wording(rule)
    return None


def _more_specific(rule: Rule, wording: Sequence[Rule], complaint: Complaint, layer: Layer) -> Verdict | None:
    """Return what words next to a bare code mean, if they say more: some APIs have no code for it.

    Google mentions an exceeded quota and plan with every rate limit, so its codes are marked `firm`.
    """
    if rule.message or rule.firm or rule.fault not in OVERRULED_BY:
        return None
    plain, same = (
        _first_match((one for one in wording if one.message and one.fault in faults), complaint, layer, loose=False)
        for faults in (OVERRULED_BY[rule.fault], {rule.fault})
    )
    return _by_wording(plain) if plain and not same else None


def _by_wording(rule: Rule) -> Verdict:
    return Verdict(rule.fault, f"wording/{rule.id}", Confidence.MEDIUM)


def _by_rule(rule: Rule, id: str) -> Verdict:
    told = rule.tag or rule.code or rule.type or rule.reason or rule.message
    return Verdict(rule.fault, f"{id}/{rule.id}", Confidence.HIGH if told else Confidence.LOW)


def _as_gateway_failure(verdict: Verdict) -> Verdict:
    """Return a server error: the refused account is the gateway's, so to us the gateway is down."""
    return Verdict(Fault.SERVER_ERROR, f"relayed/{verdict.rule}", Confidence.MEDIUM)


def _first_match(rules: Iterable[Rule], complaint: Complaint, layer: Layer, loose: bool) -> Rule | None:
    lowered = layer.words.lower()
    return next((rule for rule in rules if rule.loose is loose and _matches(rule, complaint, layer, lowered)), None)


def _matches(rule: Rule, complaint: Complaint, layer: Layer, lowered: str) -> bool:
    if rule.page != layer.page or (rule.page and rule.loose and not layer.frame):
        return False
    if rule.message and not _is_any_found(rule.message, layer.words, lowered):
        return False
    return (
        not (rule.unanswered and _is_answered(complaint, layer))
        and (not rule.status or complaint.status in rule.status or not set(rule.status).isdisjoint(layer.statuses))
        and (not rule.code or _is_any_listed(rule.code, layer.codes))
        and (not rule.type or _is_any_listed(rule.type, layer.types))
        and (not rule.reason or _is_any_listed(rule.reason, layer.reasons))
        and (not rule.tag or _is_any_listed(rule.tag, layer.codes + layer.types + layer.reasons))
    )


def _is_any_found(expressions: Iterable[str], text: str, lowered: str) -> bool:
    return any(is_found(one, text, lowered) for one in expressions)


def _is_answered(complaint: Complaint, layer: Layer) -> bool:
    """Whether there is an HTTP status; a lower number is a program's exit code."""
    return bool(layer.statuses) or (complaint.status is not None and complaint.status >= LOWEST_STATUS)


def _is_any_listed(wanted: Iterable[str], found: Sequence[str]) -> bool:
    return bool(found) and any(mark.lower() in found for mark in wanted)


def _by_status_of(provider: Provider, complaint: Complaint) -> Verdict:
    """Return the verdict by status; a gateway may relay its own account's.

    Without an HTTP one, one in the words counts.
    """
    told = (status for layer in complaint.layers for status in layer.statuses)
    verdict = classify_by_status(complaint.status or next(told, None))
    is_theirs = verdict.fault in ACCOUNT_FAULTS and any(_is_relayed(provider, layer) for layer in complaint.layers)
    return _as_gateway_failure(verdict) if is_theirs else verdict


def classify_by_status(status: int | None) -> Verdict:
    """Return what a status means when nothing else decides."""
    fault = STATUSES.get(status or 0, Fault.UNCLASSIFIED)
    if fault is Fault.UNCLASSIFIED and status is not None:
        fault = {3: Fault.INVALID_RESPONSE, 5: Fault.SERVER_ERROR}.get(status // 100, fault)
    return Verdict(fault, f"status/{status or 'none'}", Confidence.LOW)
