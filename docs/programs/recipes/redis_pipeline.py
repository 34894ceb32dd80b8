import asyncio
import os

import redis.asyncio as redis


async def main() -> None:
    async with redis.from_url(os.environ["REDIS_URL"], decode_responses=True) as client:
        await client.delete("visits")
        await asyncio.gather(*(client.incr("visits") for _ in range(100)))
        async with client.pipeline() as pipeline:
            print("visits:", await pipeline.get("visits").delete("visits").execute())

        async with client.pubsub() as listener:
            await listener.subscribe("news")
            await client.publish("news", "it rains")
            async for message in listener.listen():
                if message["type"] == "message":
                    print("news:", message["data"])
                    break


asyncio.run(main())
