"""An answer that no rule of its provider reads → a rule that does, and the sample that proves it; pure."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import accumulate, count, groupby

from msgspec import Struct
from msgspec.structs import replace

from probes.answer.classify import (
    ApplicableRules,
    classify_answer,
    classify_by_rules,
    classify_by_status,
    no_rules,
)
from probes.answer.command_output import classify_output
from probes.answer.error_body import BROAD_NAMES, Complaint, Layer, read_complaint
from probes.model import Confidence, Fault, Verdict
from probes.provider import Provider, Rule
from probes.sample import Sample, read_sample

LONGEST_EXPRESSION = 90
LONGEST_ID = 40
LEAST_LETTERS = 8
"""Fewest letters of a sentence that means one thing only."""
MOST_NAMED = 3
VARIABLE = re.compile(r"""https?://\S+|(?<!\w)(["'`])[^"'`]{1,80}\1(?!\w)|\S*\d\S*|\S*\[redacted\]\S*""")
"""What differs from one answer to the next: addresses, quoted names, numbers, what was masked."""
GAP = "\0"
"""Stands for one of these."""
ANYTHING = ".{1,80}"
SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s+|\n")
SPECIFIC = re.compile(r"[a-z\d]+(?:[_.\-][a-z\d]+)+|[a-z]{12,}|\d{4,}|[a-z]+\d+")
"""The form of a mark that means one thing, in lower case: several words, or a number that is no HTTP status."""


class Guess(Struct, frozen=True):
    """What an answer most likely means. `why`: a clause that follows "since"."""

    fault: Fault
    why: str


class ProposedRule(Struct, frozen=True):
    """A rule that reads an answer. `before`: the rule above which it must stand; None: below all others."""

    rule: Rule
    before: str | None


class Condition(Struct, frozen=True):
    """What a proposed rule asks for; each as in `Rule`."""

    tag: list[str] = []
    message: list[str] = []
    status: list[int] = []
    page: bool = False


class Unproposable(Exception):
    """No rule can be made of an answer; the text says why, and what to do."""


def verdict_on(provider: Provider, wording: Sequence[Rule], sample: Sample) -> Verdict:
    """Return what an answer means by the provider's own rules and the shared ones, as the tests of the rules ask."""
    if sample.is_output:
        return classify_output(provider, wording, sample.status, sample.body)[0]
    return classify_answer(provider, wording, sample.status, sample.headers, sample.body)


def reading_rule(provider: Provider, verdict: Verdict) -> Rule | None:
    """Return the provider's own rule that decided; None for a loose one, or one that asks for the status only."""
    own = (rule for rule in provider.rules if verdict.rule.removeprefix("relayed/") == f"{provider.id}/{rule.id}")
    return next((rule for rule in own if not rule.loose and verdict.confidence is not Confidence.LOW), None)


def guess(
    provider: Provider,
    verdict: Verdict,
    sample: Sample,
    others: Iterable[str],
    rules_of: Callable[[str], Sequence[Rule]],
) -> Guess | None:
    """Return what an answer means that no rule of its provider reads; None where nothing tells.

    What the shared words say counts most, then what other providers mean by it, then the status.
    """
    if verdict.fault and verdict.rule.startswith("wording/"):
        return Guess(verdict.fault, f"the shared rule {verdict.rule} reads its words so")
    complaint = _complaint(sample)
    asked = (one for one in others if one != provider.id)
    found = [told for id in asked if (told := _as_if(provider, id, rules_of(id), complaint))]
    if found:
        return _most(found)
    status = complaint.status or sample.status
    fault = verdict.fault or classify_by_status(status).fault
    return None if fault in (None, Fault.UNCLASSIFIED) else Guess(fault, f"{verdict.rule} is all that tells")


def _as_if(provider: Provider, id: str, rules: Sequence[Rule], complaint: Complaint) -> Verdict | None:
    """Return what an answer would mean by the rules of another; one that asks for the status only says nothing."""
    telling = [rule for rule in rules if not rule.loose and not rule.page and _has_words(rule)]
    speakers = ApplicableRules(replace(provider, id=id, rules=telling, relays=False), (), no_rules)
    return classify_by_rules(speakers, complaint, frame=False)


def _has_words(rule: Rule) -> bool:
    return bool(rule.fault and (rule.tag or rule.code or rule.type or rule.reason or rule.message))


def _most(found: Sequence[Verdict]) -> Guess | None:
    """Return what most others mean by it."""
    faults = Counter(told.fault for told in found)
    fault = max(faults, key=lambda one: faults[one])
    names = [told.rule for told in found if told.fault is fault]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return Guess(fault, f"{', '.join(names[:MOST_NAMED])}{more} read such an answer so") if fault else None


def _complaint(sample: Sample) -> Complaint:
    return read_complaint(sample.status, sample.headers, sample.body)


def propose(
    provider: Provider,
    wording: Sequence[Rule],
    sample: Sample,
    fault: Fault,
    origin: tuple[str, date],
    known: Mapping[str, str],
) -> ProposedRule:
    """Return a rule that reads `sample` as `fault`, and takes no `known` sample from its rule.

    `origin`: its source, and the day on which that was seen; `known`: the texts of the provider's samples by rule, as
    far as they are here. Raises Unproposable.
    """
    before = _first_own(provider, sample)
    for asked in _conditions(provider, wording, sample):
        rule = _rule(_new_id(provider, asked), fault, origin, asked)
        if not wrongly_read(with_rule(provider, ProposedRule(rule, before)), wording, {**known, rule.id: sample}):
            return ProposedRule(rule, before)
    raise Unproposable(
        "no code and no sentence of its own tells this answer from others; paste all of it, or write the rule by hand"
    )


