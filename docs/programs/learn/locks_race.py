import asyncio

balance = 100


async def withdraw_unsafely(amount: int) -> None:
    global balance
    seen = balance
    await asyncio.sleep(0)  # A question to a database; everybody else runs.
    balance = seen - amount


async def withdraw(amount: int, lock: asyncio.Lock) -> None:
    global balance
    async with lock:
        seen = balance
        await asyncio.sleep(0)
        balance = seen - amount


async def main() -> None:
    global balance
    await asyncio.gather(*(withdraw_unsafely(10) for _ in range(5)))
    print("five withdrawals of 10 without a lock leave", balance)

    balance = 100
    lock = asyncio.Lock()
    await asyncio.gather(*(withdraw(10, lock) for _ in range(5)))
    print("with one they leave", balance)


asyncio.run(main())
