"""Tracking methods of common libraries, to compare gatekeeper with."""
