"""`make bench`: run everything beside its yardstick, print it and write RESULTS.md. `make profile`: where CPU goes."""

import argparse
import json
import os
import platform
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks import server
from benchmarks.load import MEMORY
from benchmarks.result import Report, Samples

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "benchmarks" / "RESULTS.json"
OURS, THEIRS = 0, 1
"""The cores: what is measured, and the other side."""
TLS_HOSTS = 200
SWEEPS = ("--every", "0.01")
KEY = {"BENCH_KEY": "sk-bench-0123456789ab"}
STARTS = 4
"""So many of each short command in a round: two of them were met in one run and missed in the next."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("bench", "load", "chores", "profile", "report"), default="bench")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of one window of load")
    parser.add_argument("--litellm", help="a Python that has litellm[proxy]; else one is made in a temporary folder")
    wish = parser.parse_args()
    os.environ["PYTHONPATH"] = str(ROOT)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed is compiled once, not at each start
    if wish.what == "report":
        report()
        return
    with tempfile.TemporaryDirectory() as name, server.fast(Path(name) / "server", THEIRS, TLS_HOSTS) as other:
        if wish.what == "profile":
            profile(f"http://127.0.0.1:{other[1]}/a{{}}/v1", wish.seconds)
        elif wish.what == "chores":
            chores(wish.repeats, other[1])
        else:
            bench(wish, Path(name), *other)


def profile(base: str, seconds: float) -> None:
    """Print the functions that take most of the CPU while 1,000 targets are swept."""
    command = ["taskset", "-c", str(OURS), sys.executable, "-m", "benchmarks.load"]
    subprocess.run([*command, "engine", base, "1000", str(2 * seconds), *SWEEPS, "--profile"], check=True)


def bench(wish: argparse.Namespace, folder: Path, served_by: str, plain: int, tls: int) -> None:
    """Measure all; with `load`, what concerns the store and the page stays as it was measured last."""
    whole = wish.what == "bench"
    samples: Samples = defaultdict(list)
    certificate = folder / "server" / "cert.pem"
    peer = wish.litellm or _install_litellm(folder)
    for number in range(wish.repeats):
        _say(f"round {number + 1} of {wish.repeats}: load")
        _run_all(samples, _loads(plain, tls, wish.seconds, peer), SSL_CERT_FILE=str(certificate))
        _say(f"round {number + 1} of {wish.repeats}: store, page, start")
        _run_all(samples, _chores() if whole else {})
        _time_starts(samples, plain)
    _say("reading 90 days")
    for _ in range(min(wish.repeats, 3) if whole else 0):
        _run(samples, "ninety", _module("benchmarks.keeping", "page"))
    _say("schedules: four minutes")
    with server.late(THEIRS) as port:
        for _ in range(wish.repeats):
            _run(samples, "sweep", _module("benchmarks.timing", "sweep", port))
        _wait_for_slow(samples, port, plain, tls, wish.repeats, certificate)
    reuse = (folder / "server" / "reuse.log").read_text().split()[TLS_HOSTS:]
    samples["reuse"] = [{"percent": 100 * sum(int(one) > 1 for one in reuse) / len(reuse), "probes": len(reuse)}]
    before = {} if whole else json.loads(SAMPLES.read_text())["samples"]
    _keep(before | samples, _machine(served_by, peer))


def chores(repeats: int, plain: int) -> None:
    """Measure the store, the page and the starts anew; what concerns load stays as it was measured last."""
    kept = json.loads(SAMPLES.read_text())
    samples: Samples = defaultdict(list)
    for number in range(repeats):
        _say(f"round {number + 1} of {repeats}: store, page, start")
        _run_all(samples, _chores())
        _time_starts(samples, plain)
    _keep(kept["samples"] | samples, kept["machine"])


def _keep(samples: Mapping[str, object], machine: Sequence[str]) -> None:
    SAMPLES.write_text(json.dumps({"machine": machine, "samples": samples}, indent=0) + "\n")
    report()


def report() -> None:
    """Write RESULTS.md anew from the samples of the last run."""
    kept = json.loads(SAMPLES.read_text())
    text = Report(kept["samples"], kept["machine"]).text()
    SAMPLES.with_suffix(".md").write_text(text)
    print(text)


def _loads(plain: int, tls: int, seconds: float, peer: str | None) -> Mapping[str, list[str]]:
    one, secure = f"http://127.0.0.1:{plain}/a{{}}/v1", f"https://127.0.0.1:{tls}/a{{}}/v1"

    def load(kind: str, base: str, targets: int, *flags: str) -> list[str]:
        return _module("benchmarks.load", kind, base, targets, seconds, *flags)

    loads = {
        "bare 200": load("bare", one, 200),
        "ours 200": load("engine", one, 200, *SWEEPS),
        "bare 1000": load("bare", one, 1000),
        "ours 1000": load("engine", one, 1000, *SWEEPS),
        "paced 200": load("paced", one, 200),
        "ours paced 200": load("engine", one, 200),
        "paced 1000": load("paced", one, 1000),
        "ours paced 1000": load("engine", one, 1000),
        "saturated": load("engine", one, 5000, *SWEEPS),
        "stages": load("engine", one, 1000, *SWEEPS, "--stages"),
        "bare tls fresh": load("bare", secure, 200, "--fresh"),
        "ours tls": load("engine", secure, 200, *SWEEPS),
    }
    if _has("uvloop"):
        loads["bare uvloop"] = load("bare", one, 1000, "--uvloop")
        loads["ours uvloop"] = load("engine", one, 1000, *SWEEPS, "--uvloop")
    if peer:
        loads["litellm 200"] = [peer, str(ROOT / "benchmarks" / "litellm_sweep.py"), one, "200", "2"]
    return loads


def _chores() -> Mapping[str, list[str]]:
    return {
        "size": _module("benchmarks.keeping", "size"),
        "tidy": _module("benchmarks.keeping", "tidy"),
        "site 50": _module("benchmarks.site", 50),
        "site 500": _module("benchmarks.site", 500),
        "feed": _module("benchmarks.timing", "feed"),
        "drift": _module("benchmarks.timing", "drift"),
    }


def _module(name: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", name, *map(str, arguments)]


def _run_all(samples: Samples, commands: Mapping[str, list[str]], **environment: str) -> None:
    for name, command in commands.items():
        _run(samples, name, command, **environment)


def _run(samples: Samples, name: str, command: list[str], **environment: str) -> None:
    """Run one measurement on our core and keep the JSON of its last line; a failure is said and leaves no sample."""
    pinned = ["taskset", "-c", str(OURS), *command]
    done = subprocess.run(pinned, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **environment})
    if done.returncode:
        _say(f"{name} failed: {(done.stderr.strip().splitlines() or ['no reason told'])[-1]}")
        return
    samples[name].append(json.loads(done.stdout.strip().splitlines()[-1]))


def _wait_for_slow(samples: Samples, port: int, plain: int, tls: int, repeats: int, certificate: Path) -> None:
    """Run what takes minutes at the usual pace, all at once: together it is a few probes a second."""
    reuse, one = f"https://127.0.1.{{}}:{tls}/counted/v1", f"http://127.0.0.1:{plain}/a{{}}/v1"
    slow = [
        ("hang", _module("benchmarks.timing", "hang", port)),
        *[("tell", _module("benchmarks.timing", "tell"))] * repeats,
        ("tls 60 s", _module("benchmarks.load", "engine", reuse, TLS_HOSTS, 230, "--every", "60")),
        ("memory 1000", _module("benchmarks.load", "engine", one, 1000, 230, "--every", "60")),
        ("memory first", _module("benchmarks.load", "engine", one, 1000, 230, "--every", "60", "--first")),
        ("memory 5000", _module("benchmarks.load", "engine", one, 5000, 230, "--every", "60")),
        ("paced 60 s", _module("benchmarks.load", "paced", one, 1000, 230, "--every", "60")),
    ]
    environment = {**os.environ, "SSL_CERT_FILE": str(certificate)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    started = []
    for name, command in slow:
        core = OURS if name == "hang" else THEIRS
        pinned = ["taskset", "-c", str(core), *command]
        started.append((name, subprocess.Popen(pinned, text=True, cwd=ROOT, env=environment, **pipes)))
        time.sleep(2)
    for name, process in started:
        out, problem = process.communicate()
        if process.returncode:
            _say(f"{name} failed: {(problem.strip().splitlines() or ['no reason told'])[-1]}")
        else:
            samples[name].append(json.loads(out.strip().splitlines()[-1]))


def _time_starts(samples: Samples, plain: int) -> None:
    """CPU of short commands, interleaved; `once` with 150 due targets beside the bare one-shot."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        folder, small = Path(name), Path(name) / "small"
        small.mkdir()
        _write_config(small, plain, 1)
        _write_config(folder, plain, 150)
        monitor = [sys.executable, "-m", "monitor"]
        _cpu([*monitor, "once"], folder)  # makes the tables
        bare = _module("benchmarks.oneshot", f"http://127.0.0.1:{plain}/a{{}}/v1", 150, folder / "bare.db")
        for _ in range(STARTS):
            samples["start python"].append(_cpu([sys.executable, "-c", "pass"], folder))
            samples["start help"].append(_cpu([*monitor, "--help"], folder))
            samples["start check"].append(_cpu([*monitor, "check"], small))
            samples["start check 150"].append(_cpu([*monitor, "check"], folder))
            samples["start bare"].append(_cpu(bare, folder))
            _make_due(folder)
            samples["start once"].append(_cpu([*monitor, "once"], folder))
        samples["imported"].append({"names": _imported(folder)})


