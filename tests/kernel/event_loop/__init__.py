"""The loop: callbacks, timers, iterations, descriptors, threads, errors, debug mode, executors, signals, DNS."""
