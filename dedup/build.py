"""Labels of both tiers -> Stories."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from itertools import chain

import numpy as np
from scipy.sparse import csr_array

from dedup.arrays import Integers, groups_of, members, numbered_by_first
from dedup.article import Article, Batch
from dedup.explainer.members import explain_membership
from dedup.explainer.pairs import explain_ids
from dedup.near.pages import CopyGroups
from dedup.progress import ProgressCallback, no_progress
from dedup.representative import Candidate, Choice, Chooser, candidates_of, choose_of_story, cohesion, cohesion_of_story
from dedup.stories import Doubt, Stories
from dedup.story.constraints import NamedPairs
from dedup.story.encoding import ArticleMeanings
from dedup.story.pipeline import StoryGroups
from dedup.story.result import Edit, Episode, Story
from dedup.story.weighting import TermWeighting, vectorize_texts
from dedup.text.limit import readable_texts
from dedup.text.roundups import without_roundups
from dedup.wording import quoted

_FACTS = [field.name for field in fields(Episode)]


@dataclass(frozen=True, slots=True, eq=False)
class GroupedBatch:
    """A batch of articles, grouped by both tiers."""

    batch: Batch  # the articles in the order of the input
    ordered: Sequence[Article]  # the articles in canonical order, to which the groups refer
    copies: CopyGroups  # of the articles
    words: Integers  # number of those of each article
    groups: StoryGroups  # of the groups of copies, by their labels
    representative: str | Chooser  # rule for the representative
    max_chars: int  # how much of each article is read
    pairs: NamedPairs  # what has to be together or apart


def build_stories(grouped: GroupedBatch, progress: ProgressCallback = no_progress) -> Stories:
    """Stories by size, then by their first article."""
    batch, (copy_of, _, latest), groups = grouped.batch, grouped.copies, grouped.groups
    episode = groups.episodes[copy_of]
    ranked = sorted(members(groups.stories[episode]), key=lambda places: (-len(places), places[0]))
    membership = groups.membership[copy_of]
    order = np.array(batch.order, dtype=np.int64)
    story_labels, episode_labels, copy_labels = np.empty((3, len(order)), dtype=np.int64)
    copy_labels[order] = copy_of
    membership_by_input = np.empty(len(order), dtype=np.float64)
    membership_by_input[order] = membership
    settings = groups.threshold, grouped.representative, groups.vocabulary, _meanings_of(grouped)
    # Plain lists: a story has few articles, and a NumPy call takes longer than a loop over them.
    facts = [values.tolist() for values in (copy_of, grouped.words, membership)]
    episodes, newest = episode.tolist(), latest.tolist()
    stories, representatives, places_of_episodes, asked = [], [], [], _asked(grouped.pairs)
    for places in ranked:
        position = {place: i for i, place in enumerate(places)}
        articles = [grouped.ordered[place] for place in places]
        copies, words, shares = ([values[place] for place in places] for values in facts)
        candidates = candidates_of(articles, copies, words, shares, [position[newest[place]] for place in places])
        parts = groups_of(episodes[place] for place in places)
        story, chosen = build_story(candidates, copies, parts, *settings)
        if asked:
            said = (sentence for article in articles for sentence in asked.get(article.id, ()))
            story = replace(story, edits=tuple(dict.fromkeys(said)))
        places_of_episodes += [[places[i] for i in part] for part in parts]
        representatives.append(batch.order[places[chosen]])
        stories.append(story)
        progress(len(stories) / len(ranked))
    for labels, parts in ((story_labels, ranked), (episode_labels, places_of_episodes)):
        labels[order[list(chain.from_iterable(parts))]] = np.repeat(np.arange(len(parts)), list(map(len, parts)))
    return Stories(
        articles=tuple(batch.articles),
        labels=story_labels,
        episode_labels=episode_labels,
        near_duplicate_labels=numbered_by_first(copy_labels),
        representative_indices=np.array(representatives, dtype=np.int64),
        membership=membership_by_input,
        threshold=groups.threshold,
        refusals=batch.refusals,
        _stories=tuple(stories),
        _explain=explain_ids,
        _rethreshold=partial(_rethreshold, grouped),
        _least_certain=partial(_least_certain, grouped),
    )


def _asked(pairs: NamedPairs) -> dict[str, list[Edit]]:
    """What was asked for by the id of each article that it is about."""
    asked = defaultdict[str, list[Edit]](list)
    for kind, named in (("together", pairs.together), ("apart", pairs.apart)):
        for pair in named:
            one, other = (quoted(name, 80) for name in pair)
            for name in pair:
                asked[name].append(Edit(None, kind, pair, f"{one} and {other} are {kind}, as was asked for."))
    return asked


def build_story(
    candidates: Sequence[Candidate],
    copies: Sequence[int],
    parts: Sequence[Sequence[int]],
    threshold: float,
    representative: str | Chooser,
    weighting: TermWeighting,
    meanings: ArticleMeanings | None = None,
    story_id: str | None = None,
) -> tuple[Story, int]:
    """A story, and the position of its representative among the candidates.

    `candidates` are its articles in canonical order, `copies` numbers their near-duplicate groups in any way, and
    `parts` has the positions of those of each episode, by first member. The id of the story, and of each episode, is by
    default that of its first article.
    """
    choice, choices = choose_of_story(representative, candidates, parts)
    chapters = [
        _episode([candidates[i] for i in part], [copies[i] for i in part], own, threshold, weighting, meanings)
        for part, own in zip(parts, choices, strict=True)
    ]
    whole = chapters[0]
    if len(parts) > 1:
        whole = _episode(candidates, copies, choice, threshold, weighting, meanings)
    facts = {name: getattr(whole, name) for name in _FACTS}
    facts["cohesion"] = cohesion_of_story(candidates, parts) if len(parts) > 1 else whole.cohesion
    if story_id is not None:
        facts["id"] = story_id
    return Story(**facts, episodes=tuple(chapters), _explain=explain_membership), choice.place


def _meanings_of(grouped: GroupedBatch) -> ArticleMeanings | None:
    """The meanings of the articles, copies with those of their groups."""
    meanings = grouped.groups.meanings
    if meanings is None:
        return None
    return ArticleMeanings(
        meanings, dict(zip((a.id for a in grouped.ordered), grouped.copies.labels.tolist(), strict=True))
    )


def _episode(
    candidates: Sequence[Candidate],
    copies: Sequence[int],
    choice: Choice,
    threshold: float,
    weighting: TermWeighting,
    meanings: ArticleMeanings | None,
) -> Episode:
    articles = [candidate.article for candidate in candidates]
    groups = [group for group in groups_of(copies) if len(group) > 1]
    groups = [sorted(group, key=lambda i: not candidates[i].is_report) for group in groups]
    return Episode(
        id=articles[0].id,
        representative=articles[choice.place],
        reason=choice.reason,
        articles=tuple(articles),
        near_duplicates=tuple(tuple(articles[i] for i in group) for group in groups),
        membership=tuple(candidate.centrality for candidate in candidates),
        cohesion=cohesion(candidates),
        threshold=threshold,
        _weighting=weighting,
        _meanings=meanings,
    )


def _rethreshold(grouped: GroupedBatch, threshold: float) -> Stories:
    canonical = grouped.copies.canonical

    def vectors(reports: Integers) -> csr_array:
        articles = [grouped.ordered[i] for i in canonical[reports].tolist()]
        titles = [article.plain_title for article in articles]
        texts = without_roundups(readable_texts(articles, grouped.max_chars), titles)
        return vectorize_texts(texts, grouped.groups.vocabulary, [article.language for article in articles])[0]

    return build_stories(replace(grouped, groups=grouped.groups.at(threshold, vectors)))


def _least_certain(grouped: GroupedBatch, stories: Stories, count: int) -> list[Doubt]:
    """Joins above and splits below the similarity that they need, the closest to it first.

    Two episodes of one story are no split, and what has to stay apart is no doubt.
    """
    groups, copies = grouped.groups, grouped.copies
    story_of = np.empty(len(groups.stories), dtype=np.int64)  # place in `stories` of each episode
    story_of[groups.episodes[copies.labels]] = stories.labels[np.array(grouped.batch.order, dtype=np.int64)]
    joined = np.flatnonzero(np.bincount(groups.episodes)[groups.episodes] > 1)
    left, right, between = groups.between()
    forbidden = np.array(sorted(groups.constraints.over(groups.episodes).pairs()), dtype=np.int64).reshape(-1, 2)
    k = len(groups.stories)
    apart = (story_of[left] != story_of[right]) & ~np.isin(left * k + right, forbidden @ [k, 1])
    left, right, between = left[apart], right[apart], between[apart]
    similarity = np.concatenate([groups.membership[joined], between])
    needed = np.concatenate([groups.needed_by_texts[joined], groups.needed_between(left, right)])
    closest = np.argsort(np.abs(similarity - needed).round(12), kind="stable")[:count]
    doubts = []
    for i in closest.tolist():
        article, other = None, None
        if i < len(joined):
            story = stories[int(story_of[groups.episodes[joined[i]]])]
            article = grouped.ordered[int(copies.canonical[joined[i]])]
        else:
            pair = left[i - len(joined)], right[i - len(joined)]
            story, other = (stories[k] for k in sorted(int(story_of[episode]) for episode in pair))
        doubts.append(Doubt(story, article, other, float(similarity[i]), float(needed[i])))
    return doubts
