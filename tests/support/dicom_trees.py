"""DICOM objects as trees of elements, in which any one, at any depth, can be removed, doubled or replaced."""

import struct
from dataclasses import dataclass, replace

from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element

LONG = ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV")
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, END = (
    struct.pack("<HHL", 0xFFFE, number, length) for number, length in ((0xE000, UNDEFINED), (0xE00D, 0), (0xE0DD, 0))
)


@dataclass(frozen=True)
class Element:
    """An element: the bytes of its value, or its items, each a tuple of elements."""

    tag: int
    vr: str
    value: bytes = b""
    items: tuple | None = None
    is_undefined: bool = False


def tree(dataset):
    """Return the elements of a dataset of pydicom, little endian."""
    return tuple(_element(dataset[tag]) for tag in sorted(dataset.keys()))


def _element(one):
    tag, vr = int(one.tag), str(one.VR)
    if vr == "SQ":
        return Element(tag, vr, items=tuple(tree(item) for item in one.value))
    file = DicomBytesIO()
    file.is_implicit_VR, file.is_little_endian = False, True
    write_data_element(file, one)
    content = file.getvalue()
    head = 12 if vr in LONG else 8
    is_undefined = content[8:12] == b"\xff\xff\xff\xff" and vr in LONG
    return Element(tag, vr, content[head:], is_undefined=is_undefined)


def encoded(elements, has_kind=True):
    """Return the bytes of elements, little endian; sequences have undefined lengths."""
    return b"".join(_encoded(one, has_kind) for one in elements)


def _encoded(one, has_kind):
    tag = struct.pack("<HH", one.tag >> 16, one.tag & 0xFFFF)
    value = one.value
    if one.items is not None:
        value = b"".join(ITEM + encoded(item, has_kind) + ITEM_END for item in one.items) + END
    length = UNDEFINED if one.items is not None or one.is_undefined else len(value)
    if not has_kind:
        return tag + struct.pack("<L", length) + value
    kind = one.vr.encode()
    return (
        tag + kind + (struct.pack("<HL", 0, length) if one.vr in LONG else struct.pack("<H", length & 0xFFFF)) + value
    )


def places(elements, above=()):
    """Yield the place of every element: its number among its neighbours, then that of an item, and so on down."""
    for k, one in enumerate(elements):
        yield (*above, k)
        for j, item in enumerate(one.items or ()):
            yield from places(item, (*above, k, j))


def at(elements, place):
    """Return the element at a place."""
    one = elements[place[0]]
    return one if len(place) == 1 else at(one.items[place[1]], place[2:])


def changed(elements, place, change):
    """Return the elements with the one at a place replaced by those that `change` returns for it."""
    k = place[0]
    one = elements[k]
    if len(place) == 1:
        return (*elements[:k], *change(one), *elements[k + 1 :])
    items = list(one.items)
    items[place[1]] = changed(items[place[1]], place[2:], change)
    return (*elements[:k], replace(one, items=tuple(items)), *elements[k + 1 :])


def file_of(meta, elements, has_kind=True):
    """Return the bytes of a file."""
    return b"\0" * 128 + b"DICM" + encoded(meta) + encoded(elements, has_kind)
