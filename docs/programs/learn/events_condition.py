import asyncio

stock: list[str] = []


async def buyer(name: str, shop: asyncio.Condition) -> None:
    async with shop:
        await shop.wait_for(lambda: stock)
        print(name, "buys", stock.pop())


async def main() -> None:
    shop = asyncio.Condition()
    buyers = asyncio.gather(buyer("Ada", shop), buyer("Bob", shop))
    await asyncio.sleep(0)

    async with shop:
        stock.append("bread")
        shop.notify()
    await asyncio.sleep(0.01)
    print("one piece, one buyer; left:", stock)

    async with shop:
        stock.extend(["milk", "eggs"])
        shop.notify_all()
    await buyers
    print("left:", stock)


asyncio.run(main())
