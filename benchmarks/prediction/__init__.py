"""How much a prediction helps against latency: on simulated breathing, and on traces of recorded cine-MR."""
