"""Why two articles are in one story: numbers that are the library's own, terms, passages, verdicts, and texts."""

import random
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup import Article, Explanation
from dedup.near.pipeline import find_near_duplicates
from dedup.parameters import NearSettings
from dedup.story.pipeline import find_stories
from dedup.story.shared_terms import FeatureTokens, shared_terms
from dedup.story.weighting import vectorize_texts
from dedup.text.tokens import tokenize

MOMENT = datetime(2023, 9, 12, 8, tzinfo=UTC)
KIM = Article("kim", "Kim Jong Un est arrivé mardi en Russie à bord de son train blindé.", published=MOMENT)
TRAIN = Article(
    "train",
    "Le train blindé de Kim Jong Un a franchi mardi la frontière russe.",
    title="Kim en Russie",
    published=MOMENT + timedelta(days=1),
)
BANK = Article("bank", "La banque centrale relève ses taux à 4 %.", published=MOMENT)


@pytest.fixture(scope="module")
def stories(sample):
    """Episodes alone: what articles of several episodes share is tested below."""
    return dedup.cluster(sample, max_gap_days=0)


@pytest.fixture(scope="module")
def edges(sample, stories):
    """Similarity of the canonical articles, by ids, as the story tier has it."""
    labels = stories.near_duplicate_labels.tolist()
    canonical = [sample[labels.index(label)] for label in range(max(labels) + 1)]
    known = {article.id: article for article in stories.articles}
    texts = [known[a.id].full_text for a in canonical]
    days, languages = np.array([a.day for a in canonical]), [a.language for a in canonical]
    found = find_stories(texts, days, threshold=0.12, max_gap_days=21.0, n_jobs=1, languages=languages).edges
    ids = [article.id for article in canonical]
    return {
        (ids[i], ids[j]): value
        for i, j, value in zip(found.left.tolist(), found.right.tolist(), found.similarity.tolist(), strict=True)
    }


def reports(story):
    copies = {article.id for group in story.near_duplicates for article in group[1:]}
    return [article for article in story.articles if article.id not in copies]


def numbers(found):
    return found.similarity, found.cosine, found.time_factor, found.jaccard, found.containment


# Similarity


def test_the_similarity_is_that_of_the_edge_to_the_last_bit(stories, edges):
    pairs = random.Random(1).sample(sorted(edges), 60)
    assert all(stories.explain(one, other).similarity == edges[one, other] for one, other in pairs)


def test_the_similarity_in_a_story_of_two_reports_is_their_membership(stories):
    pairs = [story for story in stories if len(reports(story)) == 2]
    assert len(pairs) > 20
    for story in pairs:
        found = stories.explain(*(article.id for article in reports(story)))
        assert {found.similarity} == set(story.membership)
        assert story.explain(reports(story)[0]).similarity == story.cohesion


@pytest.mark.parametrize("pair", [(KIM, TRAIN), (KIM, BANK), (BANK, TRAIN)])
def test_two_alone_are_as_similar_as_in_a_batch_of_two(pair):
    found = dedup.explain(*pair)
    story = dedup.cluster(pair)[0]
    if len(story) == 2:
        assert found.similarity == story.membership[0]
    else:
        assert found.similarity < 0.12
    assert found.verdict.startswith("Alike enough" if len(story) == 2 else "Too little alike")


def test_it_is_the_same_from_either_side(stories):
    source = random.Random(2)
    for _ in range(40):
        one, other = source.sample(stories.articles, 2)
        for found, turned in (
            (stories.explain(one, other), stories.explain(other, one)),
            (dedup.explain(one, other), dedup.explain(other, one)),
        ):
            assert numbers(found) == numbers(turned)
            assert found.verdict == turned.verdict
            assert (found.left, found.right) == (turned.right, turned.left)
            assert [share for _, share in found.terms] == pytest.approx([share for _, share in turned.terms])


def test_the_similarity_is_the_cosine_times_the_time_factor(stories):
    for story in stories[:20]:
        found = stories.explain(story.articles[0], stories.articles[0])
        assert found.similarity == found.cosine * found.time_factor
        assert 0 <= found.similarity <= found.cosine <= 1


