"""Text with the number of its encoding, as in STRING messages and metadata."""

ASCII, LATIN1, UTF8 = 3, 4, 106
"""MIBenum numbers of the IANA."""
CODECS = {LATIN1: "latin-1"}


def decode_text(raw: bytes | bytearray | memoryview, encoding: int) -> str:
    """Return text; invalid bytes become escapes, since no frame should be lost over a text.

    ASCII is read as UTF-8, which is identical for valid ASCII and which some senders write under that number.
    """
    return bytes(raw).decode(CODECS.get(encoding, "utf-8"), "backslashreplace")
