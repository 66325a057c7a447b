"""What people ask and answer about alerts at a terminal; nothing here sends anything but `test`."""

import getpass
import re
from argparse import ArgumentTypeError, Namespace
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import datetime, timedelta

from monitor.alert.case import Fate, with_changes
from monitor.alert.reply import Reply, ReplyKind, standing
from monitor.alert.routing import Situation, decide, judge
from monitor.alert.rule import Maintenance, Match
from monitor.config.config import Config
from monitor.diagnose.course import fading
from monitor.diagnose.incident import Change, ChangeKind, Incident
from monitor.replay.alerts import Record, ReplayedMessage
from monitor.replay.alerts import replay as again
from monitor.store import reader
from monitor.store.connection import open_reader
from monitor.store.replies import leave
from monitor.words import count, duration, title
from probes.document import DocumentError, Problem

Print = Callable[[str], None]

AHEAD = timedelta(days=30)
UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def span(text: str) -> timedelta:
    """Return a duration that was written as 30m, 2h or 7d."""
    found = re.fullmatch(r"(\d{1,4})([mhd])", text)
    if not found or not int(found[1]):
        raise ArgumentTypeError(f'"{text}" is no duration; write 30m, 2h or 7d')
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def acknowledge(config: Config, arguments: Namespace, now: datetime, say: Print) -> None:
    incident = _incident(config, arguments.incident)
    leave(config.database, config.location, Reply(ReplyKind.ACKNOWLEDGE, now, _who(arguments), incident))
    say(f"{incident}: acknowledged; no more reminders and no escalation, but you hear of its end")


def snooze(config: Config, arguments: Namespace, now: datetime, say: Print) -> None:
    incident, until = _incident(config, arguments.incident), now + arguments.span
    leave(config.database, config.location, Reply(ReplyKind.SNOOZE, now, _who(arguments), incident, until=until))
    say(f"{incident}: snoozed until {until:%Y-%m-%d %H:%M} UTC; you hear of its end")


def silence(config: Config, arguments: Namespace, now: datetime, say: Print) -> None:
    """Begin a silence, end one, or list those that stand."""
    if arguments.end:
        _end_silence(config, arguments, now, say)
    elif arguments.span:
        _begin_silence(config, arguments, now, say)
    else:
        for line in _silences(config, now):
            say(line)


def _begin_silence(config: Config, arguments: Namespace, now: datetime, say: Print) -> None:
    match = Match(
        accounts=tuple(arguments.account),
        providers=tuple(arguments.provider),
        tags=tuple(arguments.tag),
        faults=tuple(arguments.fault),
    )
    _check_known(config, match)
    if not arguments.reason:
        raise _wrong("silence", "lacks --reason", 'say why, for whoever wonders: --reason "key is being replaced"')
    until = now + arguments.span
    one = Reply(ReplyKind.SILENCE, now, _who(arguments), match=match, until=until, reason=arguments.reason)
    leave(config.database, config.location, one)
    say(f"{one.id}: silent until {until:%Y-%m-%d %H:%M} UTC: {_what(match)}")


def _check_known(config: Config, match: Match) -> None:
    known = {
        "account": (match.accounts, set(config.accounts)),
        "provider": (match.providers, set(config.providers)),
        "tag": (match.tags, {tag for account in config.accounts.values() for tag in account.tags}),
    }
    for part, (named, there) in known.items():
        for name in named:
            if name not in there:
                raise _wrong(f'--{part} "{name}"', "is not watched", f"use one of: {', '.join(sorted(there))}")


def _end_silence(config: Config, arguments: Namespace, now: datetime, say: Print) -> None:
    known = [one.id for one in _standing_silences(config, now)]
    if arguments.end not in known:
        raise _wrong(f'"{arguments.end}"', "is no silence that stands", f"use one of: {', '.join(known) or 'none'}")
    leave(config.database, config.location, Reply(ReplyKind.LIFT, now, _who(arguments), arguments.end))
    say(f"{arguments.end}: ended")


def _silences(config: Config, now: datetime) -> Iterator[str]:
    found = _standing_silences(config, now)
    for one in found:
        match = one.match or Match()
        yield f"{one.id}: until {one.until:%Y-%m-%d %H:%M} UTC, {_what(match)}, by {one.by}: {one.reason}"
    if not found:
        yield "no silence stands"


def _standing_silences(config: Config, now: datetime) -> list[Reply]:
    return [one for one in standing(_correspondence(config, now).replies, now) if one.kind is ReplyKind.SILENCE]


def _correspondence(config: Config, now: datetime) -> reader.Correspondence:
    with closing(open_reader(config.database)) as db:
        return reader.correspondence(db, now)


def _what(match: Match) -> str:
    parts = (*match.accounts, *match.providers, *match.tags, *match.faults)
    return ", ".join(parts) or "everything"


