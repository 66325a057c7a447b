"""Pure: a program's output and exit code → what they mean."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from msgspec import Struct
from msgspec.structs import replace

from probes.answer.classify import ApplicableRules, RulesOf, classify_by_rules, classify_by_status, no_rules
from probes.answer.error_body import Complaint, read_complaint, words_of
from probes.answer.excerpt import names_failure, prove_part
from probes.answer.literal import literals
from probes.answer.payload import texts_of_program
from probes.answer.proof import Proof
from probes.model import Confidence, Fault, Verdict
from probes.provider import Canary, Provider, Rule

LAST_CODE = 255
"""Highest exit code of a program; a higher number is a status that somebody read off its output."""
MOST_LINES = 100
MOST_LAST_LINES = 3
"""Most lines read of a program's output: of one that failed, and of one that succeeded."""
ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
"""Terminal colours and titles."""
SETTING = re.compile(
    r"\s*(?:workdir|cwd|directory|model|provider|approval|sandbox|reasoning[ _](?:effort|summaries)|session[ _]id"
    r"|version|profile|effort|permissions?|mode)\s*:[^:{}]{0,120}",
    re.IGNORECASE,
)
"""A line of a client's banner: its settings say nothing about what happened."""
NOTICE = re.compile(
    r"\W{0,8}(?:\d{4}-\d\d-\d\dT\S{1,40}\s+)?(?:warning|warn|notice|info)\b.{0,400}"
    r"\b(?:default(?:s|ed|ing)?|fall(?:s|ing)?[ -]?back|instead|update available|deprecated)\b.*",
    re.IGNORECASE,
)
"""A line about what a client does instead of what it was asked for: it continues, so this is not the cause."""
NOISE = re.compile(
    r"\W*|null|none|undefined|\W*(?:user|assistant|codex|claude|thinking|exec|tokens used\W*[\d.,]*|[\d.,]+)\W*"
    r"|(?:\S{2,20} ){1,3}\(?v?\d+\.\d+\S*(?: \(.*\))?|reading (?:additional |prompt )\w* ?(?:input )?from stdin\W*"
    r"|\W{0,8}(?:\d{4}-\d\d-\d\dT\S{1,40}\s+)?(?:warning|warn|notice|info|debug|trace)\b.*",
    re.IGNORECASE,
)
"""A line around an answer: separators, the speaker, token counts, the client's name, its log."""
MARKUP = ("{", "[", "<", "data:", "event:", "null", "NaN", "%PDF")
"""How values, pages and files begin; they are an answer only when they contain one."""
BRACKETED = re.compile(r"[\[{<]\W*\w{1,20}\W*[\]}>]")
MOST_WRAPPED = 20
"""Most lines of a terminal that form one sentence or object."""
WRAPPED = re.compile(r"\s*(?!at\b|\w+\s?:)[a-z\u4e00-\u9fff]")
"""How a line begins that continues the one before it."""
ENDS = (".", "!", "?", ":", ";", "}", "…", "。", "！", "？", "：")
SHORTEST_WRAPPED = 40
"""Fewest characters of a line that a terminal wrapped, unless the next one is indented."""
ADVICE = re.compile(
    r"[^\w\n]{0,8}(?:please |try to )?(?:re-?)?run (?:\w+ )?/?(?:login|auth login)\b[^\w\n]{0,8}", re.IGNORECASE
)
"""A line that a client prints under every refusal, whatever its cause."""


def classify_output(
    provider: Provider, wording: Sequence[Rule], code: int | None, output: str, rules_of: RulesOf = no_rules
) -> tuple[Verdict, str]:
    """Return what a program's output means, and the sentence that says so. `code` is None after a timeout.

    The last line is read first, since a client ends with its conclusion; the client's own rules see every line before
    the shared ones see any, and frames come after all causes. If the program succeeded, only the last lines count,
    since it may have retried, and a refusal is not an answer: a canary asks for a word or two, not for an essay on
    limits.
    """
    said = _lines(output)
    if code == 0:
        return _classify_answer(provider, wording, said, rules_of)
    last = said[-MOST_LINES:]
    if told := _first_verdict(provider, wording, _readings(code, last), rules_of):
        return told
    heard = _complaints(code, reversed(last))
    return _by_code(code, heard), (words_of(heard[0]) or said[-1].strip()) if heard else ""


