import asyncio

import grpc


async def shout(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
    return request.upper()


async def count(request: bytes, context: grpc.aio.ServicerContext):
    for number in range(int(request)):
        yield str(number).encode()


async def main() -> None:
    server = grpc.aio.server()
    handlers = {
        "Shout": grpc.unary_unary_rpc_method_handler(shout),
        "Count": grpc.unary_stream_rpc_method_handler(count),
    }
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("demo.Demo", handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()

    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        print(await channel.unary_unary("/demo.Demo/Shout")(b"hello"))
        print([part async for part in channel.unary_stream("/demo.Demo/Count")(b"3")])
    await server.stop(grace=1)


asyncio.run(main())
