"""Samples → RESULTS.md: each goal beside what was measured, in the same run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

Samples = dict[str, list[dict[str, float]]]
Range = tuple[float, float, float]
"""Median, least, most."""

GATUS_SQLITE_1000, UPTIME_KUMA_1000, THEIR_BARE = 1.04, 2.93, 0.147
"""CPU ms per probe, measured 2026-11-21 where the bare loop took 0.147: their ratio to it is what counts."""

HEAD = """# Results

Written by `make bench` on {date}; do not edit. Medians, with the range over {repeats} interleaved repeats in
brackets. What is measured runs on one core, the fake provider on the other. CPU is that of the whole
process, all threads. Ratios count; times move with the neighbours of a shared machine. The rows of the store, the page
and the starts may be of a later run than the others (`python -m benchmarks chores`).

{machine}

| what | goal | measured | met |
|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One goal and what came of it. `met` is None where nothing could be measured, or nothing is asked."""

    what: str
    goal: str
    measured: str
    met: bool | None


class Report:
    """All lines of one run."""

    def __init__(self, samples: Samples, machine: Sequence[str]) -> None:
        self._samples, self._machine = samples, machine

    def text(self) -> str:
        repeats = max((len(self._samples.get(name, ())) for name in ("bare 200", "ours 200")), default=0)
        machine = "\n".join(f"- {line}" for line in self._machine)
        head = HEAD.format(date=f"{datetime.now(UTC):%Y-%m-%d}", repeats=repeats, machine=machine)
        rows = "".join(map(_row, self._lines()))
        return f"{head}{rows}\n{READING}\n{STAGES}{''.join(self._stages())}\n{MISSED}"

    def _stages(self) -> Iterator[str]:
        """Yield the rows of the table of stages; what no stopwatch timed is what is left."""
        found = {name: self._range("stages", f"{name}_ms") for name in ("cpu", *TIMED)}
        bare = self._range("bare 1000", "cpu_ms")
        if not (bare and (whole := found.pop("cpu"))):
            return
        timed = {TIMED[name]: its[0] for name, its in found.items() if its}
        yield _stage("the bare loop: aiohttp's request and answer, sockets, asyncio", bare[0])
        yield _stage(f"{REST} (what is left)", whole[0] - bare[0] - sum(timed.values()))
        yield from (_stage(what, ms) for what, ms in timed.items())
        yield _stage("all of `run`", whole[0])

    def _lines(self) -> list[Line]:
        return [
            *self._cost(),
            *self._peers(),
            self._ratio(
                "saturation, 5,000 targets, to the bare loop", "≥ 65 %", "saturated", "bare 1000", "per_s", 0.65
            ),
            *self._schedule(),
            *self._tls(),
            *self._kept(),
            *self._site(),
            *self._starts(),
            self._plain("peak memory, 1,000 targets at 60 s", "≤ 70 MiB", "memory 1000", "rss_mib", "MiB", 70),
            self._plain("… at the very first start, which makes tables", "", "memory first", "rss_mib", "MiB", None),
            self._plain("peak memory, 5,000 targets at 60 s", "≤ 80 MiB", "memory 5000", "rss_mib", "MiB", 80),
            *self._told(),
            self._plain("feed of 25 entries, CPU", "≤ 12 ms", "feed", "cpu_ms", "ms", 12),
        ]

    def _cost(self) -> list[Line]:
        what = "CPU per stored probe, N = {}, to the bare loop"
        return [
            self._ratio(what.format(200) + " flat out", "≤ 1.5", "ours 200", "bare 200", "cpu_ms", 1.5),
            self._ratio(what.format("1,000") + " flat out", "≤ 1.5", "ours 1000", "bare 1000", "cpu_ms", 1.5),
            self._ratio(what.format(200) + " at the same pace", "", "ours paced 200", "paced 200", "cpu_ms", 1.5),
            self._ratio(what.format("1,000") + " at the same pace", "", "ours paced 1000", "paced 1000", "cpu_ms", 1.5),
            self._ratio("the same on uvloop, N = 1,000, flat out", "", "ours uvloop", "bare uvloop", "cpu_ms", 1.5),
            self._plain("CPU per stored probe, N = 200", "", "ours 200", "cpu_ms", "ms", None),
            self._plain("CPU per stored probe, N = 1,000", "", "ours 1000", "cpu_ms", "ms", None),
            self._plain("the bare loop, N = 1,000", "", "bare 1000", "cpu_ms", "ms", None),
            self._ratio(
                "at rest: 1,000 targets at 60 s to the bare loop", "", "memory 1000", "paced 60 s", "cpu_ms", 0
            ),
            _line("… share of a core", "", self._at_rest("memory 1000"), "%", None),
            _line("at rest: 200 TLS targets at 60 s, share of a core", "", self._at_rest("tls 60 s"), "%", None),
        ]

    def _at_rest(self, name: str) -> Range | None:
        shares = [one["cpu_ms"] * one["per_s"] / 10 for one in self._samples.get(name, ())]
        return (median(shares), min(shares), max(shares)) if shares else None

    def _peers(self) -> list[Line]:
        ours = self._ratios("ours 1000", "bare 1000", "cpu_ms")
        lines = [self._ratio("… to LiteLLM warm, N = 200", "≤ 0.083", "ours 200", "litellm 200", "cpu_ms", 1 / 12)]
        for name, theirs, most in (
            ("Gatus + SQLite", GATUS_SQLITE_1000, 1 / 4),
            ("Uptime Kuma", UPTIME_KUMA_1000, 0.1),
        ):
            ratio = ours and _scale(ours, THEIR_BARE / theirs)
            lines.append(_line(f"… to {name}, N = 1,000 (by ratio to the bare loop)", f"≤ {most:g}", ratio, "", most))
        return lines

    def _schedule(self) -> list[Line]:
        drift = self._range("drift", "late_s")
        fewest, most = self._range("drift", "fewest"), self._range("drift", "most")
        counts = (
            f"{fewest[0]:.0f} to {most[0]:.0f} looks, none more than {drift[0]:.1f} s behind its place" if drift else ""
        )
        return [
            self._plain("200 targets whose answers take 1 s, one sweep", "≤ 1.15 s", "sweep", "sweep_s", "s", 1.15),
            self._plain("start lag of 800 while 200 hang, p99", "≤ 50 ms", "hang", "p99_ms", "ms", 50),
            self._plain("… median", "", "hang", "p50_ms", "ms", None),
            Line("a simulated day of 1,000 targets at 60 s", "no drift", counts, bool(drift) and drift[0] <= 3.1),
        ]

    def _tls(self) -> list[Line]:
        reuse = self._range("reuse", "percent")
        return [
            _line("TLS at 60 s, 200 hosts: connections used again", "≥ 95 %", reuse, "%", 95, least=True),
            self._ratio(
                "TLS, CPU per probe to the new-connection loop", "≤ 0.25", "ours tls", "bare tls fresh", "cpu_ms", 0.25
            ),
        ]

    def _kept(self) -> list[Line]:
        held, all_s = self._range("tidy", "held_ms"), self._range("tidy", "all_s")
        return [
            self._plain("a raw result on disk, as beats leave it", "≤ 32 B", "size", "live_b", "B", 32),
            self._plain("… after a VACUUM", "", "size", "packed_b", "B", None),
            self._plain("… with tokens and cost", "", "size", "billed_b", "B", None),
            self._plain("roll-ups add", "≤ 10 %", "size", "rolled_percent", "%", 10),
            self._plain("90 days × 150 series from roll-ups", "≤ 100 ms", "ninety", "days_ms", "ms", 100),
            self._ratio(
                "… how much faster than from raw rows", "≥ 100", "ninety", "ninety", "raw_ms", 100, under="days_ms"
            ),
            _line("roll-up and retention of a day of 1,000 targets, CPU", "≤ 2 s", all_s, "s", 2),
            _line("… longest hold of the writer", "≤ 50 ms", held, "ms", 50),
        ]

    def _site(self) -> list[Line]:
        what = "whole site of {} accounts to the f-string floor"
        rewritten = self._range("site 500", "rewritten")
        return [
            self._ratio(what.format(50), "≤ 1.5", "site 50", "site 50", "ours_ms", 1.5, under="floor_ms"),
            self._ratio(what.format(500), "≤ 1.5", "site 500", "site 500", "ours_ms", 1.5, under="floor_ms"),
            self._plain("… 500 accounts", "", "site 500", "ours_ms", "ms", None),
            _line("… files rewritten that did not change", "0", rewritten, "", 0),
        ]

    def _starts(self) -> list[Line]:
        return [
            self._ratio("`--help`, CPU to bare Python's start", "≤ 6", "start help", "start python", "cpu_ms", 6),
            self._ratio("`check`, CPU to bare Python's start", "≤ 6", "start check", "start python", "cpu_ms", 6),
            self._ratio("… of 150 accounts", "", "start check 150", "start python", "cpu_ms", 6),
            self._ratio("`once`, 150 due, CPU to a bare one-shot", "≤ 1.3", "start once", "start bare", "cpu_ms", 1.3),
            _line("… heavy packages imported by it", "0", self._range("imported", "names"), "", 0),
        ]

    def _told(self) -> list[Line]:
        return [
            self._plain("first failure → delivered webhook", "≤ 35 s", "tell", "from_first_failure_s", "s", 35),
            self._plain("fault → delivered webhook", "", "tell", "from_fault_s", "s", None),
            self._plain("… of which after the confirming probe was due", "≤ 100 ms", "tell", "ours_ms", "ms", 100),
        ]

    def _range(self, name: str, key: str) -> Range | None:
        values = [one[key] for one in self._samples.get(name, ())]
        return (median(values), min(values), max(values)) if values else None

    def _ratios(self, name: str, other: str, key: str, under: str | None = None) -> Range | None:
        pairs = zip(self._samples.get(name, ()), self._samples.get(other, ()), strict=False)
        values = [one[key] / two[under or key] for one, two in pairs]
        return (median(values), min(values), max(values)) if values else None

    def _plain(self, what: str, goal: str, name: str, key: str, unit: str, most: float | None) -> Line:
        return _line(what, goal, self._range(name, key), unit, most)

    def _ratio(
        self, what: str, goal: str, name: str, other: str, key: str, mark: float, *, under: str | None = None
    ) -> Line:
        least = goal.startswith("≥")
        return _line(what, goal, self._ratios(name, other, key, under), "", mark if goal else None, least=least)


def _line(what: str, goal: str, found: Range | None, unit: str, mark: float | None, *, least: bool = False) -> Line:
    if found is None:
        return Line(what, goal, "not measured", None)
    middle, low, high = found
    met = None if mark is None else middle >= mark if least else middle <= mark
    return Line(what, goal, f"{_figure(middle)} {unit} ({_figure(low)}–{_figure(high)})".replace("  ", " "), met)


def _scale(found: Range, by: float) -> Range:
    return found[0] * by, found[1] * by, found[2] * by


def _figure(value: float) -> str:
    return f"{value:.0f}" if value >= 100 or value == 0 else f"{value:.3g}"


def _row(line: Line) -> str:
    met = {True: "yes", False: "**no**", None: ""}[line.met]
    return f"| {line.what} | {line.goal} | {line.measured} | {met} |\n"


def _stage(what: str, ms: float) -> str:
    return f"| {what} | {1000 * ms:.0f} |\n"


TIMED = {
    "judge": "health and detectors",
    "plan": "the plan of the next look",
    "note": "notes, spending, incidents, what is to be saved",
    "save": "the transaction: result, health, limits, spending; in a thread of its own",
    "page": "the page, where one falls into the window",
}
"""What `benchmarks.load --stages` times, in the order of the beat."""
REST = "a task, a turn at the host, headers, time limits, the body read, classified, usage, limits, redaction"

READING = """## How to read it

