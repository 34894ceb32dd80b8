"""Readers and writers on descriptors of the user's, and the loop's sock_* methods."""
