import asyncio


class Sink(asyncio.BufferedProtocol):
    """Receives into one buffer of its own."""

    def __init__(self) -> None:
        self.buffer = bytearray(64 * 1024)
        self.received = 0
        self.ended = asyncio.get_running_loop().create_future()

    def get_buffer(self, sizehint: int) -> memoryview:
        return memoryview(self.buffer)

    def buffer_updated(self, count: int) -> None:
        self.received += count

    def connection_lost(self, error: Exception | None) -> None:
        self.ended.set_result(self.received)


async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(bytes(1_000_000))
    writer.close()
    await writer.wait_closed()


async def main() -> None:
    server = await asyncio.start_server(send, "127.0.0.1", 0)
    async with server:
        loop = asyncio.get_running_loop()
        _, sink = await loop.create_connection(Sink, *server.sockets[0].getsockname())
        print("received", await sink.ended, "bytes in a buffer of", len(sink.buffer))


asyncio.run(main())
