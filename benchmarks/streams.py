"""Reading from a StreamReader that is fed by hand: what a stream costs beside its transport."""

from types import ModuleType

from benchmarks.benchmark import Group

STREAMS = Group("Streams, without a socket")

SIZE = 64
MESSAGES = 16  # In one packet.


@STREAMS.program("`readline`", batch=MESSAGES)
async def readline(aio: ModuleType, count: int) -> None:
    reader = aio.StreamReader()
    packet = (b"x" * (SIZE - 1) + b"\n") * MESSAGES
    for _ in range(count // MESSAGES):
        reader.feed_data(packet)
        for _ in range(MESSAGES):
            await reader.readline()


@STREAMS.program("`readexactly(64)`", batch=MESSAGES)
async def readexactly(aio: ModuleType, count: int) -> None:
    reader = aio.StreamReader()
    packet = b"x" * SIZE * MESSAGES
    for _ in range(count // MESSAGES):
        reader.feed_data(packet)
        for _ in range(MESSAGES):
            await reader.readexactly(SIZE)


@STREAMS.program("`readexactly(1024)`, waiting for each")
async def readexactly_waits(aio: ModuleType, count: int) -> None:
    reader = aio.StreamReader()
    loop = aio.get_running_loop()
    packet = b"x" * 1024
    for _ in range(count):
        loop.call_soon(reader.feed_data, packet)
        await reader.readexactly(1024)
