import asyncio


async def guest(name: str, doors: asyncio.Event) -> None:
    await doors.wait()
    print(name, "comes in")


async def main() -> None:
    doors = asyncio.Event()
    guests = asyncio.gather(guest("Ada", doors), guest("Bob", doors))
    await asyncio.sleep(0)
    print("the doors open")
    doors.set()
    await guests
    await guest("Cem, who is late,", doors)


asyncio.run(main())
