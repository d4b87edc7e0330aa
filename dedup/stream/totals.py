"""How many reports each story of an index has, and what they pay to be in it."""

from collections import Counter

from dedup.arrays import Floats, Integers
from dedup.story.partition import cost_of_joining


class StoryTotals:
    """Numbers of reports and sums of their costs (see `dedup.story.partition.join_costs`), by story.

    Costs are such that their sums are exact, so that nothing depends on the order of additions.

    Examples
    --------
    >>> import numpy as np
    >>> totals = StoryTotals()
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

    def add(self, stories: Integers, costs: Floats, each: int = 1) -> None:
        """Add reports to their stories, or remove them where `each` is -1."""
        for story, cost in zip(stories.tolist(), costs.tolist(), strict=True):
            self.sizes[story] += each
            self._costs[story] += each * cost
            if not self.sizes[story]:
                del self.sizes[story], self._costs[story]

    def merge(self, story: int, into: int) -> None:
        """Move the reports of a story to another one."""
        self.sizes[into] += self.sizes.pop(story, 0)
        self._costs[into] += self._costs.pop(story, 0)

    def cost_of_joining(self, story: int, other: int) -> float:
        """What two stories with reports pay more as one."""
        return cost_of_joining(self._costs[story], self.sizes[story], self._costs[other], self.sizes[other])

    def cost_for(self, cost: float, story: int) -> float:
        """What a new report and a story pay more as one."""
        return cost_of_joining(cost, 1, self._costs[story], self.sizes[story])
