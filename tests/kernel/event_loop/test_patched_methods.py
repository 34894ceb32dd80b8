"""Methods that a program puts into asyncio's loop classes before it makes a loop, as tracers do: the loop obeys them.

They go on to asyncio's own methods, which do on any loop what the loop's own do.
"""

import asyncio
import contextlib
import contextvars
import functools
import inspect
import socket
import threading
import types
from unittest import mock

import ferrio
import pytest
from harness import connect, finish, serve, tcp_pair, wait_until_asleep

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


async def wait_for(loop, schedule):
    """Wait until a callback has run."""
    future = loop.create_future()
    schedule(lambda: future.done() or future.set_result("ran"))
    return await future


async def with_sockets(use):
    """Use a pair of connected sockets that do not block."""
    one, other = tcp_pair()
    with one, other:
        return await use(one, other)


async def with_datagrams(use):
    with socket.socket(type=socket.SOCK_DGRAM) as one, socket.socket(type=socket.SOCK_DGRAM) as other:
        for sock in (one, other):
            sock.setblocking(False)
            sock.bind(("127.0.0.1", 0))
        return await use(one, other)


async def watch(loop, add, remove):
    one, other = socket.socketpair()
    with one, other:
        other.send(b"x")
        try:
            return await wait_for(loop, lambda callback: add(one, callback)), remove(one), remove(one)
        finally:
            remove(one)


async def accept(loop):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        with socket.create_connection(listening.getsockname()):
            sock, _ = await loop.sock_accept(listening)
            sock.close()
            return sock.family


async def connect_socket(loop):
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, listening.getsockname())
        return sock.getpeername() == listening.getsockname()


async def recv_into(loop, one, other):
    buffer = bytearray(9)
    other.send(b"data")
    return await loop.sock_recv_into(one, buffer), bytes(buffer)


async def recvfrom_into(loop, one, other):
    buffer = bytearray(9)
    other.sendto(b"data", one.getsockname())
    count, address = await loop.sock_recvfrom_into(one, buffer)
    return count, bytes(buffer), address == other.getsockname()


async def recvfrom(loop, one, other):
    other.sendto(b"data", one.getsockname())
    data, address = await loop.sock_recvfrom(one, 9)
    return data, address == other.getsockname()


async def sendall(loop, one, other):
    await loop.sock_sendall(one, b"data")
    return other.recv(9)


async def recv(loop, one, other):
    other.send(b"data")
    return await loop.sock_recv(one, 9)


async def sendto(loop, one, other):
    return await loop.sock_sendto(one, b"data", other.getsockname()), other.recv(9)


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


async def talk_over_unix(loop, path):
    received = loop.create_future()

    class Protocol(asyncio.Protocol):
        def data_received(self, data):
            received.set_result(data)

        def connection_lost(self, exc):
            lost.set_result(exc)

    lost = loop.create_future()
    server = await loop.create_unix_server(Protocol, path)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, path)
        sock.send(b"data")
        data = await received
    await lost
    server.close()
    return data


async def start_tls_without_a_context(loop):
    with pytest.raises(TypeError) as caught:
        await loop.start_tls(None, asyncio.Protocol(), None)
    return str(caught.value)


async def call_from_a_thread(loop):
    future = loop.create_future()
    thread = threading.Thread(target=lambda: loop.call_soon_threadsafe(future.set_result, "called"))
    thread.start()
    result = await future
    thread.join()
    return result


# What a program does with each method, the loop and a path being given; what comes of it is the same with the patch.
USES = {
    "add_reader": lambda loop, path: watch(loop, loop.add_reader, loop.remove_reader),
    "remove_reader": lambda loop, path: watch(loop, loop.add_reader, loop.remove_reader),
    "add_writer": lambda loop, path: watch(loop, loop.add_writer, loop.remove_writer),
    "remove_writer": lambda loop, path: watch(loop, loop.add_writer, loop.remove_writer),
    "call_at": lambda loop, path: wait_for(loop, functools.partial(loop.call_at, loop.time() + 0.01)),
    "call_later": lambda loop, path: wait_for(loop, functools.partial(loop.call_later, 0.01)),
    "call_soon": lambda loop, path: wait_for(loop, loop.call_soon),
    "call_soon_threadsafe": lambda loop, path: call_from_a_thread(loop),
    "create_future": lambda loop, path: wait_for(loop, loop.call_soon),
    "create_task": lambda loop, path: loop.create_task(asyncio.sleep(0, "slept"), name="name"),
    "create_server": lambda loop, path: talk(loop),
    "create_unix_server": talk_over_unix,
    "get_debug": lambda loop, path: asyncio.sleep(0, loop.get_debug()),
    "get_task_factory": lambda loop, path: asyncio.sleep(0, loop.get_task_factory()),
    "set_debug": lambda loop, path: asyncio.sleep(0, (loop.set_debug(False), loop.get_debug())),
    "is_closed": lambda loop, path: asyncio.sleep(0, loop.is_closed()),
    "is_running": lambda loop, path: asyncio.sleep(0, loop.is_running()),
    "sock_accept": lambda loop, path: accept(loop),
    "sock_connect": lambda loop, path: connect_socket(loop),
    "sock_recv": lambda loop, path: with_sockets(functools.partial(recv, loop)),
    "sock_recv_into": lambda loop, path: with_sockets(functools.partial(recv_into, loop)),
    "sock_recvfrom": lambda loop, path: with_datagrams(functools.partial(recvfrom, loop)),
    "sock_recvfrom_into": lambda loop, path: with_datagrams(functools.partial(recvfrom_into, loop)),
    "sock_sendall": lambda loop, path: with_sockets(functools.partial(sendall, loop)),
    "sock_sendto": lambda loop, path: with_datagrams(functools.partial(sendto, loop)),
    "start_tls": lambda loop, path: start_tls_without_a_context(loop),
    "stop": lambda loop, path: asyncio.sleep(0, "stopped"),
    "run_forever": lambda loop, path: asyncio.sleep(0, "ran"),
    "time": lambda loop, path: wait_for(loop, functools.partial(loop.call_later, 0.01)),
}


