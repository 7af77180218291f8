"""Forecast a fraction from its preview: futures of breathing, each through the rules of the gate."""
