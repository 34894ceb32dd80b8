import asyncio
import os

import psycopg


async def main() -> None:
    async with await psycopg.AsyncConnection.connect(os.environ["POSTGRES_URL"]) as connection:
        await connection.execute("create temporary table city (name text, people int)")
        async with connection.cursor() as cursor:
            async with cursor.copy("copy city from stdin") as copy:
                for row in (("Oslo", 717_710), ("Bonn", 336_465)):
                    await copy.write_row(row)
            await cursor.execute("select name, people from city order by people")
            async for name, people in cursor:
                print(name, people)


asyncio.run(main())
