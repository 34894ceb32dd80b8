"""CPU time per operation of asyncio's event loops, side by side: `python -m benchmarks`. README.md says how."""
