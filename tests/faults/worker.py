"""A process that runs programs on one kind of loop, as it is told on its standard input, a line of JSON for each.

`python -m tests.faults.worker (asyncio|ferrio) LIBRARY` answers with a line of JSON: what the program observed, what
reached the loop's exception handler and the log, and what was left behind.
"""

import asyncio
import gc
import importlib
import json
import logging
import os
import sys
import threading
import time
import warnings

from tests.faults.injection import Faults
from tests.faults.scene import PATIENCE, Scene, describe

# What a program may leave to the loop: callbacks that are already scheduled.
LAST_ITERATIONS = 10


class Idle:
    """In the place of the faults, where there is no library."""

    def __getattr__(self, name):
        return lambda *args: 0


class Log(logging.Handler):
    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []

    def emit(self, record):
        error = record.exc_info[1] if record.exc_info else None
        text = str(record.msg).split("\n")[0]
        # Whether this is said depends on how many system calls the writes of a program have become.
        if text != "socket.send() raised exception.":
            self.lines.append([record.levelname, text, describe(error)])


def descriptors():
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:  # the descriptor of the listing itself
            continue
    return found


def run(new_loop, faults, request):
    module, name = request["program"].rsplit(".", 1)
    program = getattr(importlib.import_module(module), name)
    gc.collect()
    before, threads = descriptors(), set(threading.enumerate())
    handled = []
    log = Log()
    logging.getLogger("asyncio").addHandler(log)
    logging.getLogger("asyncio").propagate = False

    def handler(loop, context):
        line = context["message"]
        # Which callback it was is told in each loop's own words.
        line = "Exception in callback" if line.startswith("Exception in callback") else line.partition("<")[0]
        handled.append([line, describe(context.get("exception"))])

    loop = new_loop()
    loop.set_exception_handler(handler)
    scene = Scene(loop, faults, request.get("rules", ()), request["folder"], request.get("options", {}))

    async def main():
        try:
            async with asyncio.timeout(PATIENCE):
                await program(scene)
        except Exception as error:
            scene.note("program", *describe(error))
        for _ in range(LAST_ITERATIONS):
            await asyncio.sleep(0)
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        return sorted(task.get_coro().__qualname__ for task in left)

    began = time.thread_time()
    faults.start(request.get("seed", 0))
    try:
        tasks = loop.run_until_complete(main())
    except BaseException as error:
        tasks = ["the loop was left by", *describe(error)]
    finally:
        calls, fired = faults.calls(), faults.fired()
        faults.stop()
    used = time.thread_time() - began
    scene.close()
    del main
    journal, scene = scene.journal, None
    gc.collect()
    loop.close()
    gc.collect()
    after = descriptors()
    for thread in set(threading.enumerate()) - threads:
        thread.join(5)
    logging.getLogger("asyncio").removeHandler(log)
    return {
        "journal": journal,
        "handler": handled,
        "log": log.lines,
        "tasks": tasks,
        "left": sorted(name for fd, name in after.items() if fd not in before),
        "lost": sorted(name for fd, name in before.items() if fd not in after),
        "fired": fired,
        "calls": calls,
        "seconds": round(used, 3),
    }


def main(kind, library):
    if kind == "ferrio":
        import ferrio

        new_loop = ferrio.new_event_loop
    else:
        new_loop = asyncio.SelectorEventLoop
    warnings.simplefilter("error")
    faults = Faults(library) if library else Idle()
    # What asyncio imports or starts once must not look like something that is left.
    asyncio.run(asyncio.sleep(0), loop_factory=new_loop) if sys.version_info >= (3, 12) else None
    gc.collect()
    gc.freeze()
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        for line in sys.stdin:
            answers.write(json.dumps(run(new_loop, faults, json.loads(line))) + "\n")
            answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
