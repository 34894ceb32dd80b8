"""Servers, clients, stream transports and the standard library's streams on top of them."""
