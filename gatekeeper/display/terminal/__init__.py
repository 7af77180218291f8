"""Show a running session on the terminal, from a separate process."""
