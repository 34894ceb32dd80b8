import anyio


async def send(stream) -> None:
    async with stream:
        for number in range(3):
            await stream.send(number)


async def main() -> None:
    sending, receiving = anyio.create_memory_object_stream()
    async with anyio.create_task_group() as group:
        group.start_soon(send, sending)
        async with receiving:
            print([number async for number in receiving])

    with anyio.move_on_after(0.01) as scope:
        await anyio.sleep(10)
    print("given up:", scope.cancelled_caught)
    print("from a thread:", await anyio.to_thread.run_sync(sum, [1, 2, 3]))


anyio.run(main, backend="asyncio")
