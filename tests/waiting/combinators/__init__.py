"""`as_completed`, `gather`, `shield` and `wait`."""
