"""What is learned before the beam."""
