"""accelerate() puts native names under asyncio's, restore() undoes it. Only ferrio can pass this file."""

import abc
import asyncio
import asyncio.subprocess
import subprocess
import sys
import textwrap
import typing

import ferrio
import pytest
from ferrio import _accelerate

NAMES = sorted(_accelerate._originals)
CLASSES = [name for name in _accelerate.CLASSES if name in _accelerate._originals]
OWN = dict(_accelerate._originals)


@pytest.fixture
def accelerated():
    ferrio.accelerate()
    yield
    ferrio.restore()


def everything():
    """The contents of all modules of asyncio, and of the classes in them."""
    modules = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "asyncio"}
    found = {name: dict(vars(module)) for name, module in modules.items()}
    for name, module in modules.items():
        for key, value in vars(module).items():
            if isinstance(value, type) and value.__module__.split(".")[0] in {"asyncio", "_asyncio"}:
                found[f"{name}.{key}"] = {attribute: id(it) for attribute, it in vars(value).items()}
    return found


def test_restore_undoes_accelerate_exactly():
    before = everything()
    ferrio.accelerate()
    during = everything()
    ferrio.accelerate()
    assert everything() == during != before
    ferrio.restore()
    assert everything() == before
    ferrio.restore()
    assert everything() == before


def test_it_can_be_done_again_and_again():
    before = everything()
    for _ in range(3):
        ferrio.accelerate()
        assert asyncio.Queue is ferrio.Queue
        ferrio.restore()
        assert everything() == before


@pytest.mark.parametrize("name", NAMES)
def test_every_module_that_has_a_name_gets_the_native_one(accelerated, name):
    places = [module for path, module in sys.modules.items() if path.split(".")[0] == "asyncio"]
    values = {getattr(module, name) for module in places if hasattr(module, name)}
    native, own = getattr(ferrio, name), OWN[name]
    assert getattr(asyncio, name) is native
    assert own not in values
    assert values == {native}


class Closed(asyncio.Transport):
    def is_closing(self):
        return True


def make(kind, loop):
    """An instance of one of the classes, or of a subclass with its name."""
    match kind.__name__:
        case "Barrier":
            return kind(2)
        case "Task":
            return kind(asyncio.sleep(0), loop=loop)
        case "Timeout":
            return kind(None)
        case "Future" | "StreamReader":
            return kind(loop=loop)
        case "StreamReaderProtocol":
            return kind(None, loop=loop)
        case "StreamWriter":
            return kind(Closed(), None, None, loop)
        case _:
            return kind()


@pytest.mark.parametrize("name", CLASSES)
async def test_instances_and_subclasses_of_either_class_are_both_s(loop, name):
    native, own = getattr(ferrio, name), OWN[name]
    for kind in (native, own):
        instance = make(kind, loop)
        assert isinstance(instance, native)
        assert isinstance(instance, own)
        assert issubclass(kind, native)
        if name == "Task":
            await instance
    # The other direction of classes would have to be said by asyncio's class.
    assert issubclass(own, native)
    assert not issubclass(int, native)
    assert not isinstance(5, native)
    assert not issubclass(object, native)


@pytest.mark.parametrize("name", [name for name in CLASSES if name != "Task"])
async def test_an_instance_of_a_subclass_is_of_that_class(loop, name):
    kind = type(name, (getattr(ferrio, name),), {"mine": "mine"})
    instance = make(kind, loop)
    assert instance.__class__ is kind
    assert instance.__class__.mine == "mine"
    assert "mine" in dir(instance)


@pytest.mark.parametrize("name", [name for name in CLASSES if name != "Task"])
async def test_subclasses_made_before_keep_working_afterwards(loop, name):
    kind = type(name, (OWN[name],), {"mine": lambda self: "mine"})
    before = make(kind, loop)
    ferrio.accelerate()
    try:
        for instance in (before, make(kind, loop)):
            assert isinstance(instance, kind)
            assert isinstance(instance, getattr(asyncio, name))
            assert instance.mine() == "mine"
        assert issubclass(kind, getattr(asyncio, name))
    finally:
        ferrio.restore()
    assert isinstance(before, getattr(asyncio, name))


