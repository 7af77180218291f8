"""Measure how long the beam stays on after each fault, with real processes over the loopback."""
