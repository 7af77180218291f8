"""Scores of tracking, gating and dose."""
