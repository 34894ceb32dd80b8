"""Daemon threads that the interpreter ends while the loop has called their Python code, wherever that is.

Before Python 3.14 such a thread is ended by unwinding its stack, the loop's functions included. Each program below gets
a thread into a function that never returns, and comes to its end.
"""

import textwrap

import pytest

PROGRAM = """
    import contextlib, socket, ssl, sys, threading

    names = ferrio if "ferrio" in sys.modules else asyncio
    arrived = threading.Event()

    def forever(*args, **kwargs):
        arrived.set()
        while True:
            str(args)

    async def pair(factory, other=asyncio.Protocol):
        loop = asyncio.get_running_loop()
        left, right = socket.socketpair()
        theirs, _ = await loop.create_connection(other, sock=right)
        ours, protocol = await loop.create_connection(factory, sock=left)
        return ours, theirs

    def run():
        loop = new_loop()
        asyncio.set_event_loop(loop)
        loop.run_until_complete(main())

    {code}

    threading.Thread(target=run, daemon=True).start()
    arrived.wait()
    print("end")
"""

# What a loop's thread is inside of for ever. `main` is a coroutine function, run by the thread.
CALLS = {
    "a callback": """
        async def main():
            asyncio.get_running_loop().call_soon(forever)
            await asyncio.sleep(10)
    """,
    "connection_made": """
        class Protocol(asyncio.Protocol):
            connection_made = forever
        async def main():
            await pair(Protocol)
    """,
    "data_received": """
        class Protocol(asyncio.Protocol):
            data_received = forever
        async def main():
            ours, theirs = await pair(Protocol)
            theirs.write(b"x")
            await asyncio.sleep(10)
    """,
    "get_buffer": """
        class Protocol(asyncio.BufferedProtocol):
            get_buffer = forever
        async def main():
            ours, theirs = await pair(Protocol)
            theirs.write(b"x")
            await asyncio.sleep(10)
    """,
    "buffer_updated": """
        class Protocol(asyncio.BufferedProtocol):
            buffer_updated = forever
            def get_buffer(self, hint):
                return bytearray(10)
        async def main():
            ours, theirs = await pair(Protocol)
            theirs.write(b"x")
            await asyncio.sleep(10)
    """,
    "eof_received": """
        class Protocol(asyncio.Protocol):
            eof_received = forever
        async def main():
            ours, theirs = await pair(Protocol)
            theirs.close()
            await asyncio.sleep(10)
    """,
    "connection_lost": """
        class Protocol(asyncio.Protocol):
            connection_lost = forever
        async def main():
            ours, theirs = await pair(Protocol)
            ours.close()
            await asyncio.sleep(10)
    """,
    "pause_writing": """
        class Protocol(asyncio.Protocol):
            pause_writing = forever
        async def main():
            ours, theirs = await pair(Protocol)
            ours.write(bytes(10_000_000))
            await asyncio.sleep(10)
    """,
    "an exception handler": """
        async def main():
            asyncio.get_running_loop().set_exception_handler(forever)
            asyncio.get_running_loop().call_soon(int, "no number")
            await asyncio.sleep(10)
    """,
    "a protocol factory": """
        async def main():
            await pair(forever)
    """,
    "a server's protocol factory": """
        async def main():
            loop = asyncio.get_running_loop()
            server = await loop.create_server(forever, "127.0.0.1", 0)
            await loop.create_connection(asyncio.Protocol, *server.sockets[0].getsockname())
            await asyncio.sleep(10)
    """,
    "a task factory": """
        async def main():
            asyncio.get_running_loop().set_task_factory(forever)
            coroutine = asyncio.sleep(0)
            asyncio.get_running_loop().create_task(coroutine)
    """,
    "call_soon of a subclass": """
        def run():
            class Loop(type(new_loop())):
                call_soon = forever
            Loop().create_future().get_loop().run_until_complete(asyncio.sleep(0))
    """,
    "a queue's _put": """
        class Queue(names.Queue):
            _put = forever
        async def main():
            await Queue().put(1)
    """,
    "an element's __lt__": """
        class Element:
            __lt__ = forever
        async def main():
            queue = names.PriorityQueue()
            queue.put_nowait(Element())
            queue.put_nowait(Element())
    """,
    "a foreign future": """
        class Foreign:
            _asyncio_future_blocking = None
            add_done_callback = forever
            def get_loop(self):
                return asyncio.get_running_loop()
            def __await__(self):
                self._asyncio_future_blocking = True
                yield self
        async def main():
            await Foreign()
    """,
    "error_received": """
        class Protocol(asyncio.DatagramProtocol):
            error_received = forever
        async def main():
            loop = asyncio.get_running_loop()
            with socket.socket(type=socket.SOCK_DGRAM) as sock:
                sock.bind(("127.0.0.1", 0))
                unused = sock.getsockname()
            transport, _ = await loop.create_datagram_endpoint(Protocol, remote_addr=unused)
            while True:
                transport.sendto(b"x")
                await asyncio.sleep(0.01)
    """,
    "datagram_received": """
        class Protocol(asyncio.DatagramProtocol):
            datagram_received = forever
        async def main():
            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_datagram_endpoint(Protocol, local_addr=("127.0.0.1", 0))
            transport.sendto(b"x", transport.get_extra_info("sockname"))
            await asyncio.sleep(10)
    """,
    "a predicate of wait_for": """
        async def main():
            condition = names.Condition()
            async with condition:
                await condition.wait_for(forever)
    """,
    "an overridden feed_data": """
        class Reader(names.StreamReader):
            feed_data = forever
        async def main():
            reader = Reader()
            ours, theirs = await pair(lambda: names.StreamReaderProtocol(reader))
            theirs.write(b"x")
            await asyncio.sleep(10)
    """,
    "__await__": """
        class Awaitable:
            __await__ = forever
        async def main():
            await names.gather(Awaitable())
    """,
    "client_connected_cb": """
        async def main():
            server = await names.start_server(forever, "127.0.0.1", 0)
            await names.open_connection(*server.sockets[0].getsockname())
            await asyncio.sleep(10)
    """,
    "the end of an asynchronous generator": """
        async def generate():
            try:
                yield
            finally:
                forever()
        async def main():
            generator = generate()
            await anext(generator)
            await generator.aclose()
    """,
    "shutdown_asyncgens": """
        async def generate():
            try:
                yield
            finally:
                forever()
        async def main():
            global generator
            generator = generate()
            await anext(generator)
            await asyncio.get_running_loop().shutdown_asyncgens()
    """,
    "a destructor": """
        class Late:
            __del__ = forever
        async def main():
            future = asyncio.get_running_loop().create_future()
            future.set_result(Late())
            del future
    """,
    "a done-callback": """
        async def main():
            future = asyncio.get_running_loop().create_future()
            future.add_done_callback(forever)
            future.set_result(None)
            await asyncio.sleep(10)
    """,
    "a name's __str__": """
        class Name:
            __str__ = forever
        async def main():
            names.Task(asyncio.sleep(0), name=Name())
    """,
    "a TLS server's callback": """
        async def main():
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.sni_callback = forever
            client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            client.check_hostname = False
            client.verify_mode = ssl.CERT_NONE
            loop = asyncio.get_running_loop()
            server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0, ssl=context)
            address = server.sockets[0].getsockname()
            await loop.create_connection(asyncio.Protocol, *address, ssl=client, server_hostname="localhost")
    """,
    "process_exited": """
        class Protocol(asyncio.SubprocessProtocol):
            process_exited = forever
        async def main():
            loop = asyncio.get_running_loop()
            await loop.subprocess_exec(Protocol, "true", stdin=None, stdout=None, stderr=None)
            await asyncio.sleep(10)
    """,
    "pipe_data_received": """
        class Protocol(asyncio.SubprocessProtocol):
            pipe_data_received = forever
        async def main():
            await asyncio.get_running_loop().subprocess_exec(Protocol, "echo", "x")
            await asyncio.sleep(10)
    """,
}

