"""Faults in system calls: under the same faults, a program has the same outcome on asyncio's loop and on ferrio's.

`faults.c` is a small C library that lets chosen system calls of the loop's thread fail, or move less than they were
asked to; `injection.py` says by which rules. `programs/` are programs that write down what they observe: the calls
of protocols, exceptions, bytes. `worker.py` runs them in a process for each kind of loop, so that a crash is a failed
test, and `both.py` compares the journals, what reached the exception handler and the log, the tasks and descriptors
left, and bounds the system calls and the processor time. `test_random.py` draws the faults by chance:
`make faults SECONDS=600` does so for ten minutes, and a failure prints the seed.

Peers are threads of the worker with blocking sockets; the faults do not concern them.
"""
