import asyncio
from unittest import mock


async def with_retries(fetch, pause: float) -> str:
    while True:
        try:
            return await fetch()
        except ConnectionError:
            await asyncio.sleep(pause)


async def main() -> None:
    fetch = mock.AsyncMock(side_effect=[ConnectionError, ConnectionError, "page"])
    with mock.patch("asyncio.sleep", mock.AsyncMock()) as sleep:
        print(await with_retries(fetch, pause=3600))
    print("fetched", fetch.await_count, "times, slept", [call.args[0] for call in sleep.await_args_list])


asyncio.run(main())
