"""Stream transports: making connections, reading, writing, and the protocols on top."""
