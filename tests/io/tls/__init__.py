"""Behaviour of TLS transports and of start_tls()."""
