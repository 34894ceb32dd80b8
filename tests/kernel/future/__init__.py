"""Futures, and the call graph that they are part of."""
