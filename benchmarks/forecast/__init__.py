"""Compare forecasts from previews with what the gate did afterwards."""
