"""Closing, running twice, running inside a running loop, and what run_until_complete() accepts."""

import asyncio
import contextlib
import gc
import os
import signal
import threading
import warnings
import weakref

import pytest

from tests.harness import FD_FOLDER, PY, socket_pair, turn

CLOSED = r"^Event loop is closed$"


@pytest.fixture
def closed(loop):
    loop.close()
    return loop


def test_a_new_loop_is_neither_running_nor_closed(loop):
    assert loop.is_running() is False
    assert loop.is_closed() is False
    assert loop.get_debug() is False


def test_close_closes_and_may_be_repeated(loop):
    assert loop.close() is None
    assert loop.is_closed() is True
    assert loop.close() is None
    assert loop.is_closed() is True


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda loop: loop.call_soon(print), id="call_soon"),
        pytest.param(lambda loop: loop.call_soon_threadsafe(print), id="call_soon_threadsafe"),
        pytest.param(lambda loop: loop.call_later(1, print), id="call_later"),
        pytest.param(lambda loop: loop.call_at(1, print), id="call_at"),
        pytest.param(lambda loop: loop.run_forever(), id="run_forever"),
        pytest.param(lambda loop: loop.run_in_executor(None, print), id="run_in_executor"),
        pytest.param(lambda loop: loop.add_signal_handler(signal.SIGUSR1, print), id="add_signal_handler"),
        pytest.param(lambda loop: loop.run_until_complete(loop.create_future()), id="run_until_complete"),
    ],
)
def test_a_closed_loop_refuses(closed, call):
    with pytest.raises(RuntimeError, match=CLOSED):
        call(closed)


def test_a_closed_loop_refuses_coroutines_without_consuming_them(closed):
    async def main():
        return "result"

    coroutine = main()
    with pytest.raises(RuntimeError, match=CLOSED):
        closed.run_until_complete(coroutine)
    with pytest.raises(RuntimeError, match=CLOSED):
        closed.create_task(coroutine)
    with pytest.raises(StopIteration, match="result"):
        coroutine.send(None)


def test_a_closed_loop_refuses_readers_and_has_none_to_remove(loop):
    with socket_pair() as (ours, _):
        loop.add_reader(ours, print)
        loop.add_writer(ours, print)
        loop.close()
        with pytest.raises(RuntimeError, match=CLOSED):
            loop.add_reader(ours, print)
        with pytest.raises(RuntimeError, match=CLOSED):
            loop.add_writer(ours, print)
        assert loop.remove_reader(ours) is False
        assert loop.remove_writer(ours) is False


def test_a_closed_loop_still_answers_what_needs_no_loop(closed):
    assert isinstance(closed.time(), float)
    assert closed.create_future().get_loop() is closed
    closed.set_debug(True)
    assert closed.get_debug() is True
    closed.stop()
    assert "running=False closed=True debug=True" in repr(closed)


def test_a_running_loop_cannot_be_closed(loop):
    async def main():
        with pytest.raises(RuntimeError, match=r"^Cannot close a running event loop$"):
            loop.close()
        await asyncio.sleep(0)
        return "still alive"

    assert loop.run_until_complete(main()) == "still alive"


@pytest.mark.stock_bug(PY == (3, 13), reason="3.13.0 cleans up after the loop that still runs")
def test_a_running_loop_cannot_be_run_again(loop):
    async def main():
        with pytest.raises(RuntimeError, match=r"^This event loop is already running$"):
            loop.run_forever()
        assert loop.is_running()
        assert asyncio.get_running_loop() is loop
        await asyncio.sleep(0)
        return "still alive"

    assert loop.run_until_complete(main()) == "still alive"


def test_a_running_loop_cannot_run_another_future_until_complete(loop):
    async def main():
        future = loop.create_future()
        with pytest.raises(RuntimeError, match=r"^This event loop is already running$"):
            loop.run_until_complete(future)
        assert asyncio.get_running_loop() is loop
        return "still alive"

    assert loop.run_until_complete(main()) == "still alive"


