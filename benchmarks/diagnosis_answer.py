"""What trouble looks like to whoever asks: the recorded samples of each provider, understood by the real rules."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from msgspec import Struct

from probes.answer.classify import classify_answer
from probes.answer.error_body import read_complaint, words_of
from probes.answer.limits_in_headers import retry_after_s
from probes.catalog import load_provider, load_wording
from probes.model import Answer, Confidence, Fault

SAMPLES = Path(__file__).parents[1] / "tests" / "samples"
EPOCH = datetime.fromtimestamp(0, UTC)


class Face(Struct, frozen=True):
    """One answer that was no good one; `latency_s` is how long one waits for it, None: as for a good one."""

    fault: Fault
    answer: Answer
    status: int | None = None
    latency_s: float | None = None


NO_ANSWER: Mapping[Fault, Sequence[Face]] = {
    fault: [
        Face(fault, Answer(f"transport/{rule}", told, Confidence.HIGH), None, latency_s)
        for rule, told, latency_s in its
    ]
    for fault, its in {
        Fault.CONNECTION_FAILED: (
            ("dns", "the name of the host is not found", 0.05),
            ("connect", "no connection (Network is unreachable)", 0.01),
            ("connect", "no connection (Connection refused)", 0.1),
            ("connect-timeout", "no connection within 10 s", 10.0),
            ("reset", "the connection broke (Connection reset by peer)", 0.3),
        ),
        Fault.TIMEOUT: (("silence", "not a byte for 30 s", 30.0),),
    }.items()
}
"""What the prober itself says where no answer came. Source: `probes.canary.BREAKS`."""


@cache
def faces(provider: str, fault: Fault) -> Sequence[Face]:
    """Return how a fault looks at a provider: by its own samples, or by those of any where it has none."""
    if fault in NO_ANSWER:
        return NO_ANSWER[fault]
    own = [face for face in _samples(provider, provider) if face.fault is fault]
    found = own or [face for face in _samples(provider, "wording") if face.fault is fault]
    if not found:
        raise ValueError(f"no sample shows {fault} at {provider}")
    return found


@cache
def _samples(provider: str, folder: str) -> Sequence[Face]:
    return list(_read_samples(provider, folder))


def _read_samples(provider: str, folder: str) -> Iterator[Face]:
    facts, wording = load_provider(provider), load_wording()
    for path in sorted((SAMPLES / folder).glob("*.http")):
        head, _, body = path.read_text().partition("\n\n")
        first, *lines = head.split("\n")
        if first.startswith("EXIT"):
            continue
        status, headers = int(first.split(" ")[1]), dict(line.split(": ", 1) for line in lines)
        verdict = classify_answer(facts, wording.rules, status, headers, body, facts.canaries["list"])
        if verdict.fault is None:
            continue
        told = words_of(read_complaint(status, headers, body))[:300]
        wait_s = retry_after_s(headers, body, EPOCH) if status in (429, 503, 529) else None
        yield Face(verdict.fault, Answer(verdict.rule, told, verdict.confidence, body[:4000], wait_s), status)
