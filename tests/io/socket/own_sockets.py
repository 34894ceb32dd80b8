"""Sockets whose methods are a program's, and what a loop calls of them."""

import asyncio
import contextlib
import gc
import socket
import warnings
from unittest import mock

from tests.harness import settle
from tests.io.socket.uses import USES

METHODS = [
    name
    for name in dir(socket.socket)
    if not name.startswith("_")
    and callable(getattr(socket.socket, name))
    and name not in ("detach", "fileno")
]


class Log(list):
    """The calls of the methods of a socket, as (name, arguments); and what makes the exceptions that they raise."""

    def __init__(self):
        self.failures = {}

    def note(self, name, args):
        self.append((name, *map(described, args)))
        if failures := self.failures.get(name):
            raise failures.pop(0)()


def described(argument):
    match argument:
        case bytes() | bytearray() | memoryview():
            return f"{len(argument)} bytes"
        case tuple() | str():
            return "address"
        case list():
            return [len(piece) for piece in argument]
        case _:
            return argument


def recording(name, log, call):
    """A method that writes down its calls. `call(self)` is what it calls, or None if the socket is another one."""

    def method(self, *args):
        if name == "sendmsg":
            args = [list(args[0]), *args[1:]]
        original, own = call(self)
        if own:
            log.note(name, args)
        return original(*args)

    return method


@contextlib.contextmanager
def subclass(log):
    """An instance of a subclass, and connections that are accepted are some too."""
    namespace = {
        name: recording(name, log, lambda self, name=name: (getattr(super(Own, self), name), True))
        for name in METHODS
    }
    Own = type("Own", (socket.socket,), namespace)
    yield lambda sock: Own(fileno=sock.detach())


@contextlib.contextmanager
def wrapper(log):
    """An object that is no socket and has one."""

    class Wrapper:
        def __init__(self, sock):
            self.sock = sock

        def __getattr__(self, name):
            return getattr(self.sock, name)

    for name in METHODS:
        method = recording(name, log, lambda self, name=name: (getattr(self.sock, name), True))
        setattr(Wrapper, name, method)
    yield Wrapper


@contextlib.contextmanager
def patched(log):
    """A plain socket, while all methods of its class are patched."""
    own = set()
    with contextlib.ExitStack() as stack:
        for name in METHODS:
            original = getattr(socket.socket, name)
            method = recording(
                name,
                log,
                lambda self, original=original: (original.__get__(self), id(self) in own),
            )
            stack.enter_context(mock.patch.object(socket.socket, name, method))

        def make(sock):
            own.add(id(sock))
            return sock

        yield make


KINDS = {"subclass": subclass, "wrapper": wrapper, "patched": patched}


def normal(result):
    """A result without what differs by chance: names of addresses, addresses of objects."""
    if isinstance(result, tuple):
        return result[0]
    return repr(result) if isinstance(result, BaseException) else result


@contextlib.contextmanager
def silent_finalizers():
    """What an unhappy end leaves open is collected here at the end, and not before, without a word."""

    def keep_quiet(unraisable):
        """A mock would keep the exception."""

    with warnings.catch_warnings(), mock.patch("sys.unraisablehook", keep_quiet):
        warnings.simplefilter("ignore", ResourceWarning)
        gc.disable()
        try:
            yield
        finally:
            gc.enable()
            gc.collect()


def outcome_of(loop_factory, use, kind, failures=()):
    """What a program sees, what is reported, and which methods are called.

    With failures the program is given up when it waits for what never comes.
    """
    with silent_finalizers() if failures else contextlib.nullcontext():
        results, reported, calls = run(loop_factory, use, kind, failures)
    if "tls" in use:  # the sizes of records are chance
        calls = [name for name, *_ in calls]
    if use == "server_of_own":  # asyncio makes the transport in a task, while it goes on accepting
        calls.sort(key=repr)
    return results, reported, calls


def run(loop_factory, use, kind, failures):
    log, results, reported = Log(), [], []
    log.failures = {name: [failure] for name, failure in failures}

    def report(loop, context):
        if "task" not in context and "future" not in context:  # those are the program's own
            reported.append((context["message"], repr(context.get("exception"))))

    async def program(loop, make):
        try:
            async for result in USES[use](loop, make):
                results.append(normal(result))  # noqa: PERF401 (also what comes before an exception)
        except Exception as error:
            results.append(repr(error))

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(report)
        with KINDS[kind](log) as make:
            running = loop.create_task(program(loop, make))
            if failures and not await settle(running, 1000):
                results.append("waits")
                running.cancel()
            await asyncio.wait([running])

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())
    return results, reported, list(log)
