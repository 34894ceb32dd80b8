"""The extension module: what it exports."""
