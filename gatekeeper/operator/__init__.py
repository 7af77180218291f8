"""Operators: what they may ask for, by which doors they ask, and how they are answered."""
