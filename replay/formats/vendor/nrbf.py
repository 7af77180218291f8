"""MS-NRBF, the serialization of .NET objects: read as plain values; no object is created from it.

Source: Microsoft, [MS-NRBF] .NET Remoting: Binary Format Data Structure.
"""

import struct
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NamedTuple

HEADER = b"\0"
"""Kind of the record at the beginning of a stream."""
MOST_RECORDS = 20_000
DEEPEST = 40
_LONGEST_TEXT_BYTES = 2**16
_MOST_MEMBERS = 1000
_MOST_ITEMS = 10_000
_HEADER = struct.Struct("<iiii")
_PRIMITIVES = {
    1: "<?",
    2: "<B",
    6: "<d",
    7: "<h",
    8: "<i",
    9: "<q",
    10: "<b",
    11: "<f",
    12: "<q",
    13: "<q",
    14: "<H",
    15: "<I",
    16: "<Q",
}
_TEXT, _NULL, _CHAR, _DECIMAL = 18, 17, 3, 5
_PRIMITIVE, _STRING, _OBJECT, _SYSTEM, _CLASS, _OBJECTS, _STRINGS, _PRIMITIVE_ARRAY = range(8)


class NrbfError(ValueError):
    """The stream is not valid, or beyond the limits of this reader."""


class Numbers(NamedTuple):
    """An array of numbers in the stream: its offset in bytes, the `struct` code of its type, and its length."""

    offset: int
    code: str
    length: int


class Reference(NamedTuple):
    """A reference to an object elsewhere in the stream, by its number."""

    number: int


@dataclass(slots=True)
class Document:
    """Content of a stream.

    Attributes
    ----------
    root : int
        Number of the root object.
    objects : dict
        All numbered objects: a dict of the members of a class, a list, a string, or `Numbers`.
    """

    root: int = 0
    objects: dict[int, Any] = field(default_factory=dict)

    def get(self, *path: str | int) -> Any:
        """Return the value at a path from the root object.

        Parameters
        ----------
        *path : str or int
            Names of members and indices of lists.

        Returns
        -------
        object or None
            None where there is no such member.

        Raises
        ------
        NrbfError
            When objects refer to each other in a circle.
        """
        value: Any = Reference(self.root)
        for step in (*path, None):
            hops = 0
            while isinstance(value, Reference):
                value, hops = self.objects.get(value.number), hops + 1
                if hops > DEEPEST:
                    raise NrbfError("objects refer to each other in a circle")
            if step is None:
                break
            if isinstance(value, dict) and isinstance(step, str):
                value = value.get(step)
            elif isinstance(value, list) and isinstance(step, int):
                value = value[step] if step < len(value) else None
            else:
                return None
        return value


class _Class(NamedTuple):
    names: list[str]
    types: list[tuple[int, Any]]


def read_nrbf(stream: BinaryIO, size: int) -> Document:
    """Read a stream; arrays of numbers are skipped, and only their offsets are kept.

    Parameters
    ----------
    stream : file
        Binary and seekable, positioned at its beginning.
    size : int
        Length of the stream, in bytes.

    Returns
    -------
    Document
        All objects of the stream.

    Raises
    ------
    NrbfError
        When the stream ends early, is not valid, or is beyond the limits of this reader.
    """
    return _Reader(stream, size).document()


