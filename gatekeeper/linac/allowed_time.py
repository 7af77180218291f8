"""Sum up for how long the beam was allowed, as far as the side that asks can know."""


class AllowedTime:
    """Total time for which the far end may have had the beam on.

    A permission counts from when it is sent until the far end ends it by itself, unless it is renewed or revoked first.
    Another thread than the one that writes may read.
    """

    def __init__(self) -> None:
        # Total before the current permission, its begin and its end, in ns; replaced as a whole.
        self._state = (0, 0, 0)

    def allow(self, now_ns: int, until_ns: int) -> None:
        """Count a permission that is sent at `now_ns` and ends at `until_ns`."""
        self._state = (self.total_ns(now_ns), now_ns, max(now_ns, until_ns))

    def revoke(self, now_ns: int) -> None:
        """Count until `now_ns` and no further."""
        self._state = (self.total_ns(now_ns), now_ns, now_ns)

    def total_ns(self, now_ns: int) -> int:
        """Return the time allowed until `now_ns`, in ns."""
        before_ns, from_ns, until_ns = self._state
        return before_ns + max(0, min(now_ns, until_ns) - from_ns)