The bare loop asks the same addresses with aiohttp, fifty at a time, parses the answer, reads two limits and
keeps nothing. "Flat out" sweeps all targets as soon as the last sweep is judged, which is how LiteLLM asks too;
"at the same pace" asks each target once a second, evenly spread, on both sides, where waking up costs more
than asking. Our figure is that of every stage of `run`, begun when the first pages are made, or 25 seconds later,
and with a page where one falls into the window. The goals are held to the flat-out loop, the harder one. "At rest"
and the memory are those of the first four minutes of a monitor that begins with an empty site and empty tables, which
an earlier start has made: what makes them (sqlite_utils) stays in memory until the next start. Results of before
commit c64908d were those of the very first start, and their windows of load began after eight seconds at most, with
first pages in them: they do not compare. Database and page are in memory (`/dev/shm`) where there is such a folder: on
ext4 without a journal a new file costs 50 µs or 700, as many were removed in the seconds before, and a first page of
1,000 accounts writes 3,000 files. There a page can cost more than all probes.

Gatus, Uptime Kuma: not run here. Their CPU per probe and that of a bare loop were measured together on
2026-11-21 (Gatus v5.2 with SQLite 1.04 ms, Uptime Kuma 2.5.3 2.93 ms, the loop 0.147 ms), and our ratio to the
loop of this run is divided by theirs. LiteLLM's check is run by this script where it can be installed. The
other side is nginx where it is installed. The 90 days are read three times; the hanging targets are watched once, for
four minutes at the usual interval and time limits, as are the 200 TLS targets, five webhooks, and 1,000 and 5,000
targets for their memory.

