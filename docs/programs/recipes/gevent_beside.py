import asyncio
import threading

import gevent


def greenlets(answers: list[str]) -> None:
    def work(name: str) -> str:
        gevent.sleep(0.01)
        return f"{name} greenlet"

    jobs = [gevent.spawn(work, name) for name in ("first", "second")]
    gevent.joinall(jobs)
    answers += [job.value for job in jobs]


async def main() -> None:
    answers: list[str] = []
    thread = asyncio.to_thread(greenlets, answers)  # gevent's hub belongs to that thread.
    _, beside = await asyncio.gather(thread, asyncio.sleep(0.01, "the loop went on"))
    print(answers, beside, threading.current_thread() is threading.main_thread())


asyncio.run(main())
