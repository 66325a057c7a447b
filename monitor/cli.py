"""Commands: parse, call, print. Results go to stdout, logs to stderr."""

import argparse
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from monitor import __version__

# Each command imports what it needs when it is called: `--help` and `check` must not pay for an HTTP
# client, a template engine or a table printer, and a cron run pays every import each minute.
if TYPE_CHECKING:
    from types import FrameType

    from monitor.config.config import Config
    from monitor.detect.health import State
    from monitor.detect.reminder import Reminder
    from monitor.publish.snapshot import Snapshot
    from monitor.stages.drill import Drill
    from probes.answer.classify import RulesOf
    from probes.catalog import Shelf
    from probes.model import Account, Fault, Target
    from probes.provider import Provider, Rule

UP, DOWN, WRONG_USE = 0, 1, 2
"""Exit codes: all is up; something is down or not known; the command or its configuration is wrong."""

OWN = "monitor.toml"
DEMONSTRATION = "state/demo.db"
"""Where the demonstration remembers."""

MANY = 50_000
"""So many new objects are worth a look for garbage: by default it is 700, and the start of `once` has 90 such."""

Arguments = argparse.Namespace


def main(argv: list[str] | None = None) -> int:
    collect_seldom()
    words = sys.argv[1:] if argv is None else argv
    arguments = build_parser(words).parse_args(words)
    command: Callable[[Arguments], int] = arguments.command
    signal.signal(signal.SIGTERM, _leave)
    try:
        return command(arguments)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UP
    except Exception as error:  # noqa: BLE001 - the interpreter would print its text as it is
        config = getattr(arguments, "loaded", None)
        if reasons := _reasons(error, config):
            return _refuse(*reasons)
        _tell_of_bug(error, config)
        return DOWN


def _leave(number: int, _: "FrameType | None") -> NoReturn:
    """End in good order: by default the programs that were started for a key or a look would go on."""
    raise SystemExit(128 + number)


def _tell_of_bug(error: Exception, config: "Config | None") -> None:
    """Print where an error of ours was met, without the secrets that its text may hold."""
    import traceback

    from probes.redact import conceal

    told = "".join(traceback.format_exception(error))
    complain(conceal(told, config.secrets if config else ()))


def collect_seldom() -> None:
    """Look for garbage seldom: what counts of references do not free is little."""
    gc.set_threshold(MANY)


def _reasons(error: Exception, config: "Config | None") -> list[str]:
    """Return what to tell of an error that the user can mend; nothing of any other."""
    import sqlite3

    from monitor.storage_refusal import StoreError
    from probes.document import DocumentError

    if isinstance(error, DocumentError):
        return list(map(str, error.problems))
    if isinstance(error, StoreError):
        return [str(error)]
    if isinstance(error, sqlite3.Error) and config:
        return _reasons_of_disk(error, config.database)
    return []


def _reasons_of_disk(error: Exception, database: Path) -> list[str]:
    """Return what to tell of a database that refuses in the middle of the work; nothing where it does not."""
    from monitor.storage_refusal import refusal_of
    from monitor.store.connection import unusable

    return [str(unusable(database, error))] if refusal_of(error) else []


HELP = {"-h", "--help"}


