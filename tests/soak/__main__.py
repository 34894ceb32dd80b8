"""Every kind of connection, process, timer and cancellation in one program on ferrio, for some minutes.

    python -m tests.soak [--minutes 5] [--loops 10000]

Fails if the memory or the number of descriptors grows after the warm-up, or if anything is reported.
"""

from __future__ import annotations

import argparse
import sys

from tests.soak.program import Soak


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--loops", type=int, default=10_000, help="how many are made and closed at the end")
    options = parser.parse_args()
    soak = Soak(options.minutes * 60, options.loops)
    errors = soak.run()
    for error in errors:
        print(error, file=sys.stderr)
    print(f"soak: {soak.rounds} rounds, {'failed' if errors else 'nothing is left behind'}")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
