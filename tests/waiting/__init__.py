"""Functions and classes that tasks wait with."""
