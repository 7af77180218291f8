"""Slow, obvious twins of kernels/crc.py, for the tests to compare with."""


def crc64_bit_by_bit(data):
    """Remainder of the long division of the message, followed by 64 zeros, by the polynomial of ECMA-182."""
    remainder = 0
    for bit in range(8 * len(data) + 64):
        new = data[bit // 8] >> (7 - bit % 8) & 1 if bit < 8 * len(data) else 0
        carry, remainder = remainder >> 63, (remainder << 1 | new) & (1 << 64) - 1
        if carry:
            remainder ^= 0x42F0E1EBA9EA3693
    return remainder
