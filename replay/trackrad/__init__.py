"""The TrackRAD2025 challenge: its algorithm contract, and its scores beside correct ones."""
