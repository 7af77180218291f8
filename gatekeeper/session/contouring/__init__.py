"""Contouring of the target before a session begins."""
