"""Measure speed, load and robustness, and compare with budgets."""