def test_days_between_them_and_missing_dates_lower_it():
    found = dedup.explain(KIM, TRAIN)
    assert found.time_factor == pytest.approx(np.exp(-1 / (1.5 + found.evidence / 20)))
    undated = dedup.explain(KIM, replace(TRAIN, published=None))
    assert undated.time_factor == 0.7
    assert "a missing date" in repr(undated)


def test_a_text_is_as_similar_to_itself_as_can_be(stories):
    for article in stories.articles[:10]:
        for among in (None, stories):
            found = dedup.explain(article, article, among=among)
            assert found.similarity == pytest.approx(1.0, abs=1e-6)
            assert found.jaccard == found.containment == 1.0
            assert found.verdict.startswith("Copies of one text: 100%")


def test_words_that_only_two_strangers_have_are_shared_among_stories_too(stories):
    found = dedup.explain("Qwyjibo zzyzx vrksh", "Vrksh zzyzx qwyjibo", among=stories)
    assert found.cosine > 0.5
    assert {term.partition(" / ")[0].lower() for term, _ in found.terms[:3]} == {"qwyjibo", "zzyzx", "vrksh"}


def test_jaccard_and_containment_are_those_of_the_near_tier(sample):
    found = find_near_duplicates([a.full_text for a in sample], NearSettings(threshold=0.2))
    assert len(found.pairs) > 20
    for (i, j), jaccard, containment in zip(found.pairs.tolist(), found.jaccard, found.containment, strict=True):
        explained = dedup.explain(sample[i], sample[j], among=None)
        if not explained.left.residue and not explained.right.residue:
            assert (explained.jaccard, explained.containment) == (jaccard, containment)


@pytest.mark.parametrize("texts", [("", ""), ("", "Kim"), ("?!", "🎉")])
def test_blank_texts_have_nothing_in_common(texts):
    found = dedup.explain(*texts)
    assert numbers(found) == (0.0, 0.0, 0.7, 0.0, 0.0)
    assert found.terms == found.passages == ()


# Terms


SCRIPTS = ["Kim", "Putin", "Путин", "poutine", "the", "train", "金正恩", "抵达", "Russie", "russe", "\u0301", "İ", "ß"]


@settings(deadline=None)
@given(st.lists(st.sampled_from(SCRIPTS)), st.lists(st.sampled_from(SCRIPTS)))
def test_shares_are_above_nothing_and_their_sum_is_at_most_one(left, right):
    texts = [" ".join(left), " ".join(right)]
    vectors, vocabulary, _ = vectorize_texts(texts)
    terms = shared_terms(FeatureTokens.of(tokenize(texts), vocabulary), vectors)
    shares = [share for _, share in terms]
    assert all(share > 0 for share in shares)
    assert sum(shares) <= 1 + 1e-9
    assert shares == sorted(shares, key=lambda share: -round(share, 9))


def test_few_terms_of_spaced_scripts_explain_all_of_the_similarity():
    assert sum(share for _, share in dedup.explain(KIM, TRAIN).terms) == pytest.approx(1)


def test_terms_are_as_written_and_in_both_ways_where_they_differ():
    terms = dict(dedup.explain("Путин встретил Kim", "Putin met Kim").terms)
    assert {"Путин / Putin", "Kim"} <= set(terms)


def test_words_that_share_only_a_part_are_named_together():
    assert "Poutine / Putin" in dict(dedup.explain("Poutine accueille Kim", "Kim and Putin met").terms)


def test_terms_of_scripts_without_spaces_are_what_both_texts_have_in_one_piece():
    terms = dict(dedup.explain("金正恩抵达俄罗斯", "他说金正恩抵达").terms)
    assert set(terms) == {"金正恩抵达"}


def test_terms_of_the_sample_are_words_of_both_texts(stories):
    for story in [story for story in stories if len(reports(story)) > 1][:20]:
        found = story.explain(story.articles[0])
        for term, _ in found.terms:
            one, _, other = term.partition(" / ")
            assert " ".join(one.split()).casefold() in " ".join(found.left.full_text.split()).casefold() or " " in one
            assert other == "" or other.split()[0] in found.right.full_text


# Passages


