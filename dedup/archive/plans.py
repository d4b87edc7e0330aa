"""The stages of each kind of job, and what it publishes."""

from collections.abc import Callable
from typing import NamedTuple

from dedup.archive import (
    chains,
    encode,
    encoder_parts,
    joining,
    keeping,
    languages,
    near,
    output,
    parts,
    residue,
    similarity,
    slices,
    stories,
)
from dedup.archive.folders import Part
from dedup.archive.job import Job, Task


class Stage(NamedTuple):
    """A stage of the job."""

    part: type[Part]
    task: Task
    rounds: Callable[[Job], list[range]]  # the numbers of its parts, in rounds that follow one another
    share: float = 0.005  # of the time
    spent: tuple[str, ...] = ()  # patterns of files that no later stage reads


class Plan(NamedTuple):
    """A kind of job."""

    name: str  # of the function that users call
    stages: Callable[[Job], list[Stage]]  # once the articles are in order; each reads what those before it wrote
    tables: dict[str, tuple[type[Part], str]]  # for each table the part that has it, and the name of the file there
    pairs: str  # the table of near-duplicate pairs
    counts: Callable[[Job], dict[str, float]]  # for the manifest


def plan_of(job: Job) -> Plan:
    """Return the kind of a job."""
    return _STORIES if job.keeping is None else _NEAR_DUPLICATES


def _once(numbers: Callable[[Job], range]) -> Callable[[Job], list[range]]:
    return lambda job: [numbers(job)]


#: With `dedup.encoders.use`, encoding takes 3 to 6 ms an article, all else 2 to 3.
_ENCODING = 2.0

#: Files of mean vectors that are large.
_MEANS = "data", "indices", "indptr", "keys"

_EACH_SLICE, _ALONE = _once(slices.slices_of), _once(lambda _: range(1))


def _up_to_candidates(job: Job) -> list[Stage]:
    """Return the stages that find candidates."""
    spent_blocks = parts.ReadBlock.files("articles", "ids", "id_hashes", "refusals")
    learning = [
        Stage(parts.Sample, residue.sample_texts, _EACH_SLICE),
        Stage(parts.LearnedGroup, residue.learn_group, _once(residue.sample_groups), 0.02, parts.Sample.files("texts")),
        Stage(parts.LearnedAll, residue.collect_learned, _ALONE),
    ]
    return [
        Stage(parts.Slice, slices.write_slice, _EACH_SLICE, 0.05, spent_blocks),
        *(learning if job.settings.cut_residue else ()),
        Stage(parts.Sketch, residue.sketch_texts, _EACH_SLICE, 0.25, parts.Slice.files("articles")),
        Stage(parts.BandForest, near.span_band, _once(near.bands_of), 0.02, parts.Sketch.files("keys_*")),
        Stage(parts.MergedForest, near.merge_two, near.merge_levels),
        Stage(parts.VerificationPlan, near.plan_verification, _ALONE),
    ]


def _verification(task: Task) -> Stage:
    return Stage(parts.Verified, task, _once(near.verification_parts), 0.05, parts.Candidates.files("texts"))


