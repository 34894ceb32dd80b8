import asyncio

import pytest
import pytest_asyncio


@pytest_asyncio.fixture
async def queue() -> asyncio.Queue[int]:
    queue: asyncio.Queue[int] = asyncio.Queue()
    await queue.put(21)
    return queue


@pytest.mark.asyncio
async def test_number_is_doubled(queue: asyncio.Queue[int]) -> None:
    assert 2 * await queue.get() == 42


@pytest.mark.asyncio
async def test_nothing_comes(queue: asyncio.Queue[int]) -> None:
    await queue.get()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.get(), timeout=0.01)
