"""Ports that pass decisions on to a linac, and the watchdog behind them."""
