"""The hottest loops in C, without the interpreter lock; each has a twin in NumPy that finds the same, to the bit.

C with the stable interface and ctypes: one binary serves every Python, nothing is needed at run time, and an
installation without a compiler works, by the twins alone. The twin stands where the function is called, and is the one
to read. ``DEDUP_KERNEL=off`` in the environment leaves the binary out.
"""

import ctypes
import importlib.util
import logging
import os
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_logger = logging.getLogger("dedup")


class _Array:
    """The type of an argument: a contiguous array of one dtype, of which C gets the address."""

    def __init__(self, dtype: DTypeLike) -> None:
        self.dtype = np.dtype(dtype)

    def from_param(self, array: NDArray[Any]) -> Any:
        """Check an array, as another dtype would have C read what is not there."""
        flags = array.flags
        if array.dtype != self.dtype or not flags.c_contiguous:
            raise TypeError(f"an array of {array.dtype}; allowed: a contiguous one of {self.dtype}")
        if flags.writeable and array.size:
            return ctypes.byref(ctypes.c_char.from_buffer(array.data))  # a quarter of the time of the other way
        return ctypes.c_void_p(array.ctypes.data)


_uint8, _int64, _uint32, _uint64 = map(_Array, (np.uint8, np.int64, np.uint32, np.uint64))
_size, _number = ctypes.c_int64, ctypes.c_uint64

#: What each function takes, whose parameters its file in C names; it returns nothing, or a number.
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "signatures": (None, [_uint32, _int64, _size, _uint32, _uint32, _size, _uint32]),  # minhash.c
    "copy_sets": (None, [_uint64, _int64, _int64, _size, _uint64]),  # jaccard.c
    "distinct": (None, [_uint64, _int64, _int64, _size, _uint64, _size, _number, _int64]),  # jaccard.c
    "fold_ascii": (_size, [_uint8, _size, _uint8, _uint8]),  # tokens.c
    "fold_codes": (_size, [_uint32, _size, _uint32, ctypes.c_uint32, _uint32]),  # tokens.c
    "unpack": (_size, [_uint32, _size, _uint8, _uint8]),  # tokens.c
    "tokens": (_size, [_uint8, _int64, _size, _size, _int64, _int64, _uint64, _int64, _int64]),  # tokens.c
    "shingles": (None, [_uint64, _int64, _size, _size, _number, _uint64]),  # shingles.c
    "shared": (None, [_uint64, _int64, _int64, _size, _uint64, _size, _number, _int64]),  # jaccard.c
}


class Kernel:
    """The compiled functions, by name without their prefix."""

    def __init__(self, library: ctypes.CDLL) -> None:
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(library, f"dedup_{name}")
            function.restype, function.argtypes = result, arguments
            setattr(self, name, function)

    def __getattr__(self, name: str) -> Any:  # for mypy: functions are attributes
        raise AttributeError(name)


@cache
def kernel() -> Kernel | None:
    """The compiled functions; None where they are not there, or ``DEDUP_KERNEL=off`` leaves them out."""
    try:
        loaded, reason = _loaded()
    except (OSError, AttributeError) as error:  # made for another system, or for another version of this package
        loaded, reason = None, str(error)
    _logger.info("the hot loops run %s: %s", "in NumPy" if loaded is None else "compiled", reason)
    return loaded


def _loaded() -> tuple[Kernel | None, str]:
    """The compiled functions, and why or from where."""
    if os.environ.get("DEDUP_KERNEL") == "off":
        return None, "DEDUP_KERNEL=off"
    found = importlib.util.find_spec("dedup.kernel._compiled")
    if found is None or found.origin is None:
        return None, "the package was installed without a C compiler"
    return Kernel(ctypes.CDLL(found.origin)), found.origin
