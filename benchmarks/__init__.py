"""How long everything takes, beside what it may take."""
