"""`asyncio.Handle._run` that a program replaces in the class, to time or log callbacks: all of them go through it."""

import asyncio
import contextvars
import logging
import os
import signal
import socket
import sys
import threading
from unittest import mock

import ferrio
import pytest

from tests.harness import Recorder, connect, finish, serve, transport_and_peer, turn, turns

OWN = asyncio.Handle._run


class Runs:
    """Stands in for `_run`, and knows which handle is running."""

    def __init__(self):
        self.seen = []
        self.running = []

    def method(self):
        def _run(handle):
            self.seen.append(handle)
            self.running.append((handle, handle._callback, handle._args, handle._context))
            try:
                return OWN(handle)
            finally:
                self.running.pop()

        return _run

    def patched(self, cls=asyncio.Handle):
        return mock.patch.object(cls, "_run", self.method(), create=cls is not asyncio.Handle)


@pytest.fixture
def runs():
    return Runs()


# What asyncio runs by a handle, each calling `note` there.


async def noted(loop, schedule):
    """Wait until what was scheduled has run."""
    future = loop.create_future()
    schedule(lambda *_: future.done() or future.set_result(None))
    await future


async def by_call_soon(loop, note):
    await noted(loop, lambda done: loop.call_soon(lambda: (note(), done())))


async def by_call_later(loop, note):
    await noted(loop, lambda done: loop.call_later(0.001, lambda: (note(), done())))


async def by_call_at(loop, note):
    await noted(loop, lambda done: loop.call_at(loop.time(), lambda: (note(), done())))


async def by_call_soon_threadsafe(loop, note):
    def schedule(done):
        call = loop.call_soon_threadsafe
        thread = threading.Thread(target=call, args=(lambda: (note(), done()),))
        thread.start()
        thread.join()

    await noted(loop, schedule)


async def by_a_reader(loop, note):
    a, b = socket.socketpair()
    with a, b:
        b.send(b"x")
        await noted(loop, lambda done: loop.add_reader(a, lambda: (note(), done())))
        loop.remove_reader(a)


async def by_a_writer(loop, note):
    a, b = socket.socketpair()
    with a, b:
        await noted(loop, lambda done: loop.add_writer(a, lambda: (note(), done())))
        loop.remove_writer(a)


async def by_a_signal_handler(loop, note):
    def schedule(done):
        loop.add_signal_handler(signal.SIGUSR1, lambda: (note(), done()))
        os.kill(os.getpid(), signal.SIGUSR1)

    await noted(loop, schedule)
    loop.remove_signal_handler(signal.SIGUSR1)


async def by_the_first_step_of_a_task(loop, note):
    async def task():
        note()

    await loop.create_task(task())


async def by_a_step_of_a_task_that_gave_way(loop, note):
    await asyncio.sleep(0)
    note()


async def by_the_wakeup_of_a_task(loop, note):
    await asyncio.sleep(0.001)
    note()


async def by_the_wakeup_of_a_task_by_an_event(loop, note):
    event = asyncio.Event()
    loop.call_soon(event.set)
    await event.wait()
    note()


async def by_the_cancellation_of_a_task(loop, note):
    async def task():
        try:
            await asyncio.sleep(3600)
        finally:
            note()

    cancelled = loop.create_task(task())
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.wait([cancelled])


async def by_the_end_of_what_is_gathered(loop, note):
    await asyncio.gather(asyncio.sleep(0), asyncio.sleep(0.001))
    note()


async def by_the_end_of_a_timeout(loop, note):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await asyncio.sleep(3600)
    note()


async def by_a_callback_of_a_future(loop, note):
    future = loop.create_future()
    future.set_result(None)
    await noted(loop, lambda done: future.add_done_callback(lambda _: (note(), done())))


async def by_a_transport(loop, note):
    class Noting(Recorder):
        def connection_made(self, transport):
            note()
            super().connection_made(transport)

        def data_received(self, data):
            note()
            super().data_received(data)

        def connection_lost(self, exc):
            note()
            super().connection_lost(exc)

    async with transport_and_peer(loop, Noting()) as (transport, protocol, peer):
        peer.send(b"data")
        await protocol.got(4)
        transport.close()
        await protocol.lost()


