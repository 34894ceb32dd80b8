import asyncio

import zmq
import zmq.asyncio


async def worker(context: zmq.asyncio.Context) -> None:
    with context.socket(zmq.REP) as socket:
        socket.connect("inproc://work")
        for _ in range(3):
            await socket.send((await socket.recv()).upper())


async def main() -> None:
    with zmq.asyncio.Context() as context, context.socket(zmq.REQ) as socket:
        socket.bind("inproc://work")
        task = asyncio.create_task(worker(context))
        for word in (b"one", b"two", b"three"):
            await socket.send(word)
            print(await socket.recv())
        await task


asyncio.run(main())
