"""An aiohttp service and its clients: keep-alive, streams both ways, websockets, timeouts, TLS, an orderly end.

The arguments are a PEM certificate for localhost, its key, and the authority that vouches for it. Needs aiohttp.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import signal
import ssl
import sys
import tempfile
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

CLIENTS = 20
SOCKETS = web.AppKey("SOCKETS", set)
EVENTS = web.AppKey("EVENTS", list)


async def whoami(request: web.Request) -> web.Response:
    assert request.transport is not None
    return web.json_response(
        {"peer": request.transport.get_extra_info("peername")[1], "query": dict(request.query)}
    )


async def upload(request: web.Request) -> web.Response:
    digest, size = hashlib.sha256(), 0
    async for chunk in request.content.iter_any():
        digest.update(chunk)
        size += len(chunk)
    return web.json_response({"size": size, "sha256": digest.hexdigest()})


async def download(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for number in range(200):
        await response.write(bytes([number]) * 20_000)
    await response.write_eof()
    return response


async def form(request: web.Request) -> web.Response:
    fields = await request.post()
    file = fields["file"]
    assert isinstance(file, web.FileField)
    return web.Response(text=f"{fields['name']} {file.filename} {len(file.file.read())}")


async def slow(request: web.Request) -> web.Response:
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        request.app[EVENTS].append("slow handler was cancelled")
        raise
    return web.Response()


async def chat(request: web.Request) -> web.WebSocketResponse:
    """Whatever one says, all hear."""
    socket = web.WebSocketResponse(heartbeat=20)
    await socket.prepare(request)
    request.app[SOCKETS].add(socket)
    try:
        async for message in socket:
            if message.data == "bye":
                await socket.close(code=4001, message=b"bye")
            elif message.type is aiohttp.WSMsgType.TEXT:
                await asyncio.gather(*(other.send_str(message.data) for other in request.app[SOCKETS]))
            else:
                await socket.send_bytes(message.data[::-1])
    finally:
        request.app[SOCKETS].discard(socket)
    return socket


@web.middleware
async def errors(request: web.Request, handler: web.Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except LookupError as error:
        return web.Response(status=500, text=f"handled {error!r}")


async def broken(_request: web.Request) -> web.Response:
    raise LookupError("broken")


def service() -> web.Application:
    app = web.Application(middlewares=[errors], client_max_size=2**24)
    app[SOCKETS], app[EVENTS] = set(), []
    app.add_routes(
        [
            web.get("/", whoami),
            web.post("/upload", upload),
            web.get("/download", download),
            web.post("/form", form),
            web.get("/slow", slow),
            web.get("/chat", chat),
            web.get("/broken", broken),
            web.static("/files", os.path.dirname(os.path.abspath(__file__))),
        ]
    )

    async def say_goodbye(app: web.Application) -> None:
        for socket in set(app[SOCKETS]):
            await socket.close(code=aiohttp.WSCloseCode.GOING_AWAY, message=b"shutdown")

    app.on_shutdown.append(say_goodbye)
    return app


async def requests(session: aiohttp.ClientSession, url: str) -> None:
    async def client(number: int) -> set[int]:
        peers = set()
        for turn in range(10):
            async with session.get(url, params={"n": number, "turn": turn}) as response:
                answer = await response.json()
                assert answer["query"] == {"n": str(number), "turn": str(turn)}
                peers.add(answer["peer"])
        return peers

    peers = set().union(*await asyncio.gather(*(client(number) for number in range(CLIENTS))))
    print("keep-alive:", len(peers) <= 5)
    async with session.get(url + "broken") as response:
        print("broken:", response.status, await response.text())
    async with session.get(url + "files/aiohttp_service.py", headers={"Range": "bytes=3-9"}) as response:
        print("file:", response.status, await response.text())
    async with session.get(url + "files/aiohttp_service.py") as response:
        with open(__file__, "rb") as file:
            print("whole file:", await response.read() == file.read())


async def streams(session: aiohttp.ClientSession, url: str) -> None:
    async def body() -> AsyncIterator[bytes]:
        for number in range(100):
            yield bytes([number]) * 50_000
            await asyncio.sleep(0)

    digest = hashlib.sha256(b"".join([bytes([number]) * 50_000 for number in range(100)])).hexdigest()

    async def send() -> bool:
        async with session.post(url + "upload", data=body()) as response:
            return await response.json() == {"size": 5_000_000, "sha256": digest}

    async def receive() -> int:
        size = 0
        async with session.get(url + "download") as response:
            async for chunk in response.content.iter_chunked(3000):
                size += len(chunk)
        return size

    print("streams:", await asyncio.gather(send(), receive(), send(), receive()))
    data = aiohttp.FormData({"name": "form"})
    data.add_field("file", b"x" * 1_000_000, filename="x.bin")
    async with session.post(url + "form", data=data) as response:
        print("form:", await response.text())
    async with session.get(url + "download") as response:
        print("left early:", (await response.content.readexactly(10)).hex())


async def websockets(session: aiohttp.ClientSession, url: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(session.ws_connect(url + "chat")) for _ in range(10)]
        for number, socket in enumerate(sockets):
            await socket.send_str(f"from {number}")
        heard = [sorted([(await socket.receive_str()) for _ in sockets]) for socket in sockets]
        print("heard:", heard[0][0], heard[0][-1], all(texts == heard[0] for texts in heard))
        await sockets[0].send_bytes(bytes(range(256)) * 2000)
        print("echoed:", await sockets[0].receive_bytes() == (bytes(range(256)) * 2000)[::-1])
        await sockets[0].ping()
        await sockets[0].send_str("bye")
        message = await sockets[0].receive()
        print("closed:", message.type.name, message.data, message.extra, sockets[0].close_code)
        try:
            await sockets[1].receive(timeout=0.05)
        except TimeoutError:
            print("nothing to hear")


async def timeouts(session: aiohttp.ClientSession, url: str, app: web.Application) -> None:
    try:
        await session.get(url + "slow", timeout=aiohttp.ClientTimeout(total=0.1))
    except TimeoutError as error:
        print("timeout:", type(error).__name__)
    task = asyncio.create_task(session.get(url + "slow"))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait([task])
    while len(app[EVENTS]) < 2:
        await asyncio.sleep(0.005)
    print("cancelled:", task.cancelled(), app[EVENTS])
    try:
        await session.get("http://127.0.0.1:1/")
    except aiohttp.ClientConnectorError as error:
        print("refused:", error.os_error.errno)


async def clients(url: str, app: web.Application, context: ssl.SSLContext | None = None) -> None:
    connector = aiohttp.TCPConnector(limit=5, ssl=context or True)
    async with aiohttp.ClientSession(connector=connector) as session:
        await requests(session, url)
        await streams(session, url)
    connector = aiohttp.TCPConnector(ssl=context or True)
    async with aiohttp.ClientSession(connector=connector) as session:
        await websockets(session, url)
        await timeouts(session, url, app)


async def both(path: str, certificate: str, key: str, authority: str) -> None:
    """The same over TCP and TLS, and over a Unix socket a little."""
    app = service()
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None)
    await runner.setup()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate, key)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server).start()
    await web.UnixSite(runner, path).start()
    plain, encrypted = (address[1] for address in runner.addresses if isinstance(address, tuple))
    await clients(f"http://127.0.0.1:{plain}/", app)
    app[EVENTS].clear()
    await clients(f"https://localhost:{encrypted}/", app, ssl.create_default_context(cafile=authority))
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(path)) as session:
        async with session.get("http://unix/download") as response:
            print("unix:", len(await response.read()))
        async with session.ws_connect("http://unix/chat") as socket:
            await socket.send_str("still here")
            print("unix:", await socket.receive_str())
            end = asyncio.create_task(runner.cleanup())
            message = await socket.receive()
            print("shutdown:", message.type.name, message.data, message.extra)
        await end
    async with aiohttp.ClientSession() as session:
        try:
            await session.get("https://127.0.0.1:1/")
        except aiohttp.ClientConnectorError as error:
            print("refused:", error.os_error.errno)
    print("socket removed:", not os.path.exists(path))


def until_terminated(path: str) -> None:
    """`web.run_app` serves until SIGTERM, and lets the request that it is answering end."""
    started = asyncio.Event()
    app = web.Application()

    async def answer(_request: web.Request) -> web.Response:
        started.set()
        await asyncio.sleep(0.2)
        return web.Response(text="answered all the same")

    async def client(app: web.Application) -> AsyncIterator[None]:
        async def call() -> str:
            async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(path)) as session:
                async with session.get("http://unix/") as response:
                    return await response.text()

        async def kill() -> None:
            await started.wait()
            os.kill(os.getpid(), signal.SIGTERM)

        async def begin() -> str:
            while not os.path.exists(path):
                await asyncio.sleep(0.005)
            _nothing, text = await asyncio.gather(kill(), call())
            return text

        task = asyncio.create_task(begin())
        yield
        print("at the end:", await task)
        loop = type(asyncio.get_running_loop())
        print(f"Ran on {loop.__module__}.{loop.__qualname__}.")

    app.router.add_get("/", answer)
    app.cleanup_ctx.append(client)
    web.run_app(app, path=path, print=None, access_log=None)


with tempfile.TemporaryDirectory() as folder:
    asyncio.run(both(f"{folder}/first", *sys.argv[1:]))
    until_terminated(f"{folder}/second")
