"""Tries an installed ferrio: python -m ferrio release/smoke.py. Prints one line, or fails."""

import asyncio
import platform
import sys

import ferrio


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.readexactly(5))
    await writer.drain()
    writer.close()


async def main() -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, ferrio.Loop), loop
    async with asyncio.timeout(20):
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello")
        assert await reader.read() == b"hello"
        writer.close()
        server.close()
        code = "import asyncio; print(type(asyncio.new_event_loop()).__module__)"
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=-1)
        output, _ = await child.communicate()
        assert (child.returncode, output.strip()) == (0, b"ferrio")
        async with asyncio.TaskGroup() as group:
            results = [group.create_task(asyncio.sleep(0, number)) for number in range(100)]
        assert sum(task.result() for task in results) == 4950
    print(f"{type(loop).__module__} {ferrio.__version__} runs on Python {platform.python_version()}")


asyncio.run(main())
