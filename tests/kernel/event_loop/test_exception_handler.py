"""The exception handler: its arguments, and what happens when it fails itself."""

import asyncio
import contextvars
import gc
import logging
import socket
import traceback

import pytest

from tests.harness import PY, turn, turns


@pytest.fixture
def plain(loop):
    """The loop without any exception handler set."""
    loop.set_exception_handler(None)
    return loop


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.DEBUG, logger="asyncio")
    return caplog


def fail(*args):
    raise LookupError(*args)


def test_there_is_no_handler_at_first(loop_factory, process_state):
    loop = loop_factory()
    assert loop.get_exception_handler() is None
    loop.close()


def test_the_handler_that_was_set_is_the_one_returned(loop):
    def handler(loop, context):
        pass

    assert loop.set_exception_handler(handler) is None
    assert loop.get_exception_handler() is handler
    loop.set_exception_handler(None)
    assert loop.get_exception_handler() is None


@pytest.mark.parametrize("handler", ["not callable", 42, ()])
def test_a_handler_must_be_callable(loop, handler):
    with pytest.raises(TypeError, match=r"^A callable object or None is expected, got "):
        loop.set_exception_handler(handler)


def test_the_handler_gets_the_loop_and_the_context_of_a_failed_callback(loop):
    calls = []
    loop.set_exception_handler(lambda *args: calls.append(args))
    handle = loop.call_soon(fail, "argument")
    turn(loop)
    ((handlers_loop, context),) = calls
    assert handlers_loop is loop
    assert sorted(context) == ["exception", "handle", "message"]
    assert context["handle"] is handle
    assert repr(context["exception"]) == "LookupError('argument')"
    assert context["message"].startswith("Exception in callback fail(")
    assert f"at {__file__}:" in context["message"]


@pytest.mark.parametrize(
    ("kind", "args"), [("call_later", [0]), ("call_at", [0]), ("call_soon_threadsafe", [])]
)
def test_every_kind_of_callback_reports_its_handle(loop, errors, kind, args):
    handle = getattr(loop, kind)(*args, fail)
    turn(loop)
    context = errors.take_one()
    assert context["handle"] is handle
    assert isinstance(context["exception"], LookupError)


def test_a_failed_callback_does_not_stop_the_others(loop, errors):
    ran = []
    for number in range(5):
        loop.call_soon(fail, number)
        loop.call_soon(ran.append, number)
    turn(loop)
    assert ran == [0, 1, 2, 3, 4]
    assert [context["exception"].args for context in errors.take()] == [(n,) for n in range(5)]


def test_call_exception_handler_hands_the_very_dict_over(loop, errors):
    context = {"message": "text", "own key": object()}
    assert loop.call_exception_handler(context) is None
    assert errors.take_one() is context


def test_without_a_handler_the_error_is_logged_with_its_traceback(plain, log):
    plain.call_soon(fail, "argument")
    turn(plain)
    (record,) = log.records
    assert record.name == "asyncio"
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith("Exception in callback fail(")
    assert "\nhandle: <Handle " in record.getMessage()
    assert record.exc_info[0] is LookupError
    assert record.exc_info[2].tb_next is not None or record.exc_info[2].tb_frame.f_code.co_name == "fail"


def test_the_default_handler_has_a_default_message(plain, log):
    plain.call_exception_handler({})
    plain.call_exception_handler({"message": ""})
    assert [record.getMessage() for record in log.records] == ["Unhandled exception in event loop"] * 2


def test_the_default_handler_logs_all_other_keys_in_alphabetic_order(plain, log):
    plain.default_exception_handler({"zebra": 1, "message": "text", "apple": "two"})
    (record,) = log.records
    assert record.getMessage() == "text\napple: 'two'\nzebra: 1"
    assert not record.exc_info


def test_a_source_traceback_is_logged_as_lines(plain, log):
    import traceback

    plain.call_exception_handler({"message": "text", "source_traceback": traceback.extract_stack()})
    message = log.records[0].getMessage()
    assert message.startswith("text\nsource_traceback: Object created at (most recent call last):\n")
    assert __file__ in message


def test_a_handler_that_fails_is_logged_with_the_context_it_was_given(loop, log):
    context = {"message": "first"}
    loop.set_exception_handler(fail)
    loop.call_exception_handler(context)
    (record,) = log.records
    assert record.getMessage() == f"Unhandled error in exception handler\ncontext: {context!r}"
    assert record.exc_info[0] is LookupError


