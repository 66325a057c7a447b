"""`alerts`: test channels, print what was sent or would be, explain it, or replay it by today's rules.

Only `test` sends anything.
"""

import asyncio
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial

from msgspec import Struct

from monitor.alert.case import Case, describe_topic
from monitor.alert.channel import Channel
from monitor.alert.deliver import send
from monitor.alert.routing import RoutingInput, explain_for
from monitor.alert.text import MessageText
from monitor.backend import open_store
from monitor.config.config import Config
from monitor.console.alert_history import load_messages
from monitor.console.argument import parse_duration
from monitor.console.configuration import load_with_accounts, read_with
from monitor.console.preflight import check_before_start
from monitor.console.report import add_formats, is_for_program, print_report
from monitor.console.report_row import (
    ChannelTestReport,
    ExplanationReport,
    MessageReport,
    PreviewReport,
    ReplayedMessageReport,
)
from monitor.console.selection import select_channels, select_one
from monitor.console.short_run import run_short
from monitor.console.terminal import DOWN, UP, Print, print_error, print_line
from monitor.diagnose.incident import Severity
from monitor.diagnose.lifecycle import fading_incidents
from monitor.replay.alerts import Record, ReplayedMessage
from monitor.replay.alerts import replay_alerts as again
from monitor.store.resumption import RestoredBelief
from monitor.words import count, duration, stamp, title


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("what", choices=["test", "preview", "history", "explain", "replay"], metavar="WHAT",
                        help="test: send to one or all channels; preview: what a channel would be sent; history: what "
                        "was sent; explain: which rules fired or held; replay: what today's rules would have "
                        "sent")  # fmt: skip
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="the channel to test, or the incident to explain or preview"
    )
    parser.add_argument("channel", nargs="?", metavar="CHANNEL", help="preview: the channel; without it all of them")
    parser.add_argument("--last", type=int, default=20, metavar="N", help="history: at most N (default: 20)")
    add_formats(parser)
    parser.add_argument(
        "--since", type=parse_duration, default="7d", metavar="SPAN", help="replay: so far back (default: 7d)"
    )


def run(arguments: Namespace) -> int:
    if arguments.what == "history":
        return read_with(arguments, partial(_history, arguments))
    now = datetime.now(UTC)
    config = load_with_accounts(arguments, sends=arguments.what in ("test", "preview"))
    match arguments.what:
        case "test":
            return _test(config, arguments)
        case "explain":
            found = explanation(config, arguments.name, now)
            print_report(arguments, ExplanationReport, found.channels, lambda: _tell(found, print_line))
        case "preview":
            shown = previews(config, arguments.name, arguments.channel, now)
            print_report(arguments, PreviewReport, shown, lambda: _tell_previews(shown))
        case "replay":
            sent = replayed(config, arguments.since, now)
            tell = partial(_tell_replay, sent, arguments.since, config.rules.zone, print_line)
            print_report(arguments, ReplayedMessageReport, sent, tell)
    return UP


def _history(arguments: Namespace, config: Config) -> int:
    rows = message_reports(config, arguments.last)
    print_report(arguments, MessageReport, rows, lambda: history(rows, config.rules.zone, print_line))
    return UP


def _test(config: Config, arguments: Namespace) -> int:
    check_before_start(config)
    show = print_error if is_for_program(arguments) else print_line
    results = try_channels(config, select_channels(config, arguments.name), show)
    rows = [ChannelTestReport(name, error) for name, error in results.items()]
    print_report(arguments, ChannelTestReport, rows, lambda: _tell_results(rows))
    return DOWN if any(results.values()) else UP


def _tell_results(rows: Sequence[ChannelTestReport]) -> None:
    for one in rows:
        print_line(f"{one.channel}: {one.error or 'accepted'}")


def try_channels(config: Config, names: Sequence[str], show: Print) -> dict[str, str | None]:
    """Send a test to these channels, past all rules; return the error of each, None if it was accepted."""
    return run_short(send_tests(config, names, show))


async def send_tests(config: Config, names: Sequence[str], show: Print) -> dict[str, str | None]:
    """Do so within a loop."""
    title = f"[TEST] provider-monitor at {config.location} reaches you"
    body = "This is a test. Nothing is wrong, and nothing has changed.\n"
    chosen = [channel for channel in config.channels if channel.name in names]
    results = await asyncio.gather(*(send(one, MessageText(title, body, body), Severity.INFO, show) for one in chosen))
    return {channel.name: error for channel, error in zip(chosen, results, strict=True)}


class Explanation(Struct, frozen=True):
    """What each channel is told of an incident, and why; `heading`: the incident, in words."""

    heading: str
    channels: Sequence[ExplanationReport]


def explain(config: Config, incident: str | None, now: datetime, say: Print) -> None:
    """Print for each channel what it would be sent about an incident now, or what holds it back."""
    _tell(explanation(config, incident, now), say)


def explanation(config: Config, incident: str | None, now: datetime) -> Explanation:
    case, scene, _ = _scene(config, incident, now)
    id = case.incident.id
    heading = f"{id}: {title(case.incident)} ({case.incident.severity}, {case.last.kind})"
    return Explanation(heading, [_explained(case, channel, scene) for channel in config.channels])


