"""Beam-on or hold."""
