"""Locks, events, conditions, semaphores and barriers."""
