import asyncio

import trio


async def of_trio() -> str:
    async with trio.open_nursery() as nursery:
        send, receive = trio.open_memory_channel(0)
        nursery.start_soon(send.send, "hello from Trio")
        return await receive.receive()


async def main() -> None:
    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    trio.lowlevel.start_guest_run(
        of_trio,
        run_sync_soon_threadsafe=loop.call_soon_threadsafe,
        done_callback=ended.set_result,
        host_uses_signal_set_wakeup_fd=True,
    )
    beside = asyncio.create_task(asyncio.sleep(0.01, "asyncio went on"))
    print((await ended).unwrap())
    print(await beside)


asyncio.run(main())
