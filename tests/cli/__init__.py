"""The command line: `python -m ferrio`."""
