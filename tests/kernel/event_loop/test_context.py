"""Context variables: which context every kind of callback runs in."""

import asyncio
import contextvars
import itertools

import pytest

from tests.harness import PY, Recorder, socket_pair, turn, turns

variable = contextvars.ContextVar("variable", default="unset")


@pytest.fixture(autouse=True)
def fresh():
    """Whatever a test sets in the test's own context is undone."""
    token = variable.set("test")
    yield
    variable.reset(token)


def fresh_context(value):
    context = contextvars.Context()
    context.run(variable.set, value)
    return context


SCHEDULE = {
    "call_soon": lambda loop, *args, **options: loop.call_soon(*args, **options),
    "call_soon_threadsafe": lambda loop, *args, **options: loop.call_soon_threadsafe(*args, **options),
    "call_later": lambda loop, *args, **options: loop.call_later(0, *args, **options),
    "call_at": lambda loop, *args, **options: loop.call_at(0, *args, **options),
}
every_way = pytest.mark.parametrize("schedule", SCHEDULE.values(), ids=SCHEDULE)


@every_way
def test_a_callback_sees_the_context_of_the_time_it_was_added(loop, schedule):
    seen = []
    variable.set("when added")
    schedule(loop, lambda: seen.append(variable.get()))
    variable.set("later")
    turn(loop)
    assert seen == ["when added"]


@every_way
def test_what_a_callback_sets_stays_its_own(loop, schedule):
    seen = []

    def callback(value):
        seen.append(variable.get())
        variable.set(value)

    schedule(loop, callback, "one")
    schedule(loop, callback, "two")
    turn(loop)
    assert seen == ["test", "test"]
    assert variable.get() == "test"


@every_way
def test_a_callback_runs_in_the_very_context_it_was_given(loop, schedule):
    context = fresh_context("given")
    seen = []

    def callback(value):
        seen.append(variable.get())
        variable.set(value)

    schedule(loop, callback, "one", context=context)
    schedule(loop, callback, "two", context=context)
    turn(loop)
    assert sorted(seen)[0] == "given"
    assert context[variable] in ("one", "two")
    assert {*seen, context[variable]} == {"given", "one", "two"}
    assert variable.get() == "test"


@every_way
def test_none_as_context_means_a_copy(loop, schedule):
    seen = []
    schedule(loop, lambda: seen.append(variable.get()), context=None)
    turn(loop)
    assert seen == ["test"]


def test_a_callback_inherits_from_the_callback_that_added_it(loop):
    seen = []

    def first():
        variable.set("first")
        loop.call_soon(lambda: seen.append(variable.get()))
        variable.set("changed")

    loop.call_soon(first)
    turns(loop, 2)
    assert seen == ["first"]


def test_a_context_that_is_already_entered_is_reported_and_the_loop_runs_on(loop, errors, caplog):
    ran = []
    context = contextvars.copy_context()
    loop.call_soon(int, context=context)
    loop.call_soon(ran.append, 1, context=contextvars.Context())
    context.run(turn, loop)
    assert ran == [1]
    if PY >= (3, 12):  # the handler is to run in that context too, and fails in the same way
        (record,) = caplog.records
        assert record.getMessage().startswith("Unhandled error in exception handler")
        found = record.exc_info[1]
    else:
        found = errors.take_one()["exception"]
    assert isinstance(found, RuntimeError)
    assert "is already entered" in str(found)


def test_a_reader_keeps_one_context_from_when_it_was_added(loop):
    seen = []

    def read():
        seen.append(variable.get())
        variable.set(f"read {len(seen)}")

    with socket_pair() as (ours, theirs):
        variable.set("when added")
        loop.add_reader(ours, read)
        variable.set("later")
        theirs.send(b"x")
        turns(loop, 3)
        loop.remove_reader(ours)
    assert seen == ["when added", "read 1", "read 2"]
    assert variable.get() == "later"


