"""`timeout` and `timeout_at`: blocks that are cancelled when their time is up."""

import asyncio
import math

import pytest


async def test_a_block_in_time_is_left_alone(loop, aio):
    async with aio.timeout(10) as block:
        await aio.sleep(0)
    assert not block.expired()
    assert block.when() > loop.time()
    async with aio.timeout(None) as block:
        await aio.sleep(0)
    assert block.when() is None


async def test_a_block_whose_time_is_up_raises_timeout_error(loop, aio):
    with pytest.raises(TimeoutError) as caught:
        async with aio.timeout(0.001) as block:
            await loop.create_future()
    assert block.expired()
    assert isinstance(caught.value.__cause__, asyncio.CancelledError)
    assert asyncio.current_task().cancelling() == 0


async def test_a_time_in_the_past_cancels_the_first_wait(loop, aio):
    log = []
    with pytest.raises(TimeoutError):
        async with aio.timeout_at(loop.time() - 1):
            log.append("begun")
            await loop.create_future()
    assert log == ["begun"]


async def test_a_block_that_never_waits_never_times_out(loop, aio):
    async with aio.timeout(-1) as block:
        pass
    assert not block.expired()


async def test_the_inner_timeout_is_not_the_outer_one(loop, aio):
    async with aio.timeout(10) as outer:
        with pytest.raises(TimeoutError):
            async with aio.timeout(0.001) as inner:
                await loop.create_future()
        await aio.sleep(0)
    assert inner.expired()
    assert not outer.expired()


async def test_the_outer_timeout_ends_the_inner_block_with_a_cancellation(loop, aio):
    with pytest.raises(TimeoutError):
        async with aio.timeout(0.001) as outer:
            with pytest.raises(asyncio.CancelledError):
                async with aio.timeout(10) as inner:
                    await loop.create_future()
            raise asyncio.CancelledError
    assert outer.expired()
    assert not inner.expired()


async def test_both_timeouts_at_once_are_one_exception(loop, aio):
    when = loop.time() + 0.001
    with pytest.raises(TimeoutError):
        async with aio.timeout_at(when) as outer:
            async with aio.timeout_at(when) as inner:
                await loop.create_future()
    assert inner.expired()
    assert asyncio.current_task().cancelling() == 0
    assert outer.expired()


async def test_a_cancellation_from_outside_is_not_a_timeout(loop, aio):
    async def body():
        async with aio.timeout(10):
            await loop.create_future()

    task = aio.create_task(body())
    await aio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert task.cancelling() == 1


async def test_a_cancellation_and_a_timeout_at_once_are_a_cancellation(loop, aio):
    async def body():
        async with aio.timeout_at(loop.time() - 1):
            await loop.create_future()

    task = aio.create_task(body())
    await aio.sleep(0)
    task.cancel()  # the expiry is queued already, and cancels as well
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelling() == 1


async def test_a_timeout_in_a_task_that_was_cancelled_before_is_a_timeout(loop, aio):
    async def body():
        try:
            await loop.create_future()
        except asyncio.CancelledError:
            with pytest.raises(TimeoutError):
                async with aio.timeout(0.001):
                    await loop.create_future()
            return asyncio.current_task().cancelling()

    task = aio.create_task(body())
    await aio.sleep(0)
    task.cancel()
    assert await task == 1


async def test_an_exception_of_the_block_is_raised_although_the_time_is_up(loop, aio):
    with pytest.raises(ValueError, match="mine"):
        async with aio.timeout(0.001) as block:
            try:
                await loop.create_future()
            except asyncio.CancelledError:
                raise ValueError("mine") from None
    assert block.expired()
    assert asyncio.current_task().cancelling() == 0


async def test_a_block_that_swallows_the_cancellation_ends_well(loop, aio):
    async with aio.timeout(0.001) as block:
        with pytest.raises(asyncio.CancelledError):
            await loop.create_future()
    assert block.expired()
    assert asyncio.current_task().cancelling() == 0


