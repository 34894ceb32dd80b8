"""fork() inside a running loop: the child starts afresh and the parent runs on."""

import pytest

from tests.harness import PY

FORK = """
    import os, signal, sys

    async def child():
        await asyncio.sleep(0.001)
        return 7

    async def main():
        ready, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                {child}
            finally:
                os._exit(status)
        _, wait_status = os.waitpid(pid, 0)
        for _ in range(3):
            await asyncio.sleep(0.001)
        os.close(ready)
        os.close(tell)
        return os.waitstatus_to_exitcode(wait_status)

    loop = new_loop()
    {before}
    try:
        print(loop.run_until_complete(main()))
    finally:
        loop.close()
"""


def test_no_loop_is_running_in_the_child(script):
    child = "status = 0 if asyncio._get_running_loop() is None else 3"
    assert script(FORK.format(child=child, before="")) == "0"


def test_the_child_can_make_and_run_a_loop_of_its_own(script):
    child = "own = new_loop(); status = own.run_until_complete(child()); own.close()"
    assert script(FORK.format(child=child, before="")) == "7"


def test_the_child_can_use_the_runner(script):
    child = "status = asyncio.Runner(loop_factory=new_loop).run(child())"
    assert script(FORK.format(child=child, before="")) == "7"


@pytest.mark.skipif(PY < (3, 12), reason="the child keeps the wake-up descriptor before 3.12")
def test_a_signal_for_the_child_does_not_reach_the_parents_handler(script):
    before = "loop.add_signal_handler(signal.SIGUSR1, sys.exit, 'reached the parent')"
    child = "signal.raise_signal(signal.SIGUSR1); status = 0"
    assert script(FORK.format(child=child, before=before)) == "0"


def test_a_loop_that_is_not_running_can_be_used_in_parent_and_child(script):
    code = """
        import os
        pid = os.fork()
        loop = new_loop()
        result = loop.run_until_complete(asyncio.sleep(0.001, result=5))
        loop.close()
        if pid == 0:
            os._exit(result)
        print(result, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    """
    assert script(code) == "5 5"


def test_the_child_can_start_processes(script):
    child = """async def start():
                    process = await asyncio.create_subprocess_exec("sh", "-c", "exit 6")
                    return await process.wait()
                own = new_loop()
                status = own.run_until_complete(start())
                own.close()"""
    assert script(FORK.format(child=child, before="")) == "6"


PARENT = """
    import gc, os, socket, sys, warnings

    class Waiting(asyncio.Protocol):
        def __init__(self):
            self.got = asyncio.Event()

        def data_received(self, data):
            self.got.set()

        def datagram_received(self, data, address):
            self.got.set()

    def child(things):
        warnings.simplefilter("ignore")
        things.clear()
        gc.collect()
        {child}

    async def main():
        loop = asyncio.get_running_loop()
        got = asyncio.Event()
        (ours, theirs), (read, write) = socket.socketpair(), socket.socketpair()
        reading, writing = os.pipe()
        transport, protocol = await loop.create_connection(Waiting, sock=ours)
        pipe, at_pipe = await loop.connect_read_pipe(Waiting, os.fdopen(reading, "rb"))
        endpoint, at_endpoint = await loop.create_datagram_endpoint(Waiting, ("127.0.0.1", 0))
        address = endpoint.get_extra_info("sockname")
        server = await loop.create_server(Waiting, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        loop.add_reader(read, got.set)
        timer = loop.create_future()
        loop.call_later(0.05, timer.set_result, "timer")
        pid = os.fork()
        if pid == 0:
            things = [transport, protocol, pipe, at_pipe, endpoint, at_endpoint, server]
            del transport, protocol, pipe, at_pipe, endpoint, at_endpoint, server
            child(things)
        _, status = os.waitpid(pid, 0)
        for sock in (theirs, write):
            sock.send(b"x")
        os.write(writing, b"x")
        with socket.socket(type=socket.SOCK_DGRAM) as sender:
            sender.sendto(b"x", address)
        for event in (protocol.got, at_pipe.got, at_endpoint.got, got):
            await event.wait()
        client, _ = await loop.create_connection(Waiting, "127.0.0.1", port)
        print(os.waitstatus_to_exitcode(status), await timer)
        loop.remove_reader(read)
        for thing in (transport, pipe, endpoint, client, server, theirs, read, write):
            thing.close()
        os.close(writing)

    loop = new_loop()
    loop.run_until_complete(main())
    loop.close()
"""


def test_a_child_that_drops_what_it_inherited_leaves_the_parents_loop_as_it_is(script):
    """Both have the same poller in the kernel: what the child takes out is out for the parent, too."""
    assert script(PARENT.format(child="os._exit(5)")) == "5 timer"


@pytest.mark.stock_bug(PY >= (3, 14), reason="the task that has forked cannot end in the child: no loop runs")
def test_a_child_that_exits_from_inside_the_parents_loop_leaves_it_as_it_is(script):
    """`sys.exit` there runs everything that runs at the end of an interpreter, with the parent's transports."""
    assert script(PARENT.format(child="sys.exit(5)")) == "5 timer"


def test_a_child_that_runs_a_loop_of_its_own_leaves_the_parents_as_it_is(script):
    child = """asyncio._set_running_loop(None)
        own = new_loop()
        status = own.run_until_complete(asyncio.sleep(0.001, 5))
        own.close()
        os._exit(status)"""
    assert script(PARENT.format(child=child)) == "5 timer"
