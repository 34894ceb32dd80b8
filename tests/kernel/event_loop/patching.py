"""Ways in which programs replace methods of asyncio's loop classes."""

import asyncio
import contextlib
import functools
import inspect
import types
from unittest import mock

import ferrio

from tests.harness import connect, finish, serve

UNIX = asyncio.unix_events._UnixSelectorEventLoop

# The public methods that native ones hide, but for those that need asyncio's own selector and self-pipe
# (docs/differences.md).
EXCEPT = {"add_signal_handler", "close", "remove_signal_handler"}
PUBLIC = sorted(
    name
    for name in vars(ferrio._ferrio.Loop)
    if hasattr(UNIX, name) and not name.startswith("_") and name not in EXCEPT
)


def home_of(name):
    """The class of asyncio's that has a method."""
    return next(cls for cls in UNIX.__mro__ if name in vars(cls))


@contextlib.contextmanager
def closing(loop):
    try:
        yield loop
    finally:
        loop.close()


@contextlib.contextmanager
def assigned(name, note):
    """A function takes the place of a method, and goes on to it."""
    home = home_of(name)
    own = vars(home)[name]

    @functools.wraps(own)
    def method(self, *args, **kwargs):
        note(args)
        return own(self, *args, **kwargs)

    with mock.patch.object(home, name, method):
        yield


@contextlib.contextmanager
def described(name, note):
    """No function takes its place, but something that says of itself what the method does, as wrapt's wrappers do."""
    home = home_of(name)

    class Wrapper:
        def __init__(self, own):
            self.own = own
            functools.update_wrapper(self, own)

        def __get__(self, instance, owner):
            return self if instance is None else functools.partial(self, instance)

        def __call__(self, instance, *args, **kwargs):
            note(args)
            return self.own(instance, *args, **kwargs)

    with mock.patch.object(home, name, Wrapper(vars(home)[name])):
        yield


@contextlib.contextmanager
def recoded(name, note):
    """The function stays, and gets other code, which finds the tracer among its constants: as ddtrace does."""
    own = vars(home_of(name))[name]
    copy = types.FunctionType(own.__code__, own.__globals__, own.__name__, own.__defaults__, own.__closure__)
    copy.__kwdefaults__ = own.__kwdefaults__

    def go_on(self, *args, **kwargs):
        note(args)
        return copy(self, *args, **kwargs)

    def template(self, *args, **kwargs):
        tracer = "go on"
        return tracer(self, *args, **kwargs)

    async def asynchronous_template(self, *args, **kwargs):
        tracer = "go on"
        return await tracer(self, *args, **kwargs)

    code = (asynchronous_template if inspect.iscoroutinefunction(own) else template).__code__
    constants = tuple(go_on if constant == "go on" else constant for constant in code.co_consts)
    before = own.__code__
    own.__code__ = code.replace(co_consts=constants, co_filename=before.co_filename, co_name=before.co_name)
    try:
        yield
    finally:
        own.__code__ = before


WAYS = [assigned, described, recoded]


async def talk(loop):
    """A server of `create_server` and a connection."""
    server, made, address = await serve(loop)
    client = await connect(loop, address)
    client.transport.write(b"data")
    await made.connected(1)
    (protocol,) = made
    await protocol.got(4)
    await finish(client, protocol)
    server.close()
    return protocol.order
