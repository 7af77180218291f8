"""Write MRD messages by hand from the protocol's description, without gatekeeper's code."""

import struct

import numpy as np

CLOSE = struct.pack("<H", 4)
XML = b'<?xml version="1.0"?><ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD"/>\0'


def config_file(name=b"cine"):
    return struct.pack("<H1024s", 1, name)


def text(kind, words):
    return struct.pack("<HI", kind, len(words)) + words


def image_header(
    data_type=1,
    matrix=(4, 6, 1),
    field_of_view=(12.0, 12.0, 5.0),
    channels=1,
    position=(7.0, 20.0, -30.0),
    read_dir=(0.0, 1.0, 0.0),
    phase_dir=(0.0, 0.0, -1.0),
    slice_dir=(-1.0, 0.0, 0.0),
    stamp=14_400_000,
    image_type=1,
    index=1,
    attributes=0,
):
    header = struct.pack("<HHQI", 1, data_type, 0, 0)  # version, data_type, flags, measurement_uid
    header += struct.pack("<3H3fH", *matrix, *field_of_view, channels)
    header += struct.pack("<15f", *position, *read_dir, *phase_dir, *slice_dir, 0.0, 0.0, 0.0)
    header += struct.pack("<6H", *range(6))  # average, slice, contrast, phase, repetition, set
    header += struct.pack("<I3I", stamp, 0, 0, 0)
    header += struct.pack("<3H", image_type, index, 1)
    return header + struct.pack("<8i8fI", *range(8), *np.linspace(0, 1, 8), attributes)


def image(pixels=None, attributes=b"", **fields):
    """Return an image message; pixels (y, x) are uint16 unless `data_type` says so."""
    pixels = np.arange(24, dtype="<u2").reshape(6, 4) if pixels is None else pixels
    rows, cols = pixels.shape
    head = image_header(**{"matrix": (cols, rows, 1), "attributes": len(attributes), **fields})
    return struct.pack("<H", 1022) + head + struct.pack("<Q", len(attributes)) + attributes + pixels.tobytes()


def waveform(channels=2, samples=5):
    head = struct.pack("<H6xQIIIHHfH2x", 1, 0, 0, 0, 0, samples, channels, 2.5, 0)
    return struct.pack("<H", 1026) + head + bytes(4 * channels * samples)


def acquisition(channels=3, samples=8, dimensions=2):
    head = struct.pack("<HQIII3I", 1, 0, 0, 0, 0, 0, 0, 0)
    head += struct.pack("<HHH16Q", samples, channels, channels, *(0,) * 16)
    head += struct.pack("<5Hf15f", 0, 0, 0, 0, dimensions, 5.0, *(0.0,) * 15)
    head += struct.pack("<17H8i8f", *(0,) * 17, *(0,) * 8, *(0.0,) * 8)
    return struct.pack("<H", 1008) + head + bytes(samples * (4 * dimensions + 8 * channels))


def session(*images):
    """Return a whole session: configuration, a header that ends with a zero byte, other messages, images, farewell."""
    begin = config_file() + text(3, XML) + text(5, b"hello\0") + waveform() + acquisition()
    return begin + b"".join(images) + CLOSE
