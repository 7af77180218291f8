"""Time tracking and deciding at the pace of a scanner, while other programs take the caches between two frames."""
