"""StoryClusterer as a scikit-learn estimator."""

import pickle
from datetime import UTC, datetime
from inspect import signature
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_clusterer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks

import dedup
from dedup import Article, StoryClusterer
from dedup.metrics import bcubed

DEFAULTS = {
    "story_threshold": 0.12,
    "max_gap_days": 21.0,
    "near_threshold": 0.7,
    "recall": 0.95,
    "num_perm": 128,
    "shingle_size": 5,
    "representative": "central",
    "encoder": None,
    "timezone": None,
    "cut_residue": True,
    "match_urls": True,
    "fold": "unidecode",
    "max_chars": 1_000_000,
    "n_jobs": None,
    "progress": False,
}
TEXTS = [
    "Kim Jong Un est arrivé mardi en Russie à bord de son train blindé.",
    "Le train blindé de Kim Jong Un a franchi mardi la frontière russe.",
    "La banque centrale relève ses taux à 4 %.",
]


@pytest.fixture(scope="module")
def french():
    return dedup.sample_articles("fr")


def longest_title(articles):
    return max(articles, key=lambda article: len(article.title))


# Parameters


def test_the_parameters_are_those_documented():
    assert StoryClusterer().get_params() == DEFAULTS


def test_the_parameters_are_keyword_only():
    kinds = {p.kind for p in signature(StoryClusterer).parameters.values()}
    assert kinds == {next(iter(signature(StoryClusterer).parameters.values())).KEYWORD_ONLY}
    with pytest.raises(TypeError, match="positional"):
        StoryClusterer(0.2)


def test_an_unknown_parameter_is_refused():
    with pytest.raises(TypeError, match="storythreshold"):
        StoryClusterer(storythreshold=0.2)
    with pytest.raises(TypeError, match="storythreshold"):
        dedup.cluster(TEXTS, storythreshold=0.2)
    with pytest.raises(ValueError, match="storythreshold"):
        StoryClusterer().set_params(storythreshold=0.2)


def test_set_params_returns_the_estimator_and_sets_them():
    model = StoryClusterer()
    assert model.set_params(recall=0.8, representative="longest") is model
    assert model.get_params() == DEFAULTS | {"recall": 0.8, "representative": "longest"}


def test_the_constructor_keeps_every_value_as_given_and_checks_none():
    odd = {name: object() for name in DEFAULTS}
    model = StoryClusterer(**odd)
    assert all(getattr(model, name) is value for name, value in odd.items())
    assert set(vars(model)) == set(odd)


def test_clone_copies_the_parameters_and_forgets_the_fit(model):
    copy = clone(model.set_params())
    assert copy is not model
    assert copy.get_params() == model.get_params()
    assert not [name for name in vars(copy) if name.endswith("_")]


@pytest.mark.parametrize("value", [longest_title, ZoneInfo("Europe/Paris")], ids=["function", "zone"])
def test_clone_keeps_functions_and_zones(value):
    name = "representative" if callable(value) else "timezone"
    assert clone(StoryClusterer(**{name: value})).get_params()[name] == value


def test_the_repr_shows_what_is_not_the_default():
    assert repr(StoryClusterer()) == "StoryClusterer()"
    assert repr(StoryClusterer(story_threshold=0.2)) == "StoryClusterer(story_threshold=0.2)"


def test_a_fit_changes_no_parameter(french):
    model = StoryClusterer(story_threshold=0.2, n_jobs=1)
    before = model.get_params()
    model.fit(french)
    assert model.get_params() == before


@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_estimator_cloneable,
        estimator_checks.check_estimator_repr,
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_set_params,
        estimator_checks.check_do_not_raise_errors_in_init_or_set_params,
        estimator_checks.check_mixin_order,
        estimator_checks.check_estimator_tags_renamed,
        estimator_checks.check_valid_tag_types,
    ],
    ids=lambda check: check.__name__,
)
def test_scikit_learn_finds_nothing_amiss(check):
    check("StoryClusterer", StoryClusterer())


