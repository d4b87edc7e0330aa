"""What the live articles of an index mean: their vectors, and which of them are alike in nothing else."""

from collections.abc import Mapping, Sequence
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from dedup.arrays import Flags, Floats, Integers, slices
from dedup.article import Article
from dedup.encoders import Encoder
from dedup.encoders.meanings import encoded, encoded_text, scale_of
from dedup.kernel import kernel
from dedup.parameters import FOLD, Fold
from dedup.story.candidates import CANDIDATE_FLOOR
from dedup.story.close_meanings import MAX_NEIGHBOURS
from dedup.story.encoding import REACH_DAYS_ACROSS, REACH_DAYS_WITHIN, ArticleMeanings, Meanings, Scale, weights_of
from dedup.story.partition import join_costs
from dedup.story.similarity import Likeness
from dedup.stream.nodes import NodeTable
from dedup.stream.text_features import TextFeatures

#: The vectors of texts that were encoded before, by what an encoder is given of each.
EncodedTexts = Mapping[str, NDArray[np.int8]]

_BLOCK_ROWS = 4096


class LiveMeanings:
    """The vectors of an encoder and the languages of the nodes of a table; where there is no vector, zeros."""

    def __init__(self, encoder: Encoder, table: NodeTable, fold: Fold = FOLD) -> None:
        self.encoder, self._table, self._fold = encoder, table, fold
        self._first = self._stop = 0
        self._vectors = np.zeros((0, 0), dtype=np.int8)
        self._lengths, self._languages = np.zeros(0), np.zeros(0, dtype=np.int64)

    @cached_property
    def scale(self) -> Scale:
        """The scale of the encoder, which is called for it when it is first needed."""
        return scale_of(self.encoder, self._fold)

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
        missing = self._stop - self._first - len(self._lengths)
        if missing > 0:
            more = max(missing, len(self._lengths), 1024)
            self._vectors = np.concatenate([self._vectors, np.zeros((more, self._vectors.shape[1]), dtype=np.int8)])
            self._lengths = np.concatenate([self._lengths, np.zeros(more)])
            self._languages = np.concatenate([self._languages, np.zeros(more, dtype=np.int64)])

    def trim(self, first: int) -> None:
        """Free the rows of the nodes before this one."""
        skipped = min(max(first - self._first, 0), self._stop - self._first)
        kept = slice(skipped, self._stop - self._first)
        self._vectors, self._lengths = self._vectors[kept].copy(), self._lengths[kept].copy()
        self._languages = self._languages[kept].copy()
        self._first += skipped

    def of_story(self, nodes: Integers, places: Mapping[str, int]) -> ArticleMeanings:
        """The meanings of the reports of a story; whoever reads it needs no encoder until it is explained."""
        return ArticleMeanings(self.of(nodes, Scale(0.0, 0.0)), places, partial(scale_of, self.encoder, self._fold))

    def of(self, nodes: Integers, scale: Scale | None = None) -> Meanings:
        """The meanings of nodes; of this encoder unless another scale is given."""
        place = nodes - self._first
        own = self._vectors[place], self._lengths[place], self._languages[place]
        return Meanings(*own, scale or self.scale, np.ones(len(nodes))).weighed(join_costs(self._table.sizes(nodes)))

    def of_texts(self, texts: TextFeatures) -> Meanings:
        """The meanings of texts."""
        vectors, languages = texts.vectors, texts.languages()
        self._make_room(vectors.shape[1])
        if not vectors.shape[1]:
            vectors = np.zeros((len(texts), self._vectors.shape[1]), dtype=np.int8)
        found = Meanings.of_whole(vectors, np.where(languages > 0, languages, -1), self.scale)
        return found.weighed(join_costs(np.diff(texts.offsets)))

    def similarity(self, words: Likeness, texts: Meanings, text: Integers, nodes: Integers, days: Floats) -> Floats:
        """Similarity of texts, published on `days`, to nodes that their words are so much like, shape (n_pairs,)."""
        distinct, place = np.unique(nodes, return_inverse=True)
        both = texts.beside(self.of(distinct))
        return both.similarity(words, text, len(texts.lengths) + place, days[text], self._table.days(nodes))

    def candidates(self, texts: Meanings, days: Floats, limits: Integers) -> tuple[Integers, Integers]:
        """Return canonical nodes below each text's limit that are similar to it by meaning alone: the closest.

        Both arrays have shape (n_found,): the text, ascending; and the node.
        """
        nodes = self._near(days)
        node_days, place = self._table.days(nodes), nodes - self._first
        lengths, languages = self._lengths[place], self._languages[place]
        weights = weights_of(lengths, join_costs(self._table.sizes(nodes))) * self.scale.most_within
        found = [(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))]
        for i in np.flatnonzero((limits > 0) & (texts.lengths > 0)).tolist():
            gap, own = np.abs(node_days - days[i]), texts.languages[i]
            across = (languages >= 0) & (languages != own) if own >= 0 else np.zeros(len(nodes), dtype=np.bool_)
            may_count = across | (texts.weights[i] * weights >= CANDIDATE_FLOOR)
            far = gap > np.where(across, REACH_DAYS_ACROSS, REACH_DAYS_WITHIN)
            compared = np.flatnonzero(may_count & ~far & (lengths > 0) & (nodes < limits[i]))
            dots = vector_products(self._vectors, place[compared], texts.vectors[i])
            alike = compared[dots >= self.scale.least * lengths[compared] * texts.lengths[i]]
            closest = self._closest(texts.at(np.array([i])), days[i], nodes[alike])
            found.append((np.full(len(closest), i), closest))
        text, others = (np.concatenate(side) for side in zip(*found, strict=True))
        return text, others

    def _near(self, days: Floats) -> Integers:
        """The canonical nodes that are near in time to one of some texts, or may be."""
        nodes = self._table.canonical()
        published = self._table.days(nodes)
        if np.isnan(days).any() or not len(days):
            return nodes
        far = (published < days.min() - REACH_DAYS_ACROSS) | (published > days.max() + REACH_DAYS_ACROSS)
        return np.asarray(nodes[~far])

    def _closest(self, text: Meanings, day: float, nodes: Integers) -> Integers:
        """Of nodes those that are similar enough to a text by meaning alone, the closest, ascending."""
        both, other = text.beside(self.of(nodes)), 1 + np.arange(len(nodes))
        days = np.full(len(nodes), day), self._table.days(nodes)
        similarity = both.alone(np.zeros(len(nodes), dtype=np.int64), other, *days)
        kept = np.flatnonzero(similarity >= CANDIDATE_FLOOR)
        closest = kept[np.lexsort((nodes[kept], -similarity[kept]))][:MAX_NEIGHBOURS]
        return np.sort(nodes[closest])

    def vectors_of(
        self, articles: Sequence[Article], wanted: Flags, before: EncodedTexts | None = None
    ) -> NDArray[np.int8]:
        """The vectors of articles, shape (n, n_dimensions), zeros where they are not wanted."""
        texts = [encoded_text(article) if own else None for article, own in zip(articles, wanted.tolist(), strict=True)]
        known = dict(before or {})
        known |= self.encoded([a for a, text in zip(articles, texts, strict=True) if text is not None], known)
        n_dimensions = max((len(known[text]) for text in texts if text is not None), default=0)
        nothing = np.zeros(n_dimensions, dtype=np.int8)
        rows = [nothing if text is None else known[text] for text in texts]
        return np.stack(rows) if rows else np.zeros((0, 0), dtype=np.int8)

    def encoded(self, articles: Sequence[Article], before: EncodedTexts) -> EncodedTexts:
        """The vectors of the texts of articles that were not encoded before, each encoded once."""
        new = {text: article for article in articles if (text := encoded_text(article)) not in before}
        return dict(zip(new, encoded(list(new.values()), self.encoder), strict=True))


def stored_vectors(texts: TextFeatures) -> tuple[list[NDArray[np.int8]], Integers]:
    """The vectors of texts, empty for zeros, and the languages of those that have one, 0 for unknown."""
    filled = np.asarray(texts.vectors.any(axis=1))
    vectors = [vector if own else vector[:0] for vector, own in zip(texts.vectors, filled.tolist(), strict=True)]
    return vectors, np.where(filled, texts.languages(), 0)


def vector_products(vectors: NDArray[np.int8], rows: Integers, vector: NDArray[np.int8]) -> NDArray[np.float32]:
    """Products of some rows with one vector: exact, see `dedup.story.encoding`."""
    found, compiled = np.empty(len(rows), dtype=np.float32), kernel()
    if compiled is not None:
        compiled.vector_products(vectors, vectors.shape[1], rows, len(rows), vector, found)
        return found
    one = vector.astype(np.float32)
    for block in slices(0, len(rows), _BLOCK_ROWS):
        found[block] = vectors[rows[block]].astype(np.float32) @ one
    return found
