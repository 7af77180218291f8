"""What is made of many sessions: an index of them, tables, and survival curves."""
