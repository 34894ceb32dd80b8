"""Small programs whose objects end at awkward moments, each in a process of its own."""

import sys

import pytest

AIO = "aio = sys.modules.get('ferrio', asyncio)"


def test_a_transport_goes_while_an_exception_is_on_its_way(script):
    out = script("""
        import socket, warnings
        warnings.simplefilter("ignore")
        loop = new_loop()
        a, b = socket.socketpair()
        async def main(): return (await loop.connect_accepted_socket(asyncio.Protocol, a))[0]
        box = [loop.run_until_complete(main())]
        loop.close()
        try:
            print(box.pop(), {}["x"])
        except KeyError as error:
            print(repr(error), error.__context__)
    """)
    assert out == "KeyError('x') None"


@pytest.mark.parametrize("namespace", ["asyncio", "sys.modules.get('ferrio', asyncio)"])
def test_streams_that_nobody_closes_are_complained_of_as_sources_at_exit(script, namespace):
    code = f"""
        import socket, sys
        aio = {namespace}
        a, b = socket.socketpair()
        async def main(): return await aio.open_connection(sock=a)
        with asyncio.Runner(loop_factory=new_loop) as runner:
            pair = runner.run(main())
    """
    for flags, expected in (
        (("-W", "ignore::ResourceWarning"), []),
        (
            ("-X", "dev", "-W", "default"),
            ["ResourceWarning: loop is closed", "ResourceWarning: unclosed transport <"],
        ),
    ):
        with script.start(code, *flags) as process:
            _, err = process.communicate(timeout=20)
        assert process.returncode == 0, err
        assert all(text in err for text in expected), err
        assert bool(err) == bool(expected)
        assert "Error" not in err


RESULTS = """
    import gc
    loop = new_loop()
    f = loop.create_future()
    f.set_result(5)
    def get():
        try:
            try:
                next(f)
            except TypeError:
                next(f.__await__())  # asyncio's future is no iterator.
        except StopIteration as e:
            return e.with_traceback(None)
"""


def test_a_result_that_the_collector_has_cleared_is_used_again(script):
    out = script(
        RESULTS
        + """
    for _ in range(3):
        a, b = get(), get()
        l = [a]
        a.l = l
        del a, l
        gc.collect()
        print(b.value, get().value, get().args in ((), (5,)))
        del b
    """
    )
    assert out.split("\n") == ["5 5 True"] * 3


@pytest.mark.parametrize("link", ["value", "__context__", "__cause__", "args"])
def test_a_long_chain_of_results_goes_away(script, link):
    out = script(
        RESULTS
        + f"""
    last = get()
    for _ in range(100_000):
        made = get()
        made.{link} = {"(last,)" if link == "args" else "last"}
        last = made
    del made, last
    print(get().value)
    """
    )
    assert out == "5"


@pytest.mark.parametrize(
    "make",
    ["aio.StreamReader(loop=loop)", "aio.Future(loop=loop)", "aio.Condition()"],
)
def test_a_long_chain_of_objects_goes_away(script, make):
    put = {"S": "made.set_exception(last)", "F": "made.set_result(last)", "C": "made = aio.Condition(last)"}[
        make[4]
    ]
    out = script(f"""
        import sys
        {AIO}
        loop = new_loop()
        last = {make}
        for _ in range(100_000):
            made = {make}
            {put}
            last = made
        del made, last
        print("gone")
    """)
    assert out == "gone"


@pytest.mark.ferrio_only
def test_a_long_chain_of_queues_goes_away(script):
    """asyncio's overflows the stack."""
    out = script("""
        for kind in (ferrio.Queue, ferrio.LifoQueue, ferrio.PriorityQueue):
            last = kind()
            for _ in range(100_000):
                made = kind()
                made.put_nowait(last)
                last = made
            del made, last
        print("gone")
    """)
    assert out == "gone"


def test_debug_mode_traces_a_callback_that_is_scheduled_when_a_coroutine_lets_go(script):
    """The frame of a coroutine is being cleared while the loop looks at the callers."""
    out = script("""
        import functools, weakref
        loop = new_loop()
        loop.set_debug(True)
        class Local: pass
        def called(reference): print("called", reference() is None)
        async def main():
            local = Local()
            main.reference = weakref.ref(local, callback)
        callback = functools.partial(loop.call_soon, called)
        for _ in range(3):
            loop.run_until_complete(main())
            loop.run_until_complete(asyncio.sleep(0))
        loop.close()
    """)
    assert out.split("\n") == ["called True"] * 3


@pytest.mark.parametrize("loop_closed", [False, True])
def test_the_source_of_the_warning_is_the_object(script, loop_closed):
    out = script(f"""
        import socket, warnings
        loop = new_loop()
        a, b = socket.socketpair()
        async def main(): return (await loop.connect_accepted_socket(asyncio.Protocol, a))[0]
        transport = loop.run_until_complete(main())
        if {loop_closed}: loop.close()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            transport.__del__()
        warning, = caught
        print(warning.source is transport, str(warning.message) == f"unclosed transport {{transport!r}}", a.fileno())
        del transport, warning, caught
        warnings.simplefilter("ignore")
        loop.close()
        b.close()
    """)
    source, _, fd = out.split()
    assert (source, fd) == ("True", "-1")


@pytest.mark.skipif(sys.version_info < (3, 14), reason="here the interpreter does not put off deallocations")
@pytest.mark.ferrio_only
def test_coroutines_go_away_where_the_stack_ends(script):
    """There the interpreter puts deallocations off, in a list that goes through what the collector's goes through."""
    out = script("""
        import gc, sys
        sys.setrecursionlimit(1_000_000)
        class Deep:
            def __repr__(self):
                try:
                    return repr([Deep()])
                finally:
                    one, other = ferrio.sleep(0), ferrio.sleep(0)
                    one.close()
                    other.close()
        for _ in range(3):
            try:
                repr(Deep())
            except RecursionError:
                print("deep")
            gc.collect()
    """)
    assert out.split("\n") == ["deep"] * 3
