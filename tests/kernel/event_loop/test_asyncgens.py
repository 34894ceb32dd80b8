"""Asynchronous generators: finalised by the loop when dropped, closed by shutdown_asyncgens()."""

import asyncio
import gc
import sys

import pytest

from tests.harness import turn, turns


async def counter(closed, *, fail_with=None):
    """Counts for ever and notes when it is closed."""
    try:
        number = 0
        while True:
            yield number
            number += 1
            await asyncio.sleep(0)
    finally:
        await asyncio.sleep(0)
        closed.append(number)
        if fail_with is not None:
            raise fail_with


async def test_an_iteration_that_is_broken_off_is_closed_by_the_loop(loop):
    closed = []

    async def take_some():
        async for number in counter(closed):
            if number == 3:
                break

    await take_some()
    gc.collect()
    for _ in range(4):
        await asyncio.sleep(0)
    assert closed == [3]


def test_shutdown_closes_every_generator_that_was_started(loop):
    closed = []

    async def start(count):
        generators = [counter(closed) for _ in range(count)]
        for generator in generators:
            await generator.__anext__()
        return generators

    generators = loop.run_until_complete(start(5))
    assert closed == []
    assert loop.run_until_complete(loop.shutdown_asyncgens()) is None
    assert closed == [0] * 5
    for generator in generators:
        with pytest.raises(StopAsyncIteration):
            loop.run_until_complete(generator.__anext__())


def test_shutdown_leaves_generators_alone_that_were_never_started_or_are_finished(loop):
    closed = []

    async def three():
        for number in range(3):
            yield number

    async def main():
        assert [number async for number in three()] == [0, 1, 2]

    never_started = counter(closed)
    loop.run_until_complete(main())
    loop.run_until_complete(loop.shutdown_asyncgens())
    assert closed == []
    del never_started


def test_shutdown_reports_the_generators_that_fail_to_close_and_closes_the_others(loop, errors):
    closed = []
    exc = LookupError("argument")

    async def start():
        generators = [counter(closed), counter(closed, fail_with=exc), counter(closed)]
        for generator in generators:
            await generator.__anext__()
        return generators

    generators = loop.run_until_complete(start())
    loop.run_until_complete(loop.shutdown_asyncgens())
    assert closed == [0, 0, 0]
    context = errors.take_one()
    assert context["message"].startswith(
        "an error occurred during closing of asynchronous generator <async_gen"
    )
    assert context["exception"] is exc
    assert context["asyncgen"] is generators[1]


def test_shutdown_twice_is_fine(loop):
    for _ in range(2):
        loop.run_until_complete(loop.shutdown_asyncgens())


def test_a_generator_started_after_the_shutdown_warns(loop):
    closed = []

    async def main():
        await loop.shutdown_asyncgens()
        generator = counter(closed)
        with pytest.warns(ResourceWarning, match=r"was scheduled after loop\.shutdown_asyncgens\(\) call"):
            await generator.__anext__()
        await generator.aclose()

    loop.run_until_complete(main())
    assert closed == [0]


def test_a_generator_dropped_while_the_loop_does_not_run_is_closed_in_the_next_run(loop):
    closed = []

    async def start():
        generator = counter(closed)
        await generator.__anext__()
        return generator

    generator = loop.run_until_complete(start())
    del generator
    gc.collect()
    assert closed == []
    turns(loop, 4)
    assert closed == [0]


def test_a_generator_dropped_in_another_thread_is_closed_by_the_loop(loop):
    closed = []

    async def main():
        generators = [counter(closed)]
        await generators[0].__anext__()
        await asyncio.to_thread(generators.clear)
        while not closed:
            await asyncio.sleep(0)

    loop.run_until_complete(main())
    assert closed == [0]


def test_a_generator_dropped_after_the_loop_is_closed_is_let_go_in_silence(loop):
    async def quick():
        yield 1

    async def start():
        generator = quick()
        await generator.__anext__()
        return generator

    generator = loop.run_until_complete(start())
    loop.close()
    del generator
    gc.collect()


def test_an_error_while_a_dropped_generator_closes_is_reported(loop, errors):
    async def start():
        await counter([], fail_with=LookupError("argument")).__anext__()

    loop.run_until_complete(start())
    gc.collect()
    turns(loop, 4)
    gc.collect()
    context = errors.take_one()
    assert context["message"] == "Task exception was never retrieved"
    assert repr(context["exception"]) == "LookupError('argument')"


def test_the_hooks_of_the_thread_are_put_back_when_the_loop_stops(loop):
    def firstiter(generator):
        pass

    before = sys.get_asyncgen_hooks()
    inside = []
    sys.set_asyncgen_hooks(firstiter=firstiter)
    try:
        loop.call_soon(lambda: inside.append(sys.get_asyncgen_hooks()))
        turn(loop)
        assert sys.get_asyncgen_hooks().firstiter is firstiter
        assert inside[0].firstiter is not firstiter
        assert inside[0].finalizer is not None
    finally:
        sys.set_asyncgen_hooks(*before)


def test_the_runner_closes_generators(loop_factory, process_state):
    closed = []

    async def main():
        generator = counter(closed)
        await generator.__anext__()
        return generator

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        generator = runner.run(main())
    assert closed == [0]
    del generator
