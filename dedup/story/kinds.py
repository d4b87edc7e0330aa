"""Reports and round-ups: articles that list many stories, which they must not bridge and cannot represent."""

from collections.abc import Sequence

import numpy as np

from dedup.arrays import Flags
from dedup.parameters import Fold
from dedup.story.features import BLOCK_CHARACTERS, lists_of_reports
from dedup.story.spelling import spelling_of
from dedup.text.roundups import is_roundup
from dedup.text.tokens import blocks, tokenize


def are_roundups(titles: Sequence[str], texts: Sequence[str], fold: Fold = "unidecode") -> Flags:
    """Whether each article is a round-up by its title, or by its text, as both tiers read it; shape (n_articles,).

    The story tier sees neither: a title as in `dedup.text.roundups` empties its text, and a text as in
    `dedup.story.recurrence` has no features.
    """
    found = np.fromiter(map(is_roundup, titles), dtype=np.bool_, count=len(titles))
    for block in blocks(texts, BLOCK_CHARACTERS):
        tokens = tokenize(texts[block], fold)
        found[block] |= lists_of_reports(tokens, spelling_of(tokens))
    return found
