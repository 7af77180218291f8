"""Read the used elements of DICOM objects from their bytes; let pydicom work without output, one thread at a time.

pydicom keeps the last of two equal elements without a word, and needs most of the time of opening a folder for elements
that are not used. Here each used element is read once, and one that is there twice is noticed.
"""

import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pydicom.config

from gatekeeper.core.errors import InputError
from gatekeeper.sources.dicom.elements import LONG, SHORT, TWICE, WANTED, Elements, Header, decoded

# Values are checked where they are used; pydicom's validation would print them.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
warnings.filterwarnings("ignore", module=r"pydicom\.")

PREAMBLE = 128
MOST_ELEMENTS = 200_000
"""Largest number of elements and items that are passed in an object: some 0.2 s; a cine image has 100."""
DEEPEST = 16
"""Largest number of sequences within one another."""
PIXEL_TAGS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
"""Pixels as floats, as doubles and as integers; what comes after them is not read."""
_UNDEFINED, _ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFFFFFF, 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_EXPLICIT = {endian: struct.Struct(f"{endian}HH2sH").unpack_from for endian in "<>"}
_IMPLICIT = {endian: struct.Struct(f"{endian}HHL").unpack_from for endian in "<>"}
_LENGTH = {endian: struct.Struct(f"{endian}L").unpack_from for endian in "<>"}
_META, _SYNTAX, _IMAGE_GROUP = 0x0002, 0x00020010, 0x28
_one_reader = threading.RLock()


class CutShortError(Exception):
    """The bytes end before the pixels begin."""


def read_header(content: bytes, where: str, told: str | None = None) -> Header:
    """Read the used elements of an object up to its pixels, in the encoding that they have.

    Parameters
    ----------
    content : bytes
        The object, or its beginning.
    where : str
        Name of the object in messages.
    told : str, optional
        Transfer syntax of an object from a network, which has no file meta information.

    Returns
    -------
    Header
        The elements.

    Raises
    ------
    CutShortError
        When the bytes end before the pixels begin.
    InputError
        When the bytes are not elements, are too many or too deep, or contradict one another.
    """
    reader = _Reader(content, where)
    at = 0
    if told is None:
        told, at = reader.meta()
    if at + 8 > len(content):
        raise CutShortError
    # Swapped, an object begins with a zero byte and its first group, 8 to 28 (hexadecimal); group 5200 is not swapped.
    endian = ">" if content[at] == 0 < content[at + 1] <= _IMAGE_GROUP else "<"
    elements, at = reader.dataset(at, len(content), _has_kind(content, at), endian, 0)
    if reader.pixels_at is None:
        raise CutShortError
    return Header(elements, tuple(dict.fromkeys(reader.remarks)), told, endian == "<", reader.pixels_at)


def read_meta(content: bytes, where: str) -> tuple[str, int]:
    """Return the transfer syntax that the file meta information tells, and where the object begins.

    Parameters
    ----------
    content : bytes
        The beginning of a file.
    where : str
        Name of the file in messages.

    Returns
    -------
    told : str
        Empty where none is told.
    at : int
        In bytes.

    Raises
    ------
    InputError
        When two are told.
    """
    return _Reader(content, where).meta()


def _has_kind(content: bytes, at: int) -> bool:
    """Return whether an element has a VR, by its letters."""
    kind = content[at + 4 : at + 6]
    return kind in SHORT or kind in LONG


