"""What is in a recording, in numbers and as a small picture."""