def test_scikit_learn_knows_a_clusterer_of_strings():
    tags = StoryClusterer().__sklearn_tags__()
    assert is_clusterer(StoryClusterer())
    assert tags.estimator_type == "clusterer"
    assert tags.input_tags.string
    assert not tags.input_tags.two_d_array


def test_a_recall_out_of_reach_is_refused():
    with pytest.raises(ValueError, match=r"recall=0\.99.*threshold=0\.1.*num_perm=4.*raise num_perm or lower recall"):
        StoryClusterer(recall=0.99, near_threshold=0.1, num_perm=4).fit(TEXTS)


# Parameters do what they say


def test_the_story_threshold_makes_stories_smaller(french):
    counts = [len(dedup.cluster(french, story_threshold=value)) for value in (0.05, 0.12, 0.4, 0.999)]
    assert counts == sorted(counts)
    assert counts[0] < counts[1] < counts[-1]


def test_the_near_threshold_is_the_least_similarity_of_copies():
    words = [f"mot{i}" for i in range(14)]
    pair = [" ".join(words), " ".join([*words[:9], "autre", *words[10:]])]  # of 10 runs of 5 words 5 are shared
    for threshold, labels in ((0.33, [0, 0]), (0.34, [0, 1])):
        model = StoryClusterer(near_threshold=threshold, recall=0.9999).fit(pair)
        assert model.near_duplicate_labels_.tolist() == labels


def test_the_shingle_size_is_the_number_of_words_in_a_run():
    pair = ["un deux trois quatre", "quatre trois deux un"]
    assert StoryClusterer(shingle_size=1).fit(pair).near_duplicate_labels_.tolist() == [0, 0]
    assert StoryClusterer(shingle_size=2).fit(pair).near_duplicate_labels_.tolist() == [0, 1]


def test_the_zone_is_that_of_times_without_one():
    item = {"text": "Kim", "published": "2023-09-12T12:00"}
    (story,) = StoryClusterer(timezone="Europe/Paris").fit([item]).stories_
    assert story.first == datetime(2023, 9, 12, 10, tzinfo=UTC)


@pytest.mark.parametrize("rule", ["central", "earliest", "longest", longest_title])
def test_the_rule_picks_the_representatives(french, rule):
    stories = StoryClusterer(representative=rule).fit(french).stories_
    for story in stories:
        if rule == "earliest":
            assert story.representative is story.articles[0]
        if rule is longest_title:
            assert story.representative is longest_title(story.articles)
    shown = {story.representative.id for story in stories}
    others = {story.representative.id for story in StoryClusterer(representative="earliest").fit(french).stories_}
    assert (shown == others) == (rule == "earliest")


# Attributes of a fit


def test_fit_returns_the_estimator():
    model = StoryClusterer()
    assert model.fit(TEXTS) is model


def test_fit_predict_gives_the_labels(french):
    model = StoryClusterer()
    labels = model.fit_predict(french)
    assert labels is model.labels_ or labels.tolist() == model.labels_.tolist()
    assert labels.tolist() == dedup.cluster(french).labels.tolist()


def test_y_is_ignored(french):
    labels = StoryClusterer().fit(french, [article.story for article in french]).labels_
    assert labels.tolist() == StoryClusterer().fit(french).labels_.tolist()


def test_the_attributes_are_those_of_the_stories(model, stories):
    assert model.labels_.tolist() == stories.labels.tolist()
    assert model.near_duplicate_labels_.tolist() == stories.near_duplicate_labels.tolist()
    assert model.representative_indices_.tolist() == stories.representative_indices.tolist()
    assert [story.reason for story in model.stories_] == [story.reason for story in stories]


@pytest.mark.parametrize("name", ["labels_", "near_duplicate_labels_", "representative_indices_"])
def test_labels_are_int64(model, name):
    assert getattr(model, name).dtype == np.int64


