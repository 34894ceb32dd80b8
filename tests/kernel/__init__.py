"""The loop, handles, futures, native coroutines and tasks."""