The f-string floor (`benchmarks/floor.py`) writes the files that it names with our figures from the same snapshot, by
hand: text escaped, one language, and nothing of what that snapshot does not hold (incidents, notices, limits). Of our
site those files count, and a test holds their figures to ours. The 200 TLS hosts are 200 addresses of loopback, a
connection pool each.

"First failure → delivered" is measured from the first look that failed, "fault" from when the simulated provider
began to refuse: half an interval earlier in the mean, which a shorter interval shortens and nothing else.
"""

STAGES = """## Where the CPU of a probe goes

With 1,000 targets flat out, medians: a stopwatch of CPU time around each stage of a beat (`--stages`), in a window in
which the detectors know each target from thirty answers and more, as they do for all but the first half hour.

| stage | µs |
|---|---|
"""

MISSED = """## What is missed, and what would have to change

- **CPU per probe, saturation, Gatus; Uptime Kuma, where it is missed.** 1.5 times the bare loop leaves half a bare
  probe for all that is ours; the detectors and the transaction take that by themselves. A loop written for HTTP by hand
  takes a fifth of aiohttp's on asyncio (0.031 ms beside 0.147, on uvloop and on another machine): that would meet the
  goal, but aiohttp knows of TLS, proxies and bad servers. Compiled code alone would not: Cython, on the detectors as
  they are, takes a third off them (8.7 µs are left of 12.2 where all is warm), and a third off all that is ours would
  leave 1.65. A line at each host instead of a semaphore and a task for each look was tried and gained nothing: the loop
  then finds fewer events at each turn. On uvloop the bare loop gains more than our own Python does, so the ratio gets
  worse while the cost gets better.
- **Saturation** is of 5,000 targets that are all due at once, while the first pages of 5,000 accounts are made.
- **`check`**, where it is missed: msgspec alone is 2 of it (it imports `uuid`, `decimal` and `inspect`), `argparse`
  0.7, tables of one provider 0.4, our own modules 1.3.
- **`once`.** Importing what it needs and reading the configuration take 1.2 of the one-shot: aiohttp 0.8, Jinja2,
  msgspec and our own modules 0.4. The rest is looks, transactions and the page, for which the templates are compiled.
  A round without a page would come to 1.8; to meet the goal, modules would have to be fewer, not faster.
- **Memory** of 5,000. Imports take 46 MiB, and each target some 6 KiB of configuration, health, detectors and plan: 30
  MiB more, so that even without a page little is left of 80. While a page is made, all accounts stand in memory once as
  they are now. It would take a snapshot that is read account by account, and a plan and health that are kept in
  columns instead of values. Over TLS each open connection keeps its buffers besides, some 0.3 MiB of a host of its own.
- **Site of 50 accounts**, where it is missed: within some per cent of the goal from run to run. Of 9 ms what a page
  says (layout) takes 3.1, the templates 2.8, the documents for programs 1.8.
"""
