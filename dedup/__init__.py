"""Turn a flood of news articles into stories."""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from dedup._version import __version__ as __version__
from dedup.article import Article as Article
from dedup.article import Refusal as Refusal
from dedup.article import canonical_url as canonical_url

if TYPE_CHECKING:
    from dedup.clusterer import StoryClusterer as StoryClusterer
    from dedup.clustering import cluster as cluster
    from dedup.clustering import cluster_frame as cluster_frame
    from dedup.duplicates import near_duplicates as near_duplicates
    from dedup.explainer.pairs import explain as explain
    from dedup.explanation import Explanation as Explanation
    from dedup.index import StoryIndex as StoryIndex
    from dedup.near.across import Copies as Copies
    from dedup.near.keeping import Kept as Kept
    from dedup.near.repeats import RepeatedPassages as RepeatedPassages
    from dedup.near.repeats import repeated_passages as repeated_passages
    from dedup.near.result import NearDuplicates as NearDuplicates
    from dedup.samples import SampleArticle as SampleArticle
    from dedup.samples import sample_articles as sample_articles
    from dedup.store.copying import TableSum as TableSum
    from dedup.store.copying import copy_index as copy_index
    from dedup.stories import Doubt as Doubt
    from dedup.stories import Stories as Stories
    from dedup.story.result import Edit as Edit
    from dedup.story.result import Episode as Episode
    from dedup.story.result import Story as Story
    from dedup.stream.assignment import Assignment as Assignment
    from dedup.stream.assignment import Move as Move
    from dedup.stream.assignment import Similar as Similar
    from dedup.stream.change_log import Change as Change
    from dedup.stream.listing import StoryPage as StoryPage
    from dedup.stream.observing import Operation as Operation

# Whether and where to show log records is for the program to say, not for a library.
logging.getLogger("dedup").addHandler(logging.NullHandler())

# Loaded at first access: whoever needs only near-duplicates must not pay for scikit-learn, nor ``dedup --help`` for
# NumPy.
_NAMES = {
    "clusterer": ("StoryClusterer",),
    "clustering": ("cluster", "cluster_frame"),
    "duplicates": ("near_duplicates",),
    "explainer.pairs": ("explain",),
    "explanation": ("Explanation",),
    "index": ("StoryIndex",),
    "near.across": ("Copies",),
    "near.keeping": ("Kept",),
    "near.repeats": ("RepeatedPassages", "repeated_passages"),
    "near.result": ("NearDuplicates",),
    "samples": ("SampleArticle", "sample_articles"),
    "store.copying": ("TableSum", "copy_index"),
    "stories": ("Doubt", "Stories"),
    "story.result": ("Edit", "Episode", "Story"),
    "stream.assignment": ("Assignment", "Move", "Similar"),
    "stream.change_log": ("Change",),
    "stream.listing": ("StoryPage",),
    "stream.observing": ("Operation",),
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names}

_MODULES = {name: name for name in ("archive", "encoders", "feeds", "metrics", "plots")} | {"sketches": "near.sketches"}

__all__ = sorted([*_HOMES, *_MODULES, "Article", "Refusal", "__version__", "canonical_url"])


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"dedup.{_HOMES[name]}"), name)
    if name in _MODULES:
        return import_module(f"dedup.{_MODULES[name]}")
    raise AttributeError(f"module 'dedup' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
