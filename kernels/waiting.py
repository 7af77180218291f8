"""Wait on the processor for some microseconds, without the GIL and without giving the processor away."""

from kernels.jit import i8, kernel


@kernel(i8(i8))
def spin(count: int) -> int:
    """Compute `count` numbers of a sequence and return the last; one takes one to two nanoseconds.

    The sequence is Marsaglia's xorshift (J. Stat. Softw. 8:14, 2003), so that no compiler can leave it out.
    """
    number = 88172645463325252
    for _ in range(count):
        number ^= number << 13
        number ^= number >> 7
        number ^= number << 17
    return number