def test_passages_stand_where_they_say(stories):
    source = random.Random(3)
    some = 0
    for story in [story for story in stories if len(story) > 1]:
        one, other = source.sample(story.articles, 2)
        found = stories.explain(one, other)
        for words, left, right in found.passages:
            some += 1
            assert found.left.text[slice(*left)] == words
            mine, theirs = (tokenize([a.text[slice(*span)]]) for a, span in ((one, left), (other, right)))
            assert mine.strings() == theirs.strings()
    assert some > 50


def test_passages_are_of_the_text_without_its_title():
    found = dedup.explain(
        {"id": "a", "title": "Kim Jong Un arrives", "text": "It is said that Kim Jong Un is there"},
        {"id": "b", "title": "Kim Jong Un arrives", "text": "Kim Jong Un is there"},
    )
    assert [(p.words, p.left, p.right) for p in found.passages] == [("Kim Jong Un is there", (16, 36), (0, 20))]


def test_what_is_set_aside_is_no_passage():
    foot = "\nLAISSER UN COMMENTAIRE"
    found = dedup.explain(KIM.text + foot, TRAIN.text + foot)
    for article in (found.left, found.right):
        assert [article.text[slice(*span)] for span in article.residue] == ["LAISSER UN COMMENTAIRE"]
    assert all("COMMENTAIRE" not in passage.words for passage in found.passages)
    assert "LAISSER UN COMMENTAIRE" in repr(found)


# Ids, articles, and who is meant


def test_articles_are_named_by_id_or_given(stories):
    one, other = stories.articles[0], stories.articles[5]
    expected = repr(stories.explain(one.id, other.id))
    assert repr(stories.explain(one, other.id)) == expected
    assert repr(dedup.explain(one, other, among=stories)) == expected
    mapping = {"id": one.id, "text": one.text, "title": one.title, "published": one.published, "source": one.source}
    mapping |= {"url": one.url, "language": one.language}
    assert repr(stories.explain(mapping, other)) == expected


def test_an_article_of_the_same_id_and_another_text_is_another(stories):
    found = stories.explain(Article(stories.articles[0].id, "Kim"), stories.articles[0])
    assert found.left.text == "Kim"
    assert found.verdict.startswith("Too little alike")


def test_the_residue_is_what_the_batch_found():
    heads = ["Kim train", "ECB rates", "Quake toll", "Moon probe", "Vote count", "Match goals"]
    foot = "report of the day.\nFollow us here now\n"
    pages = [Article(f"p{i}", f"{head} {foot}", source="Site") for i, head in enumerate(heads)]
    stories = dedup.cluster(pages)
    found = stories.explain("p0", "p1")
    assert found.left.residue == stories.articles[0].residue
    assert found.right.residue == stories.articles[1].residue


def test_a_str_is_an_id_for_stories_and_a_text_for_the_function(stories):
    identity = stories.articles[0].id
    assert dedup.explain(identity, identity).left.text == identity
    assert stories.explain(identity, identity).left is stories.articles[0]


@pytest.mark.parametrize("call", ["stories", "story"])
def test_an_unknown_id_is_refused(stories, call):
    with pytest.raises(KeyError, match="no article has the id 'nobody'"):
        stories.explain("nobody", stories.articles[0]) if call == "stories" else stories[0].explain("nobody")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((1, "Kim"), TypeError, "article 0 is 1"),
        (("Kim", None), TypeError, "article 1 is None"),
        (({"id": "a"}, "Kim"), ValueError, "article 0"),
    ],
)
def test_what_is_no_article_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        dedup.explain(*arguments)


@pytest.mark.parametrize("among", ["Kim", [KIM], 3, dedup], ids=repr)
def test_another_among_is_refused(among):
    with pytest.raises(TypeError, match=r"among is .*; allowed: None, Stories or Story"):
        dedup.explain(KIM, TRAIN, among=among)


def test_no_stories_weigh_as_two_alone_do():
    assert numbers(dedup.explain(KIM, TRAIN, among=dedup.cluster([]))) == numbers(dedup.explain(KIM, TRAIN))


def test_a_story_weighs_as_its_stories_do(stories):
    one, other = stories[0].articles[:2]
    assert numbers(dedup.explain(one, other, among=stories[0])) == numbers(stories.explain(one, other))


