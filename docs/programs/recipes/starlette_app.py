import asyncio

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def greet(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"hello {request.path_params['name']}")


app = Starlette(routes=[Route("/{name}", greet)])


async def main() -> None:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname())
    writer.write(b"GET /Ada HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    print((await reader.read()).decode().splitlines()[-1])
    writer.close()
    server.should_exit = True
    await serving


asyncio.run(main())
