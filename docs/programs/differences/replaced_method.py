import asyncio


class Counting(asyncio.Queue):
    puts = 0

    def put_nowait(self, item: int) -> None:
        self.puts += 1
        super().put_nowait(item)


async def main() -> None:
    queue = Counting()  # A class that overrides a method is obeyed on both.
    await queue.put(1)
    print("by a subclass, put_nowait was called", queue.puts, "time")

    patched = asyncio.Queue()
    calls = []
    patched.put_nowait = calls.append  # An attribute of one object is asyncio's alone.
    await patched.put(1)
    print("by an attribute, it was called", len(calls), "times")


asyncio.run(main())