def _explained(case: Case, channel: Channel, scene: RoutingInput) -> ExplanationReport:
    verdict = explain_for(case, channel, scene)
    sent = [f"{one.step} at {stamp(one.at, scene.rules.zone, seconds=True)}" for one in case.told.get(channel.name, ())]
    incident = case.incident
    return ExplanationReport(incident.id, title(incident), channel.name, verdict.step, verdict.why, sent)


def _tell(found: Explanation, say: Print) -> None:
    say(found.heading)
    for one in found.channels:
        for step in one.sent:
            say(f"  {one.channel}: {step}")
        say(f"  {one.channel}: {'due: ' + one.due if one.due else 'nothing now'}: {one.why}")


def previews(config: Config, incident: str | None, channel: str | None, now: datetime) -> list[PreviewReport]:
    """Return what one channel, or each, would be sent about an incident now; without a name about the latest one."""
    from monitor.console.preview import preview  # it loads all that composes messages

    names = select_channels(config, channel)
    case, scene, known = _scene(config, incident, now, latest=True)
    return [preview(config, case, one, scene, known) for one in config.channels if one.name in names]


def _tell_previews(rows: Sequence[PreviewReport]) -> None:
    from monitor.console.preview import tell_preview

    for one in rows:
        tell_preview(one, print_line)


def _scene(
    config: Config, incident: str | None, now: datetime, *, latest: bool = False
) -> tuple[Case, RoutingInput, RestoredBelief]:
    """Return the incident that is meant, and all that decides who is told of it; `latest` is meant if none is named."""
    told = load_messages(config, now)
    incident = max(told.cases, default=None) if latest and incident is None else incident
    with open_store(config.store).reading() as stored:
        known = stored.resumption.resume()
    case = told.cases[select_one(list(told.cases), incident, "incident of the last two days")]
    doubtful = fading_incidents(known.incidents.values(), known.healths)
    return case, RoutingInput(told.cases, config.channels, config.rules, told.replies, now, doubtful), known


def message_reports(config: Config, last: int) -> list[MessageReport]:
    with open_store(config.store).reading() as stored:
        rows = stored.messages.latest(last)
    return [
        MessageReport(
            at=one.at,
            channel=one.channel,
            step=one.step,
            incident=incident.id if incident else None,
            about=title(incident) if incident else note,
            state=one.state,
            tries=one.tries,
            error=one.error,
        )
        for incident, note, one in rows
    ]


def history(rows: Sequence[MessageReport], zone: tzinfo, say: Print) -> None:
    """Print the messages sent: to whom, when (in `zone`), in how many tries, and with what result."""
    if not rows:
        say("no message was sent yet; `alerts test` sends one to each channel, `drill ACCOUNT` rehearses an incident")
    for one in rows:
        about = f"{one.about} ({one.incident})" if one.incident else one.about
        error = f": {one.error}" if one.error else ""
        at = stamp(one.at, zone, seconds=True)
        say(f"{at} {one.channel}: {one.step}: {about}: {one.state}, tries {one.tries}{error}")


def replay(config: Config, since: timedelta, now: datetime, say: Print) -> None:
    """Print what today's rules would have sent; send nothing."""
    _tell_replay(replayed(config, since, now), since, config.rules.zone, say)


def replayed(config: Config, since: timedelta, now: datetime) -> list[ReplayedMessageReport]:
    """Feed the recorded changes through today's rules, and return what would have been sent.

    Replies take effect when they were given, and deliveries are taken as recorded.
    """
    begin = now - since
    with open_store(config.store).reading() as stored:
        changes, told = stored.incidents.changes_since(begin), stored.messages
        record = Record(begin, changes, told.replies(), told.fates(begin))
    return [_replayed(line) for line in again(record, config.channels, config.rules, config.digest, now)]


def _replayed(line: ReplayedMessage) -> ReplayedMessageReport:
    told, fate = line.message, line.fate
    return ReplayedMessageReport(
        at=line.at,
        channel=told.channel,
        step=told.step,
        incident=line.incident.id if line.incident else None,
        about=title(line.incident) if line.incident else describe_topic(told.about_channel, told.note),
        together=line.together,
        state=fate.state if fate else None,
        tries=fate.tries if fate else None,
        error=fate.error if fate else None,
    )


def _tell_replay(rows: Sequence[ReplayedMessageReport], since: timedelta, zone: tzinfo, say: Print) -> None:
    for one in rows:
        say(f"{stamp(one.at, zone, seconds=True)} {one.channel}: {one.step}: {_in_words(one)}")
    say(f"{count(len(rows), 'message')} in {duration(since.total_seconds())}; nothing was sent now")
    if unsent := sum(one.state is None for one in rows):
        say(f"{unsent} of them were not sent then; it is assumed that those are delivered")


def _in_words(one: ReplayedMessageReport) -> str:
    more = f", in one list of {one.together}" if one.together > 1 else ""
    went = f"{one.state}, tries {one.tries}" + (f": {one.error}" if one.error else "")
    return f"{one.about}{more}" + (f" (then {went})" if one.state else "")
