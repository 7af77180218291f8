"""Recordings written in the formats of others; nothing that names a person goes with them."""