def test_a_running_loop_can_neither_be_run_nor_closed_by_another_thread(loop):
    def disturb():
        with pytest.raises(RuntimeError, match=r"^This event loop is already running$"):
            loop.run_until_complete(loop.create_future())
        with pytest.raises(RuntimeError, match=r"^Cannot close a running event loop$"):
            loop.close()

    async def main():
        await asyncio.to_thread(disturb)
        return "still alive"

    assert loop.run_until_complete(main()) == "still alive"


def test_a_loop_cannot_run_while_another_runs_in_the_thread(loop, loop_factory):
    async def main():
        other = loop_factory()
        try:
            with pytest.raises(
                RuntimeError, match=r"^Cannot run the event loop while another loop is running$"
            ):
                other.run_until_complete(other.create_future())
        finally:
            other.close()
        assert asyncio.get_running_loop() is loop

    loop.run_until_complete(main())


def test_loops_of_different_threads_run_at_once(loop, loop_factory):
    def run_another():
        other = loop_factory()
        try:
            return other.run_until_complete(asyncio.sleep(0, result="from the thread"))
        finally:
            other.close()

    assert loop.run_until_complete(asyncio.to_thread(run_another)) == "from the thread"


def test_a_loop_may_run_in_another_thread_than_the_one_that_made_it(loop):
    results = []

    async def main():
        results.append((asyncio.get_running_loop(), threading.get_ident()))

    for _ in range(2):
        thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
        thread.start()
        thread.join()
    loop.run_until_complete(main())
    assert [found for found, _ in results] == [loop] * 3
    assert results[0][1] != results[2][1]


def test_the_running_loop_is_known_to_callbacks_and_forgotten_afterwards(loop):
    found = []
    loop.call_soon(lambda: found.append((asyncio.get_running_loop(), loop.is_running())))
    turn(loop)
    assert found == [(loop, True)]
    assert not loop.is_running()
    with pytest.raises(RuntimeError, match="no running event loop"):
        asyncio.get_running_loop()


def test_is_running_is_seen_from_other_threads(loop):
    async def main():
        return await asyncio.to_thread(loop.is_running)

    assert loop.run_until_complete(main()) is True


def test_a_loop_dropped_without_close_warns_and_frees_its_descriptors(process_state, loop_factory):
    loop = loop_factory()
    name = repr(loop)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del loop
        gc.collect()
    (warning,) = caught
    assert warning.category is ResourceWarning
    assert str(warning.message) == f"unclosed event loop {name}"


def test_a_loop_in_a_cycle_is_collected_after_close(loop_factory):
    loop = loop_factory()
    loop.call_soon(lambda loop=loop: None)
    loop.own_attribute = loop
    reference = weakref.ref(loop)
    loop.close()
    del loop
    gc.collect()
    assert reference() is None


def test_a_loop_takes_attributes_and_is_hashable(loop):
    loop.some_library = "its mark"
    assert loop.some_library == "its mark"
    assert {loop: 1}[loop] == 1
    assert loop == loop


def test_a_loop_is_an_abstract_event_loop(loop):
    assert isinstance(loop, asyncio.AbstractEventLoop)


def test_the_repr_tells_the_state(loop):
    assert "running=False closed=False debug=False" in repr(loop)

    async def main():
        return repr(loop)

    assert "running=True closed=False" in loop.run_until_complete(main())


def test_the_descriptors_of_a_loop_are_not_inherited_by_programs_it_starts(process_state, loop_factory):
    before = {int(name) for name in os.listdir(FD_FOLDER)}
    loop = loop_factory()
    made = [int(name) for name in os.listdir(FD_FOLDER) if int(name) not in before]
    inherited = []
    for fd in made:
        with contextlib.suppress(OSError):
            inherited.append(os.get_inheritable(fd))
    loop.close()
    assert inherited
    assert not any(inherited)


def test_many_loops_one_after_another_leak_nothing(process_state, loop_factory):
    for _ in range(50):
        loop = loop_factory()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
