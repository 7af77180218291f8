"""Every fault that could be invented, against real processes over the loopback: how long the beam outlives it."""
