"""An encoder that is asked once for each text, and its time."""

import time

import numpy as np
from numpy.typing import NDArray

from dedup.encoders import Encoder


class Remembered:
    """An encoder that calls another once for each text, and adds up the seconds of processors."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self.known: dict[str, NDArray[np.float32]] = {}
        self.seconds = 0.0

    def __call__(self, texts: list[str]) -> NDArray[np.float32]:
        """Rows of the texts."""
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        if new:
            start = time.process_time()
            vectors = np.asarray(self.encoder(new), dtype=np.float32)
            self.seconds += time.process_time() - start
            self.known |= dict(zip(new, vectors, strict=True))
        return np.stack([self.known[text] for text in texts])
