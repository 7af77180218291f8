"""The live terminal view: what an operator sees while the beam is gated, drawn by a process of its own."""
