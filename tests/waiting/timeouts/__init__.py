"""`sleep`, `timeout`, `timeout_at` and `wait_for`."""