def test_an_unfitted_estimator_has_no_results():
    assert not [name for name in vars(StoryClusterer()) if name.endswith("_")]
    assert not hasattr(StoryClusterer(), "labels_")


def test_a_second_fit_forgets_the_first(french):
    model = StoryClusterer().fit(dedup.sample_articles("ru")).fit(french)
    fresh = StoryClusterer().fit(french)
    assert model.labels_.tolist() == fresh.labels_.tolist()
    assert [story.reason for story in model.stories_] == [story.reason for story in fresh.stories_]
    assert set(vars(model)) == set(vars(fresh))
    assert model.fit([]).labels_.tolist() == []


def test_a_refused_fit_leaves_the_earlier_results(french):
    model = StoryClusterer().fit(TEXTS)
    with pytest.raises(TypeError):
        model.fit(["Kim", 5])
    assert model.labels_.tolist() == [0, 0, 1]


def test_a_pickled_model_gives_the_same_results(model):
    copy = pickle.loads(pickle.dumps(model))
    assert copy.get_params() == model.get_params()
    assert copy.labels_.tolist() == model.labels_.tolist()
    assert copy.near_duplicate_labels_.tolist() == model.near_duplicate_labels_.tolist()
    assert copy.representative_indices_.tolist() == model.representative_indices_.tolist()
    for one, other in zip(copy.stories_, model.stories_, strict=True):
        assert (one.id, one.articles, one.reason, one.terms) == (other.id, other.articles, other.reason, other.terms)
    assert repr(copy.stories_) == repr(model.stories_)


def test_a_pickled_model_can_be_fitted_again(french):
    copy = pickle.loads(pickle.dumps(StoryClusterer(story_threshold=0.2).fit(TEXTS)))
    expected = StoryClusterer(story_threshold=0.2).fit(french)
    assert copy.fit(french).labels_.tolist() == expected.labels_.tolist()


# With the rest of scikit-learn


def test_it_is_the_last_step_of_a_pipeline(french):
    with_titles_only = make_pipeline(
        FunctionTransformer(lambda articles: [Article(a.id, "", title=a.title) for a in articles]), StoryClusterer()
    )
    labels = with_titles_only.fit_predict(french)
    assert labels.tolist() == dedup.cluster([Article(a.id, "", title=a.title) for a in french]).labels.tolist()
    assert labels.tolist() != dedup.cluster(french).labels.tolist()


def test_a_pipeline_passes_parameters_on(french):
    pipeline = make_pipeline(StoryClusterer()).set_params(storyclusterer__story_threshold=0.4)
    assert pipeline.fit_predict(french).tolist() == dedup.cluster(french, story_threshold=0.4).labels.tolist()


def bcubed_f1(model, articles, stories):
    assert len(articles) == len(model.labels_)
    return bcubed(stories, model.labels_).f1


def frame_of(articles):
    names = ["id", "title", "text", "published", "source", "url", "language"]
    return pd.DataFrame({name: [getattr(article, name) for article in articles] for name in names})


@pytest.mark.parametrize("form", [list, frame_of])
def test_a_grid_search_finds_the_best_story_threshold(french, form):
    everything = np.arange(len(french))
    truth = [article.story for article in french]
    grid = {"story_threshold": [0.06, 0.12, 0.6, 0.9]}
    search = GridSearchCV(
        StoryClusterer(), grid, scoring=bcubed_f1, cv=[(everything, everything)], error_score="raise"
    ).fit(form(french), truth)
    expected = [bcubed(truth, dedup.cluster(french, story_threshold=v).labels).f1 for v in grid["story_threshold"]]
    assert search.cv_results_["mean_test_score"].tolist() == expected
    assert len(set(expected)) > 2
    assert search.best_params_ == {"story_threshold": grid["story_threshold"][int(np.argmax(expected))]}
    assert search.best_estimator_.labels_.tolist() == dedup.cluster(french, **search.best_params_).labels.tolist()
