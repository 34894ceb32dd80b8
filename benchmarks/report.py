"""The results as Markdown."""

import platform
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.benchmark import Benchmark
from benchmarks.interleave import Results
from benchmarks.peers import BASELINE
from benchmarks.suite import GROUPS

SUBJECT = "ferrio"


def report(runs: Sequence[Results], command: str) -> str:
    lines = [
        "# Results",
        "",
        "What the columns are is said in [README.md](README.md). Made by",
        "",
        f"    {command}",
        "",
        f"on {datetime.now(UTC):%Y-%m-%d}, {processor()}, {platform.system()} {platform.release()}.",
    ]
    for run in runs:
        lines += section(run)
    return "\n".join(lines) + "\n"


def processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    models = [
        line.partition(":")[2].strip()
        for line in (cpuinfo.read_text().splitlines() if cpuinfo.exists() else ())
        if line.startswith("model name")
    ]
    return f"{models[0]}, {len(models)} cores" if models else platform.machine()


def section(run: Results) -> list[str]:
    versions = [f"{peer} {version}" for peer, version in run.versions.items() if version]
    lines = ["", f"## CPython {run.python}", "", "; ".join([f"`{run.build}`", *versions]) + "."]
    lines += ["", *(f"- {note.strip().splitlines()[0]}" for note in run.notes)] if run.notes else []
    for group in GROUPS:
        rows = [
            row for row in group.benchmarks if any((row.path, peer) in run.values for peer in run.versions)
        ]
        if rows:
            lines += ["", f"### {group.title} ({group.unit})", "", *table(run, rows)]
            lines += baseline_table(run, rows)
    return lines


def table(run: Results, rows: Sequence[Benchmark]) -> list[str]:
    """Return the table of the time of each peer, and its ratio to ferrio's."""
    peers = [peer for peer in run.versions if peer != BASELINE or any(row.has_baseline for row in rows)]
    others = [peer for peer in peers if peer != SUBJECT] if SUBJECT in peers else []
    lines = header("", *peers, *(f"{peer} / {SUBJECT}" for peer in others))
    for row in rows:
        ratios = [ratio(run, row, peer, SUBJECT) for peer in others]
        lines.append(line(row.name, *(cell(run, row, peer) for peer in peers), *ratios))
    return lines


def baseline_table(run: Results, rows: Sequence[Benchmark]) -> list[str]:
    """Return the table of the time of each peer as multiples of the baseline's."""
    rows = [row for row in rows if (row.path, BASELINE) in run.values]
    if not rows:
        return []
    peers = [peer for peer in run.versions if peer != BASELINE]
    lines = ["", "As multiples of the CPU time of the server in C:", "", *header("", *peers)]
    return lines + [line(row.name, *(ratio(run, row, peer, BASELINE) for peer in peers)) for row in rows]


def header(*cells: str) -> list[str]:
    return [line(*cells), line("---", *("---:" for _ in cells[1:]))]


def line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def cell(run: Results, row: Benchmark, peer: str) -> str:
    values = run.values.get((row.path, peer), {}).values()
    return f"{statistics.median(values):.0f} ({min(values):.0f} to {max(values):.0f})" if values else ""


def ratio(run: Results, row: Benchmark, peer: str, to: str) -> str:
    """Return the median ratio of the values of the same repetition, in which the machine had about the same speed."""
    dividends, divisors = (run.values.get((row.path, name), {}) for name in (peer, to))
    quotients = [
        dividends[repetition] / divisors[repetition] for repetition in dividends.keys() & divisors.keys()
    ]
    return f"{statistics.median(quotients):.2f}" if quotients else ""
