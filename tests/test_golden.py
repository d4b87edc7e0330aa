"""A file made by an earlier run of the same format: what is in it stays readable, and comparable with what comes."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import dedup
from dedup import StoryIndex

FOLDER = Path(__file__).parent / "golden"
GOLDEN = FOLDER / "index_format_3.db"

#: One that an index made before it kept the language of each article.
OLDER = FOLDER / "index_without_languages.db"

#: One whose articles have character runs of names of days and months, as of other words.
WITH_DATES = FOLDER / "index_with_dates_as_names.db"


@pytest.fixture
def articles():
    return [dedup.Article(a.id, a.text, a.title, a.published) for a in dedup.sample_articles("ru")[:12]]


@pytest.fixture(params=[GOLDEN, OLDER, WITH_DATES], ids=lambda golden: golden.stem)
def golden(request):
    return request.param


@pytest.fixture
def path(golden, tmp_path):
    return Path(shutil.copy(golden, tmp_path / "index.db"))


def test_stories_and_articles_of_a_golden_file_are_read(golden, path, articles):
    expected = set(map(frozenset, json.loads(golden.with_suffix(".json").read_text(encoding="utf-8"))))
    with StoryIndex(path) as index:
        stories = index.stories()
        assert {frozenset(article.id for article in story.articles) for story in stories} == expected
        assert sorted(a.id for s in stories for a in s.articles) == sorted(a.id for a in articles)


def test_a_golden_file_goes_on(path, articles):
    with StoryIndex(path) as index:
        assert {index.add(article).outcome for article in articles} == {"unchanged"}
        copy = index.add(replace(articles[0], id="copy"))
        assert (copy.outcome, copy.near_duplicate_of, copy.similarity) == ("near_duplicate", articles[0].id, 1.0)


def test_words_buckets_features_norms_and_story_ids_are_those_of_the_golden_file(tmp_path, articles):
    with StoryIndex(shutil.copy(GOLDEN, tmp_path / "index.db")) as old, StoryIndex(":memory:") as new:
        new.add_many(articles)
        kept, made = (index._session.store.article_features(range(1, 13)) for index in (old, new))
        ids = [{article.id: index.story_id(article.id) for article in articles} for index in (old, new)]
    # The file was made by adding these articles.
    assert ids[0] == ids[1]
    assert kept.keys() == made.keys() == set(range(1, 13))
    for node, ours in made.items():
        for name, theirs in kept[node]._asdict().items():
            np.testing.assert_allclose(getattr(ours, name), theirs, rtol=1e-6, err_msg=name)
