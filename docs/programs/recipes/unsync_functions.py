import asyncio
import time

from unsync import unsync


@unsync
async def waits() -> str:
    await asyncio.sleep(0.01)
    return f"a coroutine on {type(asyncio.get_running_loop()).__module__.partition('.')[0]}"


@unsync
def blocks() -> str:
    time.sleep(0.01)
    return "a function in a thread"


tasks = [waits(), blocks()]
print([task.result() for task in tasks])
