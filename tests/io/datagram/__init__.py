"""Datagram endpoints, their transport, and datagram sockets without a transport."""
