"""Datagram endpoints and their transport."""
