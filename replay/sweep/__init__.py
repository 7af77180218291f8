"""Track cases once for each tracker and judge them under many settings, on one core, many, or a cluster."""
