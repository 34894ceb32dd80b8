import asyncio
import os
import signal


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    request = await reader.readline()
    await asyncio.sleep(0.05)  # The work.
    writer.write(b"done: " + request)
    writer.close()
    await writer.wait_closed()


async def client(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"order\n")
    os.kill(os.getpid(), signal.SIGTERM)  # As a container does, in the middle of a request.
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def main() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    requests: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        requests.add(task)
        try:
            async with asyncio.timeout(10):
                await serve(reader, writer)
        finally:
            requests.discard(task)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    last = asyncio.create_task(client(server.sockets[0].getsockname()[1]))

    await stop.wait()
    print("told to stop")
    server.close()  # Nobody new.
    await asyncio.sleep(0)
    while requests:
        await asyncio.wait(requests, timeout=10)
    print("the last client got", await last)


asyncio.run(main())
