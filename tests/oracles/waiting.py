"""The slow twin of `kernels.waiting`."""

BITS = 2**64


def xorshift(count):
    """Return number `count` of Marsaglia's sequence with shifts 13, 7 and 17, as a signed number of 64 bits."""
    number = 88172645463325252
    for _ in range(count):
        number ^= number << 13
        number = signed(number)
        number ^= number >> 7
        number ^= number << 17
        number = signed(number)
    return number


def signed(number):
    """Return the lowest 64 bits of a number, with their sign."""
    number %= BITS
    return number - BITS if number >= BITS // 2 else number
