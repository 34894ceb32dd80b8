"""What services do with Redis: caches, queues, broadcasts, locks, streams; over one server and one pool of connections.

The first argument is the server's URL. Needs redis (redis-py). The server is expected to be empty, and is left empty.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

import redis.asyncio as redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError, WatchError
from redis.exceptions import TimeoutError as RedisTimeoutError

TASKS = 50
CONNECTIONS = 10


async def shared_pool(client: redis.Redis) -> None:
    """Many tasks share few connections: each sees its own answers."""

    async def worker(number: int) -> int:
        for turn in range(20):
            await client.set(f"key:{number}", turn)
            assert await client.get(f"key:{number}") == str(turn)
            await client.incr("total")
        return await client.delete(f"key:{number}")

    deleted = await asyncio.gather(*(worker(number) for number in range(TASKS)))
    print("shared pool:", sum(deleted), await client.getdel("total"))


async def pipelines(client: redis.Redis) -> None:
    async with client.pipeline(transaction=True) as pipe:
        for number in range(1000):
            pipe.rpush("list", number)
        lengths = await pipe.execute()
    print("pipeline:", lengths == list(range(1, 1001)), await client.lrange("list", 0, 3))
    async with client.pipeline(transaction=False) as pipe:
        pipe.set("text", "no number").incr("text").get("text")
        answers = await pipe.execute(raise_on_error=False)
    print("pipeline with an error:", [type(answer).__name__ for answer in answers])
    big = b"x" * 3_000_000
    await client.set("big", big)
    print("big value:", (await client.get("big")).encode() == big, await client.delete("big", "list", "text"))


async def optimistic_locking(client: redis.Redis) -> None:
    """All watch one number and add to it; whoever was overtaken tries again."""

    async def add() -> int:
        tries = 0
        async with client.pipeline() as pipe:
            while True:
                tries += 1
                with contextlib.suppress(WatchError):
                    await pipe.watch("sum")
                    value = int(await pipe.get("sum") or 0)
                    pipe.multi()
                    pipe.set("sum", value + 1)
                    await pipe.execute()
                    return tries

    tries = await asyncio.gather(*(add() for _ in range(CONNECTIONS - 1)))
    print("optimistic locking:", await client.getdel("sum"), min(tries))


async def publish_and_subscribe(client: redis.Redis) -> None:
    ready = asyncio.Event()

    async def listener(name: str) -> list[str]:
        heard = []
        async with client.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe("news", name)
            await pubsub.psubscribe("all.*")
            while await client.pubsub_numpat() < 1:
                await asyncio.sleep(0)
            counts[name] = True
            if len(counts) == 3:
                ready.set()
            async for message in pubsub.listen():
                if message["data"] == "end":
                    break
                heard.append(f"{message['type']} {message['channel']} {message['data']}")
            await pubsub.unsubscribe()
        return heard

    counts: dict[str, bool] = {}
    async with asyncio.TaskGroup() as group:
        listeners = [group.create_task(listener(name)) for name in ("a", "b", "c")]
        await ready.wait()
        # The answer to SUBSCRIBE may still be on its way, but the server keeps the order of what it was asked.
        while await client.execute_command("PUBSUB", "NUMSUB", "news") != ["news", 3]:
            await asyncio.sleep(0.001)
        while await client.pubsub_numpat() < 1:
            await asyncio.sleep(0.001)
        await client.publish("news", "to all")
        await client.publish("b", "to b")
        await client.publish("news", "end")
    print("subscribed:", *(task.result() for task in listeners))
    async with client.pubsub() as pubsub:
        await pubsub.subscribe("silence")
        first = await pubsub.get_message(timeout=5)
        print("silence:", first and first["type"], await pubsub.get_message(timeout=0.05))


async def blocking_pops(client: redis.Redis) -> None:
    """Consumers wait at the server; some are cancelled while they do, and swallow nothing."""
    popped: list[str] = []

    async def consume() -> None:
        while True:
            _key, value = await client.blpop(["jobs"])
            if value == "end":
                return
            popped.append(value)

    patient = [asyncio.create_task(consume()) for _ in range(4)]
    impatient = [asyncio.create_task(consume()) for _ in range(3)]
    while await blocked(client) < 7:
        await asyncio.sleep(0.001)
    for task in impatient:
        task.cancel()
    await asyncio.wait(impatient)
    print("cancelled pops:", [task.cancelled() for task in impatient])
    while await blocked(client) > 4:
        await asyncio.sleep(0.001)
    for number in range(100):
        await client.rpush("jobs", number)
    await client.rpush("jobs", *["end"] * len(patient))
    await asyncio.gather(*patient)
    print("popped:", sorted(map(int, popped)) == list(range(100)))
    print("empty:", await client.blpop(["jobs"], timeout=0.05))
    try:
        async with asyncio.timeout(0.05):
            await client.blpop(["jobs"])
    except TimeoutError:
        print("timeout around a pop")
    print("usable:", await client.ping())


async def blocked(client: redis.Redis) -> int:
    return (await client.info("clients"))["blocked_clients"]


async def locks(client: redis.Redis) -> None:
    inside, most = 0, 0

    async def work() -> None:
        nonlocal inside, most
        async with client.lock("lock", timeout=30, sleep=0.002):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.001)
            inside -= 1

    await asyncio.gather(*(work() for _ in range(8)))
    lock = client.lock("lock", timeout=30)
    print("lock:", most, await lock.acquire(), await client.lock("lock").acquire(blocking=False))
    await lock.release()


async def streams_and_scripts(client: redis.Redis) -> None:
    async def read() -> list[str]:
        last, seen = "0", []
        while len(seen) < 100:
            for _stream, entries in await client.xread({"log": last}, block=5000):
                seen += [fields["n"] for _identifier, fields in entries]
                last = entries[-1][0]
        return seen

    reader = asyncio.create_task(read())
    for number in range(100):
        await client.xadd("log", {"n": number})
    print("stream:", (await reader)[-3:])
    script = client.register_script("return redis.call('XLEN', KEYS[1]) * ARGV[1]")
    print("script:", await script(keys=["log"], args=[3]), await client.delete("log"))
    await client.mset({f"scan:{number}": number for number in range(500)})
    keys = [key async for key in client.scan_iter("scan:*", count=50)]
    print("scan:", len(set(keys)), await client.delete(*keys))


async def failures(url: str) -> None:
    """Timeouts, errors, a connection that the server cuts, and a server that is not there."""
    async with redis.from_url(url, socket_timeout=0.1, retry=None) as client:
        try:
            await client.blpop(["nothing"], timeout=5)
        except RedisTimeoutError as error:
            print("socket timeout:", type(error.__cause__ or error.__context__).__name__)
        try:
            await client.execute_command("NONSENSE")
        except ResponseError as error:
            print("error:", str(error)[:23])
    async with (
        redis.from_url(url, single_connection_client=True, retry=None) as victim,
        redis.from_url(url) as client,
    ):
        await client.client_kill_filter(_id=await victim.client_id())
        try:
            await victim.ping()
            print("connected again")
        except RedisConnectionError as error:
            print("cut:", error)
        print("usable:", await victim.ping())
    pool = redis.BlockingConnectionPool.from_url(url, max_connections=1, timeout=0.05)
    async with redis.Redis(connection_pool=pool) as client, client.client():
        pass
    async with redis.Redis(connection_pool=pool) as client:
        waiting = asyncio.create_task(client.blpop(["nothing"]))
        await asyncio.sleep(0)
        try:
            while not waiting.done():
                await client.ping()
        except RedisConnectionError as error:
            print("exhausted:", error)
        waiting.cancel()
        await asyncio.wait([waiting])
    await pool.aclose()
    async with redis.from_url("redis://127.0.0.1:1", retry=None) as client:
        try:
            await client.ping()
        except RedisConnectionError as error:
            print("refused:", "127.0.0.1:1" in str(error))


async def main(url: str) -> None:
    pool = redis.BlockingConnectionPool.from_url(
        url, max_connections=CONNECTIONS, timeout=30, decode_responses=True
    )
    async with redis.Redis(connection_pool=pool) as client:
        await shared_pool(client)
        await pipelines(client)
        await optimistic_locking(client)
        await publish_and_subscribe(client)
        await blocking_pops(client)
        await locks(client)
        await streams_and_scripts(client)
        print("left:", await client.dbsize())
    await pool.aclose()
    await failures(url)
    loop = type(asyncio.get_running_loop())
    print(f"Ran on {loop.__module__}.{loop.__qualname__}.")


asyncio.run(main(sys.argv[1]))