def _first_own(provider: Provider, sample: Sample) -> str | None:
    """Return the id of the first own rule that an answer fits, which shared words may overrule; None for none."""
    told = verdict_on(provider, (), sample).rule.removeprefix("relayed/")
    return next((rule.id for rule in provider.rules if not rule.loose and told == f"{provider.id}/{rule.id}"), None)


def _rule(id: str, fault: Fault, origin: tuple[str, date], asked: Condition) -> Rule:
    source, checked = origin
    return Rule(
        id=id,
        fault=fault,
        page=asked.page,
        status=asked.status,
        tag=asked.tag,
        message=asked.message,
        source=source,
        checked=checked,
    )


def with_rule(provider: Provider, proposal: ProposedRule) -> Provider:
    ids = [rule.id for rule in provider.rules]
    place = ids.index(proposal.before) if proposal.before else len(ids)
    return replace(provider, rules=[*provider.rules[:place], proposal.rule, *provider.rules[place:]])


def wrongly_read(provider: Provider, wording: Sequence[Rule], samples: Mapping[str, Sample | str]) -> list[str]:
    """Return the ids of the rules whose sample another rule reads, or no rule."""
    read = {id: read_sample(one) if isinstance(one, str) else one for id, one in samples.items()}
    return [id for id, one in read.items() if verdict_on(provider, wording, one).rule != f"{provider.id}/{id}"]


def _conditions(provider: Provider, wording: Sequence[Rule], sample: Sample) -> Iterator[Condition]:
    """Yield what a rule could ask for, the surest first: a code of its own, a sentence, any code with the status."""
    layers = sorted(_complaint(sample).layers, key=lambda layer: layer.frame)
    read = (*provider.rules, *(rule for rule in wording if rule.loose))  # what has a rule is no sign of a new meaning
    broad = {*BROAD_NAMES, *(mark.lower() for rule in read for mark in (*rule.tag, *rule.code, *rule.type))}
    told = (mark for layer in layers if not layer.page for mark in _marks(layer))
    marks = [mark for mark in dict.fromkeys(told) if mark not in broad and mark.isprintable()]
    yield from (Condition(tag=[mark]) for mark in marks if SPECIFIC.fullmatch(mark))
    yield from _sentences(layers)
    yield from (Condition(tag=[mark], status=[sample.status]) for mark in marks)


def _marks(layer: Layer) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*layer.codes, *layer.reasons, *layer.types)))


def _sentences(layers: Iterable[Layer]) -> Iterator[Condition]:
    for layer in layers:
        for sentence in SENTENCE_END.split(layer.words):
            if expression := expression_for(sentence):
                yield Condition(message=[expression], page=layer.page)


def expression_for(sentence: str) -> str:
    """Return a regular expression for what a sentence says whatever it names; "" if it says too little."""
    fixed = VARIABLE.sub(GAP, " ".join(sentence.split()).rstrip(".!。！ "))
    split = fixed.split(" ")
    words = [re.escape(word).replace("'", ".") if GAP not in word and word.isprintable() else None for word in split]
    lengths = accumulate(len(word or GAP) + 1 for word in words)
    kept = [word for word, length in zip(words, lengths, strict=True) if length <= LONGEST_EXPRESSION]
    parts = (" ".join(filter(None, run)) for is_fixed, run in groupby(kept, bool) if is_fixed)
    made = ANYTHING.join(parts)
    return made if sum(map(str.isalpha, made)) >= LEAST_LETTERS or _is_han(made) else ""


def _is_han(text: str) -> bool:
    """Whether a text has enough Chinese characters to say something: one is a syllable."""
    return sum("\u4e00" <= letter <= "\u9fff" for letter in text) * 2 >= LEAST_LETTERS


def _new_id(provider: Provider, asked: Condition) -> str:
    """Return an id that the provider's rules do not have yet, made of a code or of the first words."""
    taken = {rule.id for rule in provider.rules}
    told = (asked.tag or asked.message)[0].lower().replace(ANYTHING, " ")
    plain = re.sub(r"[^a-z0-9]+", "-", told).strip("-") or "answer"
    plain = f"code-{plain}" if plain.isdecimal() else plain
    name = plain if len(plain) <= LONGEST_ID else plain[:LONGEST_ID].rpartition("-")[0] or plain[:LONGEST_ID]
    tries = (name if number == 1 else f"{name}-{number}" for number in count(1))
    return next(one for one in tries if one not in taken)


def rule_block(rule: Rule) -> str:
    """Return a rule as a block of its provider's file."""
    lines = ["[[rules]]", f"id = {json.dumps(rule.id)}", f"fault = {json.dumps(rule.fault)}"]
    lines += ["page = true"] if rule.page else []
    lines += [f"status = {rule.status}"] if rule.status else []
    lines += [f"tag = {json.dumps(rule.tag, ensure_ascii=False)}"] if rule.tag else []
    lines += [f"message = [{', '.join(map(_literal, rule.message))}]"] if rule.message else []
    lines += [f"source = {json.dumps(rule.source)}"]
    lines += [f"checked = {rule.checked}"] if rule.checked else []
    return "\n".join(lines) + "\n"


def _literal(expression: str) -> str:
    """Return an expression as a literal text of TOML, which may hold no apostrophe; `expression_for` leaves none."""
    return f"'{expression}'"
