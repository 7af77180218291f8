"""Make DICOM messages for the fuzz test: PDUs, commands and objects, written from the standard's tables."""

import random
import struct
from collections.abc import Callable, Mapping

from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from benchmarks.source_fuzz.wires import LiveSource, corrupted
from gatekeeper.config.source import DicomSourceConfig
from gatekeeper.core.clock import Clock
from gatekeeper.core.frame import Frame
from gatekeeper.sources.dicom.source import DicomSource
from replay.feed.dicom_feeder import DicomFeeder
from replay.feed.port import Feeder
from replay.mr_object import mr_object

VERIFICATION = "1.2.840.10008.1.1"
CONTEXT = 1
MOST_BEFORE = 3
"""Largest number of bad objects on an association before its last message."""
ODD_VALUES = {
    "PixelSpacing": (b"nan\\nan", b"0\\0 ", b"-1\\-2 ", b"1e999\\1", b"1 ", b"inf\\1 "),
    "ImageOrientationPatient": (b"0\\0\\0\\0\\0\\0 ", b"nan\\0\\0\\0\\nan\\0 ", b"1\\0\\0\\0\\1\\0 "),
    "ImagePositionPatient": (b"nan\\inf\\0 ", b"1 ", b"1e308\\1e308\\1e308 "),
    "AcquisitionTime": (b"999999", b"noon", b"-1", b"nan "),
    "InstanceNumber": (b"-5", b"99999999999999999999", b"x "),
    "Rows": (b"\0\0", b"\xff\xff"),
    "BitsAllocated": (b"\0\0", b"\x40\0"),
    "BitsStored": (b"\0\0", b"\xff\0"),
    "PixelData": (b"", b"\0\0", bytes(5000)),
    "SeriesInstanceUID": (b"", b"9" * 200),
}


class DicomWire:
    """The DICOM source and its messages."""

    def source(self, clock: Clock, read_deadline_s: float) -> LiveSource:
        return DicomSource(DicomSourceConfig(kind="dicom", port=0, read_deadline_s=read_deadline_s), clock)

    def feeder(self, host: str, port: int) -> Feeder:
        return DicomFeeder(host, port)

    def bad(self, chance: random.Random, frame: Callable[[], Frame]) -> tuple[bytes, int]:
        """Return a corrupted request, or a valid one followed by bad objects and a bad message of any kind."""
        kind = chance.random()
        if kind < 0.2:
            return corrupted(chance, _request()), 1
        before = chance.randint(0, MOST_BEFORE)
        start = _request() + b"".join(_stored(chance, frame()) for _ in range(before))
        if kind < 0.3:
            last = corrupted(chance, _data(3, 3, _command(0x30, VERIFICATION, 0x0101)))
        elif kind < 0.45:
            last = corrupted(chance, STORE) + _data(CONTEXT, 2, _object(frame()))
        elif kind < 0.6:
            last = STORE + corrupted(chance, _data(CONTEXT, 2, _object(frame())))
        else:
            last = _stored(chance, frame())
        return start + last, before + 1

    def huge(self, size: int) -> Mapping[str, bytes]:
        length = min(size, 2**32 - 1)
        return {
            "request": struct.pack(">BBL", 1, 0, length),
            "data": struct.pack(">BBL", 4, 0, length),
            "data of an association": _request() + struct.pack(">BBL", 4, 0, length),
        }

    def begun(self, frame: Frame) -> bytes:
        return _request() + STORE + _data(CONTEXT, 2, _object(frame))


def _item(kind: int, body: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(body)) + body


def _context(number: int, abstract: str) -> bytes:
    syntaxes = _item(0x30, abstract.encode()) + _item(0x40, ExplicitVRLittleEndian.encode())
    return _item(0x20, bytes([number, 0, 0, 0]) + syntaxes)


def _request() -> bytes:
    body = struct.pack(">HH16s16s32x", 1, 0, b"GATEKEEPER".ljust(16), b"STRANGER".ljust(16))
    body += _item(0x10, b"1.2.840.10008.3.1.1.1") + _context(CONTEXT, MRImageStorage) + _context(3, VERIFICATION)
    body += _item(0x50, _item(0x51, struct.pack(">L", 65536)) + _item(0x52, b"2.25.99"))
    return struct.pack(">BBL", 1, 0, len(body)) + body


def _data(context: int, control: int, fragment: bytes) -> bytes:
    return struct.pack(">BBLLBB", 4, 0, len(fragment) + 6, len(fragment) + 2, context, control) + fragment


def _element(number: int, value: bytes) -> bytes:
    value += b"\0" * (len(value) % 2)
    return struct.pack("<HHL", 0, number, len(value)) + value


def _command(field: int, abstract: str, has_data: int) -> bytes:
    body = _element(0x0002, abstract.encode()) + _element(0x0100, struct.pack("<H", field))
    body += _element(0x0110, b"\1\0") + _element(0x0700, b"\0\0") + _element(0x0800, struct.pack("<H", has_data))
    body += _element(0x1000, b"2.25.7") if field == 0x01 else b""
    return _element(0x0000, struct.pack("<L", len(body))) + body


STORE = _data(CONTEXT, 3, _command(0x01, MRImageStorage, 1))
"""The command that an object follows."""


def _stored(chance: random.Random, frame: Frame) -> bytes:
    """Return a valid command with a corrupted or unusual object, which leaves the association as it is."""
    item = corrupted(chance, _object(frame)) if chance.random() < 0.5 else _object(frame, chance)
    return STORE + _data(CONTEXT, 2, item)


def _object(frame: Frame, chance: random.Random | None = None) -> bytes:
    """Return a valid object, or one with an unusual or missing element."""
    item = mr_object(frame.image, frame.spacing_mm, frame.plane, frame.acquired_s, frame.sequence, "2.25.5", "2.25.6")
    odd: dict[int, bytes] = {}
    if chance is not None:
        keyword = chance.choice([element.keyword for element in item])
        if chance.random() < 0.3 or keyword not in ODD_VALUES:
            del item[keyword]
        for keyword in chance.sample(sorted(ODD_VALUES), chance.randint(0, 2)):
            if keyword in item:
                odd[int(item[keyword].tag)] = chance.choice(ODD_VALUES[keyword])
    return b"".join(_written(item, int(element.tag), odd) for element in item)


def _written(item: Dataset, tag: int, odd: Mapping[int, bytes]) -> bytes:
    one = Dataset()
    one[tag] = item[tag]
    file = DicomBytesIO()
    file.is_implicit_VR, file.is_little_endian = False, True
    write_dataset(file, one)
    raw = file.getvalue()
    if tag not in odd:
        return raw
    value = odd[tag]
    if raw[4:6] in (b"OB", b"OW"):
        return raw[:8] + struct.pack("<L", len(value)) + value
    return raw[:6] + struct.pack("<H", len(value)) + value
