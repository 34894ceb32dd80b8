"""A program: makes one object of each class, lets its last reference go in some situation, prints what is seen of that.

Arguments: the loop (asyncio or ferrio), a folder with certificates, the situation, and which objects, by their makers'
names. For each it prints the name, what was warned, reported and raised, and how many descriptors are left open.
"""

import asyncio
import gc
import io
import json
import logging
import os
import re
import socket
import sys
import threading
import types
import warnings
import weakref

import makers

# What asyncio calls its classes, and what ferrio does.
CLASSES = {
    "_SelectorSocketTransport": "SocketTransport",
    "_SelectorDatagramTransport": "DatagramTransport",
    "_UnixReadPipeTransport": "ReadPipeTransport",
    "_UnixWritePipeTransport": "WritePipeTransport",
    "_UnixSubprocessTransport": "SubprocessTransport",
    "asyncio._SSLProtocolTransport": "TlsTransport",
    "ferrio.TlsTransport": "TlsTransport",
    "_UnixSelectorEventLoop": "Loop",
    "_GatheringFuture": "GatheringFuture",
}
NUMBERS = re.compile(r"0x[0-9a-f]+|\bfd=\d+|\bpid=\d+|process \d+|ferrio-\d+-\d+|Task-\d+")


def plain(text):
    """The text without what differs between two runs, or between the loops by their names only."""
    for stock, ours in CLASSES.items():
        text = text.replace(stock, ours)
    return NUMBERS.sub("N", text.partition("\nCoroutine created at")[0])


class Record:
    """What is seen of the ends of objects.

    Attributes:
        seen: one line for each warning, report or exception.
        rescued: if it is a list, what is seen goes into it, and lives on.
    """

    def __init__(self):
        self.seen = []
        self.rescued = None

    def begin(self):
        warnings.simplefilter("always")
        warnings._showwarnmsg = self.warning
        sys.unraisablehook = self.unraisable
        logging.getLogger("asyncio").addFilter(self.logged)

    def warning(self, message):
        source = message.source
        of = "" if source is None else f" of {plain(type(source).__qualname__)}"
        text = f"{message.category.__name__}: {plain(str(message.message))}{of}"
        if message.category is ResourceWarning:
            text += f" at {os.path.basename(message.filename)}:{message.lineno}"
        self.seen.append(text)
        self.rescue(source)

    def unraisable(self, unraisable):
        self.seen.append(f"unraisable {unraisable.exc_type.__name__}: {plain(str(unraisable.exc_value))}")

    def reported(self, loop, context):
        exception = context.get("exception")
        self.seen.append(f"reported {plain(context['message'])} {exception!r} {sorted(context)}")
        self.rescue(context.get("future") or context.get("task"))

    def logged(self, record):
        self.seen.append(f"{record.levelname}: {plain(record.getMessage())}")
        return False

    def rescue(self, thing):
        if (
            self.rescued is not None
            and thing is not None
            and not isinstance(thing, (socket.socket, io.IOBase))
        ):
            self.rescued.append(thing)

    def take(self):
        seen, self.seen = self.seen, []
        return seen


class Situation:
    """Where and how the last reference goes.

    Attributes:
        record: what is seen.
        box: a list with the object, whose last reference this is.
    """

    derive = staticmethod(lambda kind: kind)

    def __init__(self, record):
        self.record = record

    def end(self, loop, box):
        """Let the object go, with the loop still open or not."""
        raise NotImplementedError


class Plain(Situation):
    def end(self, loop, box):
        box.clear()


class Propagating(Situation):
    """An exception is on its way."""

    def end(self, loop, box):
        try:
            print(box.pop(), {}["x"])
        except KeyError as error:
            self.record.seen.append(f"raised {error!r} after {error.__context__!r}")


class PropagatingInClosedLoop(Propagating):
    def end(self, loop, box):
        loop.close()
        super().end(loop, box)


class ClosedLoop(Situation):
    def end(self, loop, box):
        loop.close()
        box.clear()


class Cycle(Situation):
    """The garbage collector finds it."""

    def end(self, loop, box):
        box.append(box)


class CycleInClosedLoop(Cycle):
    def end(self, loop, box):
        loop.close()
        super().end(loop, box)


class Thread(Situation):
    def end(self, loop, box):
        thread = threading.Thread(target=box.clear)
        thread.start()
        thread.join()


class ThreadAndClosedLoop(Thread):
    def end(self, loop, box):
        loop.close()
        super().end(loop, box)


class RunningLoop(Situation):
    def end(self, loop, box):
        async def main():
            box.clear()
            gc.collect()
            await asyncio.sleep(0)

        loop.run_until_complete(main())


class PropagatingInRunningLoop(Propagating):
    def end(self, loop, box):
        async def main():
            Propagating.end(self, loop, box)
            gc.collect()

        loop.run_until_complete(main())


class Rescued(Situation):
    """Who is told of the end keeps the object alive, uses it, and lets it go again."""

    def let_go(self, box):
        box.clear()

    def end(self, loop, box):
        loop.close()
        self.record.rescued = []
        self.let_go(box)
        gc.collect()
        rescued, self.record.rescued = self.record.rescued, None
        for thing in rescued:
            use(thing)
        self.record.seen.append(f"rescued {sorted(plain(type(thing).__name__) for thing in rescued)}")


class RescuedFromCycle(Rescued):
    def let_go(self, box):
        holder = [box.pop()]
        holder.append(holder)


