"""How many reports each episode of an index has, and what they pay to be in it."""

from collections import Counter

from dedup.arrays import Floats, Integers
from dedup.story.partition import cost_of_joining


class EpisodeTotals:
    """Numbers of reports and sums of their costs (see `dedup.story.partition.join_costs`), by episode.

    Costs are such that their sums are exact, so that nothing depends on the order of additions.

    Examples
    --------
    >>> import numpy as np
    >>> totals = EpisodeTotals()
    >>> totals.add(np.array([7, 7, 8]), np.array([0.25, 0.25, 0.5]))
    >>> totals.sizes[7], totals.cost_of_joining(8, 7)
    (2, 0.4166666666666667)
    >>> totals.merge(7, 8)
    >>> dict(totals.sizes)
    {8: 3}
    """

    def __init__(self) -> None:
        self.sizes: Counter[int] = Counter()
        self._costs: Counter[int] = Counter()

    def add(self, episodes: Integers, costs: Floats, each: int = 1) -> None:
        """Add reports to their episodes, or remove them where `each` is -1."""
        for episode, cost in zip(episodes.tolist(), costs.tolist(), strict=True):
            self.sizes[episode] += each
            self._costs[episode] += each * cost
            if not self.sizes[episode]:
                del self.sizes[episode], self._costs[episode]

    def merge(self, episode: int, into: int) -> None:
        """Move the reports of an episode to another one."""
        self.sizes[into] += self.sizes.pop(episode, 0)
        self._costs[into] += self._costs.pop(episode, 0)

    def cost_of_joining(self, episode: int, other: int) -> float:
        """What two episodes with reports pay more as one."""
        return cost_of_joining(self._costs[episode], self.sizes[episode], self._costs[other], self.sizes[other])

    def cost_for(self, cost: float, episode: int) -> float:
        """What a new report and an episode pay more as one."""
        return cost_of_joining(cost, 1, self._costs[episode], self.sizes[episode])
