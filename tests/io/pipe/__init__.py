"""Transports over pipes: `connect_read_pipe`, `connect_write_pipe`."""
