"""The library of faults.c from Python: building it, and the rules for the faults.

A rule is a dictionary, so that it can be sent to another process:

- `on`: which calls. `read`, `write`, `accept`, `connect`, `wait` (for events), `control` (of what is watched), `child`
  (waiting for one), `close`, `open` (of descriptors), `shutdown`. asyncio's loop and ferrio's use different system
  calls for the same purpose (`recv` and `recvmsg`, `wait4` and `waitid`); the names are those of the purpose.
- `kinds`: only descriptors of these kinds: `tcp`, `unix`, `udp`, `unix_datagram`, `pipe`, `other`. Descriptors that
  were open before the injection started (those of the loop itself) are left alone, unless the rule says which: `fd`.
- `fails`: the name of the error; or `short`: the most bytes (or datagrams of a batch) that the call moves; or
  `cut`: the descriptor is closed, and the call fails with EBADF.
- when: `nth` (from 1) and `times`; or `after`, a number of bytes: calls up to there are shortened so that the fault
  comes at exactly this offset, however the loop divides the data into calls; or `permille`, the chance of each call.
"""

import ctypes
import errno
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("faults.c")
GROUPS = (
    "none",
    "read",
    "write",
    "accept",
    "connect",
    "wait",
    "control",
    "child",
    "close",
    "open",
    "shutdown",
)
KINDS = {"tcp": 1, "unix": 2, "udp": 4, "unix_datagram": 8, "pipe": 16, "other": 32}
FAIL, SHORTEN, CUT = range(3)
# As often as there are calls.
ALWAYS = 1 << 40


def missing():
    """Why faults cannot be injected here; None if they can."""
    if shutil.which("cc") is None:
        return "no C compiler (cc)"
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return "system calls are intercepted by Linux's syscall user dispatch, which is for x86-64 only"
    if tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2]) < (5, 11):
        return "Linux has syscall user dispatch since 5.11"
    return None


def build(folder):
    """Compile the library into the folder, and return its path."""
    library = Path(folder) / "faults.so"
    with tempfile.TemporaryDirectory(dir=folder) as made:
        new = Path(made) / "faults.so"
        subprocess.run(
            ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", new, SOURCE], check=True
        )
        new.replace(library)
    return library


class Faults:
    """The library. `start` is for the thread that it is called in; rules count from the moment they are added."""

    def __init__(self, library):
        self.library = ctypes.CDLL(os.fspath(library))
        self.library.faults_clear.argtypes = [ctypes.c_uint64]
        self.library.faults_clear.restype = None
        self.library.faults_add.argtypes = [ctypes.c_int] * 4 + [ctypes.c_long] * 5
        self.library.faults_fired.restype = ctypes.c_long
        self.library.faults_count.argtypes = [ctypes.c_long]
        self.library.faults_count.restype = ctypes.c_long
        self.rules = []

    def start(self, seed=0):
        self.clear(seed)
        result = self.library.faults_start()
        if result:
            raise OSError(-result, os.strerror(-result))

    def stop(self):
        self.library.faults_stop()

    def spare(self, file):
        """Leave a file that the program opened in the loop's thread alone: a peer's."""
        self.library.faults_spare(file.fileno())

    def clear(self, seed=0):
        self.library.faults_clear(seed)
        self.rules = []

    def add(self, rule):
        action, value = FAIL, 0
        if "fails" in rule:
            value = getattr(errno, rule["fails"])
        elif "short" in rule:
            action, value = SHORTEN, rule["short"]
        else:
            assert rule["cut"]
            action = CUT
        by_count = "after" not in rule and "permille" not in rule
        index = self.library.faults_add(
            GROUPS.index(rule["on"]),
            sum(KINDS[kind] for kind in rule.get("kinds", ())),
            rule.get("fd", -1),
            action,
            value,
            rule.get("nth", 1) if by_count else 0,
            rule.get("times", ALWAYS if "permille" in rule else 1),
            rule.get("after", -1),
            rule.get("permille", 0),
        )
        assert index >= 0
        self.rules.append(index)

    def fired(self):
        """How often the rules applied, all together."""
        return sum(self.library.faults_fired(index) for index in self.rules)

    def calls(self):
        """How many system calls the thread has made since the start."""
        return self.library.faults_count(-1)
