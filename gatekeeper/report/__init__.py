"""Pictures and pages of a session, made after it."""
