"""How the monitor is kept running: the text for a service manager, and what to do with it; pure."""

import plistlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import chain, count
from pathlib import Path
from shlex import quote
from typing import assert_never

from msgspec import Struct

from monitor.setup.text import quoted

NAME = "provider-monitor"


class ServiceKind(StrEnum):
    """What may start the monitor."""

    NONE = "none"
    USER = "systemd-user"
    SYSTEM = "systemd"
    CRON = "cron"
    LAUNCHD = "launchd"
    COMPOSE = "compose"


class ServiceFile(Struct, frozen=True):
    """A file to write, and the lines to say afterwards. `outside`: it is not in the folder of the configuration."""

    file: Path | None
    text: str
    steps: tuple[str, ...]
    outside: bool = False


class Installation(Struct, frozen=True):
    """What is started (`program`: a path, with arguments), by which configuration, and where a user's files are.

    `units` is systemd's folder of a user, `library` that of macOS. `variables` are those that the configuration refers
    to: no service manager passes on a shell's. `secrets` are the files that it refers to. `source` is what pip installs
    the same program from.
    """

    program: Sequence[str]
    config: Path
    units: Path
    library: Path
    variables: Sequence[str] = ()
    secrets: Sequence[Path] = ()
    source: str = NAME

    @property
    def folder(self) -> Path:
        return self.config.parent

    @property
    def keys(self) -> Path:
        return self.folder / "keys" / "environment"


def service_file(kind: ServiceKind, what: Installation) -> ServiceFile | None:
    """Return what keeps the monitor running that way; None for nothing."""
    match kind:
        case ServiceKind.NONE:
            return None
        case ServiceKind.USER:
            return _user_unit(what)
        case ServiceKind.SYSTEM:
            return _system_unit(what)
        case ServiceKind.CRON:
            return _cron(what)
        case ServiceKind.LAUNCHD:
            return _launch_agent(what)
        case ServiceKind.COMPOSE:
            return _compose(what)
        case _:
            assert_never(kind)


SHIPPED = Path(__file__).with_name("provider-monitor.service")
"""The system's unit, of which deploy/ has a copy: with a user of its own, and closed in."""
SHIPPED_PROGRAM = "/opt/provider-monitor/bin/provider-monitor"
ETC = Path("/etc/provider-monitor")
UNIT = """\
# systemd: the resident monitor, of one user. Written by `provider-monitor init`.
[Unit]
Description=Watch accounts at AI providers
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
# The monitor feeds the watchdog at least every 10 s; one whose beats hang is restarted. Not below 30 s.
WatchdogSec=2min
ExecStart={start}
ExecReload=/bin/kill -HUP $MAINPID
# NAME=value lines, mode 0600.
EnvironmentFile=-{keys}
WorkingDirectory={folder}
Restart=on-failure
RestartSec=5
UMask=0077
NoNewPrivileges=yes

[Install]
WantedBy=default.target
"""


def _user_unit(what: Installation) -> ServiceFile:
    text = UNIT.format(
        start=_words([*what.program, "--config", str(what.config), "run"]),
        keys=str(what.keys).replace("%", "%%"),
        folder=str(what.folder).replace("%", "%%"),
    )
    steps = (
        *_key_steps(what.variables, what.keys),
        f"systemctl --user daemon-reload && systemctl --user enable --now {NAME}",
        "loginctl enable-linger   # so that it also runs while nobody is logged in",
    )
    return ServiceFile(what.units / f"{NAME}.service", text, steps, outside=True)


def _system_unit(what: Installation) -> ServiceFile:
    """Return the system's unit. Its user reads no file of another one's: systemd hands it a copy of each key."""
    unit, handed = what.folder / f"{NAME}.service", _credentials(what.secrets)
    is_hidden = Path(what.program[0]).is_relative_to
    program = SHIPPED_PROGRAM if any(map(is_hidden, HIDDEN)) else _words(what.program)
    steps = (
        "as root:",
        *(_reinstalled(what.source) if program == SHIPPED_PROGRAM != what.program[0] else ()),
        *_config_steps(what, handed),
        *_key_steps(what.variables, ETC / "keys"),
        f"install -m 0644 {quote(str(unit))} /etc/systemd/system/ && systemctl enable --now {NAME}",
    )
    loaded = "".join(f"LoadCredential={name}:{SECRETS / name}\n" for name in handed)
    text = SHIPPED.read_text().replace(SHIPPED_PROGRAM, program).replace("DynamicUser=", f"{loaded}DynamicUser=")
    return ServiceFile(unit, text, steps)


SECRETS = ETC / "secrets"
HANDED = Path("/run/credentials") / f"{NAME}.service"
HIDDEN = tuple(map(Path, ("/home", "/root", "/run/user", "/tmp", "/var/tmp")))
"""What the unit does not see: ProtectHome and PrivateTmp."""


def _reinstalled(source: str) -> Iterator[str]:
    folder = Path(SHIPPED_PROGRAM).parents[1]
    yield f"python3 -m venv {folder} && {folder}/bin/pip install {quote(source)}   # it does not see /home and /tmp"