def test_the_fold_is_that_of_the_stories():
    texts = [{"id": "a", "text": "Путин прибыл"}, {"id": "b", "text": "Putin pribyl"}]
    assert dedup.cluster(texts).explain("a", "b").cosine > 0.5
    assert dedup.cluster(texts, fold="marks").explain("a", "b").cosine == 0


# Verdicts


def test_copies_are_called_so(stories):
    for story in stories:
        for group in story.near_duplicates:
            assert dedup.explain(group[0], group[1], among=story).verdict.startswith("Copies of one text")


# Why an article belongs


def test_a_member_is_explained_by_its_closest_report(stories, edges):
    some = 0
    for story in stories:
        canonical = reports(story)
        if len(canonical) < 3:
            continue
        for place, article in enumerate(story.articles):
            found = story.explain(article)
            own = next((group for group in story.near_duplicates if article in group), (article,))
            others = [report for report in canonical if report is not own[0]]
            similarity = [max(edges.get((own[0].id, o.id), 0), edges.get((o.id, own[0].id), 0)) for o in others]
            assert found.left is article
            assert found.right is others[int(np.argmax(similarity))]
            assert f"mean similarity {story.membership[place]:.2f} to {len(others)} other reports" in found.verdict
            assert (f"{len(own) - 1} cop" in found.verdict) == (len(own) > 1)
            some += 1
    assert some > 10


def test_evidence_is_the_effective_number_of_shared_features(stories):
    assert dedup.explain("Kim", "Rates").evidence == 0
    assert dedup.explain(KIM, KIM).evidence > dedup.explain(KIM, TRAIN).evidence > 1
    for story in [story for story in stories if len(reports(story)) > 1][:10]:
        found = stories.explain(*reports(story)[:2])
        texts = [found.left.full_text, found.right.full_text]
        languages = [found.left.language, found.right.language]
        vectors = vectorize_texts(texts, story._weighting, languages)[0].toarray().astype(np.float64)
        parts = vectors[0] * vectors[1]
        assert found.evidence == pytest.approx(parts.sum() ** 2 / (parts**2).sum(), rel=1e-4)
        gap = abs(found.left.day - found.right.day)
        assert found.time_factor == pytest.approx(np.exp(-gap / min(1.5 + found.evidence / 20, 15)))


def test_copies_alone_explain_each_other():
    (story,) = dedup.cluster([{"id": "a", "text": KIM.text}, {"id": "b", "text": KIM.text + " Fin."}])
    found = story.explain("a")
    assert found.right.id == "b"
    assert found.verdict == "In the story as one of 2 copies of one text."


def test_an_article_alone_in_its_story_cannot_be_explained():
    (story,) = dedup.cluster([KIM])
    with pytest.raises(ValueError, match="article 'kim' is alone in its story; allowed: "):
        story.explain("kim")


# Stories of several episodes


@pytest.fixture(scope="module")
def visit():
    """The visit of Kim Jong Un, with its episodes."""
    english = dedup.sample_articles("en")
    stories = dedup.cluster(english)
    story = stories[stories.labels[[article.id for article in english].index("kim-russia-2023-en-1")]]
    assert len(story.episodes) > 1
    return stories, story


def test_two_of_several_episodes_are_in_one_story_by_their_episodes(visit):
    stories, story = visit
    one, other = story.episodes[0], story.episodes[-1]
    found = stories.explain(one.articles[0].id, other.articles[-1].id)
    assert found.verdict.startswith("In one story by its episodes '")
    assert all(episode.headline[:40] in found.verdict for episode in (one, other))
    assert f"similarity {found.cosine:.2f} but for {found.gap}" in found.verdict
    assert found.verdict == dedup.explain(one.articles[0], other.articles[-1], among=story).verdict


def test_two_of_one_episode_are_not_said_to_be_of_two(visit):
    stories, story = visit
    episode = max(story.episodes, key=len)
    assert " by its episodes " not in stories.explain(episode.articles[0].id, episode.articles[1].id).verdict


def test_a_member_is_explained_by_its_episode(visit):
    _, story = visit
    episode = max(story.episodes, key=lambda episode: len(reports(episode)))
    found = story.explain(reports(episode)[0])
    assert found.right in episode.articles
    assert f"in the episode {episode.headline[:30]!r}"[:-1] in found.verdict
    assert f"mean similarity {episode.membership[0]:.2f} to {len(reports(episode)) - 1} other report" in found.verdict


