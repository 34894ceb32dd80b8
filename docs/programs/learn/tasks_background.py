import asyncio

background: set[asyncio.Task[None]] = set()


async def write_log(line: str) -> None:
    await asyncio.sleep(0.01)
    print("logged", line)


def log_later(line: str) -> None:
    task = asyncio.create_task(write_log(line))
    background.add(task)  # The loop itself only has a weak reference to a task.
    task.add_done_callback(background.discard)


async def main() -> None:
    log_later("one")
    log_later("two")
    await asyncio.gather(*background)
    await asyncio.sleep(0)
    print("left:", len(background))


asyncio.run(main())
