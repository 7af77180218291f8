"""Compute the CRC-64 of ECMA-182, the checksum of OpenIGTLink message bodies, sixteen bytes at a time."""

import numpy as np
from numpy.typing import NDArray

from kernels.jit import kernel, u1_1d_in, u8, u8_1d_unaligned_in, u8_2d, void

POLYNOMIAL = np.uint64(0x42F0E1EBA9EA3693)
"""Generator polynomial without x^64, most significant bit first (standard ECMA-182, annex B)."""

SLICES = 16
"""Bytes that are looked up per step."""


@kernel(void(u8_2d))
def fill_tables(out: NDArray[np.uint64]) -> None:
    """Fill the lookup tables for slicing.

    Parameters
    ----------
    out : ndarray of uint64, shape (K, 256)
        Receives in row k the contribution of each byte value to the checksum when k more bytes follow it,
        byte-swapped.
    """
    low = np.uint64(255)
    for byte in range(out.shape[1]):
        crc = np.uint64(byte) << np.uint64(56)
        for k in range(out.shape[0]):
            for _ in range(8):
                crc = (crc << np.uint64(1)) ^ (POLYNOMIAL * (crc >> np.uint64(63)))
            swapped = np.uint64(0)
            for shift in range(8):
                swapped = (swapped << np.uint64(8)) | ((crc >> np.uint64(8 * shift)) & low)
            out[k, byte] = swapped


TABLES = np.zeros((SLICES, 256), dtype=np.uint64)
"""Lookup tables, byte-swapped to match words as little-endian machines load them."""
fill_tables(TABLES)


@kernel(u8(u8_1d_unaligned_in, u1_1d_in))
def crc64(words: NDArray[np.uint64], rest: NDArray[np.uint8]) -> np.uint64:
    """Return the CRC-64 of some bytes (ECMA-182: initial value 0, not reflected, no final inversion).

    Slicing by 16 after Kounavis and Berry, "A systematic approach to building high performance software-based CRC
    generators", 2005: the bytes of two words are looked up independently of each other.

    Parameters
    ----------
    words : ndarray of uint64, little-endian, shape (N,); need not be aligned
        The first 8 N bytes.
    rest : ndarray of uint8, shape (M,)
        The remaining bytes.

    Returns
    -------
    int
        The checksum, 64 bits.
    """
    low = np.uint64(255)
    crc = np.uint64(0)
    for k in range(1, words.size, 2):
        a = words[k - 1] ^ crc
        b = words[k]
        crc = (
            TABLES[15, a & low]
            ^ TABLES[14, (a >> np.uint64(8)) & low]
            ^ TABLES[13, (a >> np.uint64(16)) & low]
            ^ TABLES[12, (a >> np.uint64(24)) & low]
            ^ TABLES[11, (a >> np.uint64(32)) & low]
            ^ TABLES[10, (a >> np.uint64(40)) & low]
            ^ TABLES[9, (a >> np.uint64(48)) & low]
            ^ TABLES[8, a >> np.uint64(56)]
            ^ TABLES[7, b & low]
            ^ TABLES[6, (b >> np.uint64(8)) & low]
            ^ TABLES[5, (b >> np.uint64(16)) & low]
            ^ TABLES[4, (b >> np.uint64(24)) & low]
            ^ TABLES[3, (b >> np.uint64(32)) & low]
            ^ TABLES[2, (b >> np.uint64(40)) & low]
            ^ TABLES[1, (b >> np.uint64(48)) & low]
            ^ TABLES[0, b >> np.uint64(56)]
        )
    if words.size % 2 == 1:
        a = words[words.size - 1]
        for k in range(8):
            crc = (crc >> np.uint64(8)) ^ TABLES[0, (crc ^ (a >> np.uint64(8 * k))) & low]
    for k in range(rest.size):
        crc = (crc >> np.uint64(8)) ^ TABLES[0, (crc ^ np.uint64(rest[k])) & low]
    # Undo the byte swap of the tables.
    out = np.uint64(0)
    for k in range(8):
        out = (out << np.uint64(8)) | ((crc >> np.uint64(8 * k)) & low)
    return out
