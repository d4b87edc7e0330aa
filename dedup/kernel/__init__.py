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
        if array.dtype == self.dtype:
            try:
                return ctypes.byref(_at(array))  # a quarter of the time of the other way
            except TypeError:  # not contiguous, or not to be written
                if array.flags.c_contiguous:
                    return ctypes.c_void_p(array.ctypes.data)
        raise TypeError(f"an array of {array.dtype}; allowed: a contiguous one of {self.dtype}")


#: The beginning of a contiguous array that may be written, of any size.
_at: Any = (ctypes.c_char * 0).from_buffer

_int64, _int32, _int16, _int8 = map(_Array, (np.int64, np.int32, np.int16, np.int8))
_uint64, _uint32, _uint8 = map(_Array, (np.uint64, np.uint32, np.uint8))
_float64, _float32 = _Array(np.float64), _Array(np.float32)
_number, _hash, _real = ctypes.c_int64, ctypes.c_uint64, ctypes.c_double
_table = [_uint64, _int32, _number, _number]  # see SortedKeys.table
_texts = [_uint64, _int64, _int64, _number]  # features, starts, languages, number
_rows = [_int64, _int32, _float32]  # sparse: starts, columns, values
_known = [*_table, _uint8]  # with a flag of each key
_packing = [ctypes.c_uint64, ctypes.c_uint64, _uint64]
_weights = [_float32, _int32, _int64, _float64]
_pairs = [_float32, _int32, _int64, _int64, _float32]
_wide_rows = [_int64, _int32, _float64]
_runs = [*[_uint64] * 5, _number]  # see Postings.places
_postings = [_number, *_runs, _number, _number, _int64, _int64]
_own = [_uint32, _number, _float64, _float64]
_theirs = [_uint32, _uint8, _int64, _int64, _number, _float64]
_moves = [_int64, _int64, _float64, _int64, _number, _float64, _uint8]

#: What each function takes, whose parameters its file in C names; it returns nothing, or a number.
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "signatures": (None, [_uint32, _int64, _number, _uint32, _uint32, _number, _uint32]),  # minhash.c
    "find": (None, [*_table, _uint64, _number, _int64]),  # keys.c
    "chained": (None, [_uint64, _number, _number, _uint64]),
    "occurrences": (  # counts.c
        _number,
        [_uint8, _int64, _int64, _uint64, _int64, _number, _uint8, _uint8, _uint8, _uint8, *_packing],
    ),
    "counted": (_number, [_uint64, _number, _float32, _int64]),
    "word_pairs": (None, [_uint64, _number, _number, _number, _float64, _float64]),
    "bucket_sizes": (None, [_uint64, _number, _number, _number, _int64]),
    "fill_buckets": (None, [*_texts, _number, _number, _number, _number, _number, _int64, _uint64]),
    "weigh": (None, [*_texts, _float32, *_table, _float32, _int64, *_table, _float32, _number, _number, *_weights]),
    "gather_columns": (None, [_int32, _number, _int32]),  # pairs.c
    "rarest": (None, [_int64, _int32, _number, _int64, _number, _int32, _uint8]),
    "heaviest": (None, [*_rows, _number, _int64, _number, ctypes.c_float, _uint64, _uint8]),
    "products": (_number, [*_rows, _number, _number, _int32, _int32, _float32, _number, ctypes.c_float, *_pairs]),
    "dot_products": (None, [*_rows, *_rows, _int64, _int64, _number, _float32, _int32, _float64, _float64]),
    "local_moves": (None, [_int64, _int32, _float64, _number, _int64, _float64, _real, _real, *_moves]),  # moves.c
    "copy_sets": (None, [_uint64, _int64, _int64, _number, _uint64]),  # jaccard.c
    "distinct": (None, [_uint64, _int64, _int64, _number, _uint64, _number, _hash, _int64]),  # jaccard.c
    "fold_ascii": (_number, [_uint8, _number, _uint8, _uint8]),  # tokens.c
    "fold_codes": (_number, [_uint32, _number, _uint32, ctypes.c_uint32, _uint32]),  # tokens.c
    "unpack": (_number, [_uint32, _number, _uint8, _uint8]),  # tokens.c
    "tokens": (_number, [_uint8, _int64, _number, _number, _int64, _int64, _uint64, _int64, _int64]),  # tokens.c
    "masked_sums": (None, [_uint8, _int64, _int64, _uint64, _number, *_table, _hash, _hash, _uint8, _uint64]),
    "may_have_residue": (  # residue.c
        None,
        [
            *[_uint64, _uint8, _uint8, _int64, _int64, _number, _int32, _uint64, _hash, _uint64],
            *[*_known, *_known, *_table, _int64, _number, _uint8],
        ],
    ),
    "shingles": (None, [_uint64, _int64, _number, _number, _hash, _uint64]),  # shingles.c
    "shared": (None, [_uint64, _int64, _int64, _number, _uint64, _number, _hash, _int64]),  # jaccard.c
    "sorted_rows": (  # stream.c
        _number,
        [_uint32, _float64, _int64, _number, _number, _int32, _uint64, _uint32, _int32, _float64],
    ),
    "row_squares": (None, [_int64, _float64, _number, _float64]),
    "number_columns": (_number, [_int64, _int32, _int64, _number, _int32]),
    "add_days": (None, [*_wide_rows, _int64, _int64, _number, _int32, _number, _float64]),
    "day_products": (None, [*_wide_rows, _int64, _number, _int32, _float64, _number, _float64]),
    "forget_columns": (None, [_int64, _int32, _int64, _number, _int32]),
    "languages": (None, [_uint32, _int64, _number, _int64]),
    "present_weights": (None, [_uint32, _uint8, _int64, _number, _int64, _int64, _int16, _uint8, *[_float64] * 5]),
    "in_earlier_texts": (None, [_int64, _int64, _number, _uint8, _int16, _int64]),
    "find_nodes_32": (_number, [_uint32, *_postings]),
    "find_nodes_64": (_number, [_uint64, *_postings]),
    "sum_shares": (
        _number,
        [
            *[_uint32, _float64, _float64, _int64, _int64, _number, _int64],
            *[*_runs, _float64, _float64, _int32, _number, _int64, _int64],
        ],
    ),
    "shared_parts": (None, [*_own, *_theirs, _int32, *[_float64] * 3]),
    "vector_products": (None, [_int8, _number, _int64, _number, _int8, _float32]),
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
