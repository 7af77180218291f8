"""The record of a session: journal, frames, settings and summary."""