def _credentials(files: Iterable[Path]) -> dict[str, Path]:
    """Return the files by the names under which systemd hands them over."""
    found: dict[str, Path] = {}
    for file in files:
        plain = re.sub(r"[^\w.-]", "-", file.name, flags=re.ASCII).strip(".") or "secret"
        numbered = chain([plain], (f"{plain}-{number}" for number in count(2)))
        found[next(name for name in numbered if name not in found)] = file
    return found


def _config_steps(what: Installation, handed: Mapping[str, Path]) -> Iterator[str]:
    """Yield what puts the configuration in place, and beside it each file that it names."""
    config, target = quote(str(what.config)), ETC / "monitor.toml"
    for name, file in handed.items():
        yield f"install -D -m 0600 {quote(str(file))} {SECRETS / name}"
    if not handed:
        yield f"install -D -m 0644 {config} {target}"
        return
    renamed = " ".join(f"-e {quote(one)}" for name, file in handed.items() for one in _renamings(what, file, name))
    yield f"sed {renamed} {config} > {target}"


def _renamings(what: Installation, file: Path, name: str) -> Iterator[str]:
    """Yield the expressions for sed by which a reference to a file, as it may be written, leads to its copy."""
    written = [str(file), *([str(file.relative_to(what.folder))] if file.is_relative_to(what.folder) else [])]
    for path in written:
        plain = re.sub(r"([\\.*^$\[\]|])", r"\\\1", path)
        yield rf"""s|file:\(\./\)\?{plain}\(["'#]\)|file:{HANDED / name}\2|g"""


def _words(words: Sequence[str]) -> str:
    return " ".join(map(_unit_word, words))


def _unit_word(word: str) -> str:
    """Return a word of ExecStart. Source: systemd.service(5), "Command lines"."""
    plain = word.replace("%", "%%").replace("$", "$$")
    if re.fullmatch(r"[\w./%:@=+$,-]+", plain):
        return plain
    return '"' + plain.replace("\\", r"\\").replace('"', r"\"") + '"'


def _cron(what: Installation) -> ServiceFile:
    words = [*what.program, "--config", str(what.config), "once"]
    line = f"* * * * * cd {quote(str(what.folder))} && {' '.join(map(quote, words))}".replace("%", r"\%")
    unset = ", ".join(what.variables)
    warned = (
        (f"cron passes no variables: {unset} must be lines above it, or in files (init --copy-keys)",) if unset else ()
    )
    return ServiceFile(None, "", ("add this line with `crontab -e`:", line, *warned))


def _launch_agent(what: Installation) -> ServiceFile:
    """Return the job of a user's launchd, for as long as somebody is logged in. Source: launchd.plist(5)."""
    job = {
        "Label": NAME,
        "ProgramArguments": [*what.program, "--config", str(what.config), "run"],
        "WorkingDirectory": str(what.folder),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 10,
        "ProcessType": "Background",
        "Umask": 0o077,
        "StandardErrorPath": str(what.library / "Logs" / f"{NAME}.log"),
    }
    file = what.library / "LaunchAgents" / f"{NAME}.plist"
    own = (f"(launchd reads no such file: in {what.config.name} write file:keys/environment#NAME instead of env:NAME)",)
    keys = (*_key_steps(what.variables, what.keys), *own) if what.variables else ()
    steps = (*keys, f"launchctl bootstrap gui/$(id -u) {quote(str(file))}")
    return ServiceFile(file, plistlib.dumps(job, sort_keys=False).decode(), steps, outside=True)


COMPOSE = """\
# docker compose up -d: the monitor in a container. Written by `provider-monitor init`.
services:
  provider-monitor:
    image: provider-monitor   # docker build -t provider-monitor . in its source
    init: true
    restart: unless-stopped
    command: ["--config", {config}, "run", "--host", "0.0.0.0"]
    env_file:
      - path: .env
        required: false
    volumes:
      - .:/etc/provider-monitor:ro
      - data:/var/lib/provider-monitor
    ports:
      - "127.0.0.1:8321:8321"
    read_only: true
    tmpfs: [/tmp]
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
volumes:
  data:
"""


def _compose(what: Installation) -> ServiceFile:
    file = what.folder / "compose.yaml"
    steps = (
        *_key_steps(what.variables, what.folder / ".env"),
        f"cd {quote(str(what.folder))} && docker compose up -d",
        "(its user is 10001, who must be able to read the configuration and key files)",
    )
    config = quoted(f"/etc/provider-monitor/{what.config.name}").replace("$", "$$")  # compose reads $NAME as a variable
    return ServiceFile(file, COMPOSE.format(config=config), steps)


def _key_steps(variables: Sequence[str], file: Path) -> tuple[str, ...]:
    if not variables:
        return ()
    named = ", ".join(f"{name}=..." for name in variables)
    return (f"write {named} into {file} (mode 0600): a service has none of your shell's variables",)


def referred_variables(references: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the environment's variables among the references of accounts."""
    found = (one.removeprefix("env:") for its in references.values() for one in its if one.startswith("env:"))
    return list(dict.fromkeys(found))
