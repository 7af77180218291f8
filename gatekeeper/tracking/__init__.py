"""Finding the target on a frame."""
