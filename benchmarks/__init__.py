"""Compares the CPU time per operation of asyncio's event loops: `python -m benchmarks`. README.md explains how."""
