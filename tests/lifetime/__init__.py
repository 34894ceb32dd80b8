"""Objects that live until the interpreter ends, or that nobody has closed."""
