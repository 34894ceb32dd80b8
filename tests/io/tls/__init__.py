"""TLS transports and `start_tls()`."""
