import asyncio
from asyncio import Queue  # Bound here, before accelerate().

import ferrio

early = Queue
ferrio.accelerate()
from asyncio import Queue as late  # noqa: E402

print("imported before: ferrio's?", early is ferrio.Queue)
print("imported behind: ferrio's?", late is ferrio.Queue)
print("looked up when used: ferrio's?", asyncio.Queue is ferrio.Queue)
