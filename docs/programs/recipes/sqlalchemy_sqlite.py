import asyncio

from sqlalchemy import select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class City(Base):
    __tablename__ = "city"
    name: Mapped[str] = mapped_column(primary_key=True)
    people: Mapped[int]


async def main() -> None:
    engine = create_async_engine("sqlite+aiosqlite://")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)

    sessions = async_sessionmaker(engine)
    async with sessions.begin() as session:
        session.add_all([City(name="Oslo", people=717_710), City(name="Bonn", people=336_465)])
    async with sessions() as session:
        for city in await session.scalars(select(City).order_by(City.people)):
            print(city.name, city.people)
    await engine.dispose()


asyncio.run(main())