def _classify_answer(
    provider: Provider, wording: Sequence[Rule], said: Sequence[str], rules_of: RulesOf
) -> tuple[Verdict, str]:
    """Return what a successful program's output means: it may still be a page, a refusal or empty.

    Where the canary knows what every good answer contains, that decides, whatever else the client prints. Otherwise the
    last thing printed is the answer, unless it names a failure.
    """
    asked = [canary for canary in provider.canaries.values() if canary.run]
    answer = [line for line in said if not _is_noise(line, asked)]
    parts = [_part(lines) for lines in _rejoined(answer)]
    wanted = [canary.answers for canary in asked if canary.answers]
    texts = [] if any(part.failed for part in parts) else [text for part in parts for text in part.texts]
    if any(re.search(one, text, re.MULTILINE) for one in wanted for text in texts):
        return Verdict(None, "ok/exit"), parts[-1].words
    if told := _first_verdict(provider, (), _readings(0, said[-MOST_LAST_LINES:]), rules_of):
        return told
    if not answer:
        return Verdict(Fault.INVALID_RESPONSE, "command/empty"), said[-1].strip() if said else ""
    last = parts[-1]
    heard = _complaints(0, reversed(answer[-MOST_LAST_LINES:])) if wanted else _complaints(0, [last.words])
    if told := _first_verdict(provider, wording, [heard], rules_of):
        return told
    if any(part.is_told for part in parts) and texts:  # in the client's own format, whatever the question was
        return Verdict(None, "ok/exit"), last.words
    if wanted or last.failed or not last.texts:
        return Verdict(Fault.INVALID_RESPONSE, "command/answer", Confidence.MEDIUM), last.words
    if names_failure(last.words):
        verdict = _by_status_in(heard) or Verdict(Fault.UNCLASSIFIED, "command/failure", Confidence.LOW)
        return verdict, last.words
    return Verdict(None, "ok/exit"), last.words


class OutputPart(Struct, frozen=True):
    """Lines that belong together:

    the answers in them, whether they report a failure, and whether the client marks them.
    """

    words: str
    texts: tuple[str, ...] = ()
    failed: bool = False
    is_told: bool = False


def _part(lines: Sequence[str]) -> OutputPart:
    words = "\n".join(line.strip() for line in lines)
    values = list(literals(words)) if words.startswith(("{", "[{", "data:")) else []
    if not values:
        return OutputPart(words, () if words.startswith(MARKUP) and not BRACKETED.fullmatch(words) else tuple(lines))
    spoken = tuple(text for value in values for text in texts_of_program(value))
    proofs = [prove_part(value) for value in values]
    known = ("",) if Proof.GOOD in proofs else ()
    return OutputPart(words, spoken or known, Proof.FAILED in proofs, bool(spoken))


def _is_noise(line: str, asked: Iterable[Canary]) -> bool:
    bare = line.strip().removeprefix(">").removeprefix("User:").strip()
    is_ours = any(bare in (canary.run or ()) for canary in asked)
    return is_ours or any(pattern.fullmatch(line) for pattern in (SETTING, NOISE, NOTICE))


def _lines(output: str) -> list[str]:
    """Return the non-blank lines; advice is joined to the line that it follows."""
    said: list[str] = []
    for line in ESCAPES.sub("", output).splitlines():
        if said and ADVICE.fullmatch(line):
            said[-1] = f"{said[-1]} {line.strip()}"
        elif line.strip():
            said.append(line)
    return said


def _readings(code: int | None, last: Sequence[str]) -> list[list[Complaint]]:
    """Return the lines with a terminal's wrapping undone, if there is any, and then each by itself."""
    whole = ["\n".join(lines) for lines in _rejoined(last)]
    each = _complaints(code, reversed(last))
    return [_complaints(code, reversed(whole)), each] if len(whole) < len(last) else [each]


def _rejoined(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yield lines that belong together: a wrapped sentence, or JSON over several lines."""
    part: list[str] = []
    for line in lines:
        if part and not (len(part) < MOST_WRAPPED and _continues(part, line)):
            yield part
            part = []
        part.append(line)
    if part:
        yield part


def _continues(part: Sequence[str], line: str) -> bool:
    before = part[-1].rstrip()
    if sum(one.count("{") - one.count("}") for one in part) > 0:
        return True
    is_broken = line[:1].isspace() or len(before) >= SHORTEST_WRAPPED
    return is_broken and not before.endswith(ENDS) and WRAPPED.match(line) is not None


def _complaints(code: int | None, texts: Iterable[str]) -> list[Complaint]:
    return [
        read_complaint(code, {}, text) for text in texts if not SETTING.fullmatch(text) and not NOTICE.fullmatch(text)
    ]


def _first_verdict(
    provider: Provider, wording: Sequence[Rule], readings: Iterable[Sequence[Complaint]], rules_of: RulesOf
) -> tuple[Verdict, str] | None:
    firm = replace(provider, rules=[rule for rule in provider.rules if not rule.loose])
    rounds = (ApplicableRules(firm, (), rules_of), ApplicableRules(provider, wording, rules_of))
    for heard, frame, speakers in product(readings, (False, True), rounds):
        for complaint in heard:
            if verdict := classify_by_rules(speakers, complaint, frame=frame):
                return verdict, words_of(complaint)
    return None


def _by_code(code: int | None, heard: Iterable[Complaint]) -> Verdict:
    if told := _by_status_in(heard):
        return told
    if code is None:
        return Verdict(Fault.TIMEOUT, "command/time", Confidence.LOW)
    if code > LAST_CODE:
        return classify_by_status(code)
    return Verdict(Fault.UNCLASSIFIED, "command/exit", Confidence.LOW)


def _by_status_in(heard: Iterable[Complaint]) -> Verdict | None:
    told = (status for complaint in heard for layer in complaint.layers for status in layer.statuses)
    return classify_by_status(status) if (status := next(told, None)) else None