async def test_a_later_time_replaces_the_first(loop, aio):
    async with aio.timeout(0.001) as block:
        block.reschedule(loop.time() + 10)
        await aio.sleep(0.005)
    assert not block.expired()


async def test_an_earlier_time_replaces_the_first(loop, aio):
    with pytest.raises(TimeoutError):
        async with aio.timeout(10) as block:
            block.reschedule(loop.time())
            await loop.create_future()
    assert block.expired()


async def test_no_time_replaces_one_that_was_up_already(loop, aio):
    async with aio.timeout(-1) as block:
        block.reschedule(None)
        await aio.sleep(0)
        await aio.sleep(0)
        assert block.when() is None
        assert repr(block) == "<Timeout [active] when=None>"
    assert not block.expired()


async def test_a_timeout_can_be_changed_only_inside_its_block(loop, aio):
    block = aio.timeout(10)
    with pytest.raises(RuntimeError, match="has not been entered"):
        block.reschedule(None)
    async with block:
        with pytest.raises(RuntimeError, match="has already been entered"):
            await block.__aenter__()
    with pytest.raises(RuntimeError, match="Cannot change state of finished Timeout"):
        block.reschedule(None)
    with pytest.raises(TimeoutError):
        async with aio.timeout(0.001) as block:
            try:
                await loop.create_future()
            finally:
                with pytest.raises(RuntimeError, match="Cannot change state of expiring Timeout"):
                    block.reschedule(None)
    with pytest.raises(RuntimeError, match="Cannot change state of expired Timeout"):
        block.reschedule(None)


def test_a_timeout_needs_a_task(loop, aio):
    def callback():
        block = aio.timeout(10)
        with pytest.raises(RuntimeError, match="Timeout should be used inside a task"):
            block.__aenter__().send(None)
        done.set_result(None)

    done = loop.create_future()
    loop.call_soon(callback)
    loop.run_until_complete(done)


@pytest.mark.ferrio_only
async def test_nan_is_no_time(loop, aio):
    future = loop.create_future()
    for refused in (
        aio.wait_for(future, math.nan),
        aio.wait([future], timeout=math.nan),
        enter(aio.timeout(math.nan)),
        enter(aio.timeout_at(math.nan)),
        aio.sleep(math.nan),
    ):
        with pytest.raises(ValueError, match="NaN"):
            await refused


async def enter(timeout):
    async with timeout:
        pass


async def test_a_subclass_may_have_arguments_and_methods_of_its_own(loop, aio):
    """As `async_timeout` has, though type checkers are told that the class is final."""

    class Deadline(aio.Timeout):
        def __init__(self, when, name):
            super().__init__(when)
            self.name = name

        @property
        def deadline(self):
            return self.when()

        def shift(self, delay):
            self.reschedule(self.when() + delay)

    block = Deadline(loop.time() + 10, "name")
    assert (block.name, type(block)) == ("name", Deadline)
    with pytest.raises(TimeoutError):
        async with block as entered:
            assert entered is block
            block.shift(-10)
            assert block.deadline < loop.time()
            await loop.create_future()
    assert block.expired()
    with pytest.raises(TypeError, match="'when'"):
        aio.Timeout()


async def test_what_a_subclass_overrides_is_called(loop, aio):
    calls = []

    class Logged(aio.Timeout):
        def reschedule(self, when):
            calls.append(("reschedule", when))
            super().reschedule(when)

        def _on_timeout(self):
            calls.append("_on_timeout")
            super()._on_timeout()

    for delay in (0.001, -1):
        calls.clear()
        when = loop.time() + delay
        with pytest.raises(TimeoutError):
            async with Logged(when):
                await loop.create_future()
        assert calls == [("reschedule", when), "_on_timeout"]


async def test_a_timeout_can_be_made_anew(loop, aio):
    block = aio.Timeout(None)
    async with block:
        pass
    block.__init__(loop.time())
    with pytest.raises(TimeoutError):
        async with block:
            await loop.create_future()
