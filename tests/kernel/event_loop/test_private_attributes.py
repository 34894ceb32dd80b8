"""What an asyncio loop is made of, which clocks for tests, re-entrant loops and debuggers read and change: `_ready`,
`_scheduled`, `_selector` and their like. That the values are true is shown by what they do."""

import asyncio
import collections
import os
import signal
import threading
import weakref

import pytest

from tests.harness import turn, turns

# What has another value on a new loop, and why.
OTHERWISE = {
    "_internal_fds": "counts the pair of sockets, which ferrio makes when somebody asks for it",
    "_selector": "another class of selectors",
    "_ssock": "another descriptor",
    "_csock": "another descriptor",
    "_transports": "another kind of mapping",
    "_watcher": "another object",
}


def attributes(loop):
    return {name: getattr(loop, name) for name in vars(loop)}


# The walk.


def test_whatever_a_new_loop_of_asyncio_has_is_there_with_the_same_value(loop):
    stock = asyncio.SelectorEventLoop()
    loop.set_exception_handler(None)
    try:
        for name, value in attributes(stock).items():
            mine = getattr(loop, name)
            if name not in OTHERWISE:
                same = list(mine) == list(value) if isinstance(value, collections.deque) else mine == value
                assert same, f"{name} is {mine!r}, not {value!r}"
                assert type(mine).__name__ in (type(value).__name__, "TimerList"), name
    finally:
        stock.close()


def test_whatever_the_class_of_asyncio_has_is_there(loop):
    for name in dir(asyncio.SelectorEventLoop):
        assert hasattr(loop, name), name


def test_a_closed_loop_has_nothing_left(loop):
    loop.call_soon(print)
    loop.call_later(1, print)
    assert loop._ssock.fileno() != loop._csock.fileno()
    loop.close()
    assert loop._closed is True
    assert len(loop._ready) == len(loop._scheduled) == 0
    assert loop._selector is loop._ssock is loop._csock is None
    assert loop._signal_handlers == {}


def test_the_state_of_a_running_loop_is_true(loop):
    async def main():
        assert loop._thread_id == threading.get_ident()
        assert loop._stopping is False
        loop.stop()
        assert loop._stopping is True
        loop._stopping = False

    loop.run_until_complete(main())
    assert loop._thread_id is None
    loop.set_debug(True)
    assert loop._debug is True
    handle = loop.call_soon(lambda: seen.append(loop._current_handle))
    seen = []
    turn(loop)
    assert seen == [handle]
    assert loop._current_handle is None


@pytest.mark.parametrize("value", [0, "", None, 5, "yes"], ids=repr)
def test_flags_are_asked_for_their_truth(loop, value):
    ran = []
    loop._debug = value
    assert bool(loop._debug) is bool(loop.get_debug()) is bool(value)
    loop._debug = False
    loop.call_soon(ran.append, 1)
    loop.call_soon(loop.call_soon, loop.stop)
    loop.call_soon(lambda: setattr(loop, "_stopping", value))
    loop.run_forever()
    assert bool(loop._stopping) is False
    assert len(loop._ready) == bool(value)
    turns(loop, 2)


def test_attributes_can_be_set_as_a_constructor_sets_them(loop):
    """A class may be put over a loop, and make anew what it finds."""
    ran = []
    loop.call_soon(ran.append, "dropped")
    loop.call_later(0, ran.append, "dropped")
    loop._ready = collections.deque()
    loop._scheduled = []
    loop._timer_cancelled_count = 0
    loop.call_soon(ran.append, "ready")
    loop.call_later(0, ran.append, "due")
    turns(loop, 2)
    assert ran == ["ready", "due"]


# The self-pipe, signals, transports