def _make_due(folder: Path) -> None:
    with sqlite3.connect(folder / "state" / "monitor.db") as db:
        db.execute("UPDATE health SET next = 0")


def _imported(folder: Path) -> int:
    """Return how many heavy packages `once` has loaded when all that was due is well."""
    _make_due(folder)
    code = "import sys; from monitor.cli import main; main(['once']) and sys.exit(1); "
    code += "print(*(one for one in ('sqlite_utils', 'apprise', 'feedparser', 'rich') if one in sys.modules))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, env={**os.environ, **KEY})
    return len(done.stdout.split())


def _write_config(folder: Path, plain: int, accounts: int) -> None:
    head = "[probe]\nper_host = 150\nonline = []\n[status]\npoll = false\n[site]\nserve = false\n"
    head += "[budget]\ndaily_tokens = 1000000000\ndaily_usd = 1000\n"
    blocks = [
        f'[[accounts]]\nname = "a{n}"\nprovider = "openai"\nkey = "env:BENCH_KEY"\ncanaries = ["list"]\n'
        f'base = "http://127.0.0.1:{plain}/a{n}/v1"\n'
        for n in range(accounts)
    ]
    (folder / "monitor.toml").write_text(head + "\n".join(blocks))


def _cpu(command: list[str], folder: Path) -> dict[str, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    pinned = ["taskset", "-c", str(OURS), *command]
    subprocess.run(pinned, cwd=folder, capture_output=True, check=True, env={**os.environ, **KEY})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_ms": 1000 * spent_s, "wall_ms": 1000 * (time.perf_counter() - started)}


def _install_litellm(folder: Path) -> str | None:
    """Return a Python with LiteLLM in an environment of its own; None where it cannot be had."""
    _say("installing LiteLLM in an environment of its own")
    python = folder / "litellm" / "bin" / "python"
    quiet = {"capture_output": True, "check": True}
    try:
        subprocess.run([sys.executable, "-m", "venv", python.parents[1]], **quiet)  # type: ignore[call-overload]
        subprocess.run([python, "-m", "pip", "install", "--quiet", "litellm[proxy]"], **quiet)  # type: ignore[call-overload]
    except subprocess.CalledProcessError:
        _say("LiteLLM cannot be installed here; its row stays empty")
        return None
    return str(python)


def _has(package: str) -> bool:
    return _version(package) != "absent"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _machine(served_by: str, peer: str | None) -> list[str]:
    model = next((line.split(":")[1].strip() for line in _read("/proc/cpuinfo") if line.startswith("model name")), "?")
    code = "import importlib.metadata as m; print(m.version('litellm'))"
    litellm = subprocess.run([peer, "-c", code], capture_output=True, text=True).stdout.strip() if peer else "absent"
    packages = ("aiohttp", "msgspec", "uvloop", "jinja2", "feedparser", "sqlite-utils", "apprise")
    return [
        f"{model}, {os.cpu_count()} cores, Linux {platform.release()}",
        f"load average at the end {os.getloadavg()[0]:.1f}",
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, served by {served_by}",
        ", ".join(f"{name} {_version(name)}" for name in packages) + f", litellm {litellm}",
    ]


def _read(path: str) -> Iterator[str]:
    yield from Path(path).read_text().splitlines()


def _say(words: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
