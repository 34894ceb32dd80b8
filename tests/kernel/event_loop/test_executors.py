"""run_in_executor() and the life of the default executor."""

import asyncio
import concurrent.futures
import threading
import time

import pytest

from tests.harness import PY

SHUT_DOWN = r"^Executor shutdown has been called$"


async def test_a_function_runs_in_another_thread_and_its_result_comes_back(loop):
    def work(*args):
        return threading.current_thread() is threading.main_thread(), args

    assert await loop.run_in_executor(None, work) == (False, ())
    assert await loop.run_in_executor(None, work, 1, "two", [3]) == (False, (1, "two", [3]))


async def test_run_in_executor_returns_a_future_of_the_loop(loop):
    future = loop.run_in_executor(None, int)
    assert asyncio.isfuture(future)
    assert isinstance(future, asyncio.Future)
    assert future.get_loop() is loop
    assert await future == 0


async def test_the_exception_of_the_function_is_raised_as_the_same_object(loop):
    exc = LookupError("argument")

    def fail():
        raise exc

    with pytest.raises(LookupError) as caught:
        await loop.run_in_executor(None, fail)
    assert caught.value is exc


async def test_the_default_threads_are_named_after_the_library(loop):
    name = await loop.run_in_executor(None, lambda: threading.current_thread().name)
    assert name.startswith("asyncio_")


async def test_an_own_executor_is_used(loop):
    with concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="own") as executor:
        name = await loop.run_in_executor(executor, lambda: threading.current_thread().name)
    assert name.startswith("own")


async def test_anything_with_submit_is_an_executor(loop):
    class Immediate:
        def submit(self, function, *args):
            future = concurrent.futures.Future()
            future.set_result(function(*args))
            return future

    assert await loop.run_in_executor(Immediate(), lambda a, b: a + b, 1, 2) == 3


async def test_set_default_executor_changes_what_none_means(loop):
    loop.set_default_executor(concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="own"))
    name = await loop.run_in_executor(None, lambda: threading.current_thread().name)
    assert name.startswith("own")
    assert (await asyncio.to_thread(lambda: threading.current_thread().name)).startswith("own")


@pytest.mark.parametrize("executor", [None, 42, object(), concurrent.futures.Executor()])
def test_the_default_executor_must_be_a_thread_pool(loop, executor):
    with pytest.raises(TypeError, match=r"^executor must be ThreadPoolExecutor instance$"):
        loop.set_default_executor(executor)


async def test_something_not_callable_fails_in_the_future(loop):
    with pytest.raises(TypeError):
        await loop.run_in_executor(None, "not callable")


async def test_several_jobs_run_at_once(loop):
    barrier = threading.Barrier(3, timeout=20)
    await asyncio.gather(*[loop.run_in_executor(None, barrier.wait) for _ in range(3)])


async def test_the_loop_goes_on_while_a_job_runs(loop):
    release = threading.Event()
    job = loop.run_in_executor(None, release.wait, 20)
    for _ in range(10):
        await asyncio.sleep(0)
    assert not job.done()
    release.set()
    assert await job is True


async def test_a_job_cancelled_before_it_starts_never_runs(loop):
    loop.set_default_executor(concurrent.futures.ThreadPoolExecutor(1))
    release = threading.Event()
    ran = []
    first = loop.run_in_executor(None, release.wait, 20)
    second = loop.run_in_executor(None, ran.append, 1)
    second.cancel()
    await asyncio.sleep(0)
    release.set()
    await first
    with pytest.raises(asyncio.CancelledError):
        await second
    await loop.run_in_executor(None, int)
    assert ran == []


async def test_cancelling_a_job_that_runs_forgets_its_result(loop):
    started, release = threading.Event(), threading.Event()

    def work():
        started.set()
        release.wait(20)

    job = loop.run_in_executor(None, work)
    await asyncio.to_thread(started.wait, 20)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    release.set()
    await loop.shutdown_default_executor()


async def test_a_hundred_jobs_bring_their_results(loop):
    jobs = [loop.run_in_executor(None, pow, number, 2) for number in range(100)]
    assert await asyncio.gather(*jobs) == [number**2 for number in range(100)]


async def test_shutting_down_waits_for_running_jobs(loop):
    release = threading.Event()
    done = []
    job = loop.run_in_executor(None, lambda: (release.wait(20), done.append(1)))
    shutdown = asyncio.create_task(loop.shutdown_default_executor())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not shutdown.done()
    release.set()
    assert await shutdown is None
    assert done == [1]
    await job


async def test_after_the_shutdown_the_default_executor_is_refused_but_an_own_one_works(loop):
    await loop.run_in_executor(None, int)
    await loop.shutdown_default_executor()
    with pytest.raises(RuntimeError, match=SHUT_DOWN):
        loop.run_in_executor(None, int)
    with pytest.raises(RuntimeError, match=SHUT_DOWN):
        await asyncio.to_thread(int)
    with pytest.raises(RuntimeError, match=SHUT_DOWN):
        await loop.getaddrinfo("localhost", 80)
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        assert await loop.run_in_executor(executor, int) == 0


async def test_shutting_down_is_fine_without_an_executor_and_twice(loop):
    assert await loop.shutdown_default_executor() is None
    assert await loop.shutdown_default_executor() is None
    with pytest.raises(RuntimeError, match=SHUT_DOWN):
        loop.run_in_executor(None, int)


@pytest.mark.skipif(PY < (3, 12), reason="the timeout is new in 3.12")
async def test_a_shutdown_in_time_says_nothing(loop):
    await loop.run_in_executor(None, int)
    assert await loop.shutdown_default_executor(20) is None


@pytest.mark.skipif(PY < (3, 13), reason="3.12 waits for the jobs before the timeout begins")
async def test_a_shutdown_that_takes_too_long_warns_and_goes_on(loop):
    release = threading.Event()
    job = loop.run_in_executor(None, release.wait, 20)
    with pytest.warns(RuntimeWarning, match=r"did not finish\w* joining its threads within 0.01 seconds"):
        await loop.shutdown_default_executor(timeout=0.01)
    release.set()
    await job


def test_close_does_not_wait_for_running_jobs(loop):
    release = threading.Event()

    async def main():
        loop.run_in_executor(None, release.wait, 20).cancel()

    loop.run_until_complete(main())
    start = time.monotonic()
    loop.close()
    assert time.monotonic() - start < 10
    release.set()


def test_close_shuts_the_default_executor_down(loop):
    executor = concurrent.futures.ThreadPoolExecutor(1)
    loop.set_default_executor(executor)
    loop.close()
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        executor.submit(int)


def test_jobs_may_be_submitted_before_the_loop_runs(loop):
    future = loop.run_in_executor(None, pow, 2, 10)
    assert loop.run_until_complete(future) == 1024


def test_the_runner_shuts_the_executor_down(loop_factory, process_state):
    names = []

    async def main():
        names.append(await asyncio.to_thread(lambda: threading.current_thread().name))

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())
    assert names[0] not in [thread.name for thread in threading.enumerate()]
