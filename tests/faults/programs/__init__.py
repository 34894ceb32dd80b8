"""Programs that run under faults."""
