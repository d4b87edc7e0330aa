"""Turn a flood of news articles into stories."""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from dedup.article import Article as Article

if TYPE_CHECKING:
    from dedup.clusterer import StoryClusterer as StoryClusterer
    from dedup.clusterer import cluster as cluster
    from dedup.duplicates import near_duplicates as near_duplicates
    from dedup.explanation import Explanation as Explanation
    from dedup.explanation import explain as explain
    from dedup.frames import cluster_frame as cluster_frame
    from dedup.index import StoryIndex as StoryIndex
    from dedup.moving import TableSum as TableSum
    from dedup.moving import copy_index as copy_index
    from dedup.near.duplicates import NearDuplicates as NearDuplicates
    from dedup.sample import SampleArticle as SampleArticle
    from dedup.sample import sample_articles as sample_articles
    from dedup.stories import Doubt as Doubt
    from dedup.stories import Stories as Stories
    from dedup.stories import Story as Story
    from dedup.stream.records import Assignment as Assignment
    from dedup.stream.records import Move as Move
    from dedup.stream.records import Refusal as Refusal
    from dedup.stream.records import Similar as Similar

__version__ = "0.1.0"

# What to do with notes is for the program to say, not for a library.
logging.getLogger("dedup").addHandler(logging.NullHandler())

# Loaded when first asked for: whoever needs only near-duplicates must not pay for scikit-learn, nor ``dedup --help``
# for NumPy.
_HOMES = {
    "Assignment": "dedup.stream.records",
    "near_duplicates": "dedup.duplicates",
    "NearDuplicates": "dedup.near.duplicates",
    "Move": "dedup.stream.records",
    "Refusal": "dedup.stream.records",
    "SampleArticle": "dedup.sample",
    "Similar": "dedup.stream.records",
    "Doubt": "dedup.stories",
    "Explanation": "dedup.explanation",
    "Stories": "dedup.stories",
    "Story": "dedup.stories",
    "StoryClusterer": "dedup.clusterer",
    "StoryIndex": "dedup.index",
    "TableSum": "dedup.moving",
    "cluster": "dedup.clusterer",
    "cluster_frame": "dedup.frames",
    "copy_index": "dedup.moving",
    "explain": "dedup.explanation",
    "sample_articles": "dedup.sample",
}

_MODULES = ("archive", "encoders", "metrics", "plots")

__all__ = sorted([*_HOMES, *_MODULES, "Article", "__version__"])


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _MODULES:
        return import_module(f"dedup.{name}")
    raise AttributeError(f"module 'dedup' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
