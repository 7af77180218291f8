"""Text with the number of its encoding, as STRING messages and metadata hold it."""

ASCII, LATIN1, UTF8 = 3, 4, 106
"""MIBenum numbers of the IANA."""
CODECS = {LATIN1: "latin-1"}


def decode_text(raw: bytes | bytearray | memoryview, encoding: int) -> str:
    """Return text; bytes that are none in its encoding stay visible as escapes, since no text is worth a frame.

    What says ASCII is read as UTF-8, which is the same for all ASCII, and which senders write under that number.
    """
    return bytes(raw).decode(CODECS.get(encoding, "utf-8"), "backslashreplace")
