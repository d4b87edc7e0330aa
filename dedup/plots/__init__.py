"""Figures of stories, near-duplicates and an index, drawn with matplotlib (extra `plot`).

Each function draws into the given axes, or into a new figure, and returns the axes.
"""

from dedup.plots.figures import index_growth as index_growth
from dedup.plots.figures import retrieval_curve as retrieval_curve
from dedup.plots.figures import similarity_matrix as similarity_matrix
from dedup.plots.figures import story_timeline as story_timeline
from dedup.plots.figures import threshold_sweep as threshold_sweep
from dedup.plots.storylines import storyline as storyline
from dedup.plots.storylines import storylines as storylines
