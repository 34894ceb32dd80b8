"""Callbacks and timers, without tasks."""

from types import ModuleType

from benchmarks.benchmark import Group

CALLBACKS = Group("Callbacks")

# After this many operations the loop runs an iteration, in which it may drop cancelled handles.
AT_ONCE = 100


def nothing() -> None:
    pass


@CALLBACKS.program("`call_soon`, each from the one before")
async def chain(aio: ModuleType, count: int) -> None:
    loop = aio.get_running_loop()
    done = loop.create_future()

    def callback(left: int) -> None:
        if left:
            loop.call_soon(callback, left - 1)
        else:
            done.set_result(None)

    loop.call_soon(callback, count - 1)
    await done


@CALLBACKS.program("`call_soon`, 100 at once", batch=AT_ONCE)
async def crowd(aio: ModuleType, count: int) -> None:
    loop = aio.get_running_loop()
    for _ in range(count // AT_ONCE):
        for _ in range(AT_ONCE):
            loop.call_soon(nothing)
        await aio.sleep(0)


@CALLBACKS.program("`call_soon_threadsafe`, 100 at once", batch=AT_ONCE)
async def threadsafe(aio: ModuleType, count: int) -> None:
    loop = aio.get_running_loop()
    for _ in range(count // AT_ONCE):
        for _ in range(AT_ONCE):
            loop.call_soon_threadsafe(nothing)
        await aio.sleep(0)


@CALLBACKS.program("`call_later` and `cancel`", batch=AT_ONCE)
async def cancelled_timer(aio: ModuleType, count: int) -> None:
    loop = aio.get_running_loop()
    for _ in range(count // AT_ONCE):
        for _ in range(AT_ONCE):
            loop.call_later(10, nothing).cancel()
        await aio.sleep(0)
