import asyncio


async def pay() -> str:
    await asyncio.sleep(0.05)
    print("paid")
    return "receipt"


async def customer(payment: asyncio.Task[str]) -> str:
    return await asyncio.shield(payment)


async def main() -> None:
    payment = asyncio.create_task(pay())
    waiting = asyncio.create_task(customer(payment))
    await asyncio.sleep(0)
    waiting.cancel()
    results = await asyncio.gather(waiting, return_exceptions=True)
    print("the customer left:", type(results[0]).__name__)
    print("the payment goes on:", await payment)


asyncio.run(main())
