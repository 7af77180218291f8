"""Whole live sessions over the loopback: every source with every way to a linac."""
