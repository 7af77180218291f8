"""Bytes of a network: read with a cap and a deadline, and let in only whom the session knows."""
