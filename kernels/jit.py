"""Define how kernels are compiled.

Every kernel has an explicit signature, so that it is compiled when its module is imported and never during a session,
and releases the GIL. The fast-math flags are limited to those that reorder or fuse arithmetic: under `nnan` or `ninf`,
`nan <= limit` can evaluate to True.

Compiled code is cached with a hash of all kernel sources. Numba's own cache checks only the file of the outer function,
and would run stale machine code of the callers after a change of a kernel that they call. Once all kernels are compiled
they are loaded from one file, see `kernels.library`.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba import types

from kernels.cache import VARIABLE, CacheError, cache_folder, use_folder
from kernels.library import library_in, write_library

FASTMATH = {"contract", "reassoc", "nsz", "arcp"}

f4 = types.float32
f8 = types.float64
i4 = types.int32
i8 = types.int64
u1 = types.uint8
u8 = types.uint64
b1 = types.boolean
f4_1d = types.float32[::1]
f4_2d = types.float32[:, ::1]
f4_3d = types.float32[:, :, ::1]
f8_1d = types.float64[::1]
f8_2d = types.float64[:, ::1]
f8_3d = types.float64[:, :, ::1]
i4_1d = types.int32[::1]
i4_2d = types.int32[:, ::1]
i8_1d = types.int64[::1]
i8_2d = types.int64[:, ::1]
u8_2d = types.uint64[:, ::1]
u1_2d = types.uint8[:, ::1]
b1_2d = types.boolean[:, ::1]
# Input arrays that the kernel does not write to: read-only and writable arrays are accepted.
u8_1d = types.uint64[::1]
f4_1d_in = types.Array(f4, 1, "C", readonly=True)
f4_2d_in = types.Array(f4, 2, "C", readonly=True)
f8_2d_in = types.Array(f8, 2, "C", readonly=True)
u2_2d_in = types.Array(types.uint16, 2, "C", readonly=True)
i2_2d_in = types.Array(types.int16, 2, "C", readonly=True)
u1_2d_in = types.Array(u1, 2, "C", readonly=True)
u1_1d_in = types.Array(u1, 1, "C", readonly=True)
u8_1d_unaligned_in = types.Array(u8, 1, "C", readonly=True, aligned=False)
void = types.void
four_integers = types.UniTuple(i8, 4)  # type: ignore[no-untyped-call]
two_floats = types.UniTuple(f8, 2)  # type: ignore[no-untyped-call]
three_floats = types.UniTuple(f8, 3)  # type: ignore[no-untyped-call]
image_summary = types.Tuple((b1, b1, i8, u8))  # type: ignore[no-untyped-call]

F = TypeVar("F", bound=Callable[..., object])


def _sources_digest() -> str:
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.name.encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _choose_folder() -> Path:
    digest, sources = _sources_digest(), Path(__file__).parent
    kept = os.environ.get(VARIABLE)
    folder = cache_folder((Path(kept) if kept else sources / "__pycache__") / f"numba-{digest}", digest)
    use_folder(folder, sources, digest)
    return folder


FOLDER = _choose_folder()
"""Where compiled kernels are kept."""


_disabled = bool(getattr(numba.config, "DISABLE_JIT", False))
LIBRARY = None if _disabled else library_in(FOLDER)
"""All kernels in one file; None until they were compiled on this machine."""
_compiled: list[Any] = []


def keep_all(total: int) -> None:
    """Write the library of all kernels, unless they come from it or not all have been compiled by this process.

    Parameters
    ----------
    total : int
        Number of kernels in the sources.
    """
    here = Path(__file__).parent
    own = [one for one in _compiled if Path(one.py_func.__code__.co_filename).parent == here]
    if LIBRARY is None and len(own) == total and not _disabled:
        write_library(FOLDER, own)


def kernel(signature: object) -> Callable[[F], F]:
    """Compile a function at import for explicit signatures, with a cache and without the GIL.

    Parameters
    ----------
    signature : numba signature, or list of them
        For example ``f8(f8_2d, i8)``; array types are C-contiguous and writable.

    Returns
    -------
    callable
        The decorator. A call with other types raises TypeError instead of compiling again.

    Raises
    ------
    CacheError
        By the decorator, when what was compiled cannot be kept.
    """
    options: dict[str, Any] = {"nogil": True, "fastmath": FASTMATH, "error_model": "numpy", "boundscheck": False}

    def compiled(function: F) -> F:
        if LIBRARY is not None:
            dispatcher = numba.njit(**options)(function)
            if LIBRARY.fill(dispatcher, signature if isinstance(signature, list) else [signature]):
                return cast(F, dispatcher)
        try:
            _compiled.append(numba.njit(signature, cache=True, **options)(function))
        except OSError:
            raise CacheError from None
        return cast(F, _compiled[-1])

    return compiled
