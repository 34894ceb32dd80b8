import asyncio
import sys


async def main() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(60)")
    try:
        async with asyncio.timeout(0.1):
            await process.wait()
    except TimeoutError:
        print("too slow: terminated")
        process.terminate()
    print("exit code:", await process.wait())  # The negative number of the signal.

    quick = await asyncio.create_subprocess_shell("echo out; exit 3", stdout=asyncio.subprocess.PIPE)
    output, _ = await quick.communicate()
    print(output, quick.returncode)


asyncio.run(main())
