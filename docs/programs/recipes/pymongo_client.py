import asyncio

from bson import decode, encode
from pymongo import AsyncMongoClient
from pymongo.errors import ServerSelectionTimeoutError

OPCODE_MSG = 2013


async def pretend_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers the commands of this program as MongoDB does (wire protocol, OP_MSG)."""
    while head := await reader.read(16):
        size, request = int.from_bytes(head[:4], "little"), head[4:8]
        body = await reader.readexactly(size - 16)
        legacy = int.from_bytes(head[12:16], "little") != OPCODE_MSG
        command = {"hello": 1} if legacy else decode(body[5 : 5 + int.from_bytes(body[5:9], "little")])
        answer = {"ok": 1.0}
        if {"hello", "ismaster", "isMaster"} & set(command):
            answer |= {
                "isWritablePrimary": True,
                "maxWireVersion": 21,
                "minWireVersion": 0,
                "maxBsonObjectSize": 16777216,
                "maxMessageSizeBytes": 48000000,
            }
        elif "find" in command:
            answer["cursor"] = {
                "id": 0,
                "ns": "atlas.city",
                "firstBatch": [{"name": "Oslo"}, {"name": "Bonn"}],
            }
        if legacy:
            reply = bytes(20 - 4) + (1).to_bytes(4, "little") + encode(answer)
            code = 1
        else:
            reply = bytes(5) + encode(answer)
            code = OPCODE_MSG
        writer.write(
            (len(reply) + 16).to_bytes(4, "little") + bytes(4) + request + code.to_bytes(4, "little") + reply
        )
        await writer.drain()
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(pretend_server, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with AsyncMongoClient("127.0.0.1", port, directConnection=True) as client:
        print([city["name"] async for city in client.atlas.city.find()])
    server.close()

    async with AsyncMongoClient("127.0.0.1", port, serverSelectionTimeoutMS=200) as client:
        try:
            await client.atlas.city.find_one()
        except ServerSelectionTimeoutError as error:
            print("without a server:", type(error).__name__)


asyncio.run(main())
