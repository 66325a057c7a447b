"""docs/reference/faults.md: what each fault means, whose it is, and what to do."""

from collections.abc import Iterator

from docs.generate.markdown import plain, sentence
from monitor import words
from monitor.diagnose.incident import SEVERITIES
from monitor.publish import advice as own
from probes import advice
from probes.advice import ADVICE, LEAKS, SERVED, SWITCH, TOGETHER, Advice
from probes.model import Blame, Fault

INTRODUCTION = """# Faults

What is wrong is one word of these everywhere: in messages, on the pages, in metrics, in reports, in routes. Each has
one blame: whose fault it is. How sure that is stands beside it, with the rule that was matched;
`provider-monitor providers NAME` prints each rule with its source.

What to do is what messages and pages say, chosen by the fault, by the words of the answers and by how the other
accounts are; there it names what works instead, and the [provider's own address](providers.md) for it.
"""
BESIDES = {
    "Where the same address answers others well from here": SERVED,
    "Where several accounts are hit at once": TOGETHER,
    "Where the answer says that the key leaked": LEAKS,
}
SCOPES = {
    "Nothing at all can be reached from here": own.OFFLINE_ADVICE,
    "The way out from here fails": own.ROAD_ADVICE,
    "The way out from here is slow": own.SLOW_ROAD_ADVICE,
    "The monitor was not running": own.ABSENCE_ADVICE,
    "A stage of the monitor keeps failing": own.STAGE_ADVICE,
    "A status page cannot be believed": own.SOURCE_ADVICE,
    "A date in `[[reminders]]` comes near": own.REMINDER_ADVICE,
    "An error budget of `[[objectives]]` burns": own.OBJECTIVE_ADVICE,
}


def page() -> Iterator[str]:
    yield INTRODUCTION
    for blame in Blame:
        yield from (f"## Blame: {words.BLAMES[blame]}", "", plain(words.BLAMES_AT_LENGTH[blame]), "")
        for fault in Fault:
            if fault.blame is blame:
                yield from _fault(fault)
    yield from ("## What has no fault of an account", "")
    yield "These incidents name nobody's account, and no other account would help."
    yield ""
    yield from (
        f"- **{plain(title)}**: {plain(' '.join(_filled(one) for one in said))}" for title, said in SCOPES.items()
    )
    yield ""


def _fault(fault: Fault) -> Iterator[str]:
    yield from (f"### {fault}", "", plain(sentence(words.FAULTS[fault])), "")
    yield f"- **Severity**: {SEVERITIES[fault]}."
    yield f"- **What to do**: {_advice(ADVICE[fault])}"
    yield from (f"- **{title}**: {_advice(by[fault])}" for title, by in BESIDES.items() if fault in by)
    if fault is Fault.CONNECTION_FAILED:
        yield from (
            f"- **Where it broke {words.PHASES[phase]}**: {_advice(one)}" for phase, one in advice.BROKEN.items()
        )
    if fault is Fault.VERIFICATION_REQUIRED:
        yield f"- **It may be**: {', '.join(advice.WANTED.values())}."
    yield ""


def _advice(one: Advice) -> str:
    return plain(_filled(one.do))


def _filled(text: str) -> str:
    return text.replace("{meanwhile}", SWITCH).replace("{provider}", "ID")
