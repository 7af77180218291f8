"""The console: a web page that shows a session, live or afterwards, from a process of its own."""
