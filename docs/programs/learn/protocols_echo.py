import asyncio


class Shout(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data.upper())


class Client(asyncio.Protocol):
    def __init__(self) -> None:
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.Transport) -> None:
        print("connected")
        self.transport = transport
        transport.write(b"hello")

    def data_received(self, data: bytes) -> None:
        print("received", data)
        self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        print("closed, error:", error)
        self.closed.set_result(None)


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Shout, "127.0.0.1", 0)
    async with server:
        _, client = await loop.create_connection(Client, *server.sockets[0].getsockname())
        await client.closed


asyncio.run(main())
