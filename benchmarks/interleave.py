"""One run: each repetition measures every benchmark for every peer, so that a slow phase of the machine hits all."""

import contextlib
import json
import select
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from benchmarks.benchmark import Benchmark
from benchmarks.peers import BASELINE
from benchmarks.worker import Options

# Seconds. No measurement takes nearly as long, so a worker that does hangs.
PATIENCE = 60


class Worker:
    """A worker process, which does one thing at a time."""

    def __init__(self, python: str, options: Options) -> None:
        command = [python, "-m", "benchmarks.worker", options.to_json()]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.hello = self._answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def measure(self, benchmark: Benchmark) -> dict[str, Any]:
        assert self._process.stdin is not None
        print(json.dumps({"benchmark": benchmark.path}), file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
        line = self._process.stdout.readline() if readable else ""
        if line:
            return dict(json.loads(line))
        self._process.kill()
        return {
            "failed": f"the process {'ended' if readable else 'did not answer'}",
            "ended": self._process.wait(),
        }


@dataclass
class Results:
    """The results of one run on one Python."""

    python: str = ""
    build: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    """Peer: its version, for each peer that was measured."""
    values: dict[tuple[str, str], dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    """(Path of the benchmark, peer): the values, by the number of the repetition."""
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)
            print(text, file=sys.stderr)


@dataclass
class Run:
    """The parameters of a run, and its results so far."""

    python: str
    options: Options
    """The options of each worker; the peer is filled in."""
    peers: Sequence[str]
    results: Results = field(default_factory=Results)

    def repeat(self, benchmarks: Sequence[Benchmark], times: int) -> Results:
        self.peers = [peer for peer in self.peers if self._is_installed(peer)]
        for repetition in range(times):
            # Each repetition has new processes, because the layout of memory differs between processes.
            with self._workers() as workers:
                for position, benchmark in enumerate(benchmarks):
                    print(f"{repetition + 1}/{times} {benchmark.path}", file=sys.stderr)
                    first = (repetition + position) % len(self.peers)
                    for peer in (*self.peers[first:], *self.peers[:first]):
                        if peer != BASELINE or benchmark.has_baseline:
                            self._measure(workers, peer, benchmark, repetition)
        return self.results

    def _is_installed(self, peer: str) -> bool:
        with self._start(peer) as worker:
            hello = worker.hello
        if "python" not in hello:
            self.results.note(f"{peer} is left out: {hello.get('missing') or hello['failed']}")
            return False
        self.results.python, self.results.build = hello["python"], hello["build"]
        self.results.versions[peer] = hello["version"]
        return True

    def _start(self, peer: str) -> Worker:
        return Worker(self.python, replace(self.options, peer=peer))

    @contextlib.contextmanager
    def _workers(self) -> Iterator[Callable[[str], Worker]]:
        """The workers of a repetition. Each is started when it is first needed, and again when it has ended."""
        with contextlib.ExitStack() as stack:
            started: dict[str, Worker] = {}

            def worker(peer: str) -> Worker:
                if peer not in started or not started[peer].alive:
                    started[peer] = stack.enter_context(self._start(peer))
                return started[peer]

            yield worker

    def _measure(
        self, workers: Callable[[str], Worker], peer: str, benchmark: Benchmark, repetition: int
    ) -> None:
        if benchmark.alone:
            with self._start(peer) as worker:
                answer = worker.measure(benchmark)
        else:
            answer = workers(peer).measure(benchmark)
        if "value" in answer:
            self.results.values[benchmark.path, peer][repetition] = answer["value"]
        else:
            self.results.note(f"{benchmark.path}, {peer}: {answer.get('skipped') or answer['failed']}")
