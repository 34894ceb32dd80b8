import asyncio

import sentry_sdk
from sentry_sdk.integrations.asyncio import AsyncioIntegration

events: list[dict] = []


def keep(event: dict, hint: dict) -> None:
    events.append(event)  # Returning nothing: it is not sent.


async def fail(number: int) -> None:
    sentry_sdk.set_tag("number", number)
    raise ValueError(f"number {number}")


async def main() -> None:
    settings = {
        "integrations": [AsyncioIntegration()],
        "auto_enabling_integrations": False,  # They import every library that is installed.
    }
    sentry_sdk.init(dsn="http://key@127.0.0.1/1", before_send=keep, **settings)
    await asyncio.gather(fail(1), fail(2), return_exceptions=True)


asyncio.run(main())
for event in sorted(events, key=lambda event: event["tags"]["number"]):
    print(event["exception"]["values"][0]["value"], "with tag", event["tags"]["number"])
