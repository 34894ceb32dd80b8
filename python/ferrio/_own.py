"""asyncio's own classes and functions, whatever stands at their names later."""

from asyncio import *  # noqa: F403
