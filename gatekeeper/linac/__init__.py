"""Permission to irradiate, to the outside."""
