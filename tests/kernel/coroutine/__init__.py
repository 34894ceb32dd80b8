"""Coroutines that are written in Rust."""
