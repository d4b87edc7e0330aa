"""What the stages write that only a job with an encoder has; see `dedup.archive.parts`."""

import numpy as np
from numpy.typing import NDArray

from dedup.archive.folders import File, Part
from dedup.arrays import Floats, Hashes, Integers


class Encoded(Part, stage="encode", mapped=True):
    """The vectors of the reports of a slice by an encoder, of a job that has one, and their languages in words."""

    languages = File("languages.arrow")
    positions: Integers
    vectors: NDArray[np.int8]


class LanguageNumbers(Part, stage="languages", mapped=True):
    """The language of every report, as a number."""

    numbers: Integers  # by position; -1 for an unknown language, for a report without a vector, and for a copy
    scale: Floats  # of the encoder: (mean, chance), see `dedup.story.encoding.Scale`
    reach: Floats  # (days, weight), see `dedup.story.close_meanings.Reach`


class LanguageNodes(Part, stage="by_language", mapped=True):
    """The dated episodes in one language each, a node for each: language by language, by first report.

    There are none where all reports are in one language.
    """

    codes: Integers  # numbers of the languages, ascending
    bounds: Integers  # (n_languages + 1,): where their nodes begin, and the end
    heads: Integers  # position of the first report of each node
    last: Floats  # its last publication in days, NaN without any
    episodes: Integers  # number of its episode
    reports: Integers  # positions of its reports, one node after the other
    offsets: Integers
    chunks: Integers  # as those of `EpisodeLabels`, by number within a language, one language after the other
    chunk_bounds: Integers


class LanguageMeans(Part, stage="means_by_language", mapped=True):
    """The mean vectors of the nodes that begin in a slice, as those of episodes."""

    data: NDArray[np.float32]
    indices: NDArray[np.int32]
    indptr: NDArray[np.int32]
    keys: Hashes
    within: Floats


class EpisodeCandidates(Part, stage="near", mapped=True):
    """Pairs of dated episodes that some rare features find, of all reports or of those in one language, sorted."""

    left: Integers
    right: Integers
