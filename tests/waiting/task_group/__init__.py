"""`TaskGroup`."""
