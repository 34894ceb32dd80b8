"""Tasks start in the order in which they were created, at the creator's next await, and then take turns."""

import asyncio


async def worker(name: str, turns: int) -> str:
    print(f"  {name} starts")
    for turn in range(1, turns + 1):
        await asyncio.sleep(0)  # Lets everybody else who is ready go first.
        print(f"  {name} has turn {turn}")
    return name


async def main() -> None:
    print("creating tasks: nothing runs yet")
    tasks = [asyncio.create_task(worker(name, turns)) for name, turns in (("A", 1), ("B", 3), ("C", 2))]
    asyncio.get_running_loop().call_soon(print, "  a callback, behind the tasks")
    print("awaiting the first one")
    print(f"{await tasks[0]} has ended; the others have not: {[task.done() for task in tasks]}")

    print("awaiting all, as they end")
    for ended in asyncio.as_completed(tasks):
        print(f"{await ended} has ended")

    print("calling a coroutine without a task runs it in place")
    await worker("D", 1)


asyncio.run(main())
