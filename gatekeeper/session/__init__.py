"""The engine, its loop, and the live session from the first connection to its end."""
