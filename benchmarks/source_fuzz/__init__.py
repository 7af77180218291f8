"""Send random, mutated and truncated messages to live sources with the real loop and gate."""
