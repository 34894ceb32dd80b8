import asyncio
import cProfile
import pstats


def parse(line: str) -> int:
    return len(line.split(","))


async def handle(number: int) -> int:
    await asyncio.sleep(0)
    return parse("a,b,c" * number)


async def main() -> None:
    await asyncio.gather(*(handle(number) for number in range(100)))


profile = cProfile.Profile()
profile.runcall(asyncio.run, main())
for (_, _, name), (calls, *_) in sorted(pstats.Stats(profile).stats.items()):
    if name == "parse":
        print(name, "was called", calls, "times")
