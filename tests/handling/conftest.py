"""A probe, and the places where it is put."""

import asyncio
import contextlib
import io
import logging
import sys

import ferrio
import pytest

from tests.harness import tcp_pair


class Outer(Exception):
    """What is being handled around the loop."""


class Probe:
    """Called by asyncio while it handles an exception: looks at it in every way in which code can."""

    def __init__(self):
        self.seen = []  # For each call the names of the classes: of what was handled, of its context, and so on.
        self.identity = None

    def __call__(self, *args, **kwargs):
        handled = sys.exc_info()[1]
        assert self.raised_again() is handled
        assert self.context_of_another() is handled
        assert self.logged() == ("NoneType" if handled is None else type(handled).__name__)
        assert sys.exc_info()[1] is handled
        # Not the exception, which keeps all frames that it has passed through.
        self.seen.append([type(error).__name__ for error in chain(handled)])
        self.identity = id(handled)

    @staticmethod
    def raised_again():
        try:
            raise
        except RuntimeError as error:
            return None if str(error) == "No active exception to reraise" else error
        except BaseException as error:
            return error

    @staticmethod
    def context_of_another():
        try:
            raise Exception("another")
        except Exception as error:
            return error.__context__

    @staticmethod
    def logged():
        """The class of the exception that `logging.exception` prints."""
        stream = io.StringIO()
        logger, handler = logging.Logger("probe"), logging.StreamHandler(stream)
        logger.addHandler(handler)
        logger.exception("here")
        last = stream.getvalue().strip().splitlines()[-1]
        return last.partition(":")[0].rpartition(".")[2]

    @contextlib.contextmanager
    def in_logger(self, text):
        """Is called for each record of asyncio's log that contains `text`."""

        class Handler(logging.Handler):
            def emit(_, record):
                if text in record.getMessage():
                    self(record)

        logger, handler = logging.getLogger("asyncio"), Handler()
        level = logger.level
        logger.setLevel(logging.DEBUG)
        logger.addHandler(handler)
        try:
            yield
        finally:
            logger.removeHandler(handler)
            logger.setLevel(level)


async def until_seen(probe, count=1):
    """Wait until the probe has been called so often."""
    while len(probe.seen) < count:
        await asyncio.sleep(0)


async def cancelled(loop, coroutine, *, turns=2, then=lambda: None):
    """Begins a coroutine, and cancels it while it waits."""
    task = loop.create_task(coroutine)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    then()
    try:
        return await task
    except asyncio.CancelledError as error:
        return error


def chain(error):
    while error is not None:
        yield error
        error = error.__context__


class Failing(asyncio.Protocol):
    """Raises in one of its methods."""

    def __init__(self, method):
        self.transport = None
        self.lost = asyncio.get_running_loop().create_future()
        self.method = method
        stock = getattr(self, method)

        def fail(*args):
            stock(*args)
            raise LookupError(method)

        setattr(self, method, fail)

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, exc):
        if not self.lost.done():
            self.lost.set_result(exc)


@contextlib.asynccontextmanager
async def connected(loop, factory, ours=None):
    """A protocol's transport, and the socket at the other end."""
    left, right = ours or tcp_pair()
    with right:
        transport, protocol = await loop.create_connection(factory, sock=left)
        yield transport, protocol, right
        transport.abort()
        await protocol.lost
        for _ in range(5):  # The transport closes its socket afterwards.
            await asyncio.sleep(0)


@pytest.fixture
def probe():
    return Probe()


@pytest.fixture(params=["alone", "inside except"])
def run_around(request, loop):
    """Runs a coroutine of the loop, in an `except` block or not, which it must leave as it was."""

    def run(coroutine):
        if request.param == "alone":
            result = loop.run_until_complete(coroutine)
            assert sys.exc_info()[1] is None
            return result
        try:
            raise Outer
        except Outer as outer:
            result = loop.run_until_complete(coroutine)
            assert sys.exc_info()[1] is outer  # noqa: PT017 (what is being handled is the point)
            return result

    run.names = ["Outer"] if request.param == "inside except" else []
    return run


@pytest.fixture(params=[asyncio, ferrio], ids=["asyncio's names", "ferrio's names"])
def aio(request):
    """The names under test."""
    return request.param
