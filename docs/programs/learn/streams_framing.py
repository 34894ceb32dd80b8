import asyncio


async def main() -> None:
    reader = asyncio.StreamReader()  # What a connection would fill.
    reader.feed_data(b"\x00\x05hel")
    reader.feed_data(b"lo\x00\x03by")
    reader.feed_eof()

    while True:
        try:
            head = await reader.readexactly(2)
            body = await reader.readexactly(int.from_bytes(head, "big"))
        except asyncio.IncompleteReadError as error:
            print(f"ended inside a message: {error.partial!r} of {error.expected} bytes")
            break
        print("message:", body)


asyncio.run(main())