def test_what_is_written_into_csock_wakes_the_loop(loop):
    async def main():
        threading.Timer(0.01, loop._csock.send, (b"\0",)).start()
        before = loop.time()
        loop._process_events(loop._selector.select(20))
        assert loop.time() - before < 10

    assert loop._ssock.fileno() in loop._selector.get_map()
    assert loop._internal_fds == 1
    loop.run_until_complete(main())
    loop._write_to_self()
    loop._read_from_self()


def test_signal_handlers_are_handles_by_their_signals(loop):
    ran = []
    loop.add_signal_handler(signal.SIGUSR1, ran.append, 1)
    assert list(loop._signal_handlers) == [signal.SIGUSR1]
    handle = loop._signal_handlers[signal.SIGUSR1]
    assert (handle._callback, handle._args) == (ran.append, (1,))
    loop._handle_signal(signal.SIGUSR1)
    turn(loop)
    loop._process_self_data(bytes([0, signal.SIGUSR1]))
    turn(loop)
    assert ran == [1, 1]
    loop._csock.send(bytes([signal.SIGUSR1]))
    while len(ran) < 3:
        turn(loop)
    assert loop.remove_signal_handler(signal.SIGUSR1)
    assert loop._signal_handlers == {}


def test_a_handler_that_a_program_puts_into_the_dictionary_runs_at_once_while_the_loop_is_busy(loop):
    async def main():
        fd = signal.set_wakeup_fd(-1)
        # asyncio's loop has its descriptor written to only when it adds a handler itself.
        signal.set_wakeup_fd(loop._csock.fileno() if fd == -1 else fd)
        os.kill(os.getpid(), signal.SIGUSR1)
        for _ in range(10):
            await asyncio.sleep(0)
        return ran

    ran = []
    turn(loop)
    loop._signal_handlers[signal.SIGUSR1] = asyncio.Handle(ran.append, (1,), loop, None)
    before = signal.signal(signal.SIGUSR1, lambda *args: None)
    try:
        assert loop.run_until_complete(main()) == [1]
    finally:
        signal.set_wakeup_fd(-1)
        loop._signal_handlers.clear()
        signal.signal(signal.SIGUSR1, before)


def test_a_dictionary_in_the_place_of_the_signal_handlers_is_used(loop):
    ran = []
    loop.add_signal_handler(signal.SIGUSR1, ran.append, 1)
    handlers = {signal.SIGUSR1: asyncio.Handle(ran.append, (2,), loop, None)}
    loop._signal_handlers = handlers
    assert loop._signal_handlers is handlers
    os.kill(os.getpid(), signal.SIGUSR1)
    while not ran:
        turn(loop)
    assert ran == [2]
    loop.add_signal_handler(signal.SIGUSR2, print)
    assert list(handlers) == [signal.SIGUSR1, signal.SIGUSR2]
    assert loop.remove_signal_handler(signal.SIGUSR1)
    assert loop.remove_signal_handler(signal.SIGUSR2)
    assert handlers == {}


async def test_a_mapping_in_the_place_of_the_transports_is_used(loop, pair):
    a, b = pair
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=a)
    fd = a.fileno()
    loop._transports = loop._transports
    with pytest.raises(RuntimeError, match="is used by transport"):
        loop.remove_reader(fd)
    loop._transports = weakref.WeakValueDictionary({b.fileno(): transport})
    assert dict(loop._transports) == {b.fileno(): transport}
    with pytest.raises(RuntimeError, match="is used by transport"):
        loop.add_reader(b, print)
    assert loop.remove_reader(fd) is True
    loop._transports = {}
    assert not loop._transports
    transport.abort()


async def test_transports_are_found_by_their_descriptors(loop, pair):
    a, b = pair
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=a)
    fd = a.fileno()
    assert loop._transports[fd] is transport
    assert loop._transports.get(fd) is transport
    assert dict(loop._transports.items()) == {fd: transport}
    assert len(loop._transports) == 1
    transport.abort()
    assert loop._transports[fd].is_closing()
    assert loop._transports.get(b.fileno()) is None
