"""More signals in one callback than the wake-up descriptor has room for: no number may be forgotten."""

import pytest


@pytest.mark.stock_bug(
    True, reason="asyncio reads the numbers of signals from a pipe, which has room for some"
)
def test_a_signal_that_comes_after_ten_thousand_of_another_number_is_handled(script):
    out = script(
        """
        import signal

        def rain():
            for _ in range(10_000):
                signal.raise_signal(signal.SIGUSR1)
            signal.raise_signal(signal.SIGUSR2)
            loop.call_soon(loop.call_soon, loop.call_soon, loop.stop)

        loop = new_loop()
        runs = set()
        loop.add_signal_handler(signal.SIGUSR1, runs.add, 1)
        loop.add_signal_handler(signal.SIGUSR2, runs.add, 2)
        loop.call_soon(rain)
        loop.run_forever()
        loop.close()
        print(sorted(runs))
        """
    )
    assert out == "[1, 2]"
