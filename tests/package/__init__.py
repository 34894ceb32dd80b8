"""The Python package: its names, `accelerate()`, `install()`, and what it hands down to its native half."""
