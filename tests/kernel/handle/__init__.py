"""The handles of callbacks and timers."""
