import asyncio

running = most = 0


async def request(number: int, limit: asyncio.Semaphore) -> int:
    global running, most
    async with limit:
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
    return number


async def main() -> None:
    limit = asyncio.Semaphore(3)
    answers = await asyncio.gather(*(request(number, limit) for number in range(10)))
    print(len(answers), "answers, never more than", most, "requests at once")

    strict = asyncio.BoundedSemaphore(1)
    try:
        strict.release()
    except ValueError as error:
        print("ValueError:", error)


asyncio.run(main())