# What releases the GIL again and again, so that the end of the program catches the thread wherever it is.
WORK = {
    "starting subprocesses": """
        async def main():
            while True:
                process = await names.create_subprocess_exec("true", stdout=-1)
                arrived.set()
                await process.communicate()
    """,
    "handshakes in TLS": """
        async def main():
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.set_ciphers("aNULL:@SECLEVEL=0")
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            client.check_hostname = False
            client.verify_mode = ssl.CERT_NONE
            client.set_ciphers("aNULL:@SECLEVEL=0")
            loop = asyncio.get_running_loop()
            server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0, ssl=context)
            address = server.sockets[0].getsockname()
            while True:
                transport, _ = await loop.create_connection(
                    asyncio.Protocol, *address, ssl=client, server_hostname="localhost"
                )
                arrived.set()
                transport.write(bytes(100_000))
                transport.close()
    """,
    "connections": """
        async def serve(reader, writer):
            writer.write(await reader.readline())
            writer.close()
        async def main():
            server = await names.start_server(serve, "127.0.0.1", 0)
            while True:
                reader, writer = await names.open_connection(*server.sockets[0].getsockname())
                writer.write(b"hello\\n")
                await reader.read()
                writer.close()
                arrived.set()
    """,
    "threads": """
        async def main():
            with contextlib.suppress(RuntimeError):  # no new thread while the interpreter ends
                while True:
                    await asyncio.to_thread(str, 1)
                    arrived.set()
    """,
}


def program(code):
    indented = textwrap.dedent(code).strip().replace("\n", "\n    ")
    return PROGRAM.format(code=indented)


def ends(script, code):
    with script.start(program(code), "-W", "ignore") as process:
        try:
            out, err = process.communicate(timeout=50)
        except BaseException:
            process.kill()
            raise
    assert (process.returncode, out, err) == (0, "end\n", "")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_daemon_thread_that_the_loop_has_called_into_does_not_disturb_the_end(script, call):
    ends(script, call)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_a_daemon_thread_that_works_does_not_disturb_the_end(script, work):
    for _ in range(3):
        ends(script, work)


@pytest.mark.ferrio_only
def test_the_guard_of_such_threads_works_here(script):
    assert script("from ferrio import _ferrio; print(_ferrio._is_exit_guarded)") == "True"
