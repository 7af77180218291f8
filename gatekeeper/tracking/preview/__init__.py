"""Learn from a preview cine before the beam."""
