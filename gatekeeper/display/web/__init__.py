"""Show a live or recorded session on a web page: the console."""
