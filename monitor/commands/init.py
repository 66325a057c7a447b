"""`init`: find the keys that are here, ask each once, and write a configuration of the user's own."""

import os
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from msgspec.structs import replace

from monitor.config.config import Config
from monitor.config.load import load_config, read_valid_part
from monitor.config.search import find_file, is_there
from monitor.config.secret import is_reference
from monitor.console.question import Asks, agrees, choose, who_answers
from monitor.console.terminal import DOWN, UP, print_error, print_line, print_refusal
from monitor.setup.address import settle
from monitor.setup.discover import discover
from monitor.setup.draft import STAND_IN, ConfigDraft, check_watched, only_watched, vetted, with_secrets, write_draft
from monitor.setup.entry import text_at
from monitor.setup.imported import import_file
from monitor.setup.model import small_model
from monitor.setup.place import choose_file, closed_problem, moved, new_accounts, seen_from, why_closed, write_new
from monitor.setup.proposal import Proposal, ProposedAccount, tidied
from monitor.setup.service import NAME, Installation, ServiceKind, referred_variables, service_file
from monitor.words import count
from probes.answer.known_name import known_names, plain
from probes.catalog import Catalog, load_provider, provider_ids
from probes.document import DocumentError, Problem

TERMINAL = "terminal"
NO_MODEL = "none"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("-c", "--config", type=Path, default=SUPPRESS, metavar="FILE", help="the file to write")
    parser.add_argument("-y", "--yes", action="store_true", help="take every ready answer: ask nothing")
    parser.add_argument(
        "--from", dest="sources", type=Path, action="append", default=[], metavar="FILE",
        help="take over the accounts of LiteLLM, one-api, new-api, Gatus, Uptime Kuma or an env file, and only these",
    )  # fmt: skip
    parser.add_argument("--channel", metavar="ADDRESS", help="where messages go: an Apprise address, or env:NAME")
    parser.add_argument("--copy-keys", action="store_true", help="write keys of an imported file into files, mode 0600")
    there = parser.add_mutually_exclusive_group()
    there.add_argument("--merge", action="store_true", help="add what is new to a configuration that is there")
    there.add_argument("--replace", action="store_true", help="write over a configuration that is there")
    parser.add_argument("--no-look", action="store_true", help="ask no key, and send nothing")
    parser.add_argument(
        "--service", choices=[kind.value for kind in ServiceKind], metavar="KIND",
        help=f"what keeps it running: {', '.join(ServiceKind)}",
    )  # fmt: skip


def run(arguments: Namespace) -> int:
    asks = who_answers(yes=arguments.yes)
    if file := _file_of_service_alone(arguments):
        _offer_service(arguments, asks, file, load_config(file, os.environ, sends=False))
        return UP
    catalog = {id: load_provider(id) for id in provider_ids()}
    draft = _found(arguments, asks, _target(arguments, asks), catalog)
    if not draft.accounts and draft.present is not None and not arguments.channel:
        print_line(f"{_shown(draft.file)} has all of it already; nothing was written")
        return UP
    draft = _with_channel(arguments, asks, _looked_at(arguments, asks, draft, catalog))
    config = _checked(draft)
    _tell_plan(config, draft)
    arrived = arguments.no_look or _is_test_accepted(config, draft)
    if not agrees(asks, f"Write {_shown(draft.file)}?", ready=True):
        print_line("nothing was written")
        return UP
    for file in (*write_draft(draft), draft.file):
        print_line(f"written: {_shown(file)}")
    if not _offer_service(arguments, asks, draft.file, config):
        print_line(f"next: provider-monitor{_option(draft.file)} run")
    is_watching = draft.ids or draft.present is not None
    return UP if arrived and is_watching else DOWN


def _file_of_service_alone(arguments: Namespace) -> Path | None:
    """Return the configuration that is there, if nothing but what keeps it running is asked for."""
    more = arguments.merge or arguments.replace or arguments.sources or arguments.channel
    file = (arguments.config or choose_file(Path.cwd(), os.environ, sys.platform)).absolute()
    return file if arguments.service and not more and is_there(file) else None


def _target(arguments: Namespace, asks: Asks) -> ConfigDraft:
    """Return the empty draft of the file to write. Raises DocumentError for one that cannot be, or must not be."""
    file = (arguments.config or choose_file(Path.cwd(), os.environ, sys.platform)).absolute()
    if why := why_closed(file):
        raise closed_problem(file, why)
    if not is_there(file):
        return ConfigDraft(file)
    match _treatment(arguments, asks, file):
        case "merge":
            return ConfigDraft(file, _read(file))
        case "replace":
            return ConfigDraft(file)
        case _:
            arguments.config = Path(asks.text("Which other file?", str(file.with_stem(f"{file.stem}-2"))))
            return _target(arguments, asks)


