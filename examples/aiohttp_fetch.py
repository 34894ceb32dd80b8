"""An aiohttp server and an aiohttp client that makes 200 requests to it at once and checks every answer.

Needs aiohttp. Which event loop runs it is the business of whoever starts it; the last line of the output says which.
"""

import asyncio
import collections
import hashlib
import time

from aiohttp import ClientSession, TCPConnector, web

REQUESTS = 200
SIZES = (16, 1_000, 10_000, 100_000)


def item(number: int) -> dict[str, object]:
    """What the server answers for a number: a text of one of a few sizes, and its checksum."""
    text = f"{number:04}" * (SIZES[number % len(SIZES)] // 4)
    return {"number": number, "text": text, "sha256": hashlib.sha256(text.encode()).hexdigest()}


async def get_item(request: web.Request) -> web.Response:
    return web.json_response(item(int(request.match_info["number"])))


async def post_echo(request: web.Request) -> web.Response:
    return web.json_response(await request.json(), status=201)


async def fetch(session: ClientSession, number: int) -> tuple[int, int]:
    """Make one request, check the answer; returns its status and its size."""
    expected = item(number)
    posts = number % 5 == 0
    call = session.post("/echo", json=expected) if posts else session.get(f"/items/{number}")
    async with call as response:
        body = await response.read()
        assert await response.json() == expected, f"wrong answer to request {number}"
        return response.status, len(body)


async def main() -> None:
    app = web.Application(client_max_size=max(SIZES) * 2)
    app.add_routes([web.get("/items/{number}", get_item), web.post("/echo", post_echo)])
    runner = web.AppRunner(app)
    await runner.setup()
    # All connect at once: with the usual backlog of 128 some would wait for a second and try again.
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=REQUESTS)
    await site.start()
    _host, port = runner.addresses[0]

    connector = TCPConnector(limit=0)  # As many connections as there are requests.
    async with ClientSession(f"http://127.0.0.1:{port}", connector=connector) as session:
        started = time.perf_counter()
        results = await asyncio.gather(*(fetch(session, number) for number in range(REQUESTS)))
        elapsed = time.perf_counter() - started
        async with session.get("/items/4") as response:
            sample = await response.text()
    await runner.cleanup()

    statuses = collections.Counter(status for status, _size in results)
    print(
        f"Fetched {len(results)} answers, {sum(size for _status, size in results)} bytes, each as expected."
    )
    print(f"Statuses: {', '.join(f'{count} times {status}' for status, count in sorted(statuses.items()))}.")
    print(f"One of them: {sample}")
    print(
        f"Took {elapsed:.3f} s: {len(results) / elapsed:.0f} requests per second, client and server in one process."
    )
    loop = type(asyncio.get_running_loop())
    print(f"Ran on {loop.__module__}.{loop.__qualname__}.")


asyncio.run(main())