def test_a_handler_that_fails_does_not_stop_the_loop(loop, log):
    ran = []
    loop.set_exception_handler(fail)
    loop.call_soon(fail)
    loop.call_soon(ran.append, 1)
    turn(loop)
    assert ran == [1]
    assert len(log.records) == 1


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_interrupts_from_a_handler_leave_the_loop(loop, kind):
    def handler(loop, context):
        raise kind

    ran = []
    loop.set_exception_handler(handler)
    loop.call_soon(fail)
    loop.call_soon(ran.append, 1)
    with pytest.raises(kind):
        loop.run_forever()
    turn(loop)
    assert ran == [1]


def test_the_default_handler_can_be_called_by_an_own_one(loop, log):
    loop.set_exception_handler(lambda loop, context: loop.default_exception_handler(context))
    loop.call_soon(fail)
    turn(loop)
    assert len(log.records) == 1


def test_an_own_default_handler_of_a_subclass_is_used_and_guarded(process_state, loop_factory, caplog):
    model = loop_factory()
    model.close()
    got = []

    class Own(type(model)):
        def default_exception_handler(self, context):
            got.append(context["message"])
            raise LookupError("in the default handler")

    loop = Own()
    loop.call_exception_handler({"message": "text"})
    loop.close()
    assert got == ["text"]
    assert caplog.records[0].getMessage() == "Exception in default exception handler"


@pytest.mark.skipif(PY < (3, 12), reason="new in 3.12")
def test_the_handler_runs_in_the_context_of_the_handle_that_failed(loop):
    variable = contextvars.ContextVar("variable", default="outside")
    seen = []
    loop.set_exception_handler(lambda loop, context: seen.append(variable.get()))

    def callback():
        variable.set("inside")
        raise LookupError

    loop.call_soon(callback)
    turn(loop)
    loop.call_exception_handler({})
    assert seen == ["inside", "outside"]


def test_an_exception_that_no_one_retrieved_is_reported_when_the_future_goes(loop, errors):
    future = loop.create_future()
    future.set_exception(LookupError("argument"))
    del future
    gc.collect()
    context = errors.take_one()
    assert context["message"] == "Future exception was never retrieved"
    assert repr(context["exception"]) == "LookupError('argument')"


def test_an_exception_that_no_one_retrieved_is_reported_when_the_task_goes(loop, errors):
    async def main():
        raise LookupError("argument")

    loop.create_task(main())
    turn(loop)
    gc.collect()
    context = errors.take_one()
    assert context["message"] == "Task exception was never retrieved"
    assert isinstance(context["future"], asyncio.Future)
    assert repr(context["exception"]) == "LookupError('argument')"


def test_a_task_destroyed_while_pending_is_reported(loop, errors):
    async def main():
        await loop.create_future()

    loop.create_task(main())
    turn(loop)
    gc.collect()
    context = errors.take_one()
    assert context["message"] == "Task was destroyed but it is pending!"
    assert isinstance(context["task"], asyncio.Task)


async def fails_in_a_callback(loop):
    loop.call_soon(int, "no number")


async def fails_in_a_timer(loop):
    loop.call_later(0, int, "no number")


async def fails_in_a_done_callback(loop):
    future = loop.create_future()
    future.add_done_callback(len)
    future.set_result(None)


async def fails_in_a_protocol(loop):
    class Failing(asyncio.Protocol):
        data_received = staticmethod(int)

        def connection_lost(self, exc):
            lost.set_result(None)

    lost = loop.create_future()
    left, right = socket.socketpair()
    with right:
        await loop.create_connection(Failing, sock=left)
        right.send(b"no number")
        await lost


@pytest.mark.parametrize(
    "fails", [fails_in_a_callback, fails_in_a_timer, fails_in_a_done_callback, fails_in_a_protocol]
)
def test_an_error_of_a_function_that_is_not_python_code_has_a_traceback(loop, errors, fails):
    loop.run_until_complete(fails(loop))
    turns(loop, 3)
    exception = errors.take_one()["exception"]
    assert traceback.extract_tb(exception.__traceback__)
    assert "".join(traceback.format_exception(exception))
