"""The ends of objects of every native class, beside asyncio's: warnings, reports and exceptions are the same.

The programs run in processes of their own (`ends.py`), which a crash would end.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

PROGRAM = Path(__file__).with_name("ends.py")
SITUATIONS = [
    "Plain",
    "Propagating",
    "PropagatingInClosedLoop",
    "PropagatingInRunningLoop",
    "ClosedLoop",
    "RunningLoop",
    "Thread",
    "ThreadAndClosedLoop",
    "Cycle",
    "CycleInClosedLoop",
    "EagerCollector",
    "Rescued",
    "RescuedFromCycle",
    "WeakCallback",
    "Derived",
    "Called",
    "CalledWithWarner",
    "Ignored",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with certificates."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(folder / "chain.pem")
    return folder


def run_both(folder, situation, *options):
    """Start the program on both loops; returns what each printed, and its standard error."""
    environment = {**os.environ, "PYTHONMALLOC": "debug"}
    processes = [
        subprocess.Popen(
            [sys.executable, *options, PROGRAM, loop_name, folder, situation],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for loop_name in ("asyncio", "ferrio")
    ]
    outcomes = []
    for process in processes:
        stdout, stderr = process.communicate()
        assert process.returncode == 0, f"{situation}: {stdout.splitlines()[-1:]} {stderr}"
        outcomes.append((stdout, stderr))
    return outcomes


def parsed(stdout):
    """What was seen of each object.

    Left out are the standard library's own warnings of sockets and files: the collector finds them in the order in
    which they were made, and what is asyncio's in a cycle need not be in one of ferrio's. For the same reason a
    transport may have been closed before or after it complains. And asyncio's server, since Python 3.13, cannot
    forget a connection twice. asyncio's child watcher, up to Python 3.11, holds on to the transport of a process;
    ferrio has none.
    """
    left_out = "unclosed (<socket|file)|'NoneType' object is not iterable|is still running of Popen"
    seen = {}
    for line in stdout.splitlines():
        name, _, rest = line.partition(" ")
        if name == "subprocess_transport" and sys.version_info < (3, 12):
            continue
        lines = [line for line in json.loads(rest) if not re.search(left_out, line)]
        seen[name] = [
            re.sub(r"(WritePipeTransport|unclosed transport <\w+) closing", r"\1", line) for line in lines
        ]
    return seen


@pytest.mark.parametrize("situation", SITUATIONS)
def test_what_is_seen_of_the_end_is_what_asyncio_shows(folder, situation):
    stock, ours = (parsed(stdout) for stdout, _ in run_both(folder, situation))
    # asyncio forgets the descriptor by which it watches a process.
    left = "1 descriptors left"
    if left in stock.get("subprocess_transport", ()):
        stock["subprocess_transport"] = [
            "0 descriptors left" if it == left else it for it in stock["subprocess_transport"]
        ]
    assert len(ours) > 30
    assert ours == stock


# The standard library's own, and those of the child watcher, which ferrio has not.
LEFT_OUT = "unclosed (<socket|file)|tracemalloc|child watcher|unclosed transport <SubprocessTransport"
if sys.version_info >= (3, 12):
    LEFT_OUT = "unclosed (<socket|file)|tracemalloc"


def complaints(stderr):
    """The warnings and errors in a text from the standard error, and where those of asyncio come from."""
    sys.path.insert(0, str(PROGRAM.parent))
    try:
        from ends import plain
    finally:
        sys.path.pop(0)
    found = re.findall(
        r"^(?:\S*/(?=asyncio/)|\S+: )?((?:asyncio/\S+: )?\w+(?:Warning|Error): .*|Task .*|\w+ exception was never.*)",
        stderr,
        re.MULTILINE,
    )
    return sorted(plain(line) for line in found if not re.search(LEFT_OUT, line))


# The child watcher of Python 3.11 warns when a loop is closed.
ERRORS = ("-W", "error", "-W", "ignore:A loop is being detached")


@pytest.mark.parametrize("options", [(), ("-X", "dev"), ("-X", "dev", *ERRORS)], ids=" ".join)
@pytest.mark.parametrize("situation", ["Exit", "ExitInClosedLoop"])
def test_the_interpreter_ends_with_the_complaints_of_asyncio(folder, situation, options):
    (_, stock), (_, ours) = run_both(folder, situation, *options)
    assert complaints(ours) == complaints(stock)
