"""Recorded frames sent to a live source, as a scanner would send them."""
