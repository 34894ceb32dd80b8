"""All benchmarks, in the order of the report."""

import re

from benchmarks.benchmark import Benchmark, Group
from benchmarks.callbacks import CALLBACKS
from benchmarks.echo import ECHO
from benchmarks.memory import MEMORY
from benchmarks.queues import QUEUES
from benchmarks.streams import STREAMS
from benchmarks.sync import SYNC
from benchmarks.tasks import TASKS
from benchmarks.waiting import WAITING

GROUPS: tuple[Group, ...] = (TASKS, WAITING, CALLBACKS, SYNC, QUEUES, STREAMS, ECHO, MEMORY)
BENCHMARKS = {benchmark.path: benchmark for group in GROUPS for benchmark in group.benchmarks}


def matching(pattern: str) -> list[Benchmark]:
    """Return the benchmarks whose "group/name" the regular expression matches."""
    return [benchmark for path, benchmark in BENCHMARKS.items() if re.search(pattern, path, re.IGNORECASE)]
