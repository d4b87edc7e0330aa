"""When an index learns the residue of sources, merges episodes and finds their stories: at steps of articles."""

import math

from dedup.stream.live import TEXTS_AT_ONCE

#: An index that has had fewer articles is young: its document frequencies change fast. It weights all its articles
#: again and merges episodes each time that so many have come; an older one merges episodes at each `TEXTS_AT_ONCE`.
_YOUNG, _YOUNG_STEP = 3000, 50

#: At each such step the episodes that have got reports find their stories; up to this number, at each article.
_EACH = 50

#: While an index is young, all episodes find their stories again each time that it has grown by this factor.
_GROWTH = 1.5


def step_of(node: int) -> int:
    """Return how long the step is that begins at a node, or that a node is in."""
    return _YOUNG_STEP if node < _YOUNG else TEXTS_AT_ONCE


def is_young(node: int) -> bool:
    """Return whether an index is young when this is its next node."""
    return node <= _YOUNG


def block_step(node: int) -> int:
    """Return the step within which articles from this node on are added at once."""
    return 1 if node <= _EACH else step_of(node)


def decided_since(node: int, step: int) -> int | None:
    """Return the first node of those whose episodes find their stories before this node comes; None for none."""
    if node <= _EACH:
        step = 1
    if node % step:
        return None
    before = max(node - step, 1)
    grown = is_young(node) and int(math.log(node, _GROWTH)) > int(math.log(before, _GROWTH))
    return 0 if grown else node - step


def has_learned(node: int, next_node: int) -> bool:
    """Return whether sources may have been learned since this node was the next one; an index can begin with many.

    Examples
    --------
    >>> has_learned(101, 149), has_learned(101, 150), has_learned(5000, 5100), has_learned(5000, 5120)
    (False, True, False, True)
    """
    return node == 1 or any(node // step < next_node // step for step in (step_of(node), step_of(next_node)))
