import asyncio


class Source(asyncio.Protocol):
    """Writes while there is room."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        transport.set_write_buffer_limits(high=64 * 1024)
        self.left = 200
        self.pauses = 0
        self.write_on()

    def write_on(self) -> None:
        self.may_write = True
        while self.left and self.may_write:
            self.left -= 1
            self.transport.write(b"x" * 64 * 1024)
        if not self.left:
            # Not at once: inside resume_writing, asyncio ends the connection twice.
            asyncio.get_running_loop().call_soon(self.transport.close)

    def pause_writing(self) -> None:
        self.may_write = False
        self.pauses += 1

    def resume_writing(self) -> None:
        self.write_on()


async def main() -> None:
    loop = asyncio.get_running_loop()
    sources: list[Source] = []

    def make() -> Source:
        sources.append(Source())
        return sources[-1]

    server = await loop.create_server(make, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        received = len(await reader.read())
        writer.close()
        await writer.wait_closed()
    print("received all:", received == 200 * 64 * 1024)
    print("the source was paused:", sources[0].pauses > 0)


asyncio.run(main())
