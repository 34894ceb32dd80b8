import asyncio
from concurrent.futures import ProcessPoolExecutor


def count_primes(end: int) -> int:
    return sum(all(number % part for part in range(2, number)) for number in range(2, end))


async def main() -> None:
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(max_workers=2) as pool:
        counts = await asyncio.gather(
            loop.run_in_executor(pool, count_primes, 100),
            loop.run_in_executor(pool, count_primes, 1000),
        )
    print(counts)


if __name__ == "__main__":
    asyncio.run(main())
