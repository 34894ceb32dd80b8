"""The loop's `sock_*` methods, and sockets of classes that are not asyncio's."""
