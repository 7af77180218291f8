"""One file per format of recorded frames."""
