"""The `ResourceWarning` of an unclosed object belongs to asyncio's module, for filters, counts and messages."""


def test_the_default_is_to_say_it_once_for_each_line_of_asyncio(script):
    """The line counts, not the one that lets go."""
    out = script("""
        import asyncio.streams, sys, warnings
        kind = sys.modules.get("ferrio", asyncio).StreamWriter
        loop = new_loop()
        class Open:
            def is_closing(self): return False
        writers = [kind(Open(), None, None, loop) for _ in range(3)]
        loop.close()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            writers.pop()
            for _ in range(2):
                writers.pop()
        print(len(caught), caught[0].category.__name__)
        print([key[0] for key in asyncio.streams.__warningregistry__ if key != "version"])
    """)
    assert out.split("\n") == ["1 ResourceWarning", "['loop is closed']"]


def test_an_error_is_raised_where_asyncio_raises_it(script):
    """An exception's traceback has asyncio's line as its last entry."""
    out = script("""
        import socket, traceback, warnings
        loop = new_loop()
        a, b = socket.socketpair()
        async def main(): return (await loop.connect_accepted_socket(asyncio.Protocol, a))[0]
        transport = loop.run_until_complete(main())
        warnings.simplefilter("error")
        try:
            transport.__del__()
        except ResourceWarning as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            print(last.filename == asyncio.selector_events.__file__, last.name, last.line)
        transport.close()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
        b.close()
    """)
    assert out == 'True __del__ _warn(f"unclosed transport {self!r}", ResourceWarning, source=self)'


def test_filters_of_the_command_line_match_asyncio_s_modules(script):
    code = """
        import socket
        loop = new_loop()
        a, b = socket.socketpair()
        async def main(): return (await loop.connect_accepted_socket(asyncio.Protocol, a))[0]
        transport = loop.run_until_complete(main())
        loop.close()
        del transport
        b.close()
    """
    for module, said in (("selector_events", False), ("streams", True)):
        flags = ("-W", "always", "-W", f"ignore::ResourceWarning:asyncio.{module}")
        with script.start(code, *flags) as process:
            _, err = process.communicate(timeout=20)
        assert process.returncode == 0, err
        assert ("ResourceWarning: unclosed transport" in err) is said
