import numpy as np
import pytest

from kernels.crc import SLICES, TABLES, crc64, fill_tables
from tests.oracles.crc import crc64_bit_by_bit

DATA = np.random.default_rng(182).bytes(400)


def checksum(data, words):
    """The kernel's checksum of bytes of which the first 8 x `words` go in as words."""
    return crc64(np.frombuffer(data, "<u8", words), np.frombuffer(data, np.uint8, offset=8 * words))


def test_the_checksum_is_the_catalogued_one():
    """The check value of CRC-64/ECMA-182 in the catalogue of parametrised CRC algorithms."""
    assert checksum(b"123456789", 1) == 0x6C40DF5F0B497347


@pytest.mark.parametrize("size", [*range(50), 127, 128, 129, 400])
def test_bytes_of_any_number_have_the_checksum_of_the_long_division(size):
    expected = crc64_bit_by_bit(DATA[:size])
    for words in {0, size // 16, size // 8, size // 16 * 2}:
        assert checksum(DATA[:size], words) == expected


@pytest.mark.parametrize("offset", range(9))
def test_bytes_that_lie_anywhere_in_memory_have_the_same_checksum(offset):
    held = b"\0" * offset + DATA
    assert checksum(memoryview(held)[offset:], 50) == crc64_bit_by_bit(DATA)


def test_every_table_says_what_a_byte_adds_when_others_follow():
    tables = np.empty_like(TABLES)
    fill_tables(tables)
    np.testing.assert_array_equal(tables, TABLES)
    for following in range(SLICES):
        for value in (0, 1, 77, 255):
            alone = crc64_bit_by_bit(bytes([value]) + bytes(following))
            assert int(tables[following, value]).to_bytes(8, "little") == alone.to_bytes(8, "big")
