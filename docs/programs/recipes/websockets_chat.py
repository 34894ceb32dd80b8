import asyncio

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve


async def shout(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message.upper())


async def main() -> None:
    async with serve(shout, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}") as connection:
            for word in ("hello", "world"):
                await connection.send(word)
                print(await connection.recv())


asyncio.run(main())
