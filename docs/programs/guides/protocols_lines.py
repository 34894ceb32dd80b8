import asyncio


class Lines(asyncio.Protocol):
    """Answers each line with its length."""

    def __init__(self) -> None:
        self.rest = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        *lines, self.rest = (self.rest + data).split(b"\n")
        self.transport.writelines(b"%d\n" % len(line) for line in lines)

    def eof_received(self) -> None:
        if self.rest:
            self.transport.write(b"no end of line\n")


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Lines, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"one\nthr")
        await asyncio.sleep(0.05)
        writer.write(b"ee\nfo")
        writer.write_eof()
        print((await reader.read()).decode().splitlines())
        writer.close()
        await writer.wait_closed()


asyncio.run(main())