def test_a_writer_keeps_one_context_from_when_it_was_added(loop):
    seen = []

    def write():
        seen.append(variable.get())
        variable.set(f"write {len(seen)}")

    with socket_pair() as (ours, _):
        variable.set("when added")
        loop.add_writer(ours, write)
        variable.set("later")
        turns(loop, 3)
        loop.remove_writer(ours)
    assert seen == ["when added", "write 1", "write 2"]


def test_a_done_callback_sees_the_context_of_the_time_it_was_added(loop):
    seen = []
    future = loop.create_future()
    variable.set("when added")
    future.add_done_callback(lambda _: seen.append(variable.get()))
    future.add_done_callback(lambda _: seen.append(variable.get()), context=fresh_context("given"))
    variable.set("later")
    future.set_result(None)
    turn(loop)
    assert seen == ["when added", "given"]


async def test_a_task_keeps_what_it_sets_across_its_steps(loop):
    async def worker(name):
        variable.set(name)
        for _ in range(3):
            await asyncio.sleep(0)
            assert variable.get() == name

    await asyncio.gather(worker("one"), worker("two"))
    assert variable.get() == "test"


async def test_a_coroutine_awaited_directly_shares_the_context(loop):
    async def setter():
        variable.set("set inside")
        await asyncio.sleep(0)

    await setter()
    assert variable.get() == "set inside"


async def test_to_thread_takes_the_context_along_and_run_in_executor_does_not(loop):
    variable.set("task")
    assert await asyncio.to_thread(variable.get) == "task"
    assert await loop.run_in_executor(None, variable.get) == "unset"


class ContextRecorder(Recorder):
    """Writes the variable down in every call of the protocol."""

    def __init__(self, *args):
        super().__init__(*args)
        self.seen = []

    def note(self, name):
        self.seen.append((name, variable.get()))
        variable.set(f"set in {name}")
        super().note(name)


async def converse(loop, set_in_client, set_in_server):
    """One conversation; what the protocols saw in each of their callbacks."""
    server_side = ContextRecorder()
    variable.set(set_in_server)
    server = await loop.create_server(lambda: server_side, "127.0.0.1", 0)
    variable.set(set_in_client)
    _, client_side = await loop.create_connection(ContextRecorder, *server.sockets[0].getsockname())
    variable.set("afterwards")
    client_side.transport.write(b"ping")
    await server_side.got(4)
    server_side.transport.write(b"pong")
    await client_side.got(4)
    client_side.transport.write_eof()
    await asyncio.gather(server_side.lost(), client_side.lost())
    server.close()
    await server.wait_closed()
    return client_side.seen, server_side.seen


@pytest.mark.skipif(PY >= (3, 15), reason="see the next test")
async def test_protocols_see_what_was_set_before_their_connection_or_server_was_made(loop):
    client_seen, server_seen = await converse(loop, "client", "server")
    assert client_seen[:2] == [("connection_made", "client"), ("data_received", "client")]
    assert server_seen[:2] == [("connection_made", "server"), ("data_received", "server")]


@pytest.mark.skipif(PY < (3, 15), reason="a connection has one context since 3.15")
async def test_all_callbacks_of_a_connection_share_one_context(loop):
    for seen, first in zip(await converse(loop, "client", "server"), ("client", "server"), strict=True):
        assert seen[0] == ("connection_made", first)
        for (before, _), (_, value) in itertools.pairwise(seen):
            assert value == f"set in {before}"


async def test_two_connections_of_a_server_do_not_share_a_context(loop):
    made = []

    def factory():
        made.append(ContextRecorder())
        return made[-1]

    server = await loop.create_server(factory, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    clients = [(await loop.create_connection(Recorder, *address))[1] for _ in range(2)]
    for client in clients:
        client.transport.write(b"x")
    for side in made:
        await side.got(1)
    for client in clients:
        client.transport.close()
    await asyncio.gather(*[side.lost() for side in [*clients, *made]])
    server.close()
    await server.wait_closed()
    assert [side.seen[0] for side in made] == [("connection_made", "test")] * 2
