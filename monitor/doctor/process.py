"""The program, its process and what it left → remarks on versions, stages, the page and gaps; pure."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import assert_never

from monitor.doctor.examination import Examination, Program, StoredFacts
from monitor.doctor.remark import Grade, Remark, Topic
from monitor.publish.collect import fresh_s
from monitor.sentence.diagnosis import describe_stage_failure
from monitor.store.checkup import Listening
from monitor.store.lock import UNKNOWN
from monitor.words import count, duration

LATE = 3
"""Times the usual pause after which a round is missing."""
RECENT = timedelta(days=1)
RESTART = "restart it: systemctl restart provider-monitor, or stop `run` and start it again"
START = "start it: systemctl start provider-monitor, or `provider-monitor run`; for cron look at `crontab -l`"


def versions(it: Examination) -> Iterator[Remark]:
    if it.program is None:
        yield Remark(Grade.UNKNOWN, Topic.VERSIONS, "what is installed could not be read in time")
        return
    found = [*_outside(it.program), *_outdated(it.program)]
    yield from found
    if not found:
        yield Remark(Grade.OK, Topic.VERSIONS, f"Python {it.program.python} and each library as it should be")


def _outside(program: Program) -> Iterator[Remark]:
    if program.libraries is None:
        words = f"Python {program.python}; which libraries fit is not known: this is not installed as a package"
        yield Remark(Grade.UNKNOWN, Topic.VERSIONS, words, "python -m pip install .")
        return
    if program.python_allowed and not is_within(program.python, program.python_allowed):
        words = f"Python {program.python} is none of {program.python_allowed}"
        yield Remark(Grade.ERROR, Topic.VERSIONS, words, "install it anew with another Python")
    for one in program.libraries:
        if one.version is None:
            words = f"{one.name} is not installed"
            yield Remark(Grade.ERROR, Topic.VERSIONS, words, f"python -m pip install '{one.name}{one.allowed}'")
        elif not is_within(one.version, one.allowed):
            words = f"{one.name} {one.version} is none of {one.allowed}, with which it was tried"
            yield Remark(Grade.WARNING, Topic.VERSIONS, words, f"python -m pip install '{one.name}{one.allowed}'")


def _outdated(program: Program) -> Iterator[Remark]:
    began, changed = program.holder_began, program.changed_at
    if began and changed and began < changed:
        words = f"the running process was started at {began:%Y-%m-%d %H:%M} UTC, before the program was last changed"
        yield Remark(Grade.WARNING, Topic.VERSIONS, words, RESTART)


CLAUSE = re.compile(r"(>=|<=|==|!=|<|>)\s*(\d+(?:\.\d+)*)")
"""One clause of a version specifier, as far as pyproject.toml uses them. Source: PEP 440."""


def is_within(version: str, allowed: str) -> bool:
    """Whether a version is within a range such as `>=3.12,<4`; what cannot be read forbids nothing."""
    return all(_holds(_numbers(version), how, _numbers(bound)) for how, bound in CLAUSE.findall(allowed))


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"\d+(?:\.\d+)*", version)
    numbers = [int(part) for part in found[0].split(".")] if found else []
    while numbers and numbers[-1] == 0:  # 4.0 is 4
        numbers.pop()
    return tuple(numbers)


def _holds(version: tuple[int, ...], how: str, bound: tuple[int, ...]) -> bool:
    return {
        ">=": version >= bound,
        "<=": version <= bound,
        "==": version == bound,
        "!=": version != bound,
        "<": version < bound,
        ">": version > bound,
    }[how]


def process(it: Examination) -> Iterator[Remark]:
    """Remark on whether a monitor is watching, and hears commands."""
    found = [*_watching(it), *_listening(it)]
    yield from found
    if found or it.stored is None or it.store is None:
        if it.stored is None and not found:
            yield Remark(Grade.UNKNOWN, Topic.PROCESS, nothing_read(it))
        return
    who = f"process {it.store.holder} watches and hears commands" if it.store.holder else "rounds by `once` are made"
    when = f"the last probe was {_ago(it.stored.beat, it.now)}" if it.stored.beat else "it has not probed yet"
    yield Remark(Grade.OK, Topic.PROCESS, f"{who}; {when}")


def _ago(at: datetime | None, now: datetime) -> str:
    return f"{duration(max((now - at).total_seconds(), 0))} ago" if at else "never"


def _watching(it: Examination) -> Iterator[Remark]:
    if it.stored is None or it.stored.refusal:
        if it.store and not it.store.there and not it.store.problem:
            yield Remark(Grade.WARNING, Topic.PROCESS, "nobody has watched yet", START)
        return
    if not _is_late(it.stored, it):
        return
    if it.store and it.store.holder:
        words = f"process {it.store.holder} runs, and its last probe was {_ago(it.stored.beat, it.now)}"
        yield Remark(Grade.ERROR, Topic.PROCESS, words, RESTART)
    else:
        yield Remark(
            Grade.ERROR, Topic.PROCESS, f"nobody watches: the last probe was {_ago(it.stored.beat, it.now)}", START
        )


def _is_late(stored: StoredFacts, it: Examination) -> bool:
    most = max(timedelta(seconds=fresh_s(it.config)), LATE * stored.pause)
    began = it.program.holder_began if it.program else None  # who has just begun may not have probed yet
    latest = max(filter(None, (stored.beat, began)), default=None)
    return latest is None or it.now - latest > most


def _listening(it: Examination) -> Iterator[Remark]:
    if it.store is None:
        return
    if it.store.holder:
        who = "another process" if it.store.holder == UNKNOWN else f"process {it.store.holder}"
        yield from _heard(it.store.listening, who)
    if it.store.unread:
        words = f"{count(it.store.unread, 'answer')} of people left unread beside {it.store.name}"
        how = "repeat them as the monitor's user; the next start takes what it can"
        yield Remark(Grade.WARNING, Topic.PROCESS, words, how)


def _heard(how: Listening, who: str) -> Iterator[Remark]:
    silent = f"{who} holds the database and does not hear `acknowledge`, `snooze` and `silence`"
    match how:
        case Listening.ANSWERS:
            return
        case Listening.HANGS:
            yield Remark(Grade.ERROR, Topic.PROCESS, f"{silent}: it hangs", RESTART)
        case Listening.NOBODY:
            yield Remark(Grade.ERROR, Topic.PROCESS, silent, RESTART)
        case Listening.CLOSED:
            words = f"whether {who} hears commands is not known: its socket is closed to this user"
            yield Remark(Grade.UNKNOWN, Topic.PROCESS, words, "say this as the user whose monitor it is")
        case _:
            assert_never(how)


def nothing_read(it: Examination) -> str:
    """Return why nothing that a monitor stored is known."""
    is_new = it.store is not None and not it.store.there and not it.store.problem
    return "nothing is stored yet" if is_new else "the database could not be read"


def stages(it: Examination) -> Iterator[Remark]:
    """Remark on what of the monitor itself fails, as it last said."""
    if it.stored is None:
        yield Remark(Grade.UNKNOWN, Topic.STAGES, nothing_read(it))
        return
    for one in it.stored.failing:
        grade = Grade.ERROR if one.is_lasting else Grade.WARNING
        yield Remark(grade, Topic.STAGES, describe_stage_failure(one.reason), LOG)
    for words in it.stored.said:
        yield Remark(Grade.WARNING, Topic.STAGES, f"a round said: {words}", "mend that; the next round takes it back")
    if not it.stored.failing and not it.stored.said:
        yield Remark(Grade.OK, Topic.STAGES, "none has failed" if it.stored.beat else "none has run yet")


LOG = "the log has the whole error: journalctl -u provider-monitor -e; restart it, and report the bug"


def page(it: Examination) -> Iterator[Remark]:
    """Remark on a page that is older than the last probe."""
    if it.page is None:
        yield Remark(Grade.UNKNOWN, Topic.PAGE, "it could not be read in time")
        return
    beat, made = it.stored.beat if it.stored else None, it.page.made_at
    if beat is None or not it.stored or it.stored.refusal:
        words = f"{it.page.name} was made {_ago(made, it.now)}" if made else "none was made yet"
        yield Remark(Grade.UNKNOWN if made else Grade.OK, Topic.PAGE, words)
        return
    late = timedelta(seconds=fresh_s(it.config))
    if made is None or beat - made > late:
        words = f"{it.page.name} was made {_ago(made, it.now)}, and the last probe was {_ago(beat, it.now)}"
        yield Remark(Grade.ERROR, Topic.PAGE, words, "see `files` and `stages` here; then look at the log for `page`")
    else:
        yield Remark(Grade.OK, Topic.PAGE, f"made {_ago(made, it.now)}")


def gaps(it: Examination) -> Iterator[Remark]:
    """Remark on the time that nobody watched lately, such as rounds that cron did not start, or that were skipped."""
    if it.stored is None:
        yield Remark(Grade.UNKNOWN, Topic.GAPS, nothing_read(it))
        return
    found = [*_missed(it.stored, it.now), *_skipped(it.stored, it.now)]
    yield from found
    if not found:
        words = "no round was missed in the last day" if it.stored.beat else "no round was made yet"
        yield Remark(Grade.OK, Topic.GAPS, words)


def _missed(stored: StoredFacts, now: datetime) -> Iterator[Remark]:
    recent = [(begin, end) for begin, end in stored.gaps if now - end < RECENT]
    if not recent:
        return
    longest = max(recent, key=lambda gap: gap[1] - gap[0])
    total = sum((end - begin for begin, end in recent), timedelta())
    words = (
        f"nobody watched for {duration(total.total_seconds())} of the last day, in {count(len(recent), 'gap')}; "
        f"the longest from {longest[0]:%Y-%m-%d %H:%M} to {longest[1]:%Y-%m-%d %H:%M} UTC"
    )
    yield Remark(Grade.WARNING, Topic.GAPS, words, "see what stopped it: journalctl -u cron, or -u provider-monitor")


def _skipped(stored: StoredFacts, now: datetime) -> Iterator[Remark]:
    if stored.overlap and stored.overlap.is_recent(now):
        words = f"{count(stored.overlap.count, 'round')} of the last day skipped, as another process was at work"
        yield Remark(Grade.WARNING, Topic.GAPS, words, "let cron start it less often, or stop the `run` beside it")