async def by_a_server(loop, note):
    server, made, address = await serve(loop)
    client = await connect(loop, address)
    await made.connected(1)
    note()
    await finish(client, *made)
    server.close()
    await server.wait_closed()


async def by_a_process(loop, note):
    program = (sys.executable, "-c", "print(1)")
    process = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    note()
    assert out.strip() == b"1"


KINDS = [kind for name, kind in globals().items() if name.startswith("by_")]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("debug", [False, True], ids=["", "debug"])
@pytest.mark.parametrize("when", ["before", "while running"])
def test_whatever_asyncio_runs_by_a_handle_goes_through_what_replaces_run(loop, runs, kind, debug, when):
    loop.set_debug(debug)
    noted = []
    patch = runs.patched()

    async def main():
        if when == "while running":
            patch.start()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        await kind(loop, lambda: noted.append(len(runs.running)))

    if when == "before":
        patch.start()
    try:
        loop.run_until_complete(main())
    finally:
        patch.stop()
    assert noted
    assert set(noted) == {1}
    count = len(runs.seen)
    loop.run_until_complete(kind(loop, lambda: noted.append(len(runs.running))))
    assert noted[-1] == 0, "the native way is back"
    assert len(runs.seen) == count


def test_it_gets_the_very_handle_with_its_callback_arguments_and_context(loop, runs):
    def callback(*args):
        found.append(runs.running[-1])

    found = []
    context = contextvars.copy_context()
    with runs.patched():
        soon = loop.call_soon(callback, 1, 2, context=context)
        timer = loop.call_at(loop.time(), callback, 3)
        safe = loop.call_soon_threadsafe(callback, context=context)
        turns(loop, 2)
    assert sorted(found, key=lambda entry: len(entry[2])) == [
        (safe, callback, (), context),
        (timer, callback, (3,), timer._context),
        (soon, callback, (1, 2), context),
    ]
    assert all(isinstance(handle, asyncio.Handle) for handle, *_ in found)
    assert isinstance(timer, asyncio.TimerHandle)


def test_the_callback_of_a_tasks_step_says_which_task_it_is(loop, runs):
    async def main():
        handle, callback, _, context = runs.running[-1]
        assert callback.__self__ is asyncio.current_task()
        assert context is handle._context
        await asyncio.sleep(0)
        assert runs.running[-1][1].__self__ is asyncio.current_task()
        future = loop.create_future()
        loop.call_soon(future.set_result, None)
        await future
        assert runs.running[-1][1].__self__ is asyncio.current_task()
        assert runs.running[-1][2] == (future,)

    with runs.patched():
        loop.run_until_complete(main())


def test_the_order_is_as_without(loop, runs):
    async def step(name):
        for count in range(3):
            order.append((name, count))
            await asyncio.sleep(0)

    async def main():
        loop.call_soon(order.append, "first")
        tasks = [loop.create_task(step(name)) for name in "ab"]
        loop.call_soon(order.append, "last")
        await asyncio.wait(tasks)

    order = []
    loop.run_until_complete(main())
    without, order[:] = order[:], []
    with runs.patched():
        loop.run_until_complete(main())
    assert order == without


def test_asyncios_own_run_reports_what_the_callback_raises(loop, runs, errors):
    def fail(*args):
        raise error

    async def task():
        raise error

    error = ValueError("no")
    with runs.patched():
        handles = [
            loop.call_soon(fail, 1),
            loop.call_at(loop.time(), fail),
            loop.call_soon_threadsafe(fail, 2),
        ]
        turns(loop, 2)
        with pytest.raises(ValueError, match="no") as raised:
            loop.run_until_complete(task())
    assert raised.value is error
    contexts = errors.take()
    assert {context["handle"] for context in contexts} == set(handles)
    for context in contexts:
        assert context["exception"] is error
        assert context["message"].startswith("Exception in callback ")
        assert "fail(" in context["message"]


@pytest.mark.parametrize("leaving", [KeyboardInterrupt, SystemExit])
def test_what_leaves_the_loop_leaves_it_through_the_replacement(loop, runs, leaving):
    def leave():
        raise leaving

    ran = []
    with runs.patched():
        loop.call_soon(leave)
        loop.call_soon(ran.append, 1)
        with pytest.raises(leaving):
            loop.run_forever()
        assert ran == []
        turn(loop)
    assert ran == [1]


