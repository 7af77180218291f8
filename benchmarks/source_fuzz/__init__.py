"""Random, mutated and truncated messages against live sources, with the real loop and gate behind them."""
