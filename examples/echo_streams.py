"""A TCP echo server and its clients, with streams; the system chooses the port."""

import asyncio

LARGE = b"0123456789abcdef" * 65536


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await (
            writer.drain()
        )  # Waits while the client does not read, so that no more than a buffer is held here.
    writer.close()
    await writer.wait_closed()


async def talk(port: int, name: str, lines: int) -> list[str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    for number in range(1, lines + 1):
        writer.write(f"{name} says {number}\n".encode())
        answers.append((await reader.readline()).decode().rstrip())
    writer.write_eof()
    assert await reader.read() == b"", "the server answers end-of-file with end-of-file"
    writer.close()
    await writer.wait_closed()
    return answers


async def send_much(port: int) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(LARGE)
    answer = await reader.readexactly(len(LARGE))
    assert answer == LARGE
    writer.close()
    await writer.wait_closed()
    return len(answer)


async def main() -> None:
    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        print("serving")
        *talks, size = await asyncio.gather(
            *(talk(port, name, 3) for name in ("Ann", "Bob")), send_much(port)
        )
        for answers in talks:
            print(f"echoed: {', '.join(answers)}")
        print(f"echoed: {size} bytes in one piece")
    print("closed")


asyncio.run(main())
