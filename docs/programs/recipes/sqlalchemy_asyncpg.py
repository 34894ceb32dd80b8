import asyncio
import os

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine


async def main() -> None:
    url = os.environ["POSTGRES_URL"].replace("postgresql://", "postgresql+asyncpg://")
    engine = create_async_engine(url, pool_size=5)

    async def square(number: int) -> int:
        async with engine.connect() as connection:
            return await connection.scalar(text("select cast(:n as int) * :n"), {"n": number})

    print(await asyncio.gather(*(square(number) for number in range(10))))
    await engine.dispose()


asyncio.run(main())
