import asyncio


async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async for line in reader:  # Until the client sends no more.
        writer.write(line.upper())
        await writer.drain()  # Waits while the client is slow to read.
    writer.close()


async def client(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for word in ("hello", "world"):
        writer.write(f"{word}\n".encode())
        print("answer:", (await reader.readline()).decode().strip())
    writer.write_eof()  # No more; the server closes, too.
    await reader.read()
    writer.close()
    await writer.wait_closed()


async def main() -> None:
    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    async with server:
        await client(server.sockets[0].getsockname()[1])


asyncio.run(main())