async def use(name, loop, path):
    return await asyncio.wait_for(USES[name](loop, path), 5)


def test_every_method_that_a_native_one_hides_is_walked():
    assert sorted(USES) == PUBLIC


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("name", PUBLIC)
def test_a_patched_method_is_called_and_does_what_it_did(loop_factory, process_state, tmp_path, name, way):
    with closing(loop_factory()) as loop:
        expected = loop.run_until_complete(use(name, loop, f"{tmp_path}/1"))
    calls = []
    with way(name, calls.append):
        with closing(loop_factory()) as loop:
            assert loop.run_until_complete(use(name, loop, f"{tmp_path}/2")) == expected
        assert calls
        assert loop.is_closed()
    # And never again, for loops that are made afterwards.
    calls.clear()
    with closing(loop_factory()) as loop:
        assert loop.run_until_complete(use(name, loop, f"{tmp_path}/3")) == expected
    assert not calls


def counted(names, counts):
    """Has the calls of methods counted."""
    stack = contextlib.ExitStack()
    for name in names:
        counts[name] = 0

        def note(args, name=name):
            counts[name] += 1

        stack.enter_context(assigned(name, note))
    return stack


@pytest.fixture
def functions(loop_name):
    """Where the loop's own functions and classes are."""
    return asyncio if loop_name == "asyncio" else ferrio


# What functions of asyncio's call on the loop, once they wait.
SCHEDULED = {
    "sleep": (lambda aio: aio.sleep(0.01), {"create_future", "call_later", "call_at", "call_soon"}),
    "timeout": (lambda aio: within(aio.timeout(9)), {"call_at"}),
    "wait": (lambda aio: waited_for(aio), {"create_future", "call_later", "call_at", "call_soon"}),
    "wait_for": (lambda aio: aio.wait_for(aio.sleep(0.01), 9), {"create_future", "call_at", "call_later"}),
    "create_task": (lambda aio: awaited(aio.create_task, aio), {"create_task", "call_soon"}),
    "ensure_future": (lambda aio: awaited(aio.ensure_future, aio), {"create_task", "call_soon"}),
    "gather": (lambda aio: aio.gather(aio.sleep(0)), {"create_task", "call_soon"}),
    "shield": (lambda aio: aio.shield(aio.sleep(0)), {"create_task", "create_future", "call_soon"}),
    "TaskGroup": (lambda aio: grouped(aio), {"create_task", "call_soon"}),
    "Event": (lambda aio: locked(aio, aio.Event(), "set"), {"create_future", "call_soon", "call_later"}),
    "Queue": (lambda aio: queued(aio), {"create_future", "call_soon", "call_later"}),
}


async def within(timeout):
    async with timeout:
        pass


async def waited_for(aio):
    task = aio.create_task(aio.sleep(0.01))
    await aio.wait([task], timeout=9)


async def awaited(make, aio):
    await make(aio.sleep(0))


async def grouped(aio):
    async with aio.TaskGroup() as group:
        group.create_task(aio.sleep(0))


async def locked(aio, event, release):
    aio.events.get_running_loop().call_later(0.01, getattr(event, release))
    await event.wait()


async def queued(aio):
    queue = aio.Queue()
    aio.events.get_running_loop().call_later(0.01, queue.put_nowait, 1)
    await queue.get()


@pytest.mark.parametrize("name", SCHEDULED)
def test_functions_and_classes_go_through_patched_methods(loop_factory, process_state, functions, name):
    use, called = SCHEDULED[name]
    for method in sorted(called):
        counts = {}
        with counted([method], counts), closing(loop_factory()) as loop:

            async def main(use=use, method=method, counts=counts):
                await functions.sleep(0)
                counts[method] = 0
                await use(functions)
                return counts[method]

            assert loop.run_until_complete(main()) > 0, method


def test_transports_go_through_a_patched_call_soon(loop_factory, process_state):
    called = []
    with assigned("call_soon", lambda args: called.append(getattr(args[0], "__name__", ""))):
        with closing(loop_factory()) as loop:
            loop.run_until_complete(talk(loop))
    assert {"connection_made", "_call_connection_lost"} <= set(called)


