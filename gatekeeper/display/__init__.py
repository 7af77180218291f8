"""Two faces of one session: the terminal and the web page."""
