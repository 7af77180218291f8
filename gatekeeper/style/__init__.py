"""Colours, texts of hold reasons, and the page files that the console and the report share."""
