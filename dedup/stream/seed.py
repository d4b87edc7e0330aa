"""An index that begins with articles whose stories are known."""

from dataclasses import replace
from datetime import tzinfo
from itertools import pairwise

import numpy as np

from dedup.arrays import numbered_by_first
from dedup.article import read_articles
from dedup.progress import ProgressCallback
from dedup.store.records import encoded
from dedup.stories import LabelledArticles
from dedup.stream.assigner import Assigner
from dedup.stream.live import TEXTS_AT_ONCE
from dedup.stream.matching import match_articles
from dedup.stream.state import IndexState
from dedup.stream.validation import check_articles


def seed_index(
    state: IndexState,
    assigner: Assigner,
    grouped: LabelledArticles,
    timezone: str | tzinfo | None,
    progress: ProgressCallback,
) -> None:
    """Put articles of which the stories are known into an empty index, within an open transaction.

    The story of label k gets the number k + 1. Similarities are measured as if the articles had come in canonical
    order, with what is known of sites from the batch.
    """
    articles, labels, near_duplicate_labels, _ = grouped
    checked = check_articles(articles, timezone)
    order = np.array(read_articles(checked, timezone=timezone).order, dtype=np.int64)
    cut = state.settings.cut_residue
    nodes = state.next_node + np.arange(len(order))
    copies = numbered_by_first(near_duplicate_labels[order])
    canonical = nodes[np.unique(copies, return_index=True)[1][copies]] if len(order) else nodes
    numbers, n_stories = state.next_story + labels[order], int(labels.max(initial=-1)) + 1
    state.store.add_stories(range(state.next_story, state.next_story + n_stories))
    state.next_story += n_stories
    for a, b in pairwise([*range(0, len(order), TEXTS_AT_ONCE), len(order)]):
        places = order[a:b].tolist()
        fields = [encoded(checked[i]) for i in places]
        some = [replace(checked[i], residue=articles[i].residue if cut else ()) for i in places]
        matched = match_articles(state, some, canonical[a:b])
        state.live.nodes.settle(matched.nodes, numbers[a:b])
        state.sizes.update(numbers[a:b][canonical[a:b] == matched.nodes].tolist())
        state.store.insert(assigner.rows(some, fields, matched))
        state.live.window.advance(state.next_node)
        progress(b / len(order))
    state.store.set_norms(*state.live.measure_again())
    state.source_residue.learn(0)
