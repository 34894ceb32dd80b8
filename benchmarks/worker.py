"""The process in which one peer is measured.

`python -m benchmarks.worker OPTIONS`, started by benchmarks/interleave.py.

It writes JSON lines. The first describes the peer: {"version": ..., "python": ...}, or {"missing": why}. Then each line
on its standard input is {"benchmark": its path}; the answer is {"value": number}, {"skipped": why} or {"failed":
traceback}.
"""

import asyncio
import gc
import json
import os
import sys
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.benchmark import Setting, Unavailable
from benchmarks.peers import Peer, load
from benchmarks.suite import BENCHMARKS


@dataclass(frozen=True)
class Options:
    """The options that a worker gets when it is started."""

    peer: str
    seconds: float
    tools: str
    collect: bool
    """Whether the garbage collector runs during a measurement."""
    cpu: int | None = None
    load_cpu: int | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def measure(setting: Setting, path: str) -> dict[str, object]:
    peer = setting.peer
    try:
        # Each measurement has a new loop, as a program does.
        with asyncio.Runner(loop_factory=peer.new_event_loop) as runner:
            return {"value": runner.run(BENCHMARKS[path].measure(setting))}  # type: ignore[arg-type]
    except Unavailable as reason:
        return {"skipped": str(reason)}
    except Exception:
        return {"failed": traceback.format_exc()}


def hello(peer: Peer) -> dict[str, object]:
    version = sys.version_info
    return {"version": peer.version, "python": "{}.{}.{}".format(*version), "build": sys.version}


def main() -> None:
    options = Options(**json.loads(sys.argv[1]))
    if options.cpu is not None:
        os.sched_setaffinity(0, {options.cpu})
    # The pipe is for answers, so anything that is printed goes to standard error.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(answer: dict[str, object]) -> None:
        print(json.dumps(answer), file=answers, flush=True)

    try:
        peer = load(options.peer)
    except ImportError as error:
        say({"missing": str(error)})
        return
    say(hello(peer))
    if not options.collect:
        gc.disable()
    setting = Setting(peer, options.seconds, Path(options.tools), options.load_cpu)
    for line in sys.stdin:
        say(measure(setting, json.loads(line)["benchmark"]))


if __name__ == "__main__":
    main()
