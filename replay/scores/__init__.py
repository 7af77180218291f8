"""Score tracking, gating and dose against labels."""