def _treatment(arguments: Namespace, asks: Asks, file: Path) -> str:
    """Return what happens to a configuration that is there. Raises DocumentError if nobody said."""
    if arguments.merge or arguments.replace:
        return "merge" if arguments.merge else "replace"
    if arguments.yes:
        repair = "say --merge to add what is new, --config OTHER for another file, or --replace"
        raise DocumentError([Problem(str(file), "", "is there already, and was left as it is", repair)])
    return choose(asks, f"{_shown(file)} is there already.", ("merge", "other", "replace"), "merge")


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")  # with its own line ends
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise DocumentError([Problem(str(file), "", f"cannot be read ({why})", "name another: --config")]) from None


def _found(arguments: Namespace, asks: Asks, target: ConfigDraft, catalog: Catalog) -> ConfigDraft:
    """Return the draft with all accounts that were found and are new. Raises DocumentError if there is none."""
    here, there = Path.cwd(), target.file.parent
    found = _proposal(arguments.sources, catalog)
    for words in found.unread:
        print_refusal(f"not understood: {words}")
    accounts = tuple(moved(one, here, there) for one in found.accounts) or tuple(_typed(asks, catalog))
    if target.present is not None:
        accounts = new_accounts(target.file, accounts, os.environ)
    copy = not found.accounts or arguments.copy_keys or _may_copy(asks, accounts)
    draft = vetted(with_secrets(replace(target, accounts=accounts), copy=copy), os.environ)
    if target.present is None and not arguments.sources:
        check_watched(draft)
    for one in draft.accounts:
        print_line(f"found {one.id}: {one.source}")
        if one.hindrance:
            print_refusal(f"{one.id} is not watched yet: {one.hindrance}")
    return draft if target.present is None else only_watched(draft)


def _may_copy(asks: Asks, accounts: Iterable[ProposedAccount]) -> bool:
    held = sum(bool(one.secret) for one in accounts)
    question = f"Copy {count(held, 'key')} into files that only you can read?"
    return held > 0 and agrees(asks, question, ready=False)


def _proposal(sources: Sequence[Path], catalog: Catalog) -> Proposal:
    if not sources:
        return discover(Path.cwd(), os.environ, catalog)
    found = Proposal()
    for file in sources:
        found += import_file(file, f"file:{file}#", catalog)
    return tidied(found)


def _typed(asks: Asks, catalog: Catalog) -> Iterator[ProposedAccount]:
    """Ask for a first account, where none was found."""
    answer = asks.text("No key was found. Whose key do you have?", "")
    if not answer:
        return
    id = known_names().names.get(plain(answer), answer)
    if id not in catalog:
        raise DocumentError([Problem("init", f'"{id}"', "is no provider", f"use one of: {', '.join(catalog)}")])
    base = asks.text("At which address?", catalog[id].base or "")
    key = asks.secret("Its key (not shown), or env:NAME, or file:PATH:")
    provider, settled = settle(id, base or None, catalog, known_names().hosts)
    one = ProposedAccount(provider, "default", "your answer", base=settled)
    yield replace(one, key=key) if is_reference(key) else replace(one, secret=key)


def _looked_at(arguments: Namespace, asks: Asks, draft: ConfigDraft, catalog: Catalog) -> ConfigDraft:
    """Ask each key once, and say what it can do; return the draft with a model where a gateway needs one."""
    accounts = () if arguments.no_look else draft.accounts
    asked = [one.id for one in accounts if _may_ask(arguments, asks, draft, one)]
    if not asked:
        return draft
    from monitor.commands.key_trial import is_offline, offers, trial_lines, try_keys
    from monitor.console.table import show_progress

    config = draft.load(os.environ)
    with show_progress(f"asking {count(len(asked), 'account')}"):
        seen, mends = try_keys(config, asked)
    if is_offline(seen):
        print_error(
            "no provider was reached, so no key was tried: is this machine offline, or behind a proxy? Going on"
        )
        return draft
    for line in (*trial_lines(asked, seen), *mends):
        print_line(line)
    on_offer = offers(seen)
    return replace(
        draft, accounts=tuple(_with_model(one, on_offer.get(one.id, ()), asks, catalog) for one in draft.accounts)
    )


def _may_ask(arguments: Namespace, asks: Asks, draft: ConfigDraft, one: ProposedAccount) -> bool:
    """Whether an account is asked now: a file that somebody else wrote could lead a key of this user anywhere."""
    if not one.is_ready:
        return False
    if not (arguments.sources and draft.sends_abroad(one)):
        return True
    host = urlsplit(one.base or "").netloc
    if agrees(asks, f"{one.id}: send the key of {one.key} to {host}, as {one.source} says?", ready=False):
        return True
    print_error(f"{one.id} was not asked yet: `run` will send {one.key} to {host}; remove it if that is not yours")
    return False


def _with_model(one: ProposedAccount, offer: Iterable[str], asks: Asks, catalog: Catalog) -> ProposedAccount:
    """Return an account with a model to chat with, if its provider has no usual one."""
    chat = catalog[one.provider].canaries.get("chat")
    if not one.is_ready or one.models or chat is None or chat.model or not (model := small_model(offer)):
        return one
    answer = asks.text(f"Which model is asked at {one.id}, or {NO_MODEL}?", model)
    return one if answer == NO_MODEL else replace(one, models=(answer,))


