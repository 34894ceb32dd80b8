"""A FastAPI service under uvicorn and its clients: dependencies in threads, background tasks, streams, websockets.

Needs fastapi, uvicorn, httpx and websockets.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Annotated

import httpx
import uvicorn
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from websockets.asyncio.client import connect

trace: list[str] = []
done: asyncio.Queue[str] = asyncio.Queue()


class Item(BaseModel):
    name: str
    price: float = 1.5


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    trace.append("startup")
    yield
    trace.append("shutdown")


app = FastAPI(lifespan=lifespan)


def session() -> Iterator[str]:
    """A dependency that is not asynchronous runs in a thread, and is cleaned up in one."""
    yield "main" if threading.current_thread() is threading.main_thread() else "thread"


@app.middleware("http")
async def count(request: Request, call_next):
    response = await call_next(request)
    response.headers["x-path"] = request.url.path
    return response


@app.post("/items/{number}")
async def post_item(number: int, item: Item, ran_in: Annotated[str, Depends(session)]) -> dict[str, object]:
    return {"number": number, "name": item.name, "price": item.price, "session": ran_in}


@app.get("/sync")
def sync() -> str:
    return "main" if threading.current_thread() is threading.main_thread() else "thread"


async def announce(what: str) -> None:
    await done.put(what)


@app.get("/background")
async def background(tasks: BackgroundTasks) -> str:
    tasks.add_task(announce, "asynchronous")
    tasks.add_task(trace.append, "in a thread")
    tasks.add_task(announce, "last")
    return "accepted"


@app.get("/stream")
async def stream() -> StreamingResponse:
    async def body() -> AsyncIterator[bytes]:
        for number in range(2000):
            yield b"%06d" % number * 1000

    return StreamingResponse(body())


@app.get("/missing")
async def missing() -> None:
    raise HTTPException(404, "not here")


@app.websocket("/chat")
async def chat(socket: WebSocket) -> None:
    await socket.accept(subprotocol="chat")
    try:
        while True:
            message = await socket.receive_json()
            await socket.send_json({"echo": message})
    except WebSocketDisconnect as error:
        await done.put(f"disconnected with {error.code}")


async def clients(url: str) -> None:
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:

        async def item(number: int) -> dict[str, object]:
            return (await client.post(f"/items/{number}", json={"name": "n"})).json()

        items = await asyncio.gather(*(item(number) for number in range(100)))
        print("items:", [item["number"] for item in items] == list(range(100)), items[0])
        response = await client.post("/items/1", json={"price": "cheap"})
        print("refused:", response.status_code, sorted(error["type"] for error in response.json()["detail"]))
        response = await client.get("/sync")
        print("sync:", response.json(), response.headers["x-path"])
        response = await client.get("/missing")
        print("missing:", response.status_code, response.json())
        print("background:", (await client.get("/background")).json(), await done.get(), await done.get())
        response = await client.get("/stream")
        print("stream:", len(response.content))
        async with client.stream("GET", "/stream") as response:
            async for chunk in response.aiter_bytes(6000):
                print("stream:", chunk[:12], "left early")
                break
    async with connect(f"{url.replace('http', 'ws')}/chat", subprotocols=["chat"]) as socket:
        for number in range(3):
            await socket.send(f'{{"n": {number}}}')
        print("chat:", socket.subprotocol, [await socket.recv() for _ in range(3)])
        await socket.close(4000)
    print(await done.get())


async def main() -> None:
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", ws="websockets-sansio")
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    await clients("http://{}:{}".format(*server.servers[0].sockets[0].getsockname()))
    server.should_exit = True
    await serving
    print("trace:", trace)
    loop = type(asyncio.get_running_loop())
    print(f"Ran on {loop.__module__}.{loop.__qualname__}.")


asyncio.run(main())
