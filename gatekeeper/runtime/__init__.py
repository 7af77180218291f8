"""Processes, shared memory, real-time scheduling and timing."""
