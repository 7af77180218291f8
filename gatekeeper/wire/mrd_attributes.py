"""Meta attributes of MRD images: small XML from a sender, read within limits of its size and depth."""

import xml.etree.ElementTree as ET
from collections.abc import Mapping

LARGEST = 1 << 18
"""Largest size of the attributes of an image, in bytes; those of scanners have a few thousand."""
DEEPEST = 8
"""Largest depth of their elements; MRD has three: the document, its metas, and their names and values."""
META, VALUE = 2, 3
"""Depth of a meta and of its name and values."""


class _Reader:
    """Collect names and values while the text is parsed, without a tree that could be deep."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}
        self._path: list[str] = []
        self._text: list[str] = []
        self._name = ""
        self._values: list[str] = []

    def start(self, tag: str, _attributes: Mapping[str, str]) -> None:
        self._path.append(tag)
        if len(self._path) > DEEPEST:
            raise ValueError(f"they are nested more than {DEEPEST} deep")
        if self._is_meta() and len(self._path) == META:
            self._name, self._values = "", []
        self._text = []

    def data(self, text: str) -> None:
        self._text.append(text)

    def end(self, tag: str) -> None:
        if self._is_meta() and len(self._path) == VALUE:
            text = "".join(self._text).strip()
            if tag == "value":
                self._values.append(text)
            elif tag == "name" and not self._name:
                self._name = text
        elif self._is_meta() and len(self._path) == META:
            self.found.setdefault(self._name, []).extend(self._values)
        self._path.pop()
        self._text = []

    def doctype(self, *_: object) -> None:
        """Refuse a document type as soon as it begins, before it can declare anything."""
        raise ValueError("they have a document type")

    def close(self) -> None:
        """Do nothing: there is no tree to return."""

    def _is_meta(self) -> bool:
        return len(self._path) >= META and self._path[META - 1] == "meta"


def read_attributes(raw: bytes) -> Mapping[str, tuple[str, ...]]:
    """Return the meta attributes of an image: the values of each by its name.

    Only the metas directly below the document and their own values count.

    Parameters
    ----------
    raw : bytes
        XML in UTF-8 as it came with the image; empty for none.

    Returns
    -------
    mapping
        The values of each attribute by its name.

    Raises
    ------
    ValueError
        When they are too large, too deep or no XML, or have a document type, with which XML can expand.

    Examples
    --------
    >>> read_attributes(b"<a><meta><name>ImageRowDir</name><value>0</value><value>1</value></meta></a>")
    {'ImageRowDir': ('0', '1')}
    """
    if not raw:
        return {}
    if len(raw) > LARGEST:
        raise ValueError(f"they have {len(raw)} bytes, the limit is {LARGEST}")
    text = raw.decode("utf-8")
    reader = _Reader()
    parser = ET.XMLParser(target=reader)  # noqa: S314 - the limits are above
    try:
        parser.feed(text)
        parser.close()
    except ET.ParseError as error:
        raise ValueError(str(error)) from None
    return {name: tuple(values) for name, values in reader.found.items()}
