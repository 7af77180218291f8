"""The sessions and recordings below a folder, and recordings that are dropped on the library's page."""