def test_an_episode_of_one_report_is_explained_by_the_closest_words_of_the_others(visit):
    _, story = visit
    (article,) = next(episode.articles for episode in story.episodes if len(episode) == 1)
    found = story.explain(article.id)
    others = [other for other in story.articles if other is not article]
    closest = max(others, key=lambda other: dedup.explain(article, other, among=story).cosine)
    assert found.right is closest
    assert found.verdict.startswith("In the story as an episode of its own, alike as a whole to ")
    assert f"with {found.cosine:.2f} but for {found.gap}" in found.verdict


def test_another_article_is_compared_with_the_closest_episode(visit):
    _, story = visit
    episode = max(story.episodes, key=len)
    text = episode.representative.text.replace(".", " and more.")
    found = story.explain({"text": text, "title": episode.headline, "published": episode.first})
    assert found.verdict.startswith("Would belong")
    assert f"in the episode {episode.headline[:30]!r}"[:-1] in found.verdict


def test_another_article_would_belong_or_would_not(stories):
    story = dedup.cluster([KIM, TRAIN, BANK])[0]
    assert len(story) == 2
    assert story.explain({"text": "Kim Jong Un et son train blindé sont en Russie."}).verdict.startswith(
        "Would belong: mean"
    )
    assert story.explain({"text": "Les Bleus ont battu les All Blacks."}).verdict.startswith("Would not belong: mean")
    assert dedup.cluster([KIM])[0].explain(TRAIN).verdict.startswith("Would belong: mean")


def test_a_story_of_an_index_is_explained_too(sample):
    with dedup.StoryIndex(":memory:", max_gap_days=0) as index:
        index.add_many(sample)
        two = [story for story in index.stories(min_size=2) if len(reports(story)) == 2]
        assert len(two) > 10
        for story in two:
            found = story.explain(reports(story)[0])
            # Weighed as of now, where the index weighed each as it came.
            assert found.similarity == pytest.approx(story.membership[0], rel=0.5)
            assert found.terms


def test_a_story_knows_the_threshold_it_was_held_against(stories):
    assert {story.threshold for story in stories} == {0.12}
    assert {story.threshold for story in stories.rethreshold(0.3)} == {0.3}
    with dedup.StoryIndex(":memory:", story_threshold=0.2) as index:
        assert index.story(index.add(KIM).story_id).threshold == 0.2


# As text


def test_an_explanation_cannot_be_assigned_to():
    with pytest.raises(FrozenInstanceError):
        dedup.explain(KIM, TRAIN).verdict = ""


def test_as_text_it_begins_with_the_verdict():
    found = dedup.explain(KIM, TRAIN)
    lines = str(found).splitlines()
    assert repr(found) == str(found)
    assert lines[0] == found.verdict
    assert [line.split()[0] for line in lines[1:4]] == ["left", "right", "words"]
    assert "Kim en Russie" in lines[2]


ODD = ["\ud800", "Kim\n\u2028en\x85Russie \x00\x1b[31m", "\u202eKim", "x" * 1_000_000, "ok " * 100_000, "金" * 100_000]


@pytest.mark.parametrize("text", ODD, ids=[repr(text[:8]) for text in ODD])
def test_odd_and_long_texts_are_explained_shortly(text):
    fields = {"text": text, "title": text, "source": text, "url": text}
    found = dedup.explain({"id": text} | fields, {"id": "b"} | fields)
    assert isinstance(found, Explanation)
    assert len(repr(found)) < 4000
    assert len(repr(found).splitlines()) <= 12
    repr(found).encode("utf-8")
    assert "\x1b" not in repr(found)


def test_explanations_are_the_same_in_every_order_of_the_batch(sample):
    stories = dedup.cluster(sample)
    mixed = dedup.cluster(random.Random(5).sample(sample, len(sample)))
    for story in stories[:10]:
        for article in story.articles:
            if len(story) > 1:
                place = int(mixed.labels[list(mixed.articles).index(article)])
                assert repr(mixed[place].explain(article)) == repr(story.explain(article))
