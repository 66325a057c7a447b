"""Failing answers → the few lines of a message that show them; the incident's page has them all. Pure."""

from collections.abc import Callable, Hashable, Iterable, Sequence

from msgspec import Struct

from monitor.diagnose.diagnosis import Evidence
from monitor.sentence.finding import describe_answer
from monitor.sentence.translation import PageLanguage
from monitor.words import join_items, where
from probes.model import Fault, Phase
from probes.target_id import account_of, name_of, part_of, provider_of

SHOWN = 8
"""Most lines in a message; with more accounts than that, each provider gets one line."""
NAMED = 4
"""Most names in one line; the rest is counted."""


class EvidenceLine(Struct, frozen=True):
    """Who met what: one target, an account, or accounts of a provider; the answer is their latest.

    `ended` says where on the road it failed, in words; empty if an answer came, or the fault says it.
    """

    who: str
    fault: Fault
    status: int | None
    request_id: str | None
    words: str
    ended: str = ""


def evidence_lines(
    evidence: Sequence[Evidence], language: PageLanguage, *, apart: bool = False
) -> tuple[list[EvidenceLine], int]:
    """Return the lines that show these answers, and how many more there are.

    Answers of one account by the same rule count as one whatever their words, which may name a request. `apart`: words
    count, since each has figures of its own.
    """
    its = _grouped(evidence, lambda one: (_account(one), _kind(one), describe_answer(one.words) if apart else ""))
    if len(its) > SHOWN:
        its = _grouped(evidence, lambda one: (_provider(one), _kind(one)))
        its.sort(key=len, reverse=True)
    return [_line(group, language) for group in its[:SHOWN]], max(0, len(its) - SHOWN)


def _grouped(evidence: Iterable[Evidence], key: Callable[[Evidence], Hashable]) -> list[list[Evidence]]:
    groups: dict[Hashable, list[Evidence]] = {}
    for one in evidence:
        groups.setdefault(key(one), []).append(one)
    return list(groups.values())


def _line(group: Sequence[Evidence], language: PageLanguage) -> EvidenceLine:
    latest = max(group, key=lambda one: one.at)
    ended = where(latest.fault, latest.phase)
    return EvidenceLine(
        _who(group, language),
        latest.fault,
        latest.status,
        latest.request_id,
        language.remark(latest.words),
        language.say(ended) if ended else "",
    )


def _who(group: Sequence[Evidence], language: PageLanguage) -> str:
    accounts, targets = sorted({_account(one) for one in group}), sorted({one.target for one in group})
    if len(targets) == 1:
        return targets[0]
    if len(accounts) == 1:
        return language.aside(accounts[0], join_items([part_of(one) for one in targets], NAMED, language))
    names = [name_of(account) for account in accounts]
    counted = language.many(len(accounts), "{n} account", "{n} accounts")
    return language.aside(_provider(group[0]), language.about(counted, join_items(names, NAMED, language)))


def _account(one: Evidence) -> str:
    return account_of(one.target)


def _provider(one: Evidence) -> str:
    return provider_of(one.target)


def _kind(one: Evidence) -> tuple[Fault, int | None, str, Phase | None]:
    return one.fault, one.status, one.rule, one.phase
