"""The results as plots: one SVG for each group of benchmarks, in a light and in a dark theme."""

import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from benchmarks.benchmark import Group
from benchmarks.interleave import Results
from benchmarks.peers import PEERS
from benchmarks.suite import GROUPS

# All in pixels.
WIDTH = 760
MARGIN = 16
LABELS = 250
"""The width of the column of row labels."""
VALUES = 80
"""The width that is kept free behind the longest bar, for its value."""
TOP = 76
BAR = 13
GAP = 14
"""Between two rows."""
CHARACTERS = 38
"""The characters of a row's label that fit into a line."""

FONT = "font-family=\"system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif\""
# The rows of a plot share one scale unless the longest bars of two rows differ by more than this factor.
COMMON_SCALE = 5


@dataclass(frozen=True)
class Theme:
    name: str
    background: str
    text: str
    muted: str
    colours: Mapping[str, str]
    """The colour of each peer's bars."""


THEMES = (
    Theme(
        "light",
        "#ffffff",
        "#1f2328",
        "#59636e",
        {
            "C": "#d1d9e0",
            "asyncio": "#8c959f",
            "uvloop": "#54aeff",
            "zuvloop": "#8250df",
            "ferrio": "#d1541f",
        },
    ),
    Theme(
        "dark",
        "#0d1117",
        "#f0f6fc",
        "#9198a1",
        {
            "C": "#3d444d",
            "asyncio": "#7d8590",
            "uvloop": "#388bfd",
            "zuvloop": "#a371f7",
            "ferrio": "#f0703a",
        },
    ),
)

Row = tuple[str, dict[str, float]]
"""The name of a benchmark, and the value of each peer."""


def write(run: Results, folder: Path) -> list[Path]:
    """Write the plots of all groups that were measured. Returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for group in GROUPS:
        rows = medians(run, group)
        for theme in THEMES if rows else ():
            path = folder / f"{slug(group.title)}-{theme.name}.svg"
            path.write_text(plot(group, rows, theme, subtitle(run, group)))
            written.append(path)
    return written


def medians(run: Results, group: Group) -> list[Row]:
    rows = []
    for benchmark in group.benchmarks:
        values = {
            peer: statistics.median(run.values[benchmark.path, peer].values())
            for peer in PEERS
            if run.values.get((benchmark.path, peer))
        }
        if values:
            rows.append((benchmark.name.replace("`", ""), values))
    return rows


def slug(title: str) -> str:
    """Return the first words of a title, up to its first punctuation, as a file name."""
    words = re.split(r"[,(]", title)[0]
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def subtitle(run: Results, group: Group) -> str:
    versions = ", ".join(f"{peer} {version}" for peer, version in run.versions.items() if version)
    kind = "Bytes" if group.unit == "bytes" else "CPU time"
    return f"{kind}, less is better. CPython {run.python}; {versions}"


def shown(value: float, unit: str, scale: float) -> str:
    """Return the label of a value: microseconds where the value of the longest bar has five digits or more."""
    if unit == "ns" and scale >= 10_000:
        return f"{value / 1000:.1f} µs"
    return f"{value:,.0f} {'B' if unit == 'bytes' else unit}"


def plot(group: Group, rows: Sequence[Row], theme: Theme, subtitle: str) -> str:
    longest = [max(values.values()) for _, values in rows]
    common = max(longest) <= COMMON_SCALE * min(longest)
    body: list[str] = []
    y = TOP
    for (name, values), own in zip(rows, longest, strict=True):
        body += bars(name, values, theme, y, max(longest) if common else own, group.unit)
        y += BAR * len(values) + GAP
    if not common:
        body.append(text(MARGIN, y + 4, "Each row has a scale of its own.", theme.muted, 11))
        y += 14
    height = y + 4
    peers = [peer for peer in PEERS if any(peer in values for _, values in rows)]
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" role="img" {FONT}>',
        f"<title>{escape(group.title)}: {', '.join(peers)}</title>",
        f'<rect width="100%" height="100%" rx="6" fill="{theme.background}"/>',
        text(MARGIN, 26, group.title, theme.text, 16, weight=600),
        text(MARGIN, 44, subtitle, theme.muted, 11.5),
        *legend(peers, theme),
    ]
    return "\n".join([*head, *body, "</svg>", ""])


def legend(peers: Sequence[str], theme: Theme) -> Iterator[str]:
    x = MARGIN
    for peer in peers:
        yield f'<rect x="{x}" y="54" width="10" height="10" rx="2" fill="{theme.colours[peer]}"/>'
        yield text(x + 15, 63, peer, theme.text, 12)
        x += 30 + 7 * len(peer)


def bars(
    name: str, values: Mapping[str, float], theme: Theme, y: int, scale: float, unit: str
) -> Iterator[str]:
    """Yield the label and the bars of a row whose top is at `y`; a bar of `scale` has the full length."""
    lines = wrapped(name)
    first = y + BAR * len(values) / 2 + 4 - 7 * (len(lines) - 1)
    for number, line in enumerate(lines):
        yield text(MARGIN, first + 14 * number, line, theme.text, 12)
    start = MARGIN + LABELS
    for number, (peer, value) in enumerate(values.items()):
        top = y + BAR * number
        length = (WIDTH - start - VALUES) * value / scale
        yield (
            f'<rect x="{start}" y="{top}" width="{length:.1f}" height="{BAR - 2}" rx="2" '
            f'fill="{theme.colours[peer]}"/>'
        )
        weight = 600 if peer == "ferrio" else 400
        yield text(
            start + length + 6, top + BAR - 3, shown(value, unit, scale), theme.text, 11, weight=weight
        )


def wrapped(name: str) -> list[str]:
    lines = [""]
    for word in name.split():
        if lines[-1] and len(lines[-1]) + len(word) >= CHARACTERS:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def text(x: float, y: float, content: str, colour: str, size: float, *, weight: int = 400) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" font-size="{size}" font-weight="{weight}">'
        f"{escape(content)}</text>"
    )
