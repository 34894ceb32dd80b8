import asyncio
import unittest


async def double(number: int) -> int:
    await asyncio.sleep(0)
    return number * 2


class DoubleTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.numbers: asyncio.Queue[int] = asyncio.Queue()
        await self.numbers.put(21)

    async def test_number_is_doubled(self) -> None:
        self.assertEqual(await double(await self.numbers.get()), 42)

    async def test_it_does_not_hang(self) -> None:
        async with asyncio.timeout(5):
            await double(1)


result = unittest.TestResult()
unittest.defaultTestLoader.loadTestsFromTestCase(DoubleTest).run(result)
print("ran", result.testsRun, "failed", len(result.failures) + len(result.errors))