@pytest.mark.parametrize("name", [name for name in CLASSES if name != "Task"])
async def test_subclasses_made_while_accelerated_keep_working_after_restore(loop, name):
    ferrio.accelerate()
    try:
        kind = type(name, (getattr(asyncio, name),), {"mine": lambda self: "mine"})
        before = make(kind, loop)
    finally:
        ferrio.restore()
    for instance in (before, make(kind, loop)):
        assert isinstance(instance, kind)
        assert isinstance(instance, getattr(ferrio, name))
        assert instance.mine() == "mine"
    assert not isinstance(make(OWN[name], loop), kind)


async def test_a_subclass_may_be_abstract_as_well(loop, accelerated):
    class Abstract(abc.ABC):
        @abc.abstractmethod
        def name(self): ...

    class Both(asyncio.Queue, Abstract):
        def name(self):
            return "both"

    class Incomplete(asyncio.Queue, Abstract):
        pass

    both = Both(3)
    await both.put(both.name())
    assert await both.get() == "both"
    assert isinstance(both, Abstract)
    assert isinstance(both, asyncio.Queue)
    Abstract.register(asyncio.Lock)
    assert isinstance(asyncio.Lock(), Abstract)
    with pytest.raises(TypeError, match="abstract"):
        Incomplete()


async def test_a_subclass_may_be_a_typing_protocol_as_well(loop, accelerated):
    class Named(typing.Protocol):
        def name(self): ...

    class Both(asyncio.Queue, Named):
        def name(self):
            return "both"

    both = Both(3)
    await both.put(both.name())
    assert await both.get() == "both"
    assert isinstance(both, asyncio.Queue)
    assert not isinstance(3, asyncio.Queue)


async def test_code_that_imported_names_before_goes_on_to_work(loop):
    own_queue, own_gather, own_sleep, own_lock = asyncio.Queue, asyncio.gather, asyncio.sleep, asyncio.Lock
    ferrio.accelerate()
    try:
        queue, lock = own_queue(1), own_lock()
        assert type(queue) is own_queue is not asyncio.Queue

        async def produce():
            for number in range(10):
                async with lock:
                    await queue.put(number)
                await own_sleep(0)

        async def consume():
            return [await asyncio.wait_for(queue.get(), 10) for _ in range(10)]

        assert await own_gather(produce(), consume()) == [None, list(range(10))]
        with pytest.raises(asyncio.QueueEmpty):
            queue.get_nowait()
        condition = asyncio.Condition(own_lock())
        async with condition:
            condition.notify_all()
    finally:
        ferrio.restore()


async def test_streams_of_both_kinds_mix(loop):
    async def echo(reader, writer):
        assert isinstance(reader, asyncio.StreamReader)
        assert isinstance(writer, asyncio.StreamWriter)
        writer.write(await reader.read())
        writer.close()

    for server_of, client_of in ((asyncio, ferrio), (ferrio, asyncio)):
        server = await server_of.start_server(echo, "127.0.0.1", 0)
        reader, writer = await client_of.open_connection(*server.sockets[0].getsockname())
        writer.write(b"data")
        writer.write_eof()
        assert await reader.read() == b"data"
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()


PROGRAM = """
    import asyncio
    names = ["Queue", "Lock", "StreamReader", "gather", "open_connection", "create_subprocess_exec", "Task"]
    print(*[getattr(asyncio, name).__module__.split(".")[0] for name in names])
    async def main():
        return type(asyncio.get_running_loop()).__module__.split(".")[0]
    print(asyncio.run(main()))
"""


@pytest.mark.parametrize(
    ("options", "names"),
    [((), "ferrio"), (("--no-accelerate",), "asyncio")],
    ids=["by default", "--no-accelerate"],
)
@pytest.mark.parametrize("form", ["-c", "file", "-"])
def test_python_m_ferrio_accelerates_unless_told_not_to(tmp_path, options, names, form):
    code = textwrap.dedent(PROGRAM)
    path = tmp_path / "program.py"
    path.write_text(code)
    arguments = {"-c": ["-c", code], "file": [path], "-": ["-"]}[form]
    process = subprocess.run(
        [sys.executable, "-W", "error", "-m", "ferrio", *options, *arguments],
        input=code if form == "-" else None,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert process.stderr == ""
    modules, loop = process.stdout.splitlines()
    assert set(modules.replace("_asyncio", "asyncio").split()) == {names}
    assert loop == "ferrio"
