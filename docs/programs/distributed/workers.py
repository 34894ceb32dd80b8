import asyncio
import os
import signal
import sys

from distributed import Client


async def start(*words: str) -> asyncio.subprocess.Process:
    """A part of Dask as a process of its own, on ferrio."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ferrio", "-m", *words, stderr=asyncio.subprocess.PIPE
    )


async def address_in(process: asyncio.subprocess.Process) -> str:
    """The address that a scheduler logs when it is ready."""
    async for line in process.stderr:
        if b"Scheduler at:" in line:
            return line.split()[-1].decode()
    raise RuntimeError("the scheduler has ended")


async def drain(process: asyncio.subprocess.Process) -> None:
    await process.stderr.read()


async def work(number: int) -> tuple[int, int, str]:
    """A coroutine: it runs on the loop of whichever worker gets it."""
    await asyncio.sleep(0.1)
    loop = type(asyncio.get_running_loop()).__module__.partition(".")[0]
    return number * number, os.getpid(), loop


async def main() -> None:
    scheduler = await start(
        "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"
    )
    address = await address_in(scheduler)
    workers = [
        await start("distributed.cli.dask_worker", address, "--no-nanny", "--nthreads", "4", "--no-dashboard")
        for _ in range(3)
    ]
    logs = [asyncio.create_task(drain(process)) for process in (scheduler, *workers)]

    async with Client(address, asynchronous=True) as client:
        await client.wait_for_workers(3)
        jobs = client.map(work, range(120), pure=False)

        await jobs[0]
        victim = workers[0]
        victim.send_signal(signal.SIGKILL)
        print("killed a worker:", await victim.wait() == -signal.SIGKILL)

        results = await client.gather(jobs)
        print(
            "results:",
            len(results),
            "all right:",
            [each[0] for each in results] == [n * n for n in range(120)],
        )
        left = {worker.pid for worker in workers[1:]}
        print("the other two took part:", left <= {pid for _, pid, _ in results})
        print("their loops come from", *{loop for _, _, loop in results})

    for process in (*workers[1:], scheduler):
        process.terminate()
        await process.wait()
    await asyncio.gather(*logs)


if __name__ == "__main__":
    asyncio.run(main())
