import asyncio

import ferrio

stock = asyncio.Queue
if stock is ferrio.Queue:
    print("`python -m ferrio` has called accelerate() already")
before = asyncio.Lock()

ferrio.accelerate()
print("asyncio.Queue is ferrio's:", asyncio.Queue is ferrio.Queue)
print("old objects are still locks:", isinstance(before, asyncio.Lock))

ferrio.restore()
print("after restore() it is asyncio's:", asyncio.Queue.__module__.startswith("asyncio"))
print("and ferrio's objects are its instances:", isinstance(ferrio.Queue(), asyncio.Queue))
