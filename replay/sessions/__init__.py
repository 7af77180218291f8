"""What is done with a recorded session."""
