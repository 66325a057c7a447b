"""Pure: rules + a complaint → what an answer means."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from probes.complaint import Complaint, Layer, read, words
from probes.excerpt import BEGINNINGS, is_good_part, prove_excerpt, take_apart
from probes.model import Confidence, Fault, Verdict
from probes.proof import Proof, prove, prove_any
from probes.provider import Canary, Provider, Rule

STATUSES = {
    400: Fault.BAD_REQUEST,
    401: Fault.INVALID_KEY,
    402: Fault.QUOTA_EXHAUSTED,
    403: Fault.PERMISSION_DENIED,
    404: Fault.BAD_REQUEST,
    405: Fault.BAD_REQUEST,
    406: Fault.BAD_REQUEST,
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
"""What a status says when nothing else does. 3xx and 5xx are ranges; any other says nothing."""

LOWEST_STATUS = 200
"""Of an answer; 1xx is never the last word."""
LAST_CODE = 255
"""Of a program; what is higher is a status that somebody read off its output."""

UNPROVEN = {
    Proof.CUT: "answer/cut",
    Proof.EMPTY: "answer/empty",
    Proof.UNREADABLE: "answer/unreadable",
}
"""The rules that name what an answer lacks which gives no reason."""

MOST_LINES = 100
MOST_LAST_LINES = 3
"""So many lines of a program's output are read: of one that failed, and of one that ended well."""
ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
"""Colours and titles for a terminal."""
SETTING = re.compile(
    r"\s*(?:workdir|cwd|directory|model|provider|approval|sandbox|reasoning[ _](?:effort|summaries)|session[ _]id"
    r"|version|profile|effort|permissions?|mode)\s*:[^:{}]{0,120}",
    re.IGNORECASE,
)
"""A line of a client's banner: what it was set to says nothing of what it met."""
MOST_WRAPPED = 20
"""So many lines of a terminal are one sentence or object at most."""
WRAPPED = re.compile(r"\s*(?!at\b|\w+\s?:)[a-z\u4e00-\u9fff]")
"""How a line begins that goes on with the one before it."""
ENDS = (".", "!", "?", ":", ";", "}", "…", "。", "！", "？", "：")
SHORTEST_WRAPPED = 40
"""A line that is shorter was not broken by the width of a terminal, unless the next one is indented."""
ADVICE = re.compile(
    r"[^\w\n]{0,8}(?:please |try to )?(?:re-?)?run (?:\w+ )?/?(?:login|auth login)\b[^\w\n]{0,8}", re.IGNORECASE
)
"""A line that a client puts under every refusal, whatever its cause."""
OF_AN_ACCOUNT = frozenset(
    {
        *(Fault.INVALID_KEY, Fault.ACCOUNT_SUSPENDED, Fault.PERMISSION_DENIED, Fault.VERIFICATION_REQUIRED),
        *(Fault.QUOTA_EXHAUSTED, Fault.LIMIT_COLLAPSE),
    }
)
"""What is wrong with an account as a whole. A rate that is relayed may be our own doing, a missing model our choice."""
OF_THE_ROAD = frozenset({Fault.REGION_BLOCKED, Fault.BLOCKED_BY_EDGE})

RulesOf = Callable[[str], Sequence[Rule]]
"""The rules of a provider by the name of its file; asked only for one that a bad answer names."""


def nobody(_: str) -> Sequence[Rule]:
    return ()


class Speakers(Struct, frozen=True):
    """Whose words are known: those of the provider asked, the shared ones, and of whoever an answer names."""

    provider: Provider
    wording: Sequence[Rule]
    rules_of: RulesOf


