"""Operator requests: what they can be, where they come from, and how they are answered."""
