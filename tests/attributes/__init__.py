"""The private attributes of native objects, compared with those of asyncio's."""
