"""Each example says the same under ``python -m ferrio`` as under ``python``, but for the times that it took."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
RUST_EXAMPLES = EXAMPLES.parent / "crates/ferrio/examples"
CARGO = shutil.which("cargo")
LOOP = re.compile(r"Ran on (\w+)(?:\.\w+)+\.")
TIMES = re.compile(r"\d+\.\d+ s|\d+ requests per second")


def run(name: str, *interpreter: str) -> str:
    """Run an example; returns what it printed, and fails unless it exits with 0 and complains of nothing."""
    process = subprocess.run(
        [sys.executable, "-W", "error", *interpreter, str(EXAMPLES / name)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (process.returncode, process.stderr) == (0, ""), process.stderr
    return process.stdout


def test_every_example_is_in_the_table() -> None:
    table = (EXAMPLES / "README.md").read_text()
    assert re.findall(r"\[`(\w+\.py)`\]\(\1\)", table) == sorted(path.name for path in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_example_says_the_same_on_either_loop(name: str) -> None:
    with ThreadPoolExecutor(max_workers=2) as pool:
        runs = [pool.submit(run, name), pool.submit(run, name, "-m", "ferrio")]
    stock, ferrio = (future.result() for future in runs)
    assert "".join(LOOP.findall(stock)) in ("", "asyncio")
    assert "".join(LOOP.findall(ferrio)) in ("", "ferrio")

    def timeless(output: str) -> str:
        return TIMES.sub("…", LOOP.sub("…", output))

    assert timeless(ferrio) == timeless(stock)
    assert stock


@pytest.mark.skipif(not CARGO, reason="needs cargo")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", sorted(path.stem for path in RUST_EXAMPLES.glob("*.rs")))
def test_rust_example_says_the_same_as_its_twin_in_python(name: str) -> None:
    command = ["cargo", "run", "--quiet", "-p", "ferrio", "--example", name]
    process = subprocess.run(command, cwd=EXAMPLES.parent, capture_output=True, text=True, timeout=500)
    assert process.returncode == 0, process.stderr
    assert TIMES.sub("…", process.stdout) == TIMES.sub("…", run(f"{name}.py"))


def test_sleeps_side_by_side_take_as_long_as_the_longest() -> None:
    together = re.search(r"together (\d+\.\d+) s", run("concurrent_sleeps.py", "-m", "ferrio"))
    assert together is not None
    assert 3.0 <= float(together[1]) < 3.6


def test_fetching_example_fetches_everything_on_ferrio() -> None:
    output = run("aiohttp_fetch.py", "-m", "ferrio")
    assert "Fetched 200 answers" in output
    assert "160 times 200, 40 times 201" in output
    assert LOOP.findall(output) == ["ferrio"]