class WeakCallback(Situation):
    """A callback of a weak reference to it looks for it among all objects."""

    def end(self, loop, box):
        number = id(box[0])
        found = []

        def look(_):
            found.extend(thing for thing in gc.get_objects() if id(thing) == number)

        loop.close()
        reference = weakref.ref(box[0], look)
        Propagating.end(self, loop, box)
        gc.collect()
        self.record.seen.append(f"alive {reference() is not None}, found {found}")


class Derived(Situation):
    """A subclass has a `__del__` that keeps it alive. Of what has no subclasses, `__del__` is called."""

    def __init__(self, record):
        super().__init__(record)
        self.kept = []

    def derive(self, kind):
        kept = self.kept

        class derived(kind):
            def __del__(self):
                kept.append(self)
                if hasattr(kind, "__del__"):
                    super().__del__()

        derived.__name__ = derived.__qualname__ = kind.__name__
        return derived

    def end(self, loop, box):
        has_del = has_finalizer(box[0])
        self.record.seen.append(f"has __del__: {has_del}")
        Propagating.end(self, loop, box)
        gc.collect()
        self.record.seen.append(f"kept {sorted(plain(type(thing).__name__) for thing in self.kept)}")
        for thing in self.kept:
            use(thing)
        self.kept.clear()
        gc.collect()
        self.record.seen.append(f"kept again {len(self.kept)}")


class Called(Situation):
    """Its finalizer is called by name, twice."""

    def end(self, loop, box):
        has_del = has_finalizer(box[0])
        self.record.seen.append(f"has __del__: {has_del}")
        for _ in range(2 if has_del else 0):
            try:
                box[0].__del__()
            except Exception as error:
                self.record.seen.append(f"raised {error!r}")
        box.clear()


class CalledWithWarner(Situation):
    """Its finalizer is told what is to warn."""

    def end(self, loop, box):
        warned = []

        def warn(*args, source=None):
            warned.append(f"{args[1].__name__}: {plain(str(args[0]))}, {source is box[0]}")

        warn.warn = warn  # asyncio's take the function or its module, and name it as they like.
        for names in ((), ("_warn",), ("_warnings",), ("warnings",)) if has_finalizer(box[0]) else ():
            try:
                box[0].__del__(*[warn] * (not names), **dict.fromkeys(names, warn))
            except TypeError as error:
                warned.append(f"has no {names}" if "argument" in str(error) else str(error))
        self.record.seen += warned
        box.clear()


class Ignored(Situation):
    """A filter leaves out the warnings of asyncio's modules."""

    def end(self, loop, box):
        warnings.filterwarnings("ignore", category=ResourceWarning, module=r"asyncio\.")
        box.clear()


class EagerCollector(Cycle):
    """The garbage collector runs all the time."""

    def __init__(self, record):
        super().__init__(record)
        gc.set_threshold(1, 1, 1)


class Exit(Situation):
    """The interpreter ends, with the loop still open."""

    def end(self, loop, box):
        globals().setdefault("everything", []).append((loop, box))


class ExitInClosedLoop(Exit):
    def end(self, loop, box):
        loop.close()
        super().end(loop, box)


def has_finalizer(thing):
    """Whether it has `__del__`; a generator is what asyncio's as_completed returns before Python 3.13."""
    return hasattr(thing, "__del__") and not isinstance(thing, types.GeneratorType)


def use(thing):
    """Call what can be called of an object that came back."""
    repr(thing)
    for name in (
        "is_closing",
        "get_extra_info",
        "get_loop",
        "done",
        "cancelled",
        "get_write_buffer_size",
        "get_stack",
    ):
        method = getattr(thing, name, None)
        if method is not None:
            method(*["socket"] * (name == "get_extra_info"))


def run(record, situation, factory, aio, folder, name):
    descriptors = len(os.listdir("/proc/self/fd"))
    loop = factory()
    if not isinstance(situation, Exit):
        loop.set_exception_handler(record.reported)
    if sys.version_info < (3, 12):
        watcher = asyncio.PidfdChildWatcher()
        watcher.attach_loop(loop)
        asyncio.set_child_watcher(watcher)
    asyncio.set_event_loop(loop)
    maker = makers.Maker(aio, loop, folder, situation.derive)
    box = [loop.run_until_complete(getattr(maker, name)())]
    situation.end(loop, box)
    if isinstance(situation, Exit):
        return []
    del box
    gc.collect()
    if not loop.is_closed():
        maker.release()
        for _ in range(5):
            loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    asyncio.set_event_loop(None)
    del loop, maker.loop
    gc.collect()
    maker.release()
    gc.collect()
    left = len(os.listdir("/proc/self/fd")) - descriptors
    return [*sorted(record.take()), f"{left} descriptors left"]


def main(loop_name, folder, situation_name, *names):
    if loop_name == "ferrio":
        import ferrio as aio

        factory = aio.new_event_loop
    else:
        aio, factory = asyncio, asyncio.SelectorEventLoop
    record = Record()
    situation = globals()[situation_name](record)
    if not isinstance(situation, Exit):
        record.begin()
    gc.collect()
    gc.freeze()  # Of what was there before nothing is collected: that is five times faster.
    for name in names or makers.NAMES:
        print(name, end=" ", flush=True)
        print(json.dumps(run(record, situation, factory, aio, folder, name)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
