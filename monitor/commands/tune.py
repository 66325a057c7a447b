"""`tune`: replay the recorded past and print which alerts other settings would have sent."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from monitor.backend import open_store
from monitor.console.argument import add_account
from monitor.console.configuration import load_with_accounts
from monitor.console.report import add_formats, print_report
from monitor.console.report_row import SettingReport
from monitor.console.selection import select_accounts
from monitor.console.table import Table, TableCell, print_table, show_progress
from monitor.console.terminal import UP, Colour, print_line
from monitor.detect.health import Thresholds
from monitor.diagnose.incident import Incident
from monitor.replay.observations import replay_observations
from monitor.replay.tuning import (
    LEAST,
    MONTH,
    ObservationCount,
    ReplayResult,
    TriedSetting,
    compare,
    neighbouring_settings,
    outages,
)
from monitor.words import count, duration, title, zone_name

HOW_TO_READ = (
    "From {held}, replayed through diagnosis, routes, quiet hours, silences and digests as they are set up now. One",
    "incident has one cause, whatever it takes along; a delay counts from its first failure to the first message.",
    "Which of these did you want to hear of? Choose the first row that reports them, and write it below [probe] in",
    "monitor.toml. Probes stay as they were made, although a setting that needs more failures would have re-checked",
    "sooner. What is no probe (credit, limits, objectives, status pages) counts in each row as it was reported then.",
)


def add_arguments(parser: ArgumentParser) -> None:
    add_account(parser)
    add_formats(parser)
    parser.add_argument("--days", type=_days, metavar="N", help="replay the last N days (default: all that is kept)")


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 3650:
        raise ArgumentTypeError(f'"{text}" is no number of days; give 1 to 3650')
    return int(text)


def run(arguments: Namespace) -> int:
    config, now = load_with_accounts(arguments), datetime.now(UTC)
    begin = now - timedelta(days=arguments.days or config.retention.raw_days)
    tally = ObservationCount(frozenset(select_accounts(config, arguments.account)), begin)
    doing = f"replaying {count(len(config.watches), 'target')}"
    store = open_store(config.store)
    with store.reading() as stored, show_progress(doing) as report:
        told = replay_observations(stored, config, neighbouring_settings(config.thresholds), tally, now, report)
    held = _held(tally)
    if tally.span < LEAST and not (arguments.json or arguments.csv):
        print_line(f"too little history to say anything: {held}; come back when there is a day of it")
        return UP

    def tell() -> None:
        print_table(tune_table(told, config.thresholds, tally.span))
        if (found := outage_table(told, config.thresholds, config.rules.zone)).rows:
            print_table(found)
        for line in HOW_TO_READ:
            print_line(line.format(held=held))

    trials = compare(told, config.thresholds) if tally.span >= LEAST else []
    print_report(arguments, SettingReport, [_report(one, config.thresholds) for one in trials], tell)
    return UP


def _report(one: TriedSetting, now: Thresholds) -> SettingReport:
    its, is_current = one.setting, one.setting == now
    counts = (one.alarms, one.messages, one.delay_s, one.found, one.outages)
    return SettingReport(its.failures, its.blip_s, is_current, *counts)


def _held(tally: ObservationCount) -> str:
    over = duration(tally.span.total_seconds())
    return f"{tally.looks:,} probes of {count(len(tally.targets), 'target')} over {over}"


def tune_table(told: Mapping[Thresholds, ReplayResult], now: Thresholds, span: timedelta) -> Table:
    rows: list[tuple[TableCell | str, ...]] = [
        (
            TableCell(f"{_setting(one.setting)} (now)", Colour.BOLD) if one.setting == now else _setting(one.setting),
            *_counted(one.alarms, one.messages, span),
            "-" if one.delay_s is None else duration(one.delay_s),
            f"{one.found} of {one.outages}",
        )
        for one in compare(told, now)
    ]
    slow = told[now].slow
    rows.append(("of these: slower than usual (now)", *_counted(len(slow.alarms), slow.messages, span), "-", "-"))
    return Table(TUNE_TITLES, rows)


TUNE_TITLES = ("setting", "incidents", "a month", "messages", "a month", "delay (median)", "of those told now")


def _setting(setting: Thresholds) -> str:
    return f"failures = {setting.failures}, blip_s = {setting.blip_s:g}"


def _counted(alarms: int, messages: int, span: timedelta) -> tuple[str, str, str, str]:
    months = MONTH / span
    return str(alarms), f"{alarms * months:.1f}", str(messages), f"{messages * months:.1f}"


OUTAGES = 20
"""Most outages printed, the latest ones."""


def outage_table(told: Mapping[Thresholds, ReplayResult], now: Thresholds, zone: tzinfo) -> Table:
    rows = [
        (
            title(one.alarm.incident),
            _began(one.alarm.incident.opened_at.astimezone(zone)),
            _lasted(one.alarm.incident),
            str(one.alarm.messages),
            _untold(one.untold, now) or "-",
        )
        for one in outages(told, now)[:OUTAGES]
    ]
    return Table(("outage of", "began", "lasted", "messages", "not told with"), rows)


def _began(here: datetime) -> str:
    return f"{here:%d %b, %H:%M} {zone_name(here)}"


def _lasted(incident: Incident) -> str:
    return duration((incident.closed_at - incident.opened_at).total_seconds()) if incident.closed_at else "goes on"


def _untold(untold: Sequence[Thresholds], now: Thresholds) -> str:
    """Name each setting by its difference from the present one."""
    return ", ".join(
        f"blip_s = {one.blip_s:g}" if one.blip_s != now.blip_s else f"failures = {one.failures}" for one in untold
    )