def judge(
    provider: Provider,
    wording: Sequence[Rule],
    status: int | None,
    headers: Mapping[str, str],
    body: str,
    canary: Canary | None = None,
    *,
    whole: bool = True,
    asked: str = "",
    rules_of: RulesOf = nobody,
) -> Verdict:
    """Return what an answer means. What fits no rule is judged by its status, or is UNCLASSIFIED.

    Under a 2xx it is good only when it holds what `canary` asked for, or anybody would where that is not known.
    Not `whole`: it goes on after `body`. `asked`: the address, of which nothing that comes back proves anything.
    """
    speakers = Speakers(provider, wording, rules_of)
    if status is not None and not 200 <= status < 300:
        complaint = read(status, headers, body, asked)
        return _decide(speakers, complaint) or _by_status_of(speakers.provider, complaint)
    proof = prove(canary, body, whole=whole) if canary else prove_any(provider.canaries.values(), body)
    if proof is Proof.GOOD:
        return Verdict(None, "ok/2xx")
    if proof is Proof.FILTERED:
        return Verdict(Fault.CONTENT_FILTERED, "answer/filtered")
    if status is None and is_good_part(body):
        return Verdict(None, "ok/excerpt", Confidence.LOW)
    complaint = read(status, headers, body, asked)
    return _judge_unproven(speakers, proof, complaint) or _judge_excerpt(speakers, complaint, body)


def judge_pasted(
    provider: Provider,
    wording: Sequence[Rule],
    status: int | None,
    headers: Mapping[str, str],
    pasted: str,
    canary: Canary | None = None,
    *,
    rules_of: RulesOf = nobody,
) -> tuple[Verdict, str]:
    """Return what an answer means that a person pasted, which `judge` would read as it came, and what it says.

    What a terminal printed around a good part shows that a person cut it, and no server.
    """
    answer = take_apart(pasted)
    status, headers = status or answer.status, {**answer.headers, **headers}
    verdict = judge(provider, wording, status, headers, answer.body, canary, rules_of=rules_of)
    is_touched = answer.status is not None or not answer.body.lstrip().startswith(BEGINNINGS)
    if verdict.fault is Fault.INVALID_RESPONSE and is_touched and prove_excerpt(answer.body) is Proof.GOOD:
        verdict = Verdict(None, "ok/excerpt", Confidence.LOW)
    return verdict, words(read(status, headers, answer.body))


def _judge_unproven(speakers: Speakers, proof: Proof, complaint: Complaint) -> Verdict | None:
    """Return what an answer means that holds nothing: its words say why, or the status that it tells."""
    if verdict := _decide(speakers, complaint):
        return verdict
    if complaint.status is None:
        return None
    if complaint.status >= 400:
        return _by_status_of(speakers.provider, complaint)
    if proof is Proof.FAILED:
        return Verdict(Fault.UNCLASSIFIED, "answer/failure", Confidence.LOW)
    return Verdict(Fault.INVALID_RESPONSE, UNPROVEN[proof], Confidence.MEDIUM)


def _judge_excerpt(speakers: Speakers, complaint: Complaint, body: str) -> Verdict:
    """Return what was pasted without a status means, of which neither beginning nor end need be there."""
    match prove_excerpt(body):
        case Proof.GOOD:
            return Verdict(None, "ok/excerpt", Confidence.LOW)
        case Proof.FILTERED:
            return Verdict(Fault.CONTENT_FILTERED, "answer/filtered")
        case Proof.EMPTY:
            return Verdict(Fault.INVALID_RESPONSE, UNPROVEN[Proof.EMPTY], Confidence.LOW)
    return _by_status_of(speakers.provider, complaint)


def judge_output(
    provider: Provider, wording: Sequence[Rule], code: int | None, output: str, rules_of: RulesOf = nobody
) -> tuple[Verdict, str]:
    """Return what a program's output means, and the sentence that says so. `code` is None when its time was up.

    The last line is heard first, since a client ends with what it came to, and its own rules are asked
    of every line before the shared ones of any, and what stands around a cause after all causes. Of a program that
    ended well only the last lines count, and only its own rules: it may have tried twice, and an answer may speak of
    anything.
    """
    said = _lines(output)
    last = said[-MOST_LAST_LINES if code == 0 else -MOST_LINES :]
    whole = ["\n".join(lines) for lines in _unbroken(last)]
    heard = _heard(code, reversed(last))
    for complaints in (_heard(code, reversed(whole)), heard) if len(whole) < len(last) else (heard,):
        if told := _first_told(provider, () if code == 0 else wording, complaints, rules_of):
            return told
    return _by_code(code, said, heard), (words(heard[0]) or said[-1].strip()) if heard else ""


