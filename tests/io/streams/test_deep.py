"""Objects that refer to each other in a circle or a long chain: too deep for the stack is a `RecursionError`."""

import pytest

PROGRAM = """
    import sys
    names = ferrio if "ferrio" in sys.modules else asyncio

    async def main():
        loop = asyncio.get_running_loop()
        {code}

    try:
        new_loop().run_until_complete(main())
    except (RecursionError, RuntimeError) as exc:
        print(type(exc).__name__)
"""

READERS = """
        reader = names.StreamReader()
        for _ in range(20_000):
            outer = names.StreamReader()
            outer._transport = reader
            reader = outer
"""
WRITER = """
        writer = names.StreamWriter(None, None, None, loop)
        writer._transport = writer
"""

DEEP = {
    "the representation of a reader that is its own transport": """
        reader = names.StreamReader()
        reader._transport = reader
        repr(reader)
    """,
    "the representation of a reader whose exception refers to it": """
        reader, error = names.StreamReader(), RuntimeError()
        error.args = (reader,)
        reader.set_exception(error)
        repr(reader)
    """,
    "the representation of a chain of readers": READERS + "        repr(reader)",
    "the representation of a writer that is its own transport": WRITER + "        repr(writer)",
    **{
        f"{call} of a writer that is its own transport": WRITER + f"        writer.{call}"
        for call in (
            "write(b'x')",
            "writelines([b'x'])",
            "close()",
            "is_closing()",
            "can_write_eof()",
            "write_eof()",
            "get_extra_info('x')",
        )
    },
    "cancelling nested gathering futures": """
        future = loop.create_future()
        for _ in range(20_000):
            future = names.gather(future)
        future.cancel()
    """,
}


@pytest.mark.parametrize("code", DEEP.values(), ids=DEEP)
def test_too_deep_is_a_recursion_error(script, code):
    assert script(PROGRAM.format(code=code.strip()), "-W", "ignore") == "RecursionError"


def test_a_condition_over_conditions_has_the_methods_of_the_innermost_lock(script):
    code = """
        condition = names.Condition()
        for _ in range(20_000):
            condition = names.Condition(condition)
        print(condition.locked())
        await condition.acquire()
        print(condition.locked())
        condition.release()
        condition.release()
    """
    assert script(PROGRAM.format(code=code.strip()), "-W", "ignore").split() == [
        "False",
        "True",
        "RuntimeError",
    ]
