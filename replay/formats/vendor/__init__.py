"""Exports of MR-linacs."""
