"""The process that makes the calls: it may be ended by one of them, and has then said by which.

    python -m tests.calls.worker KIND [--examples N] [--seconds S] [--seed N]
    python -m tests.calls.worker --program "Program(...)"

Without a kind it takes them from standard input, a request in a line, and answers each in a line.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import faulthandler
import gc
import json
import logging
import os
import socket
import sys
import tempfile
import time
import traceback
import warnings
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings

from tests.attributes.walking import KINDS, Side
from tests.calls.known import Difference, is_known
from tests.calls.programs import Call, Constant, Program, describe, programs
from tests.calls.running import Outcome, Panic, clean_up, run

# How long to wait for what an awaitable gives, at first and when the sides differed.
PATIENCE = (0.004, 0.1)
# After so many seconds in one program this process ends.
HANGING = 20
JOURNAL = "journal"

unraisable: list[str] = []


def prepare(folder: str) -> None:
    """Makes this process, whose working directory becomes `folder`, one in which anything may be called."""
    # pytest does what this module needs; here each kind of warning is a program's right.
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    os.chdir(folder)
    look_up = socket.getaddrinfo

    def numeric(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:
        """No name server is asked."""
        return look_up(host, port, family, type, proto, flags | socket.AI_NUMERICHOST)

    socket.getaddrinfo = numeric
    sys.unraisablehook = lambda it: unraisable.append(f"{it.exc_type.__name__}: {it.exc_value}")


def described(kind: str) -> dict[str, Any]:
    """The attributes of asyncio's object of a kind, in any of its states."""
    loop = asyncio.SelectorEventLoop()
    found: dict[str, Any] = {}

    async def look() -> None:
        states, specimen = KINDS[kind]
        generator = specimen(Side("asyncio", loop, asyncio))
        for _ in states:
            found.update(describe(await anext(generator)))
        async for _ in generator:
            pass

    loop.run_until_complete(look())
    clean_up(loop)
    return found


def outcomes(program: Program, name: str, patience: float) -> list[Outcome]:
    """What a program comes to; the journal says that it runs."""
    with open(JOURNAL, "w") as journal:
        journal.write(f"{name}: {program!r}")
    faulthandler.dump_traceback_later(HANGING, exit=True)
    try:
        return run(program, name, patience)
    except Panic as panic:
        return [("PANIC", str(panic))]
    finally:
        faulthandler.cancel_dump_traceback_later()


def compare(program: Program, patience: float) -> Difference | None:
    """The first difference between the sides."""
    stock = outcomes(program, "asyncio", patience)
    native = outcomes(program, "ferrio", patience)
    for message in unraisable:
        if message.startswith(("SystemError", "PanicException")):
            native.insert(0, ("UNRAISABLE", message))
    unraisable.clear()
    for index, (mine, theirs) in enumerate(zip(stock, native, strict=False)):
        if repr(mine) != repr(theirs):
            return Difference(program, program.calls[min(index, len(program.calls) - 1)], mine, theirs)
    if len(stock) != len(native):
        index = min(len(stock), len(native), len(program.calls) - 1)
        return Difference(program, program.calls[index], ("ends", len(stock)), ("ends", len(native)))
    return None


def confirmed(program: Program) -> Difference | None:
    """An unknown difference that is no matter of time."""
    found = None
    for patience in (*PATIENCE, PATIENCE[-1]):
        found = compare(program, patience)
        if found is None or is_known(found):
            return None
    return found


def shrunk(found: Difference) -> Difference:
    """The same difference after fewer calls."""
    calls = list(found.program.calls)
    index = calls.index(found.call)
    del calls[index + 1 :]
    while index > 0:
        index -= 1
        shorter = found.program._replace(calls=tuple(calls[:index] + calls[index + 1 :]))
        again = confirmed(shorter)
        if again and key(again) == key(found):
            found = again
            del calls[index]
    return found


def key(found: Difference) -> str:
    """What makes two differences the same one."""
    return f"{found.program.kind}.{found.call.name}: {found.stock[:2]} {found.native[:2]}"


def search(kind: str, examples: int, seconds: float, seed_: int | None) -> dict[str, Difference]:
    """Runs programs for objects of a kind, and returns the differences that are not known."""
    found: dict[str, Difference] = {}
    end = time.monotonic() + seconds

    @settings(
        max_examples=examples,
        derandomize=seed_ is None,
        database=None,
        deadline=None,
        verbosity=Verbosity.quiet,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(programs(kind, described(kind)))
    def look(program: Program) -> None:
        if time.monotonic() > end:
            return
        difference = compare(program, PATIENCE[0])
        if difference is None or is_known(difference) or key(difference) in found:
            return
        difference = confirmed(program)
        if difference and key(difference) not in found:
            found[key(difference)] = shrunk(difference)

    if seed_ is not None:
        look = seed(seed_)(look)
    look()
    gc.collect()
    return found


def answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        found = search(**request)
        return {"differences": [report(it) for it in found.values()]}
    except BaseException:
        return {"error": traceback.format_exc()}


def report(it: Difference) -> str:
    return f"{it.program.kind}.{it.call.name}\n    asyncio: {it.stock}\n    ferrio:  {it.native}\n    {it.program!r}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", nargs="?", help="all: each of them")
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--program", help="run this one only, as a report has shown it")
    parser.add_argument("--folder", help="the working directory; one that is removed at the end without it")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        prepare(options.folder or stack.enter_context(tempfile.TemporaryDirectory()))
        work(options)


def work(options: argparse.Namespace) -> None:
    if options.program:
        names = {
            "Program": Program,
            "Call": Call,
            "Constant": Constant,
            "nan": float("nan"),
            "inf": float("inf"),
        }
        program = eval(options.program, names)
        for name in ("asyncio", "ferrio"):
            print(name, *outcomes(program, name, PATIENCE[1]), sep="\n    ", flush=True)
    elif options.kind:
        for name in KINDS if options.kind == "all" else [options.kind]:
            begun = time.monotonic()
            found = answer(
                {
                    "kind": name,
                    "examples": options.examples,
                    "seconds": options.seconds,
                    "seed_": options.seed,
                }
            )
            print(*found.get("differences", []), found.get("error", ""), sep="\n")
            print(f"{name}: {time.monotonic() - begun:.1f} s", flush=True)
    else:
        # Some calls print.
        answers = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)
        print(json.dumps({"journal": os.path.abspath(JOURNAL)}), file=answers)
        for line in sys.stdin:
            print(json.dumps(answer(json.loads(line))), file=answers)


if __name__ == "__main__":
    main()
