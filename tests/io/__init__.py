"""Transports, servers, processes, TLS and streams, with the loop's methods that belong to them."""