class Help(argparse.HelpFormatter):
    """Asks the terminal for its width; argparse would load three compressors to do so, at each start."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_width() - 2)


class Parser(argparse.ArgumentParser):
    """Repeats no key that somebody gave in the place of a word."""

    def error(self, message: str) -> NoReturn:
        from probes.redact import screen

        super().error(screen(message))


def _width() -> int:
    """Return the columns of the terminal, as COLUMNS tells where it is set; 80 where there is no terminal."""
    with suppress(ValueError, OSError):
        return int(os.environ.get("COLUMNS") or os.get_terminal_size(1).columns) or 80
    return 80


def build_parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser of a command line; only the command it names is given its options, as each start pays."""
    parser = Parser(
        formatter_class=Help,
        prog="provider-monitor",
        description="Tells you within a minute, with proof, when one of your AI accounts is being lost, "
        "and whether it is you, the provider, or the road between.",
        epilog="Exit codes: 0 all up, 1 something down or not known, 2 wrong use or configuration.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("-c", "--config", type=Path, metavar="FILE", help=f"the configuration (default: ./{OWN})")
    parser.add_argument("-v", "--verbose", action="store_true", help="log each beat, not only what changes")
    # Without `prog` argparse formats a usage.
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands", prog=parser.prog)
    named = [] if HELP & set(words) else [name for name in COMMANDS if name in words]
    for name in named or COMMANDS:
        function, does, fill = COMMANDS[name]
        sub = commands.add_parser(name, help=does, description=does[0].upper() + does[1:] + ".", formatter_class=Help)
        sub.set_defaults(command=function)
        if name in words:
            fill(sub)
    return parser


def run(arguments: Arguments) -> int:
    from monitor.runtime.shutdown import heed

    heed(UP)
    config = _heard_at(_config(arguments), arguments.host)
    _start_log(arguments, config)
    if config.accounts:
        from monitor.commands.oneshot import name_problems
        from monitor.runtime.daemon import watch

        name_problems(config)
        _check(config)
        watch(config, say)
    else:
        from monitor.commands.demo import demonstrate

        demonstrate(config.written, DEMONSTRATION, say, config.site.host)
    return UP


def _heard_at(config: "Config", host: str | None) -> "Config":
    """Let `run` listen on `host` where monitor.toml does not say where: what is written there goes before."""
    from msgspec.structs import replace

    site = replace(config.site, host=config.site.host or host)
    return replace(config, site=site)


def once(arguments: Arguments) -> int:
    from monitor.commands.oneshot import single_round
    from monitor.config.cost import overspending
    from monitor.runtime.shutdown import heed
    from monitor.store.connection import Busy
    from probes.document import DocumentError

    heed(128 + signal.SIGTERM)
    config = _with_accounts(arguments)
    _start_log(arguments, config)
    if problems := overspending(config):
        raise DocumentError(problems)
    try:
        states = single_round(config, say)
    except Busy as error:  # cron mails every line
        _leave_out(config, error)
        return UP
    return _verdict(states)


def _leave_out(config: "Config", why: Exception) -> None:
    import logging

    from monitor.store import overlap

    overlap.leave(config.database, datetime.now(UTC))
    logging.getLogger("monitor").debug("this round is left out: %s", why)


def probe(arguments: Arguments) -> int:
    from monitor.commands.oneshot import probe_now
    from monitor.commands.tables import observation_table, show_progress

    config = _with_accounts(arguments)
    accounts = _chosen(config, arguments.account)
    watches = [watch for watch in config.watches.values() if watch.target.account in accounts]
    with show_progress(f"asking {len(watches)} targets"):
        observations, mends = probe_now(config, watches)
    observation_table(observations, config.providers, {id: account.way for id, account in config.accounts.items()})
    for mend in mends:
        say(mend)
    return UP if all(observation.fault is None and observation.answer is None for observation in observations) else DOWN


def status(arguments: Arguments) -> int:
    from monitor.commands.tables import objective_table, status_table

    if arguments.alive:
        return _alive(_config(arguments))
    config = _with_accounts(arguments)
    from monitor.publish.status import Mark, standing

    snapshot = _snapshot(config)
    now = standing(snapshot)
    if arguments.json:
        from monitor.publish.private_site import status_json

        sys.stdout.write(status_json(snapshot, now).decode())
    else:
        status_table(snapshot, now)
        if snapshot.objectives:
            objective_table(snapshot.objectives)
    if snapshot.unwritten:
        complain(snapshot.warnings[0])
    for fault in snapshot.faults:
        complain(fault)
    is_sound = not snapshot.unwritten and not snapshot.faults
    return UP if is_sound and all(mark is Mark.UP for mark in now.marks.values()) else DOWN


def pick(arguments: Arguments) -> int:
    from monitor.publish.status import standing
    from monitor.publish.usable import pick as choose
    from monitor.publish.usable import usables

    config = _with_accounts(arguments)
    known = sorted({account.provider for account in config.accounts.values()})
    if arguments.provider not in known:
        return _refuse(_unknown("provider among the accounts", arguments.provider, known))
    snapshot = _snapshot(config)
    every = usables(snapshot, standing(snapshot))
    best = choose(every, arguments.provider)
    if best is None:
        complain(f"no account of {arguments.provider} is known to work now")
        for one in every:
            if one.provider == arguments.provider and one.usable and one.caution:
                complain(f"{one.account} is not offered: {one.caution.words}")
        return DOWN
    if best.caution:
        complain(f"caution: {best.caution.words}")
    say(best.account)
    return UP


def incidents(arguments: Arguments) -> int:
    from monitor.commands.tables import incident_table

    snapshot = _snapshot(_with_accounts(arguments))
    incident_table([*snapshot.open_incidents, *snapshot.past_incidents][: arguments.last])
    return DOWN if snapshot.open_incidents else UP


def check(arguments: Arguments) -> int:
    config = _config(arguments)
    _check(config)
    targets: dict[str, list[Target]] = {id: [] for id in config.accounts}
    for watch in config.watches.values():
        targets[watch.target.account].append(watch.target)
    for account in config.accounts.values():
        for words in _said_of(account, targets[account.id], config):
            say(f"{account.id}: {words}")
    for words in _authorities():
        say(words)
    for warning in (*_open_files(config), *_far_database(config)):
        complain(f"{warning}; this is only a warning")
    for words in (*_past(config.reminders), *_closed_to_others(config)):
        say(words)
    if config.malformed:
        problems = ((id, config.accounts[id].problem) for id in sorted(config.malformed))
        return _refuse(*(f"{config.file_name}: {id} cannot work: {problem}" for id, problem in problems))
    say(f"{_size(config)}: all well-formed{_what_is_missing(config)}")
    return UP


def _what_is_missing(config: "Config") -> str:
    """Say what a file that is right does not do yet."""
    from monitor.words import count

    if not config.accounts:
        return "; without an account, `run` shows a demonstration"
    if unasked := sum(account.problem is not None for account in config.accounts.values()):
        return f"; {count(unasked, 'account')} cannot be asked from here, see above"
    return ""


def _size(config: "Config") -> str:
    from monitor.words import count

    parts = {"account": config.accounts, "target": config.watches, "channel": config.channels}
    return ", ".join(count(len(them), noun) for noun, them in parts.items())


def _said_of(account: "Account", targets: Iterable["Target"], config: "Config") -> Iterator[str]:
    """Yield what is asked of an account, how its requests leave, and what may not be meant so."""
    asked = ", ".join(_asked(config, target) for target in targets)
    yield asked + (f"; UNKNOWN until mended: {account.problem}" if account.problem else "")
    yield from _way(account, account.base or config.providers[account.provider].base)
    for doubt in config.doubts.get(account.id, ()):
        yield f"{doubt}; this is only a warning"


def _past(reminders: Iterable["Reminder"]) -> Iterator[str]:
    for one in reminders:
        if one.until <= datetime.now(UTC):
            yield f"[[reminders]] {one.name}: {one.on} has passed, nothing is told of it any more; renew or remove it"


def _closed_to_others(config: "Config") -> Iterator[str]:
    for place in (config.public_folder, config.metrics):
        if place and place.is_relative_to(config.folder):
            where = f"[site] {place} is closed to others by {config.folder}"
            yield f"{where}: name a place beside it; this is only a warning"


def _way(account: "Account", base: str | None) -> Iterator[str]:
    """Yield how requests to `base` leave where they do not go straight out; no proxy is named with its password.

    Without a base the account is asked by a program, which is told of every proxy.
    """
    from probes.proxy import choose

    proxies = account.way.proxies
    for proxy in proxies.all if base is None else filter(None, [choose(proxies, base)]):
        yield f"through the proxy at {proxy.name}{f', as {proxy.known_user}' if proxy.known_user else ''}"
    if account.way.ca_file:
        yield f"believes the authorities in {account.way.ca_file} only"


def _authorities() -> Iterator[str]:
    """Yield who is believed by whatever has no `ca_file`: the variables go before the system's authorities."""
    from monitor.config.proxy_road import ENVIRONMENT, usual_authorities

    for words in usual_authorities(os.environ):
        yield f"{ENVIRONMENT}: {words}"


def _open_files(config: "Config") -> list[str]:
    from monitor.config.file_access import open_files

    return open_files(config.secret_files, config.secret_keys)


def _far_database(config: "Config") -> Iterator[str]:
    from monitor.store.file_system import warning

    if told := warning(config.database):
        yield told


def _asked(config: "Config", target: "Target") -> str:
    asked = " ".join(filter(None, (target.canary, target.model)))
    if line := config.providers[target.provider].canaries[target.canary].line(config.accounts[target.account]):
        import shlex

        asked += f" ({shlex.join(line)})"
    return asked


def cost(arguments: Arguments) -> int:
    from monitor.commands.tables import cost_table
    from monitor.config.cost import by_account, overspending

    config = _with_accounts(arguments)
    cost_table(by_account(config), config.budgets)
    problems = overspending(config)
    return _refuse(*map(str, problems)) if problems else UP


def tune(arguments: Arguments) -> int:
    from monitor.commands.tables import outage_table, show_progress, tune_table
    from monitor.replay.observations import look_back
    from monitor.replay.tuning import LEAST, LookCount, settings
    from monitor.store.connection import open_reader
    from monitor.words import count, duration

    config, now = _with_accounts(arguments), datetime.now(UTC)
    tally = LookCount(
        frozenset(_chosen(config, arguments.account)),
        now - timedelta(days=arguments.days or config.store.raw_days),
    )
    doing = f"replaying {count(len(config.watches), 'target')}"
    with closing(open_reader(config.database)) as db, show_progress(doing) as report:
        told = look_back(db, config, settings(config.thresholds), tally, now, report)
    over = duration(tally.span.total_seconds())
    held = f"{tally.looks:,} looks at {count(len(tally.targets), 'target')} over {over}"
    if tally.span < LEAST:
        say(f"too little history to say anything: {held}; come back when there is a day of it")
        return UP
    tune_table(told, config.thresholds, tally.span)
    outage_table(told, config.thresholds)
    for line in HOW_TO_READ_TUNE:
        say(line.format(held=held))
    return UP


HOW_TO_READ_TUNE = (
    "From {held}, replayed through diagnosis, routes, quiet hours, silences and digests as they are set up now. One",
    "incident has one cause, whatever it takes along; a delay counts from its first failure to the first message.",
    "Which of these did you want to hear of? Choose the first row that tells them, and write it below [probe] in",
    "monitor.toml. Looks stay as they were taken: what asks for more failures would have asked sooner again. What is",
    "no look (credit, limits, objectives, status pages) counts in each row as it was told then.",
)


def backup(arguments: Arguments) -> int:
    from monitor.store.backup import back_up

    config = _with_accounts(arguments)
    named = [*([config.file] if config.file else []), *config.files]
    replaced = back_up(config.database, arguments.file.absolute(), named)
    say(
        f"{config.database} was copied to {arguments.file}"
        + ("; the older copy there was replaced" if replaced else "")
    )
    return UP


def restore(arguments: Arguments) -> int:
    from monitor.store.backup import restore as put_back

    config = _with_accounts(arguments)
    aside = put_back(config.database, arguments.file, datetime.now(UTC))
    say(f"{config.database} is {arguments.file} now" + (f"; what it was is {aside.name} beside it" if aside else ""))
    return UP


def drill(arguments: Arguments) -> int:
    from monitor.commands.alerts import hearers
    from monitor.commands.oneshot import hold_drill, name_problems
    from monitor.stages.drill import Drill

    config = _with_accounts(arguments)
    _start_log(arguments, config)
    name_problems(config)
    _check(config)
    (account,) = _chosen(config, arguments.account)
    wish = Drill(account, arguments.fault, datetime.now(UTC))
    told = hearers(config, wish.incident, wish.at)
    if not told:
        complain(f"no channel is told of {arguments.fault} at {account}; see [[routes]] and the channels' severity")
        return DOWN
    say(f"drill for {account}: one message that it is down, one that it is over, to each of: {', '.join(told)}")
    hold_drill(config, wish, say)
    return _report(config, wish, told)


def acknowledge(arguments: Arguments) -> int:
    from monitor.commands import alerts

    return _at_desk(alerts.acknowledge, arguments)


def snooze(arguments: Arguments) -> int:
    from monitor.commands import alerts

    return _at_desk(alerts.snooze, arguments)


def silence(arguments: Arguments) -> int:
    from monitor.commands import alerts

    return _at_desk(alerts.silence, arguments)


def maintenance(arguments: Arguments) -> int:
    from monitor.commands import alerts

    return _at_desk(alerts.maintenance, arguments)


def _at_desk(work: "Callable[[Config, Arguments, datetime, Callable[[str], None]], None]", arguments: Arguments) -> int:
    work(_with_accounts(arguments), arguments, datetime.now(UTC), say)
    return UP


def alerts(arguments: Arguments) -> int:
    from monitor.commands import alerts
    from monitor.commands.oneshot import try_channels

    config, now = _with_accounts(arguments), datetime.now(UTC)
    match arguments.what:
        case "test":
            _check(config)
            results = try_channels(config, _channels_meant(config, arguments.name), say)
            for name, error in results.items():
                say(f"{name}: {error or 'taken'}")
            return DOWN if any(results.values()) else UP
        case "history":
            alerts.history(config, arguments.last, say)
        case "explain":
            alerts.explain(config, arguments.name, now, say)
        case "replay":
            alerts.replay(config, arguments.since, now, say)
    return UP


def _channels_meant(config: "Config", wanted: str | None) -> list[str]:
    from probes.document import DocumentError, Problem, suggest

    names = [channel.name for channel in config.channels]
    if wanted is None:
        return names
    if wanted not in names:
        raise DocumentError([Problem("command line", f'"{wanted}"', "is no channel", suggest(wanted, names))])
    return [wanted]


def providers(arguments: Arguments) -> int:
    from monitor.commands.tables import provider_facts, provider_table
    from probes.catalog import load_provider, provider_ids

    shelf = _config(arguments).shelf
    known = provider_ids(shelf)
    if not arguments.provider:
        provider_table([load_provider(id, shelf) for id in known])
        return UP
    if arguments.provider not in known:
        return _refuse(_unknown("provider", arguments.provider, known))
    provider_facts(load_provider(arguments.provider, shelf))
    return UP


def feeds(arguments: Arguments) -> int:
    from monitor.commands.tables import source_table

    config = _with_accounts(arguments)
    if not config.feeds:
        say("no status source is followed")
        return UP
    sources = _snapshot(config).sources
    source_table(sources, datetime.now(UTC))
    return UP if all(source.readable for source in sources) else DOWN


def classify(arguments: Arguments) -> int:
    import json

    from probes.catalog import load_provider, load_wording, provider_ids, rules_by_name

    shelf = _config(arguments).shelf
    known, wording, rules_of = provider_ids(shelf), load_wording().rules, rules_by_name(shelf)
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # what is pasted may have been cut within a letter
    if arguments.jsonl:
        return _classify_lines(sys.stdin, shelf, wording)
    if arguments.provider not in known:
        return _refuse(_unknown("provider", arguments.provider, known))
    provider = load_provider(arguments.provider, shelf)
    if arguments.canary not in (None, *provider.canaries):
        return _refuse(_unknown("canary", arguments.canary, [*provider.canaries]))
    headers = dict(arguments.header)
    result = _classified(provider, wording, rules_of, arguments.status, headers, sys.stdin.read(), arguments.canary)
    say(json.dumps(result, indent=2, ensure_ascii=False))
    return UP


def _classify_lines(lines: Iterable[str], shelf: "Shelf", wording: "Sequence[Rule]") -> int:
    """Print one result for each line that is not blank, in order: of one that is no case, what is wrong with it."""
    import json

    from monitor.commands.pasted_answer import read_case
    from probes.catalog import load_provider, provider_ids, rules_by_name

    known, rules_of = provider_ids(shelf), rules_by_name(shelf)
    catalog: dict[str, Provider] = {}
    bad = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            case = read_case(line)
            id = case.provider if case.provider in known else FALLBACK
            provider = catalog.setdefault(id, catalog.get(id) or load_provider(id, shelf))
            _check_canary(provider, case.canary)
        except ValueError as error:
            complain(f"stdin: line {number} {error}")
            say(json.dumps({"error": str(error), "line": number}, ensure_ascii=False))
            bad += 1
            continue
        told = (case.http_status, case.fields, case.text, case.canary)
        say(json.dumps(_classified(provider, wording, rules_of, *told), ensure_ascii=False))
    return WRONG_USE if bad else UP


def _check_canary(provider: "Provider", canary: str | None) -> None:
    """Raises ValueError, whose text follows upon "line N"."""
    if canary not in (None, *provider.canaries):
        known = ", ".join(provider.canaries)
        raise ValueError(f"asks {provider.id} for {canary!r}, which is none of its canaries: {known}")


def _classified(
    provider: "Provider",
    wording: "Sequence[Rule]",
    rules_of: "RulesOf",
    status: int | None,
    headers: Mapping[str, str],
    body: str,
    canary: str | None,
) -> dict[str, object]:
    from probes.advice import advise
    from probes.answer.classify import judge_pasted
    from probes.answer.command_output import judge_output

    if provider.is_command:
        verdict, said = judge_output(provider, wording, 1 if status is None else status, body, rules_of)
    else:
        asked = provider.canaries[canary] if canary else None
        verdict, said = judge_pasted(provider, wording, status, headers, body, asked, rules_of=rules_of)
    return {
        "fault": verdict.fault or "ok",
        "blame": verdict.blame,
        "confidence": verdict.confidence,
        "rule": verdict.rule,
        "advice": advise(verdict.fault, provider, [said]) if verdict.fault else None,
    }


def _config(arguments: Arguments) -> "Config":
    """Return the named configuration, else ./monitor.toml with the environment's keys where it has no account."""
    from monitor.config.load import from_environment, load

    path, sends = arguments.config or Path(OWN), _sends(arguments)
    if arguments.config or _is_there(path):
        arguments.loaded = load(path, os.environ, sends=sends)
    else:
        arguments.loaded = from_environment(Path.cwd(), os.environ, sends=sends)
    return arguments.loaded  # type: ignore[no-any-return]


def _sends(arguments: Arguments) -> bool:
    """Whether the command itself asks a provider or tells a channel; what the running monitor does is no matter."""
    tests = arguments.command is alerts and arguments.what == "test"
    return tests or arguments.command in (run, once, probe, check, drill)


def _is_there(path: Path) -> bool:
    """Whether there is a file, be it in a folder that is closed to us, of which `Path.exists` raises or says no."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def _with_accounts(arguments: Arguments) -> "Config":
    from probes.document import DocumentError, Problem

    config = _config(arguments)
    if not config.accounts:
        repair = "add an [[accounts]] block, or set a key variable such as OPENAI_API_KEY; a demonstration has a page"
        raise DocumentError([Problem(config.file_name, "accounts", "is empty: nothing to look at", repair)])
    return config


def _chosen(config: "Config", wanted: str | None) -> list[str]:
    """Return the ids of the accounts meant: all, one by its id, or one by its bare name."""
    from probes.document import DocumentError, Problem, suggest

    if wanted is None:
        return list(config.accounts)
    found = [id for id, account in config.accounts.items() if wanted in (id, account.name)]
    known = {*config.accounts, *(account.name for account in config.accounts.values())}
    if len(found) == 1:
        return found
    repair = "write provider/name: " + ", ".join(found) if found else suggest(wanted, known)
    what = "is the name of several accounts" if found else "is no account"
    raise DocumentError([Problem("command line", f'"{wanted}"', what, repair)])


def _check(config: "Config") -> None:
    """Raise DocumentError when canaries would cost more than allowed, or a channel's address is of no use."""
    from monitor.alert.address import check_address
    from monitor.config.cost import overspending
    from probes.document import DocumentError, Problem

    repair = "compare it with Apprise's page on that service"
    _try_templates(config)
    problems = overspending(config) + [
        Problem(config.file_name, f"channels.{channel.name}.url", wrong, repair)
        for channel in config.channels
        if (wrong := check_address(channel))
    ]
    if problems:
        raise DocumentError(problems)


def _try_templates(config: "Config") -> None:
    """Say which templates of the user's own are of no use; each is filled once to know that."""
    if config.templates:
        from monitor.alert.text import MessageTemplates

        for name, reason in MessageTemplates(config.templates).problems():
            complain(f"{config.templates}/{name}: {reason}; the shipped text is used until it is mended")
    if (config.templates or config.page_templates) and config.accounts:
        from monitor.commands.template_check import alert_problems, page_problems

        now = datetime.now(UTC)
        for words in (*alert_problems(config, now).values(), *page_problems(config, now).values()):
            complain(f"{words}; the shipped one is used until it is mended")


def _snapshot(config: "Config") -> "Snapshot":
    from monitor.publish.collect import take
    from monitor.store.connection import open_reader

    with closing(open_reader(config.database)) as db:
        return take(db, config, datetime.now(UTC))


def _alive(config: "Config") -> int:
    """Say when the monitor last looked; whatever it saw then, it is alive when that is not long ago.

    Without any account it is the demonstration that looks.
    """
    from monitor.publish.collect import pulse
    from monitor.store.connection import open_reader

    database = config.database if config.accounts else config.written / DEMONSTRATION
    with closing(open_reader(database)) as db:
        now = pulse(db, config, datetime.now(UTC))
    say(now.words)
    return UP if now.is_steady else DOWN


def _report(config: "Config", wish: "Drill", hearers: Iterable[str]) -> int:
    """Wait until every message of a drill has met its fate, and print it."""
    from monitor.alert.case import OutboxState, Step
    from monitor.store.connection import open_reader
    from monitor.store.reader import deliveries

    for _ in range(DRILL_LIMIT_S):
        with closing(open_reader(config.database)) as db:
            told = deliveries(db, wish.incident.id)
        through = [one.channel for one in told if one.state is OutboxState.SENT and one.step is Step.RESOLVED]
        if {*through, *(one.channel for one in told if one.error)} >= {*hearers}:
            break
        time.sleep(1)
    for one in told:
        say(f"{one.channel}: {one.step}: {one.state}" + (f" ({one.error})" if one.error else ""))
    if not told:
        complain("nobody took the drill up within a minute; the next `once` or `run` on this database will")
    return UP if told and all(one.state is OutboxState.SENT for one in told) else DOWN


def _verdict(states: "Iterable[State]") -> int:
    from monitor.detect.health import State

    return UP if all(state is State.UP for state in states) else DOWN


def _start_log(arguments: Arguments, config: "Config") -> None:
    import logging

    from monitor.log import start_log

    start_log(logging.DEBUG if arguments.verbose else logging.INFO, config.secrets)


def _unknown(kind: str, word: str, known: list[str]) -> str:
    from probes.document import suggest
    from probes.redact import screen

    return f'command line: "{screen(word)}": no such {kind}; {suggest(word, known)}'


def say(text: str) -> None:
    print(_clean(text), flush=True)  # noqa: T201 - this is where results are printed


def complain(text: str) -> None:
    print(_clean(text), file=sys.stderr, flush=True)  # noqa: T201 - and errors


def _clean(text: str) -> str:
    """Return a text without what a terminal would obey, or no text can hold: a name may come from anywhere."""
    from probes.document import legible

    return legible(text)


def _refuse(*problems: str) -> int:
    from probes.redact import screen

    for problem in problems:
        complain(screen(problem))
    return WRONG_USE


def _where_to_listen(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host",
        type=_host,
        metavar="ADDRESS",
        help="serve the page there where monitor.toml names no host (default: 127.0.0.1); a container needs 0.0.0.0",
    )


def _host(text: str) -> str:
    from probes.proxy import is_key_for_host

    if is_key_for_host(text):
        raise argparse.ArgumentTypeError("holds what looks like a key; give an address, such as 127.0.0.1")
    return text


def _no_arguments(_: argparse.ArgumentParser) -> None:
    pass


def _one_account(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("account", nargs="?", metavar="ACCOUNT", help="provider/name, or the name where it is unique")


def _a_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="the copy")


def _how_to_tell(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print what the page's status.json holds")
    parser.add_argument("--alive", action="store_true", help="only ask whether the monitor is looking, for containers")


def _how_many(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--last", type=int, default=20, metavar="N", help="print at most N (default: 20)")


def _a_past(parser: argparse.ArgumentParser) -> None:
    _one_account(parser)
    parser.add_argument("--days", type=_days, metavar="N", help="replay the last N days (default: all that is kept)")


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 3650:
        raise argparse.ArgumentTypeError(f'"{text}" is no number of days; give 1 to 3650')
    return int(text)


def _fault(word: str) -> "Fault":
    from probes.model import Fault

    if word not in list(Fault):
        raise argparse.ArgumentTypeError(f'"{word}" is no fault; there are {", ".join(Fault)}')
    return Fault(word)


def _a_drill(parser: argparse.ArgumentParser) -> None:
    from probes.model import Fault

    parser.add_argument("account", metavar="ACCOUNT", help="provider/name, or the name where it is unique")
    parser.add_argument(
        "--fault",
        default=Fault.ACCOUNT_SUSPENDED,
        type=_fault,
        metavar="FAULT",
        help=", ".join(Fault),
    )


def _an_incident(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("incident", nargs="?", metavar="INCIDENT", help="its id, or a part of it; the only open one")
    parser.add_argument("--by", metavar="NAME", help="who answers (default: your login)")


def _an_incident_for_a_while(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("span", type=_span, metavar="FOR", help="30m, 2h or 7d")
    _an_incident(parser)


def _a_silence(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("span", type=_span, nargs="?", metavar="FOR", help="30m, 2h or 7d; left out: list them")
    parser.add_argument("--reason", metavar="WORDS", help="why")
    for what, kind in (("account", str), ("provider", str), ("tag", str), ("fault", _fault)):
        words = f"only what is of this {what}; several: any of them"
        parser.add_argument(f"--{what}", action="append", default=[], type=kind, metavar=what.upper(), help=words)
    parser.add_argument("--end", metavar="ID", help="end this silence")
    parser.add_argument("--by", metavar="NAME", help="who asks for it (default: your login)")


def _windows(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ical", action="store_true", help="print them as a calendar")


def _about_alerts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=["test", "history", "explain", "replay"], metavar="WHAT",
                        help="test: send to one or all channels; history: what was sent; explain: which rules fired or "
                        "held; replay: what today's rules would have sent")  # fmt: skip
    parser.add_argument("name", nargs="?", metavar="NAME", help="the channel to test, or the incident to explain")
    parser.add_argument("--last", type=int, default=20, metavar="N", help="history: at most N (default: 20)")
    parser.add_argument("--since", type=_span, default="7d", metavar="SPAN", help="replay: so far back (default: 7d)")


def _span(text: str) -> timedelta:
    from monitor.commands.alerts import span

    return span(text)


def _one_provider(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("provider", nargs="?", metavar="NAME", help="print all facts of this one")


def _of_provider(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("provider", metavar="PROVIDER", help="whose account is wanted, such as openai")


def _an_answer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--provider", default=FALLBACK, metavar="P", help=f"whose answer it is (default: {FALLBACK})")
    parser.add_argument("--status", type=int, metavar="N", help="the HTTP status, or the exit code, where it is known")
    parser.add_argument("--header", action="append", default=[], type=_header, metavar="K:V", help="a response header")
    parser.add_argument("--canary", metavar="NAME", help="what was asked, such as chat (default: anything may be)")
    parser.add_argument(
        "--jsonl", action="store_true", help="read one case a line (provider, http_status, headers, body, canary)"
    )


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f'"{text}" is no header; write NAME:VALUE')
    return name.strip().lower(), value.strip()


DRILL_LIMIT_S = 60
FALLBACK = "openai-compatible"

COMMANDS: dict[str, tuple[Callable[[Arguments], int], str, Callable[[argparse.ArgumentParser], None]]] = {
    "run": (run, "watch until stopped; without any account, show a demonstration", _where_to_listen),
    "once": (once, "do one due round and exit, for cron", _no_arguments),
    "probe": (probe, "ask now, print what came back, remember nothing", _one_account),
    "status": (status, "print what the monitor believes", _how_to_tell),
    "pick": (pick, "print the account of a provider to use now; exit 1 when none is known to work", _of_provider),
    "incidents": (incidents, "print open and past incidents", _how_many),
    "check": (check, "load everything, test each address for its form, send nothing", _no_arguments),
    "cost": (cost, "print what the canaries use in a month, before anything is sent", _no_arguments),
    "drill": (drill, "send a simulated trouble of a real account through the real alerts", _a_drill),
    "acknowledge": (acknowledge, "say that somebody is at it: no more reminders", _an_incident),
    "snooze": (snooze, "hold messages of one incident for a while", _an_incident_for_a_while),
    "silence": (silence, "hold what fits for a while, list silences, or end one", _a_silence),
    "maintenance": (maintenance, "print the maintenance windows of the next 30 days", _windows),
    "alerts": (alerts, "test channels, print what was sent, explain it, or replay it by today's rules", _about_alerts),
    "tune": (tune, "replay the recorded past and print what other settings would have told", _a_past),
    "backup": (backup, "copy the database to a file, also while the monitor runs", _a_file),
    "restore": (restore, "put such a copy in the database's place; the present one is kept beside it", _a_file),
    "providers": (providers, "print the providers that are known, or all facts of one", _one_provider),
    "feeds": (
        feeds,
        "print what each provider's own status page says, and how far it is believed",
        _no_arguments,
    ),
    "classify": (classify, "read an answer on stdin and say what it means", _an_answer),
}
