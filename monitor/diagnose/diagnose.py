"""How all targets are, and what else is known → whose fault it is, how wide, how sure we are, and why; pure.

One confirmed failure opens a trouble; how wide it is tells everybody who was looked at since it began. Whoever fails
alike for the second time is part of it, long before that one would be told by itself. Who was not looked at since says
nothing, neither for nor against.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from monitor.detect.finding import Finding
from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.finding_sign import is_overtaken, sign_of
from monitor.diagnose.provider_trouble import provider_troubles
from monitor.diagnose.road_trouble import cut_off_answerers, egress_trouble, offline_trouble
from monitor.diagnose.settling import settle
from monitor.diagnose.target_state import Patients, grouped, is_down
from monitor.diagnose.witness import NOBODY, Witnesses


def diagnose(
    patients: Patients, now: datetime, findings: Iterable[Finding] = (), witnesses: Witnesses = NOBODY
) -> list[Diagnosis]:
    """Return one diagnosis for each cause that explains the targets that are down, and for each sign of more."""
    sick = [patient for patient in patients if is_down(patient.health)]
    if not sick:
        return [sign_of(finding) for finding in findings]
    troubles = [settle(one, patients, witnesses, now) for one in _troubles(patients, witnesses)]
    return troubles + [sign_of(finding) for finding in findings if not is_overtaken(finding, sick)]


def _troubles(patients: Patients, witnesses: Witnesses) -> Iterator[Diagnosis]:
    if offline := offline_trouble(patients, witnesses):
        yield offline
        return
    answerers = grouped(patients, lambda target: target.answerer)
    cut_off = cut_off_answerers(answerers)
    if cut_off:
        yield egress_trouble(cut_off, answerers, witnesses)
    for answerer, its in answerers.items():
        if answerer not in cut_off:
            yield from provider_troubles(answerer, its, witnesses)
