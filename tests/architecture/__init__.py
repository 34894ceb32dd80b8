"""Checks of the sources: layers, circles, unsafe code, length of files, imports."""
