"""Decide beam-on or hold from what is measured on each frame."""
