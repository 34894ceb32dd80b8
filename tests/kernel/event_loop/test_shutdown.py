"""The end of the interpreter while a loop is open, runs in a thread, or was never closed."""

import textwrap

import pytest


def ends(script, code, *flags):
    """Run a program that must end with status 0 by itself; return what it printed on both channels."""
    with script.start(code, *flags) as process:
        try:
            out, err = process.communicate(timeout=20)
        except BaseException:
            process.kill()
            raise
    assert process.returncode == 0, f"exit status {process.returncode}\n{out}\n{err}"
    return out.strip(), err


IGNORE = ("-W", "ignore")


def test_a_loop_left_open_ends_in_silence(script):
    code = """
        import socket
        loop = new_loop()
        ours, theirs = socket.socketpair()
        loop.add_reader(ours, print)
        loop.call_soon(print)
        loop.call_later(1000, print)
        loop.cycle = loop
        print("end")
    """
    assert ends(script, code, *IGNORE) == ("end", "")


def test_a_loop_left_open_with_transports_and_a_server_ends_in_silence(script):
    code = """
        loop = new_loop()
        async def main():
            server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
            address = server.sockets[0].getsockname()
            kept = [await loop.create_connection(asyncio.Protocol, *address) for _ in range(10)]
            kept[0][0].write(bytes(50_000_000))
            return server, kept
        kept = loop.run_until_complete(main())
        print("end")
    """
    assert ends(script, code, *IGNORE) == ("end", "")


def test_tasks_left_pending_are_named_and_nothing_worse_happens(script):
    code = """
        loop = new_loop()
        async def waits():
            try:
                await loop.create_future()
            finally:
                loop.call_soon(print)
        task = loop.create_task(waits())
        loop.stop()
        loop.run_forever()
        print("end")
    """
    out, err = ends(script, code, *IGNORE)
    assert out == "end"
    assert "Fatal" not in err
    assert "panicked" not in err


def test_a_loop_that_runs_in_a_daemon_thread_does_not_keep_the_program(script):
    code = """
        import threading
        loop = new_loop()
        started = threading.Event()
        def run():
            asyncio.set_event_loop(loop)
            loop.call_soon(started.set)
            loop.run_forever()
        threading.Thread(target=run, daemon=True).start()
        started.wait()
        print("end")
    """
    out, err = ends(script, code, *IGNORE)
    assert out == "end"
    assert "Fatal" not in err
    assert "panicked" not in err


# What keeps a loop busy with Python code for ever.
BUSY = {
    "callbacks": """
        def busy():
            loop.call_soon(busy)
            work()
        loop.call_soon(busy)
    """,
    "one callback": """
        def busy():
            while True:
                work()
        loop.call_soon(busy)
    """,
    "timers": """
        def busy():
            loop.call_later(0, busy)
            work()
        busy()
    """,
    "a task": """
        async def busy():
            while True:
                work()
                await asyncio.sleep(0)
        task = loop.create_task(busy())
    """,
    "done-callbacks": """
        def busy(_):
            future = loop.create_future()
            future.add_done_callback(busy)
            future.set_result(None)
            work()
        busy(None)
    """,
    "a protocol": """
        import socket
        class Busy(asyncio.Protocol):
            def connection_made(self, transport):
                self.transport = transport
                transport.write(b"x")
            def data_received(self, data):
                work()
                self.transport.write(data)
        left, right = socket.socketpair()
        for sock in (left, right):
            loop.run_until_complete(loop.create_connection(Busy, sock=sock))
    """,
}


@pytest.mark.parametrize("busy", BUSY.values(), ids=BUSY)
def test_a_daemon_thread_whose_loop_is_busy_does_not_disturb_the_end(script, busy):
    """Before Python 3.14 the thread is ended by unwinding its stack, wherever it is."""
    code = """
        import threading

        def work():
            runs.set()
            for number in range(1000):
                str(number)

        loop = new_loop()
        runs = threading.Event()
        {busy}
        runs.clear()
        threading.Thread(target=loop.run_forever, daemon=True).start()
        runs.wait()
        print("end")
    """
    for _ in range(3):
        assert ends(script, code.format(busy=textwrap.dedent(busy).replace("\n", "\n        ")), *IGNORE) == (
            "end",
            "",
        )


def test_sys_exit_inside_a_callback_ends_the_program_with_its_status(script):
    code = """
        import sys
        loop = new_loop()
        loop.call_soon(sys.exit, 7)
        try:
            loop.run_forever()
        except SystemExit as exc:
            print(exc.code)
            loop.close()
    """
    assert ends(script, code) == ("7", "")


