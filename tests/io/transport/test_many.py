"""Many connections: at once, one after another, and more than there are descriptors for."""

import asyncio
import socket

from tests.harness import Made, connect, descriptor_count, finish, serve


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


async def test_five_hundred_connections_at_once_all_get_their_answers(loop):
    server = await loop.create_server(Echo, "127.0.0.1", 0, backlog=500)
    address = server.sockets[0].getsockname()
    clients = await asyncio.gather(*[connect(loop, address) for _ in range(500)])
    for turn in range(3):
        for number, client in enumerate(clients):
            client.transport.write(b"%03d:%d;" % (number, turn))
        for client in clients:
            await client.got(6 * (turn + 1))
    for number, client in enumerate(clients):
        assert client.received == b"%03d:0;%03d:1;%03d:2;" % (number, number, number)
    await finish(*clients)
    server.close()
    await server.wait_closed()


async def test_two_thousand_connections_one_after_another_leak_nothing(loop):
    server = await loop.create_server(Echo, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()

    async def churn(count):
        for number in range(count):
            client = await connect(loop, address)
            client.transport.write(b"x")
            await client.got(1)
            if number % 2:
                client.transport.abort()
            else:
                client.transport.close()
            await client.lost()

    await churn(10)
    await asyncio.sleep(0)
    before = descriptor_count()
    await asyncio.gather(*[churn(250) for _ in range(8)])
    while descriptor_count() > before:  # the servers' ends close a moment after the clients'
        await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1
    server.close()
    await server.wait_closed()


async def test_a_crowd_that_connects_at_once_is_accepted_whole(loop):
    server, made, address = await serve(loop, backlog=200)
    clients = []
    for _ in range(150):
        clients.append(socket.socket())
        clients[-1].setblocking(False)
        clients[-1].connect_ex(address)
    await made.connected(150)
    assert {protocol.transport.get_extra_info("peername") for protocol in made} == {
        client.getsockname() for client in clients
    }
    for client in clients:
        client.close()
    for protocol in made:
        await protocol.lost()
    server.close()
    await server.wait_closed()


async def test_connections_that_are_gone_before_they_are_accepted_do_no_harm(loop):
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        address = listener.getsockname()
        for number in range(50):
            client = socket.create_connection(address)
            if number % 2:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.close()
        made = Made()
        server = await loop.create_server(made, sock=listener)
        client = await connect(loop, address)
        client.transport.write(b"last")
        while not any(protocol.received for protocol in made):
            await asyncio.sleep(0)
        await finish(client)
        for protocol in made:
            await protocol.lost()
        server.close()
        await server.wait_closed()


async def test_clients_that_come_and_go_in_the_middle_of_everything_disturb_nobody(loop):
    server = await loop.create_server(Echo, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    steady = await connect(loop, address)

    async def rude(number):
        client = await connect(loop, address)
        client.transport.write(bytes(1000 * number))
        if number % 3 == 0:
            client.transport.abort()
        elif number % 3 == 1:
            client.transport.close()
        else:
            client.transport.write_eof()
        await client.lost()

    crowd = asyncio.gather(*[rude(number) for number in range(100)])
    for number in range(200):
        steady.transport.write(b"%03d" % number)
        await steady.got(3 * number + 3)
    assert steady.received == b"".join(b"%03d" % number for number in range(200))
    await crowd
    await finish(steady)
    server.close()
    await server.wait_closed()


def test_when_descriptors_run_out_the_server_reports_it_and_goes_on_later(script):
    code = """
        import resource, socket

        async def main():
            loop = asyncio.get_running_loop()
            reports, made = asyncio.Queue(), asyncio.Queue()
            loop.set_exception_handler(lambda loop, context: reports.put_nowait(context))

            class Protocol(asyncio.Protocol):
                def connection_made(self, transport):
                    made.put_nowait(transport)

            server = await loop.create_server(Protocol, "127.0.0.1", 0)
            address = server.sockets[0].getsockname()
            client = socket.socket()
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
            hoard = []
            try:
                while True:
                    hoard.append(socket.socket())
            except OSError:
                pass
            client.connect(address)
            report = await reports.get()
            print(report["message"], type(report["exception"]).__name__, type(report["socket"]).__name__)
            while hoard:
                hoard.pop().close()
            transport = await made.get()
            print("served")
            transport.close()
            client.close()
            server.close()
            await server.wait_closed()

        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(main())
    """
    assert script(code).split("\n") == [
        "socket.accept() out of system resource OSError TransportSocket",
        "served",
    ]
