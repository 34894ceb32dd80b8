"""The loop itself.

Callbacks, timers, iterations, life and death, threads, errors, debug mode, executors, signals, DNS.
"""