def test_a_loop_can_be_run_in_an_atexit_handler(script):
    code = """
        import atexit
        loop = new_loop()
        def at_exit():
            print(loop.run_until_complete(asyncio.sleep(0.001, "at exit")))
            loop.close()
        atexit.register(at_exit)
        print("end")
    """
    assert ends(script, code) == ("end\nat exit", "")


def test_a_loop_can_be_used_while_modules_are_torn_down(script):
    code = """
        class Late:
            def __init__(self, loop):
                self.loop = loop
            def __del__(self):
                self.loop.call_soon(int)
                self.loop.stop()
                self.loop.close()
        late = Late(new_loop())
        late.cycle = late
        print("end")
    """
    assert ends(script, code, *IGNORE) == ("end", "")


def test_a_thread_that_calls_to_the_very_end_does_no_harm(script):
    code = """
        import threading
        loop = new_loop()
        def call():
            try:
                while True:
                    loop.call_soon_threadsafe(int)
            except RuntimeError:
                pass
        threading.Thread(target=call, daemon=True).start()
        for _ in range(50):
            loop.stop()
            loop.run_forever()
        print("end")
    """
    out, err = ends(script, code, *IGNORE)
    assert out == "end"
    assert "Fatal" not in err
    assert "panicked" not in err


def test_nothing_is_printed_by_a_program_that_cleans_up(script):
    code = """
        async def main():
            asyncio.get_running_loop().slow_callback_duration = 1000
            server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
            async with server:
                reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
                await reader.read()
                writer.close()
                await writer.wait_closed()
            await asyncio.to_thread(int)
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(main())
        print("end")
    """
    assert ends(script, code, "-X", "dev") == ("end", "")


def test_a_loop_with_signal_handlers_closed_at_the_very_end_says_that_it_leaves_them(script):
    """Python's signal module may be gone by then."""
    code = """
        import signal, sys

        class Late:
            def __init__(self, loop):
                self.loop = loop
                self.loop.add_signal_handler(signal.SIGUSR1, print)
                self.loop.add_signal_handler(signal.SIGINT, print)
            def __del__(self):
                self.loop.close()
                print(sys.is_finalizing(), self.loop.is_closed())

        late = Late(new_loop())
        late.cycle = late
        print("end")
    """
    out, err = ends(script, code, "-W", "always")
    assert out == "end\nTrue True"
    assert err.count("ResourceWarning: Closing the loop <") == 1
    assert err.count("on interpreter shutdown stage, skipping signal handlers removal") == 1


def test_a_loop_with_signal_handlers_left_open_ends_in_silence(script):
    code = """
        import signal
        loop = new_loop()
        loop.add_signal_handler(signal.SIGUSR1, print)
        loop.cycle = loop
        signal.raise_signal(signal.SIGUSR1)
        print("end")
    """
    assert ends(script, code, *IGNORE) == ("end", "")


def test_a_loop_closed_in_an_atexit_handler_gives_signals_their_default_action_back(script):
    code = """
        import atexit, signal
        def at_exit():
            loop.close()
            print(signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL, signal.set_wakeup_fd(-1))
        loop = new_loop()
        loop.add_signal_handler(signal.SIGUSR1, print)
        atexit.register(at_exit)
    """
    assert ends(script, code) == ("True -1", "")


ENDS_LATE = """
    import sys
    names = ferrio if "ferrio" in sys.modules else asyncio
    kept = []
    loop = new_loop()
"""


def ends_late(script, code, *flags):
    return ends(script, textwrap.dedent(ENDS_LATE) + textwrap.dedent(code), *IGNORE, *flags)


def test_an_exception_that_nobody_has_retrieved_is_reported_in_the_end(script):
    code = """
        async def fail():
            raise LookupError("important")
        async def main():
            kept.append(loop.create_task(fail()))
            await names.sleep(0.001)
        loop.run_until_complete(main())
        loop.close()
    """
    out, err = ends_late(script, code)
    assert out == ""
    if (
        "ImportError" not in err
    ):  # asyncio's own, on a version whose traceback module imports when it is too late.
        assert "Task exception was never retrieved" in err
        assert "LookupError: important" in err


@pytest.mark.parametrize("waits", ["Queue().get()", "Semaphore(0).acquire()", "Event().wait()", "sleep(100)"])
def test_a_task_that_waits_in_the_end_is_reported_and_nothing_worse_happens(script, waits):
    code = f"""
        async def main():
            kept.append(loop.create_task(names.{waits}))
            await names.sleep(0)
        loop.run_until_complete(main())
        loop.close()
    """
    out, err = ends_late(script, code)
    assert out == ""
    assert "panicked" not in err
    assert "ImportError" not in err or "traceback" in err or "linecache" in err
