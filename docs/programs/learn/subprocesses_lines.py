import asyncio
import sys

CHILD = "import sys\nfor line in sys.stdin: print(line.strip()[::-1], flush=True)"


async def main() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    for word in (b"stressed\n", b"drawer\n"):
        process.stdin.write(word)
        print((await process.stdout.readline()).decode().strip())
    process.stdin.close()
    print("exit code:", await process.wait())


asyncio.run(main())
