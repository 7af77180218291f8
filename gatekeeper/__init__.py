"""Real-time beam gating for MR-guided radiotherapy. Research software; not a medical device."""
