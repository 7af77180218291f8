"""Recorded frames: readers, player, phantom, scores."""
