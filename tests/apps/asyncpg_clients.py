"""What services do with PostgreSQL: pools, transactions, notifications, bulk copies, and giving up on slow queries.

The arguments are the database's URL and the certificate authority that vouches for the server. Needs asyncpg.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import sys
from collections.abc import AsyncIterator

import asyncpg

TASKS = 50


async def shared_pool(pool: asyncpg.Pool) -> None:
    """Many tasks share few connections, and each query's answer reaches the one who asked."""

    async def worker(number: int) -> int:
        total = 0
        for turn in range(10):
            total += await pool.fetchval("SELECT $1::int * $2::int", number, turn)
        async with pool.acquire() as connection:
            await connection.execute("INSERT INTO item (id, name) VALUES ($1, $2)", number, f"item {number}")
        return total

    totals = await asyncio.gather(*(worker(number) for number in range(TASKS)))
    print("shared pool:", totals == [number * 45 for number in range(TASKS)], pool.get_size())
    print("rows:", await pool.fetchval("SELECT count(*) FROM item"))


async def transactions(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        with contextlib.suppress(ZeroDivisionError):
            async with connection.transaction():
                await connection.execute("DELETE FROM item")
                raise ZeroDivisionError
        async with connection.transaction():
            await connection.execute("UPDATE item SET name = 'outer' WHERE id = 1")
            try:
                async with connection.transaction():
                    await connection.execute("UPDATE item SET name = 'inner' WHERE id = 2")
                    await connection.execute("INSERT INTO item (id) VALUES (3)")
            except asyncpg.UniqueViolationError as error:
                print("savepoint:", error.sqlstate, error.detail)
        rows = await connection.fetch("SELECT * FROM item WHERE id BETWEEN 1 AND 3 ORDER BY id")
        print("after:", [dict(row) for row in rows])

    async def add_one() -> int:
        for tries in range(1, 1000):
            with contextlib.suppress(asyncpg.SerializationError):
                async with pool.acquire() as connection, connection.transaction(isolation="serializable"):
                    value = await connection.fetchval("SELECT value FROM counter")
                    await connection.execute("UPDATE counter SET value = $1", value + 1)
                return tries
        raise AssertionError

    await asyncio.gather(*(add_one() for _ in range(20)))
    print("serializable:", await pool.fetchval("SELECT value FROM counter"))


async def notifications(pool: asyncpg.Pool, url: str) -> None:
    heard: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    def listen(_connection: object, _pid: int, channel: str, payload: str) -> None:
        heard.put_nowait((channel, payload))

    connection = await asyncpg.connect(url)
    await connection.add_listener("news", listen)
    await connection.add_listener("other", listen)
    for number in range(3):
        await pool.execute("SELECT pg_notify('news', $1)", str(number))
    await pool.execute("NOTIFY other, 'done'")
    print("heard:", [await heard.get() for _ in range(4)])
    await connection.remove_listener("news", listen)
    await pool.execute("NOTIFY news")
    await pool.execute("NOTIFY other")
    print("heard:", await heard.get(), heard.empty())
    await connection.remove_listener("other", listen)
    await connection.close()


async def copies(pool: asyncpg.Pool) -> None:
    records = [(number, f"row {number}", number % 7 / 2) for number in range(20_000)]

    async def lines() -> AsyncIterator[bytes]:
        for start in range(0, 10_000, 500):
            await asyncio.sleep(0)
            yield b"".join(b"%d,text\n" % number for number in range(start, start + 500))

    class Sink:
        size = 0

        async def write(self, data: bytes) -> None:
            await asyncio.sleep(0)
            self.size += len(data)

    async with pool.acquire() as connection:
        await connection.execute("CREATE TEMP TABLE bulk (id int, name text, half float)")
        print(await connection.copy_records_to_table("bulk", records=records))
        print(await connection.copy_to_table("bulk", source=lines(), columns=["id", "name"], format="csv"))
        print(await connection.fetchrow("SELECT count(*), sum(id), sum(half) FROM bulk"))
        sink = Sink()
        print(await connection.copy_from_table("bulk", output=sink.write, format="csv"), sink.size)
        query = "SELECT repeat('x', 1000) FROM generate_series(1, $1)"
        sink = Sink()
        print(await connection.copy_from_query(query, 5000, output=sink.write), sink.size)

        async def broken() -> AsyncIterator[bytes]:
            yield b"1,"
            raise LookupError("no more")

        try:
            await connection.copy_to_table("bulk", source=broken(), columns=["id", "name"], format="csv")
        except LookupError as error:
            print("copy given up:", error, await connection.fetchval("SELECT count(*) FROM bulk"))
        await connection.execute("DROP TABLE bulk")


async def cursors_and_types(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection, connection.transaction():
        cursor = connection.cursor("SELECT * FROM generate_series(1, 1000) AS n", prefetch=30)
        print("cursor:", sum([row["n"] async for row in cursor]))
        statement = await connection.prepare("SELECT $1::jsonb AS document, $2::int[] AS numbers")
        print("prepared:", tuple(await statement.fetchrow('{"a": [1, null]}', [1, 2])))
        await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        print("codec:", await connection.fetchval("SELECT $1::jsonb || $2::jsonb", {"a": 1}, {"b": [2]}))
        await connection.executemany(
            "INSERT INTO item VALUES ($1, $2)", [(n, None) for n in range(100, 1100)]
        )
        print("many:", await connection.fetchval("SELECT count(*) FROM item"))
        big = await connection.fetchval("SELECT $1 || $1", "é" * 1_000_000)
        print("big:", len(big))


async def giving_up(pool: asyncpg.Pool, url: str) -> None:
    """A query ends by its timeout, by the server's, by cancellation, and with its connection; the pool goes on."""
    try:
        await pool.fetch("SELECT pg_sleep(60)", timeout=0.05)
    except TimeoutError as error:
        print("timeout:", type(error).__name__)
    try:
        async with pool.acquire() as connection:
            await connection.execute("SET statement_timeout = 50")
            await connection.execute("SELECT pg_sleep(60)")
    except asyncpg.QueryCanceledError as error:
        print("statement timeout:", error)

    sleeping = (
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = 'SELECT pg_sleep(61)'"
    )
    tasks = [asyncio.create_task(pool.fetch("SELECT pg_sleep(61)")) for _ in range(5)]
    while await pool.fetchval(sleeping) < len(tasks):
        await asyncio.sleep(0.005)
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    print("cancelled:", [type(result).__name__ for result in results])
    while await pool.fetchval(sleeping):
        await asyncio.sleep(0.005)
    print("usable:", await asyncio.gather(*(pool.fetchval("SELECT $1::int", n) for n in range(10))))

    lost = asyncio.Event()
    connection = await asyncpg.connect(url)
    connection.add_termination_listener(lambda _connection: lost.set())
    query = asyncio.create_task(connection.fetch("SELECT pg_sleep(62)"))
    pid = connection.get_server_pid()
    while not await pool.fetchval("SELECT state = 'active' FROM pg_stat_activity WHERE pid = $1", pid):
        await asyncio.sleep(0.005)
    await pool.execute("SELECT pg_terminate_backend($1)", pid)
    try:
        await query
    except asyncpg.ConnectionDoesNotExistError as error:
        print("terminated:", error)
    await lost.wait()
    print("closed:", connection.is_closed())
    try:
        await connection.fetch("SELECT 1")
    except asyncpg.InterfaceError as error:
        print("not usable:", error)

    async with contextlib.AsyncExitStack() as stack:
        for _ in range(pool.get_max_size()):
            await stack.enter_async_context(pool.acquire())
        try:
            await pool.acquire(timeout=0.05)
        except TimeoutError:
            print("pool is empty")
    connection = await asyncpg.connect(url)
    try:
        first = asyncio.create_task(connection.fetch("SELECT pg_sleep(0.05)"))
        await asyncio.sleep(0)
        await connection.fetch("SELECT 1")
    except asyncpg.InterfaceError as error:
        print("busy:", error)
    await first
    connection.terminate()
    try:
        await asyncpg.connect(url, database="missing")
    except asyncpg.InvalidCatalogNameError as error:
        print("refused:", error)


async def encrypted(url: str, authority: str) -> None:
    """The connection becomes a TLS one after the server has agreed, as PostgreSQL has it."""
    context = ssl.create_default_context(cafile=authority)
    async with asyncpg.create_pool(url, min_size=2, max_size=5, ssl=context) as pool:
        version = await pool.fetchval("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        rows = await asyncio.gather(
            *(pool.fetchval("SELECT repeat('x', $1)", n * 1000) for n in range(TASKS))
        )
        print("encrypted:", version, [len(row) for row in rows] == [n * 1000 for n in range(TASKS)])
        try:
            await pool.fetch("SELECT pg_sleep(60)", timeout=0.05)
        except TimeoutError:
            print("timeout over TLS, then", await pool.fetchval("SELECT 'usable'"))
    try:
        await asyncpg.connect(url, ssl=ssl.create_default_context())
    except ssl.SSLCertVerificationError as error:
        print("not trusted:", error.verify_message)


async def main(url: str, authority: str) -> None:
    async with asyncpg.create_pool(url, min_size=2, max_size=10, command_timeout=30) as pool:
        await pool.execute("DROP TABLE IF EXISTS item, counter")
        await pool.execute("CREATE TABLE item (id int PRIMARY KEY, name text)")
        await pool.execute("CREATE TABLE counter AS SELECT 0 AS value")
        await shared_pool(pool)
        await transactions(pool)
        await notifications(pool, url)
        await copies(pool)
        await cursors_and_types(pool)
        await giving_up(pool, url)
    await encrypted(url, authority)
    loop = type(asyncio.get_running_loop())
    print(f"Ran on {loop.__module__}.{loop.__qualname__}.")


asyncio.run(main(*sys.argv[1:]))
