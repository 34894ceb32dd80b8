"""Exceptions of asyncio that the running Python's asyncio may not have yet."""

import sys

if sys.version_info >= (3, 13):
    from asyncio import QueueShutDown as QueueShutDown
else:

    class QueueShutDown(Exception):
        """Raised when putting on to or getting from a queue that is shut down."""

        __module__ = "ferrio"
