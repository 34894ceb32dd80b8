"""In debug mode a coroutine that nobody has awaited says where it was created."""

import asyncio
import inspect

import ferrio
import pytest


async def in_python(seconds):
    await asyncio.sleep(seconds)


@pytest.mark.ferrio_only
@pytest.mark.parametrize("make", [in_python, ferrio.sleep])
async def test_it_has_its_origin_as_long_as_the_loop_debugs(loop, make):
    loop.set_debug(True)
    await asyncio.sleep(0)
    try:
        coroutines = [make(0)]
        here = inspect.getframeinfo(inspect.currentframe())
        _, line, function = origin = coroutines[0].cr_origin[0]
        with pytest.warns(RuntimeWarning) as warned:
            coroutines.clear()
    finally:
        loop.set_debug(False)
    assert origin == (__file__, here.lineno - 1, here.function)
    text = str(warned[0].message)
    assert text.startswith(
        f"coroutine '{make.__name__}' was never awaited\nCoroutine created at (most recent call last)\n"
    )
    assert text.endswith(f'File "{__file__}", line {line}, in {function}\n    coroutines = [make(0)]')
    await asyncio.sleep(0)
    coroutine = make(0)
    assert coroutine.cr_origin is None
    coroutine.close()