def test_what_the_replacement_raises_leaves_the_loop(loop):
    def _run(handle):
        raise LookupError("from the replacement")

    ran = []
    with mock.patch.object(asyncio.Handle, "_run", _run):
        handle = loop.call_soon(ran.append, 1)
        with pytest.raises(LookupError, match="from the replacement"):
            loop.run_forever()
        with pytest.raises(LookupError):
            handle._run()
    assert ran == []


def test_a_handle_is_run_by_hand_through_the_replacement_too(loop):
    def _run(handle):
        return "replaced", OWN(handle)

    ran = []
    handle = loop.call_later(3600, ran.append, 1)
    handle.cancel()
    handle = loop.call_later(3600, ran.append, 2)
    with mock.patch.object(asyncio.Handle, "_run", _run):
        assert handle._run() == ("replaced", None)
    assert handle._run() is None
    handle.cancel()
    assert ran == [2, 2]


def test_cancelled_handles_do_not_come(loop, runs):
    with runs.patched():
        handles = [loop.call_soon(print), loop.call_later(0, print), loop.call_soon_threadsafe(print)]
        last = loop.call_soon(lambda: None)
        for handle in handles:
            handle.cancel()
        turns(loop, 2)
    assert last in runs.seen
    assert not set(handles) & set(runs.seen)


def test_only_timers_are_run_by_what_is_put_into_their_class(loop, runs):
    with runs.patched(asyncio.TimerHandle):
        loop.call_soon(lambda: None)
        timer = loop.call_at(loop.time(), lambda: None)
        turns(loop, 2)
    assert runs.seen == [timer]
    assert "_run" not in vars(asyncio.TimerHandle)


def test_timers_of_sleep_and_timeout_are_run_by_it(loop, runs):
    aio = ferrio if isinstance(loop, ferrio.Loop) else asyncio

    async def main():
        await aio.sleep(0.001)
        with pytest.raises(TimeoutError):
            async with aio.timeout(0.001):
                await loop.create_future()
        with pytest.raises(TimeoutError):
            await aio.wait_for(loop.create_future(), 0.001)
        await aio.wait([loop.create_future()], timeout=0.001)

    with runs.patched(asyncio.TimerHandle):
        loop.run_until_complete(main())
    assert [type(handle.when()) for handle in runs.seen] == [float] * 4


def test_what_does_not_bind_is_called_without_the_handle(loop):
    with mock.patch.object(asyncio.Handle, "_run") as run:
        loop.call_soon(print)
        turn(loop)
    run.assert_called_once_with()


def test_a_replacement_that_replaces_itself_is_followed(loop):
    """From the next iteration on."""
    order = []

    def named(name):
        def _run(handle):
            order.append(name)
            return OWN(handle)

        return _run

    def again():
        asyncio.Handle._run = named("b")
        loop.call_soon(lambda: None)

    def restore():
        asyncio.Handle._run = OWN
        loop.call_soon(order.append, "native")

    try:
        asyncio.Handle._run = named("a")
        loop.call_soon(again)
        turns(loop, 2)
        loop.call_soon(restore)
        turns(loop, 2)
    finally:
        asyncio.Handle._run = OWN
    assert order == ["a", "b", "b", "native"]


def test_slow_callbacks_are_named_in_debug_mode(loop, runs, caplog):
    loop.set_debug(True)
    loop.slow_callback_duration = 0
    with runs.patched(), caplog.at_level(logging.WARNING, "asyncio"):
        handle = loop.call_soon(lambda: seen.append(loop._current_handle))
        seen = []
        turn(loop)
    assert seen == [handle]
    assert any("Executing <Handle" in message for message in caplog.messages)


def test_a_program_that_makes_the_iterations_runs_handles_by_it(loop, runs):
    ran = []
    with runs.patched():
        loop.call_soon(ran.append, 1)
        handle = loop._ready.popleft()
        handle._run()
        loop.call_soon(ran.append, 2)
        loop._run_once()
    assert ran == [1, 2]
    assert len(runs.seen) == 2
