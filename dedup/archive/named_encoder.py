"""An encoder by its name, under which every worker and every later call finds it."""

import pkgutil
from typing import NamedTuple

from dedup import encoders
from dedup.article import Article
from dedup.encoders import Encoder
from dedup.encoders.identity import identity_of
from dedup.encoders.meanings import encoded


class NamedEncoder(NamedTuple):
    """An encoder that a task can load."""

    name: str  # by which it is imported
    identity: str  # see `dedup.encoders.identity.identity_of`

    @classmethod
    def of(cls, encoder: Encoder) -> "NamedEncoder":
        """The name of an encoder.

        Raises
        ------
        TypeError
            When it cannot be imported by any.

        Examples
        --------
        >>> from dedup.encoders import use
        >>> NamedEncoder.of(use).name
        'dedup.encoders.use'
        """
        module, name = getattr(encoder, "__module__", ""), getattr(encoder, "__qualname__", "")
        for path in (f"{encoders.__name__}.{name}", f"{module}.{name}"):
            if module != "__main__" and name and _found(path) is encoder:
                return cls(path, identity_of(encoder))
        raise TypeError(f"encoder is {encoder!r}; allowed: None, or a function of a module, which workers import")

    def load(self) -> Encoder:
        """The encoder.

        Raises
        ------
        ValueError
            When it cannot be imported, or is no longer what it was.
        """
        encoder: Encoder | None = _found(self.name)
        if encoder is None:
            raise ValueError(f"encoder was {self.name}; allowed: one that can be imported")
        if (now := identity_of(encoder)) != self.identity:
            raise ValueError(f"encoder was {self.identity!r}, now it is {now!r}; allowed: the same")
        return encoder

    def try_out(self) -> None:
        """Encode a text, so that what it lacks is told before much work is done."""
        encoded([Article("a", "a")], self.load())


def _found(path: str) -> Encoder | None:
    """The function of this name, if there is one."""
    try:
        found: Encoder = pkgutil.resolve_name(path)
    except (ImportError, AttributeError, ValueError):
        return None
    return found