class _Reader:
    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._size = size
        self._classes: dict[int, _Class] = {}
        self._document = Document()
        self._records = 0
        self._ended = False

    def document(self) -> Document:
        if self._take(1) != HEADER:
            raise NrbfError("it does not begin with a header")
        root, _, major, minor = _HEADER.unpack(self._take(_HEADER.size))
        if (major, minor) != (1, 0):
            raise NrbfError(f"its version is {major}.{minor}, not 1.0")
        self._document.root = root
        while not self._ended:
            self._record(0)
        return self._document

    def _take(self, count: int) -> bytes:
        taken = self._stream.read(count)
        if len(taken) != count:
            raise NrbfError(f"it ends at byte {self._stream.tell()} within a record")
        return taken

    def _int(self) -> int:
        return int.from_bytes(self._take(4), "little", signed=True)

    def _count(self, most: int, what: str) -> int:
        count = self._int()
        if not 0 <= count <= most:
            raise NrbfError(f"{count} {what}; {most} is the limit")
        return count

    def _text(self) -> str:
        length = 0
        for shift in range(0, 35, 7):
            byte = self._take(1)[0]
            length |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
        if length > _LONGEST_TEXT_BYTES:
            raise NrbfError(f"a text of {length} bytes; {_LONGEST_TEXT_BYTES} is the limit")
        return self._take(length).decode("utf-8", "replace")

    def _record(self, depth: int) -> Any:
        """Read one record and return its value; a numbered object is also kept in the document."""
        self._records += 1
        if self._records > MOST_RECORDS or depth > DEEPEST:
            raise NrbfError(f"more than {MOST_RECORDS} records, or more than {DEEPEST} within each other")
        kind = self._take(1)[0]
        match kind:
            case 1:
                number, like = self._int(), self._int()
                if like not in self._classes:
                    raise NrbfError(f"an object is of the class {like}, which is missing")
                return self._members(number, self._classes[like], depth)
            case 4 | 5:
                number = self._int()
                return self._members(number, self._class(number, kind == 5), depth)
            case 6:
                number = self._int()
                return self._keep(number, self._text())
            case 7:
                return self._array(depth)
            case 8:
                return self._primitive(self._take(1)[0])
            case 9:
                return Reference(self._int())
            case 10:
                return None
            case 11:
                self._ended = True
                return None
            case 12:
                self._int()
                self._text()
                return self._record(depth) if depth else None
            case 15:
                number, count = self._int(), self._int()
                return self._keep(number, self._numbers(self._take(1)[0], count))
            case 16 | 17:
                number, count = self._int(), self._count(_MOST_ITEMS, "items in an array")
                return self._keep(number, self._items(count, depth))
        raise NrbfError(f"a record of the kind {kind}, which is not supported, before byte {self._stream.tell()}")

    def _keep(self, number: int, value: Any) -> Any:
        self._document.objects[number] = value
        return value

    def _class(self, number: int, has_library: bool) -> _Class:
        self._text()
        names = [_plain(self._text()) for _ in range(self._count(_MOST_MEMBERS, "members of a class"))]
        kinds = list(self._take(len(names)))
        found = _Class(names, [(kind, self._type(kind)) for kind in kinds])
        if has_library:
            self._int()
        self._classes[number] = found
        return found

    def _type(self, kind: int) -> Any:
        """Read the additional information on a type of this kind."""
        if kind in (_PRIMITIVE, _PRIMITIVE_ARRAY):
            return self._take(1)[0]
        if kind == _SYSTEM:
            return self._text()
        if kind == _CLASS:
            return self._text(), self._int()
        if kind > _PRIMITIVE_ARRAY:
            raise NrbfError(f"a member of the unknown kind {kind}")
        return None

    def _members(self, number: int, of: _Class, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        self._keep(number, values)
        for name, (kind, extra) in zip(of.names, of.types, strict=True):
            values[name] = self._primitive(extra) if kind == _PRIMITIVE else self._record(depth + 1)
        return values

    def _primitive(self, kind: int) -> Any:
        if kind in _PRIMITIVES:
            code = _PRIMITIVES[kind]
            return struct.unpack(code, self._take(struct.calcsize(code)))[0]
        if kind in (_TEXT, _DECIMAL):
            return self._text()
        if kind == _NULL:
            return None
        if kind == _CHAR:
            first = self._take(1)
            more = 3 if first[0] >= 0xF0 else 2 if first[0] >= 0xE0 else 1 if first[0] >= 0xC0 else 0
            return (first + self._take(more)).decode("utf-8", "replace")
        raise NrbfError(f"a value of the unknown type {kind}")

    def _numbers(self, kind: int, count: int) -> Numbers:
        if kind not in _PRIMITIVES:
            raise NrbfError(f"an array of values of the type {kind}; only numbers are read")
        code, offset = _PRIMITIVES[kind], self._stream.tell()
        left = self._size - offset
        if not 0 <= count * struct.calcsize(code) <= left:
            raise NrbfError(f"an array of {count} numbers, where {left} bytes are left")
        self._stream.seek(offset + count * struct.calcsize(code))
        return Numbers(offset, code, count)

    def _array(self, depth: int) -> Any:
        number, shape = self._int(), self._take(1)[0]
        lengths = [self._int() for _ in range(self._count(8, "dimensions of an array"))]
        if shape > 2:
            for _ in lengths:
                self._int()
        kind = self._take(1)[0]
        extra = self._type(kind)
        count = 1
        for length in lengths:
            count *= length
        if kind == _PRIMITIVE:
            return self._keep(number, self._numbers(extra, count))
        if not 0 <= count <= _MOST_ITEMS:
            raise NrbfError(f"an array of {count} items; {_MOST_ITEMS} is the limit")
        return self._keep(number, self._items(count, depth))

    def _items(self, count: int, depth: int) -> list[Any]:
        items: list[Any] = []
        while len(items) < count:
            here = self._stream.tell()
            kind = self._take(1)[0]
            if kind in (13, 14):
                nulls = self._take(1)[0] if kind == 13 else self._count(count, "nulls")
                items += [None] * min(max(nulls, 1), count - len(items))
                continue
            self._stream.seek(here)
            items.append(self._record(depth + 1))
        return items


def _plain(name: str) -> str:
    """Return the name of a member without the decoration of a compiler."""
    if name.startswith("<") and name.endswith(">k__BackingField"):
        return name[1 : name.index(">")]
    return name.lstrip("_")
