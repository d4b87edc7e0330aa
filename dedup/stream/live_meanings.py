"""What the live articles of an index mean: their vectors, and which of them are alike in nothing else."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Flags, Floats, Integers
from dedup.article import Article
from dedup.encoders import Encoder
from dedup.encoders.meanings import encoded, encoded_text, scale_of
from dedup.kernel import kernel
from dedup.story.candidates import CANDIDATE_FLOOR
from dedup.story.encoding import MAX_NEIGHBOURS, REACH_DAYS_ACROSS, REACH_DAYS_WITHIN, Meanings, Scale
from dedup.story.partition import join_costs
from dedup.story.similarity import Likeness
from dedup.stream.nodes import NodeTable
from dedup.stream.text_features import TextFeatures, languages_of

#: The vectors of texts that were encoded before, by what an encoder is given of each.
EncodedTexts = Mapping[str, NDArray[np.int8]]

_BLOCK_ROWS = 4096


class LiveMeanings:
    """The vectors of an encoder and the languages of the nodes of a table; where there is no vector, zeros."""

    def __init__(self, encoder: Encoder, table: NodeTable) -> None:
        self.encoder, self._table = encoder, table
        self._first = self._stop = 0
        self._vectors = np.zeros((0, 0), dtype=np.int8)
        self._lengths, self._languages = np.zeros(0), np.zeros(0, dtype=np.int64)

    @cached_property
    def scale(self) -> Scale:
        """The scale of the encoder, which is called for it when it is first needed."""
        return scale_of(self.encoder)

    def add(self, nodes: Integers, vectors: Sequence[NDArray[np.int8]], languages: Integers) -> None:
        """Add nodes, ascending and above all others, with their vectors, empty for zeros, and their languages."""
        if self._first == self._stop:
            self._first = int(nodes[0])
        self._stop = int(nodes[-1]) + 1
        self._make_room(max(map(len, vectors)))
        place, filled = nodes - self._first, np.array([len(vector) > 0 for vector in vectors])
        if filled.any():
            rows = np.stack([vector for vector in vectors if len(vector)])
            self._vectors[place[filled]] = rows
            self._lengths[place[filled]] = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
        self._languages[place] = np.where(filled & (languages > 0), languages, -1)

    def _make_room(self, n_dimensions: int) -> None:
        """Make room for nodes, and for vectors, which all have as many dimensions."""
        known = self._vectors.shape[1]
        if known and n_dimensions not in (0, known):
            raise ValueError(f"encoder returned {n_dimensions} numbers for a text; allowed: {known}, as in the index")
        if not known:
            self._vectors = np.zeros((len(self._vectors), n_dimensions), dtype=np.int8)
        while (missing := self._stop - self._first - len(self._lengths)) > 0:
            more = max(missing, len(self._lengths), 1024)
            columns = (self._vectors, self._lengths, self._languages)
            grown = (np.concatenate([c, np.zeros((more, *c.shape[1:]), dtype=c.dtype)]) for c in columns)
            self._vectors, self._lengths, self._languages = grown

    def trim(self, first: int) -> None:
        """Free the rows of the nodes before this one."""
        skipped = min(max(first - self._first, 0), self._stop - self._first)
        kept = slice(skipped, self._stop - self._first)
        columns = (self._vectors, self._lengths, self._languages)
        self._vectors, self._lengths, self._languages = (column[kept].copy() for column in columns)
        self._first += skipped

    def of(self, nodes: Integers) -> Meanings:
        """The meanings of nodes."""
        place = nodes - self._first
        own = self._vectors[place], self._lengths[place], self._languages[place]
        return Meanings(*own, self.scale, np.ones(len(nodes))).weighed(join_costs(self._table.sizes(nodes)))

    def of_texts(self, texts: TextFeatures) -> Meanings:
        """The meanings of texts."""
        sizes, vectors = np.diff(texts.offsets), texts.vectors
        languages = languages_of(texts.features, np.repeat(np.arange(len(texts)), sizes), len(texts))
        if not vectors.shape[1]:
            vectors = np.zeros((len(texts), self._vectors.shape[1]), dtype=np.int8)
        found = Meanings.of_whole(vectors, np.where(languages > 0, languages, -1), self.scale)
        return found.weighed(join_costs(sizes))

    def similarity(self, words: Likeness, texts: Meanings, text: Integers, nodes: Integers, days: Floats) -> Floats:
        """Similarity of texts, published on `days`, to nodes that their words are so much like, shape (n_pairs,)."""
        distinct, place = np.unique(nodes, return_inverse=True)
        both = self._beside(texts, distinct)
        return both.similarity(words, text, len(texts.lengths) + place, days[text], self._table.days(nodes))

    def _beside(self, texts: Meanings, nodes: Integers) -> Meanings:
        if texts.vectors.shape[1] != self._vectors.shape[1]:  # none of either has a vector
            return Meanings.of_whole(np.zeros((len(texts.lengths) + len(nodes), 1), np.int8), -np.ones(len(texts.lengths) + len(nodes), dtype=np.int64), self.scale)
        return texts.beside(self.of(nodes))
