"""The same work, done beside gatekeeper by the tools that people use today."""
