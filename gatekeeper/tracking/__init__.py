"""Find the target on each frame by deformable template tracking."""