def _story_stages(job: Job) -> list[Stage]:
    """Return the stages of `dedup.archive.cluster`."""

    def one_by_one(job: Job) -> list[range]:
        return [range(k, k + 1) for k in stories.steps_of(job)]

    spent_counts = parts.FeatureCounts.files("entries", "languages", "cells", "frequencies", "counts", "uses")
    spent_steps = *parts.StepsAhead.files("*/*"), *parts.Step.files(*stories.OpenGraph._fields)
    encoded, numbered, matching = [], [], _matching()
    if job.encoder is not None:
        encoded = [Stage(encoder_parts.Encoded, encode.encode_slice, _EACH_SLICE, _ENCODING)]
        spent_names = encoder_parts.Encoded.files("languages")
        numbered = [Stage(encoder_parts.LanguageNumbers, encode.number_languages, _ALONE, 0.005, spent_names)]
        matching = _matching_by_language()
    return [
        *_up_to_candidates(job),
        Stage(parts.Candidates, near.distribute_candidates, _EACH_SLICE, 0.02),
        _verification(near.verify_part),
        Stage(parts.NearGroups, near.group_articles, _ALONE),
        *encoded,
        Stage(parts.FeatureCounts, similarity.count_slice, _EACH_SLICE, 0.15, parts.Sketch.files("texts")),
        *numbered,
        Stage(parts.Vectors, similarity.weight_slice, _EACH_SLICE, 0.1, spent_counts),
        Stage(parts.SimilarPairs, similarity.compare_slice, _EACH_SLICE, 0.2),
        Stage(parts.StepsAhead, chains.follow_chain, _once(chains.chain_numbers), 0.05),
        Stage(parts.Step, chains.make_step, one_by_one, 0.02, spent_steps),
        Stage(parts.EpisodeLabels, stories.label_episodes, _ALONE),
        *(matching if job.settings.max_gap_days else ()),
        Stage(parts.StoryLabels, joining.join_episodes, _ALONE),
        Stage(parts.StoryRows, output.write_stories, _EACH_SLICE, 0.05),
        Stage(parts.Assignments, output.write_assignments, _EACH_SLICE, 0.01),
    ]


def _matching() -> list[Stage]:
    """Return the stages that find similar episodes."""
    return [
        Stage(parts.EpisodeMeans, joining.mean_vectors, _EACH_SLICE, 0.02, parts.Vectors.files("*")),
        Stage(parts.EpisodePairs, joining.match_slice, _EACH_SLICE, 0.08, parts.EpisodeMeans.files(*_MEANS)),
    ]


def _matching_by_language() -> list[Stage]:
    """Return the stages that find similar episodes in a job with an encoder."""
    by_language = encoder_parts.LanguageMeans
    spent = *parts.EpisodeMeans.files(*_MEANS), *by_language.files("*"), *encoder_parts.Encoded.files("*")
    return [
        Stage(parts.EpisodeMeans, joining.mean_vectors, _EACH_SLICE, 0.02),
        Stage(encoder_parts.LanguageNodes, languages.find_nodes, _ALONE),
        Stage(by_language, languages.mean_vectors, _EACH_SLICE, 0.02, parts.Vectors.files("*")),
        Stage(encoder_parts.EpisodeCandidates, languages.find_candidates, _EACH_SLICE, 0.1),
        Stage(parts.EpisodePairs, languages.match_slice, _EACH_SLICE, 0.05, spent),
    ]


def _near_stages(job: Job) -> list[Stage]:
    """Return the stages of `dedup.archive.near_duplicates`."""
    return [
        *_up_to_candidates(job),
        Stage(parts.Candidates, near.distribute_candidates, _EACH_SLICE, 0.02, parts.Sketch.files("texts")),
        _verification(keeping.verify_and_choose),
        Stage(parts.KeptArticles, keeping.gather_kept, _ALONE),
        Stage(parts.KeptRows, keeping.write_kept, _EACH_SLICE, 0.02),
    ]


_STORIES = Plan(
    "cluster",
    _story_stages,
    {
        "assignments": (parts.Assignments, "table"),
        "stories": (parts.StoryRows, "table"),
        "episodes": (parts.StoryRows, "episodes"),
        "near_duplicates": (parts.Verified, "table"),
        "refusals": (parts.Order, "refusals"),
    },
    "near_duplicates",
    output.counts,
)
_NEAR_DUPLICATES = Plan(
    "near_duplicates",
    _near_stages,
    {
        "pairs": (parts.Verified, "table"),
        "groups": (parts.KeptRows, "groups"),
        "kept": (parts.KeptRows, "table"),
        "refusals": (parts.Order, "refusals"),
    },
    "pairs",
    keeping.counts,
)