class _Reader:
    """Pass through the elements of an object."""

    def __init__(self, content: bytes, where: str) -> None:
        self._content = content
        self._where = where
        self._left = MOST_ELEMENTS
        self.remarks: list[str] = []
        self.pixels_at: int | None = None

    def _damaged(self, why: str) -> InputError:
        return InputError(f"{self._where}: is damaged or not a readable image ({why}); export it again")

    def meta(self) -> tuple[str, int]:
        """Return the transfer syntax that the file meta information tells, and where the object begins."""
        content, told = self._content, ""
        at = PREAMBLE + 4 if content[PREAMBLE : PREAMBLE + 4] == b"DICM" else 0
        while at + 12 <= len(content) and content[at : at + 2] == b"\2\0":
            tag = _META << 16 | _LENGTH["<"](content, at)[0] >> 16
            _, at, length = self._head(at, _has_kind(content, at), "<")
            if tag == _SYNTAX and length < len(content):
                found = content[at : at + length].decode("latin-1").strip("\0 ")
                if told not in ("", found):
                    raise self._damaged("two transfer syntaxes")
                told = found
            at += length
        return told, at

    def _head(self, at: int, explicit: bool, endian: str) -> tuple[bytes, int, int]:
        """Return VR, offset and length of the value of an element; the VR is empty where it has none."""
        content = self._content
        if explicit:
            _, _, kind, length = _EXPLICIT[endian](content, at)
            if kind in SHORT:
                return kind, at + 8, length
            if kind in LONG:
                if at + 12 > len(content):
                    raise CutShortError
                return kind, at + 12, _LENGTH[endian](content, at + 8)[0]
            if b"AA" <= kind <= b"ZZ" and kind.isalpha():
                return kind, at + 8, length
        return b"", at + 8, _IMPLICIT[endian](content, at)[2]

    def dataset(self, at: int, end: int | None, explicit: bool, endian: str, depth: int) -> tuple[Elements, int]:
        """Return the elements from an offset to an end, or to a delimiter where it is None, and where they end."""
        content, size = self._content, len(self._content)
        last = size if end is None else end
        unpack = _LENGTH[endian]
        found: Elements = {}
        stored: dict[str, object] = {}
        if depth > DEEPEST:
            raise self._damaged("too many levels")
        while at + 8 <= last:
            self._left -= 1
            if self._left < 0:
                raise self._damaged("too many elements")
            tag = unpack(content, at)[0]
            tag = (tag & 0xFFFF) << 16 | tag >> 16 if endian == "<" else tag
            if tag == _ITEM_END and end is None:
                return found, at + 8
            if depth == 0 and tag in PIXEL_TAGS:
                self.pixels_at = at
                return found, at
            kind, at, length = self._head(at, explicit, endian)
            known = WANTED.get(tag)
            if length == _UNDEFINED:
                value, at = self._undefined(kind, at, explicit, endian, depth)
                raw: object = value
            else:
                begin, at = at, at + length
                if at > last:
                    if at > size:
                        raise CutShortError
                    raise self._damaged("elements longer than their sequence")
                if known is None:
                    continue
                if known[1] == b"SQ":
                    of_kind = explicit if kind == b"SQ" or not explicit else None
                    value = raw = self._items(begin, at, of_kind, endian, depth + 1)[0]
                else:
                    raw = kind, content[begin:at]
                    value = decoded(kind, known[1], content[begin:at], endian)
            if known is None:
                continue
            if known[0] in found:
                value = self._twice(known, value, stored[known[0]] == raw)
            found[known[0]], stored[known[0]] = value, raw
        if end is None:
            raise CutShortError
        if at != last and depth:
            raise self._damaged("elements shorter than their sequence")
        return found, at

    def _twice(self, known: tuple[str, bytes], value: Any, is_same: bool) -> Any:
        """Return the value of an element that is there a second time, after a remark."""
        keyword, kind = known
        self.remarks.append(f"{keyword} is there twice" + ("" if is_same else ", with different values"))
        if is_same:
            return value
        if kind == b"SQ":
            raise self._damaged(f"{keyword} is there twice")
        return TWICE

    def _undefined(self, kind: bytes, at: int, explicit: bool, endian: str, depth: int) -> tuple[Any, int]:
        """Return the items of a value of undefined length, and where it ends."""
        if kind in (b"", b"SQ", b"UN"):
            is_unknown = kind == b"UN"
            return self._items(at, None, None if is_unknown else explicit, "<" if is_unknown else endian, depth + 1)
        while True:  # fragments
            if at + 8 > len(self._content):
                raise CutShortError
            group, number, length = _IMPLICIT[endian](self._content, at)
            at += 8
            if group << 16 | number == _SEQUENCE_END:
                return [], at
            self._left -= 1
            if group << 16 | number != _ITEM or length == _UNDEFINED or self._left < 0:
                raise self._damaged("values that are not in fragments")
            at += length

    def _items(
        self, at: int, end: int | None, explicit: bool | None, endian: str, depth: int
    ) -> tuple[list[Elements], int]:
        """Return the items of a sequence, and where it ends; each item tells its encoding where `explicit` is None."""
        content, size = self._content, len(self._content)
        last = size if end is None else end
        found: list[Elements] = []
        while at + 8 <= last:
            self._left -= 1
            group, number, length = _IMPLICIT[endian](content, at)
            tag = group << 16 | number
            at += 8
            if tag == _SEQUENCE_END:
                return found, at
            if tag != _ITEM or self._left < 0:
                raise self._damaged("a sequence without items" if self._left >= 0 else "too many elements")
            after = None if length == _UNDEFINED else at + length
            if after is not None and after > last:
                if after > size:
                    raise CutShortError
                raise self._damaged("items longer than their sequence")
            of_kind = _has_kind(content, at) if explicit is None else explicit
            item, at = self.dataset(at, after, of_kind, endian, depth)
            found.append(item)
        if end is None:
            raise CutShortError
        if at != last:
            raise self._damaged("items shorter than their sequence")
        return found, at


@contextmanager
def quietly(where: str, what: str = "image") -> Iterator[None]:
    """Let one thread at a time read DICOM, without output of pydicom, whose exceptions become one line.

    Raises
    ------
    InputError
        In place of exceptions of pydicom or a decoder; their texts may quote the object and are left out.
    """
    with _one_reader, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except (InputError, MemoryError):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # an error of the system, not of pydicom
            raise InputError(
                f"{where}: is damaged or not a readable {what} ({type(error).__name__}); export it again"
            ) from None
