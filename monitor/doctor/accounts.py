"""What is watched, and who is told → remarks on the configuration, keys, accounts, feeds and channels; pure."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from monitor.alert.address import check_address
from monitor.alert.channel import TERMINAL, Channel
from monitor.detect.health import Health
from monitor.doctor.examination import Examination, StoredFacts
from monitor.doctor.remark import Grade, Remark, Topic
from monitor.sentence.doubt import describe_doubt
from monitor.words import count, duration
from probes.document import Problem
from probes.target_id import account_of


def configuration(it: Examination) -> Iterator[Remark]:
    for one in it.problems:
        words, repair = f"{one.file}: {one.key}{' ' if one.key else ''}{one.what}", one.repair
        yield Remark(_grade(one, it), Topic.CONFIGURATION, words, repair)
    if it.problems:
        return
    if not it.config.accounts:
        words = "there is no account to watch"
        yield Remark(Grade.WARNING, Topic.CONFIGURATION, words, "provider-monitor init")
        return
    size = ", ".join(
        count(len(them), noun)
        for noun, them in (
            ("account", it.config.accounts),
            ("target", it.config.watches),
            ("channel", it.config.channels),
        )
    )
    yield Remark(Grade.OK, Topic.CONFIGURATION, f"{it.config.file_name}: {size}")


def _grade(one: Problem, it: Examination) -> Grade:
    """Return how grave a problem is: the process at work may well have a variable that this shell lacks."""
    is_elsewhere = it.store is not None and it.store.holder is not None and '"env:' in one.what
    return Grade.UNKNOWN if is_elsewhere else Grade.ERROR


def keys(it: Examination) -> Iterator[Remark]:
    """Remark on keys that cannot be read, or whose form is doubtful; none is ever named."""
    broken = it.config.key_problems
    for one in broken.values():
        yield Remark(_grade(one, it), Topic.KEYS, f"{one.key} {one.what}", one.repair)
    for id, account in it.config.accounts.items():
        if account.problem and id not in broken:
            yield Remark(Grade.ERROR, Topic.KEYS, f"{id} is not asked: {account.problem}", "provider-monitor check")
    for id, doubts in it.config.doubts.items():
        for doubt in doubts:
            yield Remark(Grade.WARNING, Topic.KEYS, f"{id}: {doubt}", "provider-monitor check")
    well = [one for one in it.config.accounts.values() if not one.problem]
    if well and len(well) == len(it.config.accounts):
        yield Remark(
            Grade.OK, Topic.KEYS, f"{count(len(well), 'account')} with a key that can be read, or without need of one"
        )


def accounts(it: Examination) -> Iterator[Remark]:
    """Remark on accounts that never answered well: most likely they were never set up right."""
    if it.stored is None or it.stored.beat is None:
        yield Remark(Grade.UNKNOWN, Topic.ACCOUNTS, "whether each has answered is not known: nothing is read of it")
        return
    found = [remark for id in it.config.accounts for remark in _of_account(id, it.stored, it.now)]
    yield from found
    if not found:
        yield Remark(
            Grade.OK, Topic.ACCOUNTS, f"{count(len(it.config.accounts), 'account')}, each has answered well before"
        )


def _of_account(id: str, stored: StoredFacts, now: datetime) -> Iterator[Remark]:
    its = [one for target, one in stored.healths.items() if account_of(target) == id]
    seen = [one.seen_at for one in its if one.seen_at]
    ask = f"provider-monitor probe {shlex.quote(id)}"
    if not seen:
        yield Remark(
            Grade.WARNING, Topic.ACCOUNTS, f"{id} was never asked", f"{ask}; a running monitor takes it on by itself"
        )
    elif all(one.well_at is None for one in its):
        yield Remark(Grade.WARNING, Topic.ACCOUNTS, f"{id} has never answered well{_fault(its)}", ask)


def _fault(its: Sequence[Health]) -> str:
    found = next((one for one in its if one.fault), None)
    return f": {found.fault}" if found else ""


def feeds(it: Examination) -> Iterator[Remark]:
    """Remark on status sources that are not believed."""
    if not it.config.feeds:
        yield Remark(Grade.OK, Topic.FEEDS, "none is followed")
        return
    if it.stored is None or not it.stored.sources:
        yield Remark(
            Grade.UNKNOWN, Topic.FEEDS, f"{count(len(it.config.feeds), 'status source')}, none of which was read yet"
        )
        return
    failing = [one for id in it.config.feeds if (one := it.stored.sources.get(id)) and not one.is_readable(it.now)]
    for one in failing:
        since = f" for {duration((it.now - one.doubtful_since).total_seconds())}" if one.doubtful_since else ""
        why = describe_doubt(one.problem) if one.problem else "it was not read lately"
        yield Remark(Grade.WARNING, Topic.FEEDS, f"{one.id} is not believed{since}: {why}", "provider-monitor feeds")
    if not failing:
        yield Remark(Grade.OK, Topic.FEEDS, f"{count(len(it.config.feeds), 'status source')} read")


def channels(it: Examination) -> Iterator[Remark]:
    """Remark on the form of each channel's address, on its latest message, and on the test if one was sent."""
    its = [one for one in it.config.channels if one != TERMINAL]
    if not its:
        words = "nobody is told: there is no channel but the terminal of `run`"
        yield Remark(Grade.WARNING, Topic.CHANNELS, words, "add [[channels]], as monitor.toml shows")
        return
    unsent = dict(it.stored.unsent) if it.stored else {}
    found = [remark for one in its for remark in _of_channel(one, unsent, it.sent)]
    yield from found
    if not found:
        how = "took the test message" if it.sent else "of the right form; `doctor --send` tests them"
        yield Remark(Grade.OK, Topic.CHANNELS, f"{count(len(its), 'channel')} {how}")


def _of_channel(one: Channel, unsent: Mapping[str, str], sent: Mapping[str, str | None] | None) -> Iterator[Remark]:
    test = f"provider-monitor alerts test {shlex.quote(one.name)}"
    if not one.url:
        words = f"{one.name}: its address is in a variable or file that is not readable here"
        yield Remark(Grade.UNKNOWN, Topic.CHANNELS, words, "say this where the monitor runs")
    elif wrong := check_address(one):
        yield Remark(Grade.ERROR, Topic.CHANNELS, f"{one.name}: its {wrong.key} {wrong.what}", wrong.repair)
    elif sent and (error := sent.get(one.name)):
        yield Remark(Grade.ERROR, Topic.CHANNELS, f"{one.name} did not take the test message: {error}", MEND_CHANNEL)
    elif one.name in unsent and not (sent and one.name in sent):
        yield Remark(Grade.ERROR, Topic.CHANNELS, f"{one.name}: its latest message fails: {unsent[one.name]}", test)


MEND_CHANNEL = "compare its address with what the service shows you, then say `provider-monitor doctor --send` again"


def heartbeat(it: Examination) -> Iterator[Remark]:
    """Remark on whether anybody outside notices if this machine is gone; it is not pinged, as that would deceive it."""
    if it.config.heartbeat:
        yield Remark(Grade.OK, Topic.HEARTBEAT, f"configured, each {it.config.heartbeat.interval_s:g} s")
    elif it.config.simulated:
        yield Remark(Grade.OK, Topic.HEARTBEAT, "the demonstration needs none")
    else:
        words = "none is configured: nobody notices if this machine or the monitor is gone"
        yield Remark(
            Grade.WARNING,
            Topic.HEARTBEAT,
            words,
            'add [heartbeat] url = "env:NAME", the address of a dead man\'s switch',
        )