def _lines(output: str) -> list[str]:
    """Return the lines that are not blank; mere advice goes with the line that it is given for."""
    said: list[str] = []
    for line in ESCAPES.sub("", output).splitlines():
        if said and ADVICE.fullmatch(line):
            said[-1] = f"{said[-1]} {line.strip()}"
        elif line.strip():
            said.append(line)
    return said


def _unbroken(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yield the lines that are one: a terminal broke a sentence, or JSON is spread over them."""
    part: list[str] = []
    for line in lines:
        if part and not (len(part) < MOST_WRAPPED and _goes_on(part, line)):
            yield part
            part = []
        part.append(line)
    if part:
        yield part


def _goes_on(part: Sequence[str], line: str) -> bool:
    before = part[-1].rstrip()
    if sum(one.count("{") - one.count("}") for one in part) > 0:
        return True
    is_broken = line[:1].isspace() or len(before) >= SHORTEST_WRAPPED
    return is_broken and not before.endswith(ENDS) and WRAPPED.match(line) is not None


def _heard(code: int | None, texts: Iterable[str]) -> list[Complaint]:
    return [read(code, {}, text) for text in texts if not SETTING.fullmatch(text)]


def _first_told(
    provider: Provider, wording: Sequence[Rule], heard: Sequence[Complaint], rules_of: RulesOf
) -> tuple[Verdict, str] | None:
    firm = replace(provider, rules=[rule for rule in provider.rules if not rule.loose])
    rounds = (Speakers(firm, (), rules_of), Speakers(provider, wording, rules_of))
    for frame in (False, True):
        for speakers in rounds:
            for complaint in heard:
                if verdict := _decide_by(speakers, complaint, frame=frame):
                    return verdict, words(complaint)
    return None


def _by_code(code: int | None, said: Sequence[str], heard: Iterable[Complaint]) -> Verdict:
    if code == 0:
        return Verdict(None, "ok/exit") if said else Verdict(Fault.INVALID_RESPONSE, "command/empty")
    for status in (status for complaint in heard for layer in complaint.layers for status in layer.statuses):
        return _by_status(status)
    if code is None:
        return Verdict(Fault.TIMEOUT, "command/time", Confidence.LOW)
    if code > LAST_CODE:
        return _by_status(code)
    return Verdict(Fault.UNCLASSIFIED, "command/exit", Confidence.LOW)


def _decide(speakers: Speakers, complaint: Complaint) -> Verdict | None:
    """What is inside is heard before the frames around it, and of both the innermost layer first."""
    return _decide_by(speakers, complaint, frame=False) or _decide_by(speakers, complaint, frame=True)


def _decide_by(speakers: Speakers, complaint: Complaint, *, frame: bool) -> Verdict | None:
    """A name that no rule knows is read as words when no sentence has decided: it is often the sentence."""
    layers = [layer for layer in complaint.layers if layer.frame is frame]
    for layer in chain(layers, _spelled(layers)):
        if verdict := _hear(speakers, complaint, layer):
            return _of_the_gateway(verdict) if _is_theirs(speakers.provider, verdict, layer) else verdict
    return None


def _spelled(layers: Iterable[Layer]) -> Iterator[Layer]:
    return (Layer(words=one.names, named=one.named, relayed=one.relayed) for one in layers if one.names)


def _is_theirs(provider: Provider, verdict: Verdict, layer: Layer) -> bool:
    """Of a page that a gateway met on its own road, the road is its trouble too; a program of ours repeats our own."""
    if any(rule.own and verdict.rule == f"{provider.id}/{rule.id}" for rule in provider.rules):
        return False
    if layer.page:
        return provider.relays and layer.relayed and verdict.fault in OF_AN_ACCOUNT | OF_THE_ROAD
    return verdict.fault in OF_AN_ACCOUNT and _is_relayed(provider, layer)


def _is_relayed(provider: Provider, layer: Layer) -> bool:
    """What a client program of ours says, or the provider that was asked, is said of our own account."""
    if not layer.relayed or provider.is_command:
        return False
    return not layer.named or (provider.relays and layer.named != provider.id)


def _hear(speakers: Speakers, complaint: Complaint, layer: Layer) -> Verdict | None:
    """By the rules of the provider that a frame names, then by those of the one that was asked, then by the shared."""
    provider = speakers.provider
    named = layer.named if layer.named != provider.id else ""
    for loose in (False, True):
        if named and (rule := _first_fit(speakers.rules_of(named), complaint, layer, loose)):
            return _told_by(rule, named)
        if rule := _first_fit(provider.rules, complaint, layer, loose):
            return _told_by(rule, provider.id)
        if rule := _first_fit(speakers.wording, complaint, layer, loose):
            return Verdict(rule.fault, f"wording/{rule.id}", Confidence.MEDIUM)
    return None


def _told_by(rule: Rule, id: str) -> Verdict:
    told = rule.tag or rule.code or rule.type or rule.reason or rule.message
    return Verdict(rule.fault, f"{id}/{rule.id}", Confidence.HIGH if told else Confidence.LOW)


def _of_the_gateway(verdict: Verdict) -> Verdict:
    """The account that is refused there is the gateway's: to us the gateway does not work."""
    return Verdict(Fault.SERVER_ERROR, f"relayed/{verdict.rule}", Confidence.MEDIUM)


def _first_fit(rules: Iterable[Rule], complaint: Complaint, layer: Layer, loose: bool) -> Rule | None:
    return next((rule for rule in rules if rule.loose is loose and _fits(rule, complaint, layer)), None)


def _fits(rule: Rule, complaint: Complaint, layer: Layer) -> bool:
    return (
        rule.page == layer.page
        and not (rule.unanswered and _is_answered(complaint, layer))
        and (not rule.status or complaint.status in rule.status or not set(rule.status).isdisjoint(layer.statuses))
        and _listed(rule.code, layer.codes)
        and _listed(rule.type, layer.types)
        and _listed(rule.reason, layer.reasons)
        and _listed(rule.tag, layer.codes + layer.types + layer.reasons)
        and (not rule.message or _pattern(tuple(rule.message)).search(layer.words) is not None)
        and not (rule.loose and layer.page and not layer.frame)
    )


def _is_answered(complaint: Complaint, layer: Layer) -> bool:
    """Whether a status of HTTP is told; what is lower is the exit code of a program."""
    return bool(layer.statuses) or (complaint.status is not None and complaint.status >= LOWEST_STATUS)


def _listed(wanted: Sequence[str], found: Sequence[str]) -> bool:
    return not wanted or any(mark.lower() in found for mark in wanted)


@cache
def _pattern(alternatives: tuple[str, ...]) -> re.Pattern[str]:
    """Chinese is written right beside English words, which end there: to a pattern of ASCII it is no letter."""
    flags = ("a:" if alternative.isascii() else ":" for alternative in alternatives)
    parts = (f"(?{flag}{alternative})" for flag, alternative in zip(flags, alternatives, strict=True))
    return re.compile("|".join(parts), re.IGNORECASE)


def _by_status_of(provider: Provider, complaint: Complaint) -> Verdict:
    """A gateway may pass on the status, too, of what its own account met. Without one of HTTP, that in words counts."""
    told = (status for layer in complaint.layers for status in layer.statuses)
    verdict = _by_status(complaint.status or next(told, None))
    is_theirs = verdict.fault in OF_AN_ACCOUNT and any(_is_relayed(provider, layer) for layer in complaint.layers)
    return _of_the_gateway(verdict) if is_theirs else verdict


def _by_status(status: int | None) -> Verdict:
    fault = STATUSES.get(status or 0, Fault.UNCLASSIFIED)
    if fault is Fault.UNCLASSIFIED and status is not None:
        fault = {3: Fault.INVALID_RESPONSE, 5: Fault.SERVER_ERROR}.get(status // 100, fault)
    return Verdict(fault, f"status/{status or 'none'}", Confidence.LOW)
