"""Subprocesses: `subprocess_exec`, `subprocess_shell`, and the streams over them."""
