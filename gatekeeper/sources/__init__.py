"""Frames from the outside."""
