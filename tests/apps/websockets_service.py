"""A websockets server and its clients: rooms, pings, close codes, limits, compression, TLS, an orderly end.

The arguments are a PEM certificate for localhost, its key, and the authority that vouches for it. Needs websockets.
"""

from __future__ import annotations

import asyncio
import contextlib
import http
import logging
import os
import ssl
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence

from websockets.asyncio.client import connect, unix_connect
from websockets.asyncio.server import Server, ServerConnection, broadcast, serve, unix_serve
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK, InvalidStatus
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.typing import Subprotocol

CLIENTS = 40
rooms: dict[str, set[ServerConnection]] = {}
ended: list[str] = []


async def handler(connection: ServerConnection) -> None:
    """Joins the room that is named by the path; /echo answers only the one who speaks."""
    assert connection.request is not None
    path = connection.request.path
    room = rooms.setdefault(path, set())
    room.add(connection)
    try:
        async for message in connection:
            if message == "close":
                await connection.close(4000, "as you wish")
            elif message == "raise":
                raise LookupError("in the handler")
            elif path == "/echo":
                await connection.send(message)
            else:
                broadcast(room, message)
    except ConnectionClosedError as error:
        ended.append(str(error))
    finally:
        room.discard(connection)


def admission(connection: ServerConnection, request: Request) -> Response | None:
    if request.path == "/forbidden":
        return connection.respond(http.HTTPStatus.FORBIDDEN, "not here\n")
    return None


def subprotocol(_connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return offered[0] if offered else None


async def rooms_and_echoes(url: str, context: ssl.SSLContext | None) -> None:
    async def member(number: int) -> list[str]:
        async with connect(f"{url}/room", ssl=context) as connection:
            joined.release()
            await everybody.wait()
            if number < 5:
                await connection.send(f"from {number}")
            return [await connection.recv() for _ in range(5)]

    joined, everybody = asyncio.Semaphore(0), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        members = [group.create_task(member(number)) for number in range(CLIENTS)]
        while len(rooms.get("/room", ())) < CLIENTS:
            await joined.acquire()
            await asyncio.sleep(0)
        everybody.set()
    heard = [sorted(task.result()) for task in members]
    print("room:", heard[0], all(texts == heard[0] for texts in heard))

    async def echo(number: int) -> bool:
        async with connect(
            f"{url}/echo", ssl=context, compression="deflate" if number % 2 else None
        ) as connection:
            for size in (0, 1, 125, 126, 65_536, 300_000):
                data = os.urandom(size)
                await connection.send(data)
                if await connection.recv() != data:
                    return False
            await connection.send(["in ", "three ", "fragments"])
            return await connection.recv() == "in three fragments"

    print("echoes:", all(await asyncio.gather(*(echo(number) for number in range(10)))))


async def pings_and_ends(url: str, context: ssl.SSLContext | None) -> None:
    async with connect(f"{url}/echo", ssl=context, subprotocols=["chat"], ping_interval=0.02) as connection:
        pongs = [await connection.ping() for _ in range(3)]
        print("pongs:", [latency >= 0 for latency in await asyncio.gather(*pongs)], connection.subprotocol)
        while not connection.latency:
            await asyncio.sleep(0.01)
        await connection.send("raise")
        try:
            await connection.recv()
        except ConnectionClosedError as error:
            print("error:", error)
    async with connect(f"{url}/echo", ssl=context) as connection:
        await connection.send("close")
        try:
            await connection.recv()
        except ConnectionClosed as error:
            print("closed by the server:", type(error).__name__, error.rcvd, error.sent)
        print("state:", connection.state is State.CLOSED, connection.close_code, connection.close_reason)
    async with connect(f"{url}/echo", ssl=context) as connection:
        await connection.close(4001, "by the client")
        try:
            await connection.send("too late")
        except ConnectionClosed as error:
            print("closed by the client:", error)
    async with connect(f"{url}/echo", ssl=context) as connection:
        await connection.send("x" * 2**21)
        try:
            await connection.recv()
        except ConnectionClosed as error:
            print("too big:", error.rcvd and error.rcvd.code)
    connection = await connect(f"{url}/echo", ssl=context)
    connection.transport.abort()
    await connection.wait_closed()
    print("aborted:", connection.close_code)
    while len(ended) < 4:
        await asyncio.sleep(0.005)
    print("ended:", *ended, sep="\n    ")
    try:
        await connect(f"{url}/forbidden", ssl=context)
    except InvalidStatus as error:
        print("forbidden:", error.response.status_code, error.response.body)
    async with connect(f"{url}/echo", ssl=context) as connection:
        try:
            async with asyncio.timeout(0.05):
                await connection.recv()
        except TimeoutError:
            await connection.send("after a timeout")
            print(await connection.recv())


async def back_pressure(url: str, context: ssl.SSLContext | None) -> None:
    """A client that does not read makes `send` wait; nothing is lost when it does."""
    async with connect(
        f"{url}/echo", ssl=context, max_queue=2, max_size=None, compression=None
    ) as connection:
        sent = 0

        async def send() -> None:
            nonlocal sent
            for number in range(300):
                await connection.send(number.to_bytes(4, "big") * 25_000)
                sent += 1

        sender = asyncio.create_task(send())
        before = -1
        while sent != before:
            before = sent
            await asyncio.sleep(0.1)
        print("waits:", sent < 300)
        received = [int.from_bytes((await connection.recv())[:4], "big") for _ in range(300)]
        await sender
        print("nothing is lost:", received == list(range(300)))


async def end(server: Server, url: str, context: ssl.SSLContext | None) -> None:
    connections = [await connect(f"{url}/room", ssl=context) for _ in range(5)]
    server.close()
    codes = []
    for connection in connections:
        with contextlib.suppress(ConnectionClosedOK):
            await connection.recv()
        codes.append(connection.close_code)
    await server.wait_closed()
    print("end:", codes, rooms)


@contextlib.asynccontextmanager
async def service(context: ssl.SSLContext | None) -> AsyncIterator[tuple[Server, int]]:
    rooms.clear()
    ended.clear()
    arguments = {"process_request": admission, "select_subprotocol": subprotocol, "ssl": context}
    async with serve(handler, "127.0.0.1", 0, **arguments) as server:
        yield server, server.sockets[0].getsockname()[1]


async def main(certificate: str, key: str, authority: str) -> None:
    contexts = (
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH),
        ssl.create_default_context(cafile=authority),
    )
    contexts[0].load_cert_chain(certificate, key)
    for at_server, at_client in ((None, None), contexts):
        async with service(at_server) as (server, port):
            # As the library's own tests ask a server for its address.
            print("encrypted:", server.server._ssl_context is not None)
            url = f"wss://localhost:{port}" if at_client else f"ws://127.0.0.1:{port}"
            await rooms_and_echoes(url, at_client)
            await pings_and_ends(url, at_client)
            await back_pressure(url, at_client)
            await end(server, url, at_client)
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/socket"
        async with unix_serve(handler, path), unix_connect(path, "ws://unix/echo") as connection:
            await connection.send("unix")
            print(await connection.recv())
    loop = type(asyncio.get_running_loop())
    print(f"Ran on {loop.__module__}.{loop.__qualname__}.")


logging.getLogger("websockets").setLevel(logging.CRITICAL)  # One handler raises on purpose.
asyncio.run(main(*sys.argv[1:]))
