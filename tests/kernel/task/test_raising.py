"""What is being handled while an exception is raised is its `__context__`, and shows in tracebacks."""

import asyncio

import pytest


class Handled(Exception):
    """What a test handles meanwhile."""


async def context_of(raises):
    """What has the exception that `raises()` raises, or its awaitable, as context?"""
    try:
        try:
            raise Handled
        except Handled:
            result = raises()
            if result is not None:
                await result
    except BaseException as error:
        return error.__context__


def failed(loop):
    future = loop.create_future()
    future.set_exception(LookupError())
    return future


def cancelled(loop):
    future = loop.create_future()
    future.cancel()
    return future


def done(loop):
    future = loop.create_future()
    future.set_result(None)
    return future


@pytest.mark.parametrize(
    "raises",
    [
        lambda loop, aio: failed(loop).result(),
        lambda loop, aio: failed(loop),
        lambda loop, aio: cancelled(loop).result(),
        lambda loop, aio: cancelled(loop).exception(),
        lambda loop, aio: cancelled(loop),
        lambda loop, aio: loop.create_future().result(),
        lambda loop, aio: loop.create_future().exception(),
        lambda loop, aio: done(loop).set_result(None),
        lambda loop, aio: done(loop).set_exception(LookupError()),
        lambda loop, aio: aio.shield(failed(loop)),
        lambda loop, aio: aio.wait_for(failed(loop), 1),
        lambda loop, aio: aio.wait_for(failed(loop), 0),
        lambda loop, aio: next(iter(aio.as_completed([failed(loop)]))),
        lambda loop, aio: aio.Queue().get_nowait(),
    ],
)
async def test_what_is_raised_at_once(loop, aio, raises):
    context = await context_of(lambda: raises(loop, aio))
    assert isinstance(context, Handled)


async def test_a_queue_s_errors(loop, aio):
    queue = aio.Queue(1)
    queue.put_nowait(1)
    assert isinstance(await context_of(lambda: queue.put_nowait(2)), Handled)


async def test_a_reader_s_errors(loop, aio):
    reader = aio.StreamReader(limit=2)
    reader.feed_data(b"12345")
    assert isinstance(await context_of(lambda: reader.readuntil(b"-")), Handled)
    reader.feed_eof()
    assert isinstance(await context_of(lambda: reader.readexactly(9)), Handled)
    reader.set_exception(LookupError())
    assert isinstance(await context_of(lambda: reader.read(9)), Handled)


async def test_a_barrier_s_error(loop, aio):
    barrier = aio.Barrier(2)
    await barrier.abort()
    context = await context_of(lambda: barrier.wait())
    assert isinstance(context, Handled)


async def test_a_time_out_has_the_cancellation_that_has_what_was_handled(loop, aio):
    context = await context_of(lambda: aio.wait_for(loop.create_future(), 0))
    assert isinstance(context, asyncio.CancelledError)
    assert isinstance(context.__context__, Handled)


async def test_a_group_s_errors(loop, aio):
    async def fail(error):
        raise error

    async def group(error, body):
        async with aio.TaskGroup() as group:
            group.create_task(fail(error))
            await body

    context = await context_of(lambda: group(LookupError(), aio.sleep(10)))
    assert isinstance(context, Handled)
    context = await context_of(lambda: group(LookupError(), done(loop)))
    assert isinstance(context, Handled)


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_what_leaves_the_loop_shows_what_it_has_interrupted(loop_factory, aio, process_state, kind):
    async def fail():
        raise kind

    async def main():
        async with aio.TaskGroup() as group:
            group.create_task(fail())
            await aio.sleep(10)

    loop = loop_factory()
    task = loop.create_task(main())
    with pytest.raises(kind):
        loop.run_until_complete(task)
    # The loop runs on while that is handled, as asyncio.Runner has it.
    try:
        raise Handled
    except Handled:
        with pytest.raises(kind) as raised:
            loop.run_until_complete(task)
    loop.close()
    assert isinstance(raised.value.__context__, asyncio.CancelledError | Handled)
    del raised, task


def test_a_cancellation_has_what_is_handled_around_the_loop(loop, aio):
    async def main():
        try:
            await aio.sleep(10)
        except asyncio.CancelledError as error:
            return error.__context__

    task = loop.create_task(main())
    loop.call_soon(task.cancel)
    try:
        raise Handled
    except Handled:
        assert isinstance(loop.run_until_complete(task), Handled)
