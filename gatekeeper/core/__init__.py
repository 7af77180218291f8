"""Define the data and protocols that the rooms exchange."""