def maintenance(config: Config, arguments: Namespace, now: datetime, say: Print) -> None:
    """List the windows of the next days, or print all as a calendar."""
    if arguments.ical:
        from monitor.alert.ical import calendar

        say(calendar(config.rules.maintenance, now).decode().replace("\r\n", "\n").rstrip())
        return
    found = sorted(_coming(config.rules.maintenance, now))
    for start, end, name, what in found:
        say(f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC: {name} ({what})")
    if not found:
        say(f"no maintenance within {duration(AHEAD.total_seconds())}")


def _coming(windows: Iterable[Maintenance], now: datetime) -> Iterator[tuple[datetime, datetime, str, str]]:
    for one in windows:
        for its in one.window.spans(now - one.window.lasts, now + AHEAD):
            if its.end > now:
                yield its.start, its.end, one.name, _what(one.match)


def hearers(config: Config, incident: Incident, now: datetime) -> list[str]:
    """Return the channels that would be told of such an incident now."""
    cases = with_changes({}, [Change(incident, ChangeKind.OPENED, now)])
    return [message.channel for message in decide(Situation(cases, config.channels, config.rules, (), now))]


def explain(config: Config, incident: str | None, now: datetime, say: Print) -> None:
    """Say for each channel what it is to be told of an incident now, or what holds it."""
    told = _correspondence(config, now)
    with closing(open_reader(config.database)) as db:
        known = reader.resume(db, config.location)
    id = _one_of(list(told.cases), incident, "incident of the last two days")
    case = told.cases[id]
    say(f"{id}: {title(case.incident)} ({case.incident.severity}, {case.last.kind})")
    doubtful = fading(known.incidents.values(), known.healths)
    scene = Situation(told.cases, config.channels, config.rules, told.replies, now, doubtful)
    for channel in config.channels:
        for one in case.told.get(channel.name, ()):
            say(f"  {channel.name}: {one.step} at {one.at:%Y-%m-%d %H:%M:%S} UTC")
        verdict = judge(case, channel, scene)
        say(f"  {channel.name}: {'due: ' + verdict.step if verdict.step else 'nothing now'}: {verdict.why}")


def history(config: Config, last: int, say: Print) -> None:
    """Print what was sent, to whom, when, in how many tries, and what came of it."""
    with closing(open_reader(config.database)) as db:
        rows = reader.latest_deliveries(db, last)
    for incident, note, one in rows:
        about = f"{title(incident)} ({incident.id})" if incident else note
        error = f": {one.error}" if one.error else ""
        say(f"{one.at:%Y-%m-%d %H:%M:%S} UTC {one.channel}: {one.step}: {about}: {one.state}, tries {one.tries}{error}")


def replay(config: Config, since: timedelta, now: datetime, say: Print) -> None:
    """Feed the recorded changes through today's rules, and print what would have been sent; send nothing.

    What people answered counts as it was given, and how a message went as it is on record.
    """
    begin = now - since
    with closing(open_reader(config.database)) as db:
        record = Record(begin, reader.changes_since(db, begin), reader.all_replies(db), reader.fates(db, begin))
    counted: Counter[bool] = Counter()
    for line in again(record, config.channels, config.rules, config.digest, now):
        counted[line.fate is not None] += 1
        say(f"{line.at:%Y-%m-%d %H:%M:%S} UTC {line.message.channel}: {line.message.step}: {_in_words(line)}")
    say(f"{count(counted.total(), 'message')} in {duration(since.total_seconds())}; nothing was sent now")
    if counted[False]:
        say(f"{counted[False]} of them were not sent then; it is assumed that those are delivered")


def _in_words(line: ReplayedMessage) -> str:
    about = title(line.incident) if line.incident else line.message.note
    more = f", in one list of {line.together}" if line.together > 1 else ""
    return about + more + (f" (then {_went(line.fate)})" if line.fate else "")


def _went(fate: Fate) -> str:
    return f"{fate.state}, tries {fate.tries}" + (f": {fate.error}" if fate.error else "")


def _incident(config: Config, wanted: str | None) -> str:
    with closing(open_reader(config.database)) as db:
        known = list(reader.resume(db, config.location).incidents)
    return _one_of(known, wanted, "open incident")


def _one_of(known: list[str], wanted: str | None, kind: str) -> str:
    """Return the id that is meant: by a part of it, or without a word where there is only one."""
    found = [id for id in known if wanted is None or wanted in id]
    if len(found) == 1:
        return found[0]
    what = f'"{wanted}"' if wanted else "INCIDENT"
    if not known:
        raise _wrong(what, f"cannot be meant: there is no {kind}", "see `provider-monitor incidents`")
    raise _wrong(
        what, f"is no {kind}" if not found else f"may be each {kind}", f"use one of: {', '.join(found or known)}"
    )


def _who(arguments: Namespace) -> str:
    return arguments.by or getpass.getuser()


def _wrong(key: str, what: str, repair: str) -> DocumentError:
    return DocumentError([Problem("command line", key, what, repair)])
