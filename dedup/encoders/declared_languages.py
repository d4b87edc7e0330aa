"""The languages that articles declare, and those that are guessed of their texts -> a number for each language.

"fr", "fra" and "fr-CA" are one language: a declared name means the language that is guessed for most texts with that
name, also for texts that are too short for a guess.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from dedup.arrays import Integers


class DeclaredLanguages:
    """What the names mean that the articles of a batch declare, which may come in parts.

    Examples
    --------
    >>> languages = DeclaredLanguages()
    >>> languages.add(["fra", "FR ", None], ["fr", "fr", "en"])
    >>> languages.add(["fr", None], [None, None])
    >>> languages.numbers(["fra", "fr", None, None], [None, "en", "en", None]).tolist()
    [1, 1, 0, -1]
    """

    def __init__(self) -> None:
        self._declared: dict[str, Counter[str]] = {}
        self._guessed: set[str] = set()  # of texts that declare none

    def add(self, declared: Sequence[str | None], guessed: Sequence[str | None]) -> None:
        """Count the languages that some texts declare, and those that are guessed for them."""
        for given, guess in zip(declared, guessed, strict=True):
            if name := _name_of(given):
                self._declared.setdefault(name, Counter()).update([guess] if guess else [])
            elif guess:
                self._guessed.add(guess)

    def numbers(self, declared: Sequence[str | None], guessed: Sequence[str | None]) -> Integers:
        """A number for the language of each text, all of which were counted; -1 for an unknown one."""
        meaning = {
            name: min(votes, key=lambda code: (-votes[code], code)) if votes else name
            for name, votes in self._declared.items()
        }
        numbers = {name: number for number, name in enumerate(sorted(self._guessed.union(meaning.values())))}
        names = [_name_of(given) for given in declared]
        found = [meaning[name] if name else guess for name, guess in zip(names, guessed, strict=True)]
        return np.array([numbers[name] if name else -1 for name in found], dtype=np.int64)


def _name_of(declared: str | None) -> str:
    return (declared or "").strip().casefold()
