"""Contouring of the target by an operator at the start of a session."""