def test_handles_of_patched_methods_can_be_cancelled(loop_factory, process_state):
    counts = {}
    with counted(["call_soon", "call_soon_threadsafe", "call_later", "call_at"], counts):
        with closing(loop_factory()) as loop:
            ran = []
            for handle in (
                loop.call_soon(ran.append, 1),
                loop.call_soon_threadsafe(ran.append, 2),
                loop.call_later(0, ran.append, 3),
                loop.call_at(loop.time(), ran.append, 4),
            ):
                assert not handle.cancelled()
                handle.cancel()
                assert handle.cancelled()
            loop.run_until_complete(asyncio.sleep(0.01))
            assert ran == []
    assert counts["call_soon_threadsafe"] == 1


def test_patched_methods_keep_the_order_and_the_context(loop_factory, process_state):
    variable = contextvars.ContextVar("variable", default=0)
    with counted(["call_soon", "call_soon_threadsafe", "call_later", "call_at"], {}):
        with closing(loop_factory()) as loop:
            ran = []
            context = contextvars.copy_context()
            context.run(variable.set, 1)

            def note(name):
                ran.append((name, variable.get()))

            loop.call_soon(note, "soon", context=context)
            loop.call_soon_threadsafe(note, "thread-safe", context=context)
            now = loop.time()
            loop.call_at(now + 0.02, note, "at", context=context)
            loop.call_later(0.01, note, "later", context=context)
            loop.call_soon(note, "last")
            loop.run_until_complete(asyncio.sleep(0.03))
    names = ["soon", "thread-safe", "last", "later", "at"]
    assert ran == [(name, int(name != "last")) for name in names]


def test_a_replacement_may_use_the_private_method_that_asyncio_uses(loop_factory, process_state):
    """Programs do, with a copy of asyncio's code from which they have left out what is in their way."""

    def call_soon(self, callback, *args, context=None):
        handle = self._call_soon(callback, args, context)
        if handle._source_traceback:
            del handle._source_traceback[-1]
        return handle

    with mock.patch.object(asyncio.BaseEventLoop, "call_soon", call_soon), closing(loop_factory()) as loop:
        assert loop.run_until_complete(asyncio.sleep(0.001, "slept")) == "slept"


def test_anybody_may_wake_the_loop_up_by_the_private_method(loop, run):
    """From other threads, while it waits for nothing else."""
    future = loop.create_future()

    def wake():
        wait_until_asleep(main)
        loop._ready.append(asyncio.Handle(future.set_result, ("woken",), loop))
        loop._write_to_self()

    main = threading.get_native_id()
    thread = threading.Thread(target=wake)
    thread.start()
    assert run(future) == "woken"
    thread.join()


def test_tasks_of_a_patched_create_task_are_the_loops_own(loop_factory, process_state, functions):
    async def main():
        task = asyncio.get_running_loop().create_task(asyncio.sleep(0), name="name")
        await task
        return type(task), task.get_name()

    with assigned("create_task", lambda args: None), closing(loop_factory()) as loop:
        assert loop.get_task_factory() is None
        assert loop.run_until_complete(main()) == (functions.Task, "name")


def test_task_factories_are_obeyed_behind_a_patched_create_task(loop_factory, process_state):
    made = []

    def factory(loop, coro, **kwargs):
        made.append(coro.__name__)
        return asyncio.Task(coro, loop=loop, **kwargs)

    async def main():
        await asyncio.get_running_loop().create_task(asyncio.sleep(0))

    with assigned("create_task", lambda args: None), closing(loop_factory()) as loop:
        loop.set_task_factory(factory)
        assert loop.get_task_factory() is factory
        loop.run_until_complete(main())
    assert made == ["main", "sleep"]


def test_a_subclass_reaches_patched_methods_by_super(loop_factory, process_state):
    with closing(loop_factory()) as loop:
        kind = type(loop)
    calls = []

    class Own(kind):
        def call_soon(self, callback, *args, context=None):
            calls.append("subclass")
            return super().call_soon(callback, *args, context=context)

    with assigned("call_soon", lambda args: calls.append("patch")), closing(Own()) as loop:
        loop.call_soon(calls.append, "ran")
        loop.run_until_complete(asyncio.sleep(0))
    assert calls[:2] == ["subclass", "patch"]


def test_a_method_that_a_class_gets_later_is_found_again(loop_factory, process_state):
    """`loop.__class__ = ...`, by which mixins are put over a loop that exists."""
    with closing(loop_factory()) as loop:
        calls = []

        class Own(type(loop)):
            def call_soon(self, callback, *args, context=None):
                calls.append(callback)
                return super().call_soon(callback, *args, context=context)

            def time(self):
                return super().time() + 1000

        before = loop.time()
        own = type(loop)
        loop.__class__ = Own
        assert loop.time() > before + 999
        loop.run_until_complete(asyncio.sleep(0.001))
        assert calls
        loop.__class__ = own
        calls.clear()
        assert loop.run_until_complete(asyncio.sleep(0.001, "slept")) == "slept"
        assert not calls
