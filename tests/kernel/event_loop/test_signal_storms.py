"""Signals by the thousand: the last is never lost, and their default action, which is death, never taken.

The kernel keeps one pending signal of a number, so how many handlers run is nobody's promise. What is promised is that
a handler runs after the last signal came: the sender numbers its signals in shared memory, where the handler reads how
far it has got. Each test is a process of its own, for it may be killed.
"""

STORM = """
import mmap, os, signal, subprocess, sys

SENDER = '''
import mmap, os, signal, sys
fd, count = int(sys.argv[1]), int(sys.argv[2])
with mmap.mmap(fd, 8) as memory:
    for number in range(1, count + 1):
        memory[:] = number.to_bytes(8, "little")
        os.kill(os.getppid(), signal.SIGUSR1)
'''

fd = os.memfd_create("storm")
os.ftruncate(fd, 8)
memory = mmap.mmap(fd, 8)
seen = []

def handler():
    seen.append(int.from_bytes(memory[:], "little"))

def storm(count):
    return subprocess.Popen(
        [sys.executable, "-c", SENDER, str(fd), str(count)], pass_fds=[fd], stdout=subprocess.PIPE
    )

loop = new_loop()
"""


def test_a_storm_within_one_callback_leaves_the_handler_working(script):
    """The wake-up descriptor has no room for all of them: it is full, and has to be emptied."""
    out = script(
        STORM
        + """
def rain():
    for _ in range(10_000):
        signal.raise_signal(signal.SIGUSR1)

def two_iterations():
    for _ in range(2):
        loop.call_soon(loop.stop)
        loop.run_forever()

loop.add_signal_handler(signal.SIGUSR1, handler)
loop.call_soon(rain)
two_iterations()
two_iterations()
assert 1 <= len(seen) <= 10_000, len(seen)
before = len(seen)
signal.raise_signal(signal.SIGUSR1)
two_iterations()
assert len(seen) == before + 1
loop.close()
print("alive")
"""
    )
    assert out == "alive"


def test_the_last_of_ten_thousand_signals_of_another_process_is_handled(script):
    out = script(
        STORM
        + """
async def main():
    while not seen or seen[-1] != 10_000:
        await asyncio.sleep(0)

loop.add_signal_handler(signal.SIGUSR1, handler)
with storm(10_000) as sender:
    loop.run_until_complete(asyncio.wait_for(main(), 20))
assert sender.returncode == 0
loop.close()
print("alive")
"""
    )
    assert out == "alive"


def test_the_last_of_ten_thousand_signals_ends_the_sleep_of_the_loop(script):
    out = script(
        STORM
        + """
def look():
    handler()
    if seen[-1] == 10_000:
        loop.stop()

loop.add_signal_handler(signal.SIGUSR1, look)
with storm(10_000) as sender:
    loop.run_forever()
assert sender.returncode == 0
loop.close()
print("alive")
"""
    )
    assert out == "alive"


def test_replacing_a_handler_again_and_again_leaves_no_moment_without_one(script):
    out = script(
        STORM
        + """
async def main():
    while not seen or seen[-1] != 10_000:
        for _ in range(10):
            loop.add_signal_handler(signal.SIGUSR1, handler)
        await asyncio.sleep(0)

loop.add_signal_handler(signal.SIGUSR1, handler)
with storm(10_000) as sender:
    loop.run_until_complete(asyncio.wait_for(main(), 20))
assert sender.returncode == 0
loop.close()
print("alive")
"""
    )
    assert out == "alive"


def test_a_handler_stays_between_two_runs_of_the_loop(script):
    out = script(
        STORM
        + """
loop.add_signal_handler(signal.SIGUSR1, handler)
with storm(1_000) as sender:
    while not seen or seen[-1] != 1_000:
        loop.run_until_complete(asyncio.sleep(0))
assert sender.returncode == 0
loop.close()
print("alive")
"""
    )
    assert out == "alive"
