import asyncio

import ferrio


async def loop_of() -> str:
    return type(asyncio.get_running_loop()).__module__.partition(".")[0]


print("ferrio.run:", ferrio.run(loop_of()))

with asyncio.Runner(loop_factory=ferrio.new_event_loop) as runner:
    print("asyncio.Runner with ferrio's factory:", runner.run(loop_of()))

ferrio.install()
print("asyncio.run after install():", asyncio.run(loop_of()))
ferrio.uninstall()
