"""Hard scenes with exact truth: where the tracker says the target is, and whether its confidence can be believed."""
