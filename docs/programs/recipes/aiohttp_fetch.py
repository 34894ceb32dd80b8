import asyncio

from aiohttp import ClientSession, web


async def hello(request: web.Request) -> web.Response:
    return web.json_response({"hello": request.match_info["name"]})


async def main() -> None:
    app = web.Application()
    app.router.add_get("/{name}", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]

    async with ClientSession(f"http://127.0.0.1:{port}") as session:

        async def fetch(name: str) -> dict:
            async with session.get(f"/{name}") as response:
                return await response.json()

        print(await asyncio.gather(*(fetch(name) for name in ("Ada", "Bob", "Cem"))))
    await runner.cleanup()


asyncio.run(main())
