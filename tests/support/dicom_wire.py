"""Write bytes of the DICOM upper layer from the standard (PS3.8), for senders that violate the protocol."""

import struct

from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRLittleEndian, MRImageStorage

VERIFICATION = "1.2.840.10008.1.1"


def item(kind, body):
    return struct.pack(">BBH", kind, 0, len(body)) + body


def pdu(kind, body):
    return struct.pack(">BBL", kind, 0, len(body)) + body


def context(number, abstract, transfer=ExplicitVRLittleEndian):
    return item(0x20, bytes([number, 0, 0, 0]) + item(0x30, abstract.encode()) + item(0x40, transfer.encode()))


def associate_request(title="GATEKEEPER"):
    """An A-ASSOCIATE-RQ with MR images as context 1, verification as 3 and enhanced MR images as 5."""
    user = item(0x51, struct.pack(">L", 65536)) + item(0x52, b"2.25.99")
    body = struct.pack(">HH16s16s32x", 1, 0, title.ljust(16).encode(), b"STRANGER".ljust(16))
    body += item(0x10, b"1.2.840.10008.3.1.1.1")
    body += context(1, MRImageStorage) + context(3, VERIFICATION) + context(5, EnhancedMRImageStorage)
    return pdu(1, body + item(0x50, user))


def data_pdu(number, control, fragment):
    """A P-DATA-TF with one fragment: control 1 of a command, 2 the last."""
    return pdu(4, struct.pack(">LBB", len(fragment) + 2, number, control) + fragment)


def element(number, value):
    """An element of a command: group 0, implicit little endian."""
    return struct.pack("<HHL", 0, number, len(value)) + value


def text(value):
    return value.encode() + b"\0" * (len(value) % 2)


def store_command(instance, message=1, abstract=MRImageStorage):
    body = element(0x0002, text(abstract)) + element(0x0100, struct.pack("<H", 1))
    body += element(0x0110, struct.pack("<H", message)) + element(0x0700, struct.pack("<H", 0))
    body += element(0x0800, struct.pack("<H", 1)) + element(0x1000, text(instance))
    return element(0x0000, struct.pack("<L", len(body))) + body


def echo_command():
    body = element(0x0002, text(VERIFICATION)) + element(0x0100, struct.pack("<H", 0x30))
    body += element(0x0110, struct.pack("<H", 1)) + element(0x0800, struct.pack("<H", 0x0101))
    return element(0x0000, struct.pack("<L", len(body))) + body


def encoded(image):
    """The object as explicit little endian, without file meta."""
    file = DicomBytesIO()
    file.is_implicit_VR, file.is_little_endian = False, True
    write_dataset(file, image)
    return file.getvalue()


def store_pdus(image, number=1, size=16384):
    """The PDUs that store an object."""
    data = encoded(image)
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return [
        data_pdu(number, 3, store_command(str(image.SOPInstanceUID))),
        *(data_pdu(number, 2 if k == len(pieces) - 1 else 0, piece) for k, piece in enumerate(pieces)),
    ]
