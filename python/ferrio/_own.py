"""asyncio's own classes and functions, whatever stands at their names later."""

import sys
from asyncio import *  # noqa: F403
from asyncio import TaskGroup as TaskGroup  # not in asyncio.__all__ before Python 3.12

if sys.version_info < (3, 13):

    class QueueShutDown(Exception):
        """Raised when putting on to or getting from a queue that is shut down."""

        __module__ = "ferrio"
