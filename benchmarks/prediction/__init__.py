"""Measure the benefit of prediction against latency, on simulated breathing and on traces of recorded cine-MR."""
