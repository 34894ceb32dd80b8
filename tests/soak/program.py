"""The soak: all workloads over and over in one loop, and a look at what the process holds after each round."""

from __future__ import annotations

import asyncio
import collections
import gc
import os
import threading
import time
import warnings
from pathlib import Path
from typing import NamedTuple

import ferrio

from tests.soak.workloads import WORKLOADS, make_loops

# How much the memory may grow after the warm-up, in bytes: what an allocator keeps, but no leak of many rounds.
ALLOWED = 8 << 20
PAGE = os.sysconf("SC_PAGE_SIZE")


class Held(NamedTuple):
    """What the process holds."""

    memory: int
    descriptors: int
    threads: int

    @classmethod
    def now(cls) -> Held:
        gc.collect()
        resident = int(Path("/proc/self/statm").read_text().split()[1]) * PAGE
        return cls(resident, len(os.listdir("/proc/self/fd")), threading.active_count())

    def __str__(self) -> str:
        return f"{self.memory / 2**20:.1f} MiB, {self.descriptors} descriptors, {self.threads} threads"


class Soak:
    """One soak.

    Args:
        seconds: how long the workloads run.
        loops: how many loops are made and closed afterwards.
        every: how often a line is printed, in seconds.
    """

    def __init__(self, seconds: float, loops: int, every: float = 5) -> None:
        self.seconds = seconds
        self.loops = loops
        self.every = every
        self.counts: collections.Counter[str] = collections.Counter()
        self.rounds = 0
        self.errors: list[str] = []
        self.before: Held | None = None

    def run(self) -> list[str]:
        """Runs, and returns what is wrong."""
        warnings.simplefilter("error")
        ferrio.run(self.main())
        assert self.before is not None
        self.compare("after the rounds", self.before)
        make_loops(100)
        before = Held.now()
        make_loops(self.loops)
        print(f"{self.loops} loops made and closed: {Held.now()}", flush=True)
        self.compare(f"after {self.loops} loops", before)
        return self.errors

    async def main(self) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self.errors.append(repr(context)))
        begun = said = time.monotonic()
        while (now := time.monotonic()) < begun + self.seconds:
            await self.round()
            # The first fifth warms up: caches, threads of the executor, the allocator's arenas.
            if self.before is None and now > begun + self.seconds / 5 and self.rounds >= 3:
                self.before = self.least([await self.held() for _ in range(3)])
            if now > said + self.every:
                said = now
                counts = ", ".join(f"{count} {name}" for name, count in self.counts.items())
                print(f"{now - begun:.0f} s, {self.rounds} rounds: {Held.now()}; {counts}", flush=True)
        while self.before is None:
            await self.round()
            self.before = await self.held()
        # What is held between two rounds is not always the same: the least of several is compared.
        self.after = self.least([await self.held() for _ in range(3)])
        self.check("in the last rounds", self.before, self.after)

    async def round(self) -> None:
        """Runs all workloads at the same time."""
        names = list(WORKLOADS)
        for name, count in zip(names, await ferrio.gather(*(WORKLOADS[it]() for it in names)), strict=True):
            self.counts[name] += count
        self.rounds += 1

    async def held(self) -> Held:
        await self.round()
        await asyncio.sleep(0.05)
        return Held.now()

    @staticmethod
    def least(several: list[Held]) -> Held:
        return Held(*(min(it) for it in zip(*several, strict=True)))

    def compare(self, when: str, before: Held) -> None:
        """Compares what is held outside of a loop."""
        self.check(when, before, Held.now())

    def check(self, when: str, before: Held, after: Held) -> None:
        if after.memory > before.memory + ALLOWED:
            self.errors.append(f"{when} the memory has grown: {before}, then {after}")
        if after.descriptors > before.descriptors:
            self.errors.append(f"{when} descriptors are left: {before}, then {after}")
        if after.threads > max(before.threads, 1 + 32):
            self.errors.append(f"{when} threads are left: {before}, then {after}")
