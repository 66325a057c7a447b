"""One run of an official client, alone in an empty folder and for a limited time → Observation."""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from tempfile import TemporaryDirectory

from msgspec import Struct

from probes.answer.command_output import classify_output
from probes.canary import KEPT_BODY, NESTED, Prober, outcome_of
from probes.model import KEPT_WORDS, Account, Answer, Fault, Observation, Outcome, Target, Verdict
from probes.provider import Provider
from probes.proxy import LOOPBACK, Egress
from probes.redact import redact

CA_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
INHERITED = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", *CA_VARIABLES)
"""What a program gets of our own environment, besides the proxies; HOME, since clients keep their login there."""

LIMIT_S = 120.0
"""Seconds for a run: a client takes longer than an API, and retries several times before it gives up."""

KEPT_BYTES = 64 * 1024
"""Bytes of a program's output that are kept: half from the beginning, half from the end."""
DRAIN_S = 1.0
"""Seconds to keep reading after the exit: the last output may still be in the pipe."""

NOT_STARTED = (126, 127)
"""Exit codes of `env` and shells where a program is not executable, or not found."""


class OutputCapture(asyncio.Protocol):
    """Keeps the beginning and the end of a program's output and drops the middle."""

    def __init__(self) -> None:
        self.head, self.tail, self.ended = bytearray(), bytearray(), asyncio.Event()
        self.cut = False

    def data_received(self, data: bytes) -> None:
        room = KEPT_BYTES // 2 - len(self.head)
        self.head += data[:room]
        self.tail += data[room:]
        if len(self.tail) > KEPT_BYTES // 2:
            del self.tail[: -KEPT_BYTES // 2]
            self.cut = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()

    @property
    def text(self) -> str:
        return (self.head + (b"\n[...]\n" if self.cut else b"") + self.tail).decode("utf-8", "replace")


class Run(Struct, frozen=True):
    """A finished run: `code` is None when we killed it, negative when a signal did."""

    at: datetime
    program: str
    code: int | None
    output: str
    duration_s: float
    limit_s: float


async def attempt_command(prober: Prober, provider: Provider, account: Account, target: Target) -> Observation:
    """Run the client once, after any other run of this account, and return the observation."""
    canary = provider.canaries[target.canary]
    line, limit_s = canary.line(account), canary.limit_s or LIMIT_S
    async with prober.turns[account.id]:
        at, started = prober.clock(), prober.timer()
        try:
            code, output = await _run(line, _environment(account), limit_s)
        except (OSError, ValueError) as error:
            return _not_run(target, at, f"{line[0]} {_reason(error)}")
        run = Run(at, line[0], code, output, prober.timer() - started, limit_s)
    # Off the event loop: a hostile output of full length takes half a second.
    try:
        verdict, told = await prober.beside(
            partial(classify_output, provider, prober.wording.rules, code, output, prober.rules_of)
        )
    except RecursionError:
        verdict, told = Verdict(Fault.INVALID_RESPONSE, "command/nested"), NESTED
    if code in NOT_STARTED and verdict.fault is Fault.UNCLASSIFIED:
        return _not_run(target, at, _redacted(f"{run.program} cannot start: {told}", prober.secrets_of(account)))
    return _observe(run, verdict, told, prober.secrets_of(account), target)


def _environment(account: Account) -> dict[str, str]:
    passed = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return passed | _proxy_variables(account.way) | dict(account.environment)


def _proxy_variables(way: Egress) -> dict[str, str]:
    """Return the variables for a program to use our proxies and authorities; they never proxy this machine."""
    named = {"http_proxy": way.proxies.http, "https_proxy": way.proxies.https}
    told = {name: proxy.url_with_password for name, proxy in named.items() if proxy}
    if told:
        told["no_proxy"] = ",".join((*way.proxies.bypass, *LOOPBACK))
    told |= {name.upper(): value for name, value in told.items()}
    believed = CA_VARIABLES if way.ca_file else ()
    return told | {name: way.ca_file for name in believed if way.ca_file and name != "SSL_CERT_DIR"}


async def _run(line: Sequence[str], environment: Mapping[str, str], limit_s: float) -> tuple[int | None, str]:
    """Return exit code and output. Raises OSError or ValueError when the program cannot be started."""
    folder = await asyncio.to_thread(TemporaryDirectory, prefix="canary-", ignore_cleanup_errors=True)
    try:
        return await _run_in(folder.name, line, environment, limit_s)
    finally:
        await asyncio.to_thread(folder.cleanup)


async def _run_in(
    folder: str, line: Sequence[str], environment: Mapping[str, str], limit_s: float
) -> tuple[int | None, str]:
    # A pipe of our own: with asyncio's, the exit would wait for any child that inherited it.
    out, into = os.pipe()
    transport, heard = await asyncio.get_running_loop().connect_read_pipe(OutputCapture, os.fdopen(out, "rb", 0))
    try:
        try:
            process = await asyncio.create_subprocess_exec(
                *line, stdin=DEVNULL, stdout=into, stderr=into, cwd=folder, env=environment, start_new_session=True
            )
        finally:
            os.close(into)
        return await _wait(process, heard, limit_s), heard.text
    finally:
        transport.close()


async def _wait(process: Process, heard: OutputCapture, limit_s: float) -> int | None:
    """Return the exit code, None on timeout. No process of the program's group outlives this."""
    try:
        async with asyncio.timeout(limit_s):
            return await process.wait()
    except TimeoutError:
        return None
    finally:
        _kill_group(process.pid)
        await process.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await heard.ended.wait()


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # PermissionError: macOS, for a dead process
        os.killpg(leader, signal.SIGKILL)


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "is not found: install it, or name it with its path in `command`"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be run ({error.strerror})"
    return "cannot be run: look at the arguments in `command`"


def _not_run(target: Target, at: datetime, reason: str) -> Observation:
    """Return the observation of a probe that could not run."""
    return Observation(target, at, Outcome.UNKNOWN, answer=Answer("command/not-run", reason))


def _observe(run: Run, verdict: Verdict, told: str, secrets: Sequence[str], target: Target) -> Observation:
    return Observation(
        target=target,
        at=run.at,
        outcome=outcome_of(verdict.fault),
        latency_s=run.duration_s,
        fault=verdict.fault,
        answer=_answer(run, verdict, told, secrets) if verdict.fault else None,
    )


def _answer(run: Run, verdict: Verdict, told: str, secrets: Sequence[str]) -> Answer:
    return Answer(
        rule=verdict.rule,
        words=_words(run, verdict, _redacted(told, secrets))[:KEPT_WORDS],
        confidence=verdict.confidence,
        body=redact(run.output[-KEPT_BODY - KEPT_WORDS :], secrets)[-KEPT_BODY:],
    )


def _words(run: Run, verdict: Verdict, told: str) -> str:
    ending = f" ({_ending(run)})"
    if verdict.fault is Fault.TIMEOUT and run.code is None:
        why = "nothing says why: its provider is slow, or it waits for something on this machine"
        return f"{_ending(run)}, and {why}; its last words: {told or 'none'}"
    return (told or "it printed nothing")[: KEPT_WORDS - len(ending)] + ending


def _redacted(text: str, secrets: Sequence[str]) -> str:
    # Cut first, since redaction is slow; an echo halved by the cut is still found by its first half.
    return redact(text[: 2 * KEPT_WORDS], secrets)[:KEPT_WORDS]


def _ending(run: Run) -> str:
    if run.code is None:
        return f"not done within {run.limit_s:g} s"
    if run.code < 0:
        return f"ended by signal {-run.code}"
    return f"exit code {run.code}"
