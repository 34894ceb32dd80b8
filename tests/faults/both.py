"""A worker for each of the two loops, and the comparison of what the same program did on both."""

import json
import os
import subprocess
import sys
import threading

from tests.faults import worker

# A program that needs more than this many times the system calls or seconds that asyncio needs is said to spin.
SPINNING = 4
ALLOWANCE_CALLS = 1500
ALLOWANCE_SECONDS = 1.0
DEADLINE = 25


class Worker:
    """A worker process, started when it is needed, and again if it has died."""

    def __init__(self, kind, library):
        self.kind = kind
        self.command = [sys.executable, "-m", worker.__name__, kind, os.fspath(library or "")]
        self.process = None

    def ask(self, request):
        if self.process is None:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        watchdog = threading.Timer(DEADLINE, self.process.kill)
        watchdog.start()
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            watchdog.cancel()
        if line:
            return json.loads(line)
        status = self.process.wait()
        self.stop()
        return {"died": f"the process on {self.kind} has ended with status {status}"}

    def stop(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.stdout.close()
            self.process.wait()
            self.process = None


class Both:
    """Runs programs on both loops and compares."""

    def __init__(self, folder, library=None):
        self.folder = os.fspath(folder)
        self.workers = {kind: Worker(kind, library) for kind in ("asyncio", "ferrio")}

    def stop(self):
        for each in self.workers.values():
            each.stop()

    def on_ferrio(self, program, rules=(), seed=0, **options):
        """What the program does on ferrio's loop, where asyncio's does something else."""
        return self.ask(["ferrio"], program, rules, seed, options)["ferrio"]

    def run(self, program, rules=(), seed=0, **options):
        """What the program does on each of the loops."""
        outcomes = self.ask(self.workers, program, rules, seed, options)
        return outcomes["asyncio"], outcomes["ferrio"]

    def ask(self, kinds, program, rules, seed, options):
        """The outcomes on these kinds of loops, which are asked at the same time."""
        request = {
            "program": f"{program.__module__}.{program.__qualname__}",
            "rules": list(rules),
            "seed": seed,
            "folder": self.folder,
            "options": options,
        }
        outcomes = {}

        def ask(kind):
            outcomes[kind] = self.workers[kind].ask(request)

        threads = [threading.Thread(target=ask, args=(kind,)) for kind in kinds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for kind, outcome in outcomes.items():
            assert "died" not in outcome, outcome["died"]
            assert not outcome["lost"], f"{kind} has closed somebody else's: {outcome['lost']}"
        return outcomes

    def same(self, program, rules=(), seed=0, fired=True, amounts=True, **options):
        """Run the program on both loops, and require the same outcome; return it.

        fired: whether the faults must have happened. amounts: whether how much data has arrived must be the same, too;
        it is a matter of time when reading goes on while an error is on its way.
        """
        stock, ours = self.run(program, rules, seed, **options)
        if not amounts:
            for outcome in (stock, ours):
                for who, events in outcome["journal"].items():
                    outcome["journal"][who] = [event[:1] if event[0] == "data" else event for event in events]
        visible = ("journal", "handler", "log", "tasks", "left")
        for name in visible:
            assert ours[name] == stock[name], f"{name}: {report(stock, ours, visible)}"
        assert ["TimeoutError", ""] not in ours["journal"].get("program", ()), (
            f"both hang: {report(stock, ours, visible)}"
        )
        if rules and fired:
            assert stock["fired"], "the faults never happened on asyncio"
            assert ours["fired"], "the faults never happened on ferrio"
        bounded(stock, ours)
        return ours


def bounded(stock, ours):
    """Require that the loop has not spun."""
    for name, allowance in (("calls", ALLOWANCE_CALLS), ("seconds", ALLOWANCE_SECONDS)):
        assert ours[name] <= SPINNING * stock[name] + allowance, (
            f"it spins: {ours[name]} {name} on ferrio, {stock[name]} on asyncio"
        )


def report(stock, ours, names):
    lines = []
    for kind, outcome in (("asyncio", stock), ("ferrio", ours)):
        lines += [f"\n  {kind}:"] + [f"    {name}: {outcome[name]}" for name in (*names, "fired", "calls")]
    return "\n".join(lines)
