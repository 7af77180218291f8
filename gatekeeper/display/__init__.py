"""Show a session on the terminal and on a web page."""