def _with_channel(arguments: Namespace, asks: Asks, draft: ConfigDraft) -> ConfigDraft:
    names = [one.name for one in read_valid_part(draft.file).channels] if draft.present is not None else []
    if names and not arguments.channel:
        return draft
    name = next(one for one in ("messages", *(f"messages-{number}" for number in range(2, 99))) if one not in names)
    if arguments.channel:
        return _with_address(draft, name, arguments.channel)
    return _with_typed_address(asks, draft, name)


def _with_typed_address(asks: Asks, draft: ConfigDraft, name: str) -> ConfigDraft:
    """Ask for an address until one can work, or none is wanted."""
    question = "Where do messages go? An Apprise address such as ntfys://ntfy.sh/TOPIC, env:NAME, or"
    while (address := asks.text(question, TERMINAL)) != TERMINAL:
        found = _with_address(draft, name, address)
        try:
            _checked(found)
        except DocumentError as error:
            print_refusal(*map(str, error.problems))
        else:
            return found
    return draft


def _with_address(draft: ConfigDraft, name: str, address: str) -> ConfigDraft:
    if is_reference(address):
        return replace(draft, channel=(name, seen_from(address, Path.cwd(), draft.file.parent)))
    stand_in = f"{STAND_IN}CHANNEL"
    return replace(draft, channel=(name, f"env:{stand_in}"), secrets={**draft.secrets, stand_in: address})


def _checked(draft: ConfigDraft) -> Config:
    """Return the configuration of a draft that `check` would pass. Raises DocumentError."""
    from monitor.console.preflight import what_cannot_work

    config = draft.load(os.environ)
    if problems := what_cannot_work(config):
        raise DocumentError(problems)
    return config


def _tell_plan(config: Config, draft: ConfigDraft) -> None:
    """Say what will be asked, and what that uses in a month at most."""
    from monitor.commands.cost import cost_table
    from monitor.config.cost import estimate_accounts

    for id in draft.ids:
        its = [watch for watch in config.watches.values() if watch.target.account == id]
        asked = (
            f"{one.target.canary} {one.target.model or ''}".rstrip() + f" every {one.interval_s:g} s" for one in its
        )
        print_line(f"{id} will be asked: {', '.join(asked)}")
        if all(one.free for one in its):
            print_line(f'{id} is asked nothing that costs: models = ["..."] in its block would add a chat')
    if draft.ids:
        cost_table({id: cost for id, cost in estimate_accounts(config).items() if id in draft.ids}, config.budgets)


def _is_test_accepted(config: Config, draft: ConfigDraft) -> bool:
    """Send a test to the new channel, if there is one, and say what became of it."""
    if draft.channel is None:
        return True
    from monitor.commands.alerts import try_channels

    results = try_channels(config, [draft.channel[0]], print_line)
    for name, error in results.items():
        print_line(f"a test message to {name}: {error or 'accepted'}")
    return not any(results.values())


def _offer_service(arguments: Namespace, asks: Asks, config_file: Path, config: Config) -> bool:
    """Write what keeps it running, if that is wanted, and say how it is started; return whether it was wanted."""
    kind = arguments.service or choose(asks, "What keeps it running?", [*ServiceKind], ServiceKind.NONE)
    folder = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    variables = [name for name in referred_variables(config.places) if not name.startswith(STAND_IN)]
    place = Installation(
        _program(),
        config_file,
        Path(folder) / "systemd" / "user",
        Path.home() / "Library",
        variables,
        [one for one in config.secret_files if one != config_file],
        _source(),
    )
    made = service_file(ServiceKind(kind), place)
    if made is None:
        return False
    if made.file:
        _write_service(asks, made.file, made.text, ask=made.outside, told=arguments.service is not None)
    for step in made.steps:
        print_line(step)
    return True


def _write_service(asks: Asks, file: Path, text: str, *, ask: bool, told: bool) -> None:
    """Write a service's file, unless another one is there, or whoever is asked does not want it outside."""
    if os.path.lexists(file) and text_at(file) != text:
        print_error(f"{file} is there already, and was left as it is; this would be in it:")
        print_line(text)
    elif not ask or agrees(asks, f"Write {file}?", ready=told):
        write_new(file, text)
        print_line(f"written: {_shown(file)}")
    else:
        print_line(text)


def _program() -> list[str]:
    installed = Path(sys.executable).with_name("provider-monitor")
    return [str(installed)] if installed.exists() else [sys.executable, "-m", "monitor"]


def _source() -> str:
    """Return what pip installs this program from: its source where it runs from there, else its name."""
    folder = Path(__file__).parents[2]
    return str(folder) if (folder / "pyproject.toml").exists() else NAME


def _shown(file: Path) -> str:
    return str(file.relative_to(Path.cwd())) if file.is_relative_to(Path.cwd()) else str(file)


def _option(file: Path) -> str:
    """Return how a command names this file; nothing where it finds it."""
    return "" if find_file(os.environ, sys.platform).absolute() == file else f" --config {_shown(file)}"
