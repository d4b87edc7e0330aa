"""Arrays out of parts, without holding both for long."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def joined(parts: list[NDArray[Any]], dtype: type[np.generic]) -> NDArray[Any]:
    """One array out of one-dimensional parts, each given up (the list empties) once it is copied.

    Examples
    --------
    >>> joined([np.array([1, 2]), np.array([3])], np.int64)
    array([1, 2, 3])
    """
    whole = np.empty(sum(map(len, parts)), dtype=dtype)
    parts.reverse()
    done = 0
    while parts:
        part = parts.pop()
        whole[done : done + len(part)] = part
        done += len(part)
    return whole
