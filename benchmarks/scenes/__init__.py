"""Measure error and reliability of the confidence on difficult scenes with exact truth."""
