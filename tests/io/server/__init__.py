"""Servers on TCP and Unix sockets."""
