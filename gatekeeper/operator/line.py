"""Line: what has been typed so far on a terminal that neither echoes nor edits by itself."""

import codecs

ENTER = "\r\n"
BACKSPACE = "\x7f\x08"
CLEAR = "\x15\x03"
ESCAPE = "\x1b"
LONGEST = 200


class Line:
    """Takes bytes in as they are typed, and gives whole lines.

    Attributes
    ----------
    text : str
        What is typed and not yet sent off.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._escaped = ""
        self.text = ""

    def take(self, data: bytes) -> list[str]:
        """Return the lines that these bytes complete. Cursor keys are left out, and what is longer than a line."""
        lines = []
        for key in self._decoder.decode(data):
            if self._escapes(key):
                continue
            if key in ENTER:
                lines.append(self.text)
                self.text = ""
            elif key in BACKSPACE:
                self.text = self.text[:-1]
            elif key in CLEAR:
                self.text = ""
            elif key.isprintable() and len(self.text) < LONGEST:
                self.text += key
        return lines

    def _escapes(self, key: str) -> bool:
        """Return True while a key belongs to a sequence such as ``ESC [ A``."""
        if not self._escaped:
            self._escaped = key if key == ESCAPE else ""
            return key == ESCAPE
        first = len(self._escaped) == 1
        done = key not in "[O" if first else "@" <= key <= "~"
        self._escaped = "" if done else self._escaped + key
        # An escape by itself, and then a key, is no sequence.
        return not (first and done)
