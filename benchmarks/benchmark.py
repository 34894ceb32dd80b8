"""A benchmark, and how one measurement of it is made."""

import gc
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from benchmarks.peers import Peer

FIRST_COUNT = 500


class Unavailable(Exception):
    """This benchmark cannot run here; the message says what is missing."""


@dataclass(frozen=True)
class Setting:
    """The peer, the time and the tools of a measurement."""

    peer: Peer
    seconds: float
    """The CPU time that a measurement should take, in seconds."""
    tools: Path
    """The folder of the compiled programs."""
    load_cpu: int | None
    """The core for a process that makes the load."""

    def tool(self, name: str) -> Path:
        path = self.tools / name
        if not path.exists():
            raise Unavailable(f"{name} could not be made (see benchmarks/tools.py)")
        return path


Program = Callable[[ModuleType, int], Awaitable[object]]
Measure = Callable[[Setting], Awaitable[float]]


@dataclass(frozen=True)
class Benchmark:
    """One row of the report."""

    group: str
    name: str
    measure: Measure
    alone: bool = False
    """Whether each measurement needs a fresh process."""
    has_baseline: bool = False
    """Whether the baseline can be measured, too."""

    @property
    def path(self) -> str:
        return f"{self.group}/{self.name}"


@dataclass
class Group:
    """One table of the report."""

    title: str
    unit: str = "ns"
    benchmarks: list[Benchmark] = field(default_factory=list)

    def program(self, name: str, *, batch: int = 1) -> Callable[[Program], Program]:
        """Add `async def program(aio, count)`, which does `count` operations, a multiple of `batch`."""

        def add(program: Program) -> Program:
            async def measure(setting: Setting) -> float:
                aio = setting.peer.aio

                async def run(count: int) -> None:
                    # In a task of its own, so that no other frame is between the program and the loop.
                    await aio.create_task(program(aio, count))

                return await per_operation(run, seconds=setting.seconds, batch=batch)

            self.benchmarks.append(Benchmark(self.title, name, measure))
            return program

        return add

    def measurement(
        self, name: str, *, alone: bool = False, has_baseline: bool = False
    ) -> Callable[[Measure], Measure]:
        """Add a benchmark that measures itself."""

        def add(measure: Measure) -> Measure:
            self.benchmarks.append(Benchmark(self.title, name, measure, alone, has_baseline))
            return measure

        return add


async def per_operation(
    run: Callable[[int], Awaitable[None]],
    *,
    seconds: float,
    batch: int = 1,
    clock: Callable[[], int] = time.process_time_ns,
) -> float:
    """Return the nanoseconds on `clock` that each operation of `run(count)` takes.

    The count grows until a run takes about `seconds`. That run is the measurement, and the runs before it are the
    warm-up.
    """
    goal = seconds * 1e9
    count = batch * math.ceil(FIRST_COUNT / batch)
    while True:
        gc.collect()
        start = clock()
        await run(count)
        spent = max(clock() - start, 1)
        if spent > goal / 2:
            return spent / count
        growth = min(goal / spent, 20)
        count = batch * math.ceil(count * growth / batch)
