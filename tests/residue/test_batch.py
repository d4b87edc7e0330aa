"""Articles without what belongs to their sites, in both tiers."""

import pickle
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup import Article, StoryClusterer
from dedup.article import read_articles
from dedup.residue import find, recurring
from dedup.text.tokens import blocks

EXAMPLES = settings(deadline=None, max_examples=20)

LETTERS = "bcdfghjklmnpqrstvwxz"
WHEN = datetime(2023, 9, 12, tzinfo=UTC)
TEXT = "Accueil\nKim est arrivé.\nPartager\nPoutine attend.\nFacebook"
SPANS = ((0, 7), (24, 32), (49, 57))
BODY = "Kim est arrivé.\n\n\nPoutine attend."


def words(seed, count):
    """Words that no other seed gives."""
    rng = Random(seed)
    return " ".join("".join(rng.choices(LETTERS, k=9)) for _ in range(count))


def pieces(article):
    """The residue of an article, as strings."""
    return [article.text[start:stop] for start, stop in article.residue]


def residue_by_id(articles, **parameters):
    return {
        article.id: article.residue for story in dedup.cluster(articles, **parameters) for article in story.articles
    }


# Article


def test_the_body_is_the_text_without_its_residue():
    assert Article("a", TEXT, residue=SPANS).body == BODY
    assert Article("a", TEXT).body == TEXT
    assert Article("a", f" {TEXT} ").body == f" {TEXT} "
    assert Article("a", TEXT, residue=((0, len(TEXT)),)).body == ""


def test_what_stood_around_a_residue_is_not_joined():
    assert Article("a", "Kim_arrive", residue=((3, 4),)).body == "Kim\narrive"


def test_the_full_text_is_title_and_body():
    assert Article("a", TEXT, title="Kim en Russie", residue=SPANS).full_text == f"Kim en Russie\n{BODY}"
    assert Article("a", TEXT, residue=SPANS).full_text == BODY


def test_a_title_that_opens_the_body_behind_residue_is_there_once():
    article = Article("a", TEXT, title="Kim est arrivé.")
    assert article.full_text == f"Kim est arrivé.\n{TEXT}"
    assert replace(article, residue=SPANS).full_text == BODY


def test_residue_is_no_part_of_what_an_article_is():
    bare, cut = Article("a", TEXT), Article("a", TEXT, residue=SPANS)
    assert bare == cut
    assert hash(bare) == hash(cut)
    assert repr(bare) == repr(cut)
    assert pickle.loads(pickle.dumps(cut)).residue == SPANS


@pytest.mark.parametrize("published", [None, WHEN])
def test_a_residue_that_is_given_is_dropped(published):
    cut = Article("a", TEXT, published=published, residue=SPANS)
    (article,) = read_articles([cut]).articles
    assert article == cut
    assert article.residue == ()
    assert cut.residue == SPANS


def test_a_residue_of_a_mapping_is_not_read():
    (article,) = read_articles([{"text": TEXT, "residue": SPANS}]).articles
    assert article.residue == ()


@pytest.mark.parametrize("flag", [True, False])
def test_a_residue_that_is_given_changes_nothing(flag):
    cut = Article("a", "Kim est arrivé en Russie mardi.", residue=((0, 30),))
    found = residue_by_id([cut, Article("b", "Kim est arrivé en Russie mardi.")], cut_residue=flag)
    assert found == {"a": (), "b": ()}
    assert dedup.near_duplicates([cut, replace(cut, id="b", residue=())], cut_residue=flag).labels.tolist() == [0, 0]


# Batch

FORM = "LAISSER UN COMMENTAIRE\nS'il vous plaît entrez votre commentaire!"


def pages(count=12, sources=2):
    """Pages of outlets with their templates; every fourth has the body of the one before, at the other outlet."""
    found = []
    for i in range(count):
        story, site = i - (i % 4 == 3), i % sources
        menu, foot = words(f"menu {site}", 40), words(f"foot {site}", 40)
        text = f"{menu}\n{words(f'report {story}', 50)}\n{foot}\n{FORM}"
        title = words(f"title {i}", 5)
        found.append(Article(f"p{i}", text, title, WHEN + timedelta(hours=i), source=f"site {site}"))
    return found


def test_pages_are_compared_without_their_templates():
    articles = pages()
    stories = dedup.cluster(articles)
    expected = {frozenset({f"p{i}"}) for i in (0, 1, 4, 5, 8, 9)} | {
        frozenset({f"p{i}", f"p{i + 1}"}) for i in (2, 6, 10)
    }
    assert {frozenset(article.id for article in story.articles) for story in stories} == expected
    whole = dedup.cluster(articles, cut_residue=False)
    assert len(whole) == 2


def test_stories_have_the_texts_uncut_and_know_the_residue():
    articles = pages()
    for story in dedup.cluster(articles):
        for article in (*story.articles, story.representative):
            given = articles[int(article.id[1:])]
            assert article == given
            assert article.text == given.text
            menu, report, foot, *_ = given.text.split("\n")
            assert pieces(article) == [menu, f"{foot}\n{FORM}"]
            assert article.body == report
            assert given.residue == ()


def test_titles_of_other_articles_of_a_source_are_residue():
    link = "Poutine reçoit Kim Jong Un"
    text = f"{words('r', 30)}\n{link}\n{words('s', 30)}"
    for source, expected in (("a", [link]), ("b", [])):
        articles = [Article("n", text, source="a"), Article("o", "La lune est pleine.", link, source=source)]
        found = {article.id: pieces(article) for story in dedup.cluster(articles) for article in story.articles}
        assert found == {"n": expected, "o": []}
    assert residue_by_id([Article("n", text, link, source="a")]) == {"n": ()}


def test_cut_residue_false_keeps_all():
    found = residue_by_id(pages(), cut_residue=False)
    assert len(found) == 12
    assert set(found.values()) == {()}


def test_terms_have_no_words_of_residue():
    story = next(story for story in dedup.cluster(pages()) if len(story) == 2)
    template = {word for site in (0, 1) for part in ("menu", "foot") for word in words(f"{part} {site}", 40).split()}
    assert not template & set(story.terms)


def test_near_duplicates_of_pages():
    articles = pages()
    assert dedup.near_duplicates(articles, cut_residue=True).pairs.tolist() == [[2, 3], [6, 7], [10, 11]]
    template = dedup.near_duplicates(articles, threshold=0.35)
    assert len(template.pairs) > 3
    assert (
        dedup.near_duplicates(articles).pairs.tolist()
        == dedup.near_duplicates(articles, cut_residue=False).pairs.tolist()
    )


def test_near_duplicates_keep_residue_by_default():
    texts = [f"{words('one', 20)}\n{FORM}", words("one", 20)]
    assert dedup.near_duplicates(texts, threshold=0.9).pairs.tolist() == []
    assert dedup.near_duplicates(texts, threshold=0.9, cut_residue=True).pairs.tolist() == [[0, 1]]


def test_estimator_and_function_agree():
    articles = pages()
    model = StoryClusterer().fit(articles)
    assert model.labels_.tolist() == dedup.cluster(articles).labels.tolist()
    assert model.labels_.tolist() != StoryClusterer(cut_residue=False).fit(articles).labels_.tolist()
    assert StoryClusterer(cut_residue=False).get_params()["cut_residue"] is False


@pytest.mark.parametrize("value", [None, 0, 1, "yes", 1.0, []])
@pytest.mark.parametrize("call", [dedup.cluster, dedup.near_duplicates, lambda x, **p: StoryClusterer(**p).fit(x)])
def test_cut_residue_is_checked(call, value):
    with pytest.raises(TypeError, match=r"cut_residue is .*; allowed: True, False"):
        call(["Kim"], cut_residue=value)


# Nothing else matters

PARTS = st.sampled_from(
    ["LAISSER UN COMMENTAIRE", "spot_img", "kb lt mf np", "12 mai 2023", "Kim en Russie ce mardi", "Paris"]
)
LINE = st.one_of(PARTS, PARTS, st.integers(0, 10**6).map(lambda seed: words(seed, 8)))
ARTICLES = st.lists(
    st.tuples(
        st.lists(LINE, min_size=1, max_size=6).map("\n".join),
        st.sampled_from(["", "Kim en Russie ce mardi"]),
        st.sampled_from([None, WHEN, WHEN + timedelta(1)]),
        st.sampled_from(["a", "b", None]),
    ),
    min_size=1,
    max_size=10,
).map(lambda rows: [Article(f"n{i}", *row[:3], source=row[3]) for i, row in enumerate(rows)])


@EXAMPLES
@given(ARTICLES, st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(articles, rng):
    expected = residue_by_id(articles, n_jobs=1)
    assert residue_by_id(rng.sample(articles, len(articles)), n_jobs=1) == expected


@EXAMPLES
@given(ARTICLES)
def test_texts_without_ids_have_the_residue_of_their_content(articles):
    texts = [article.text for article in articles]
    there, back = residue_by_id(texts, n_jobs=1), residue_by_id(texts[::-1], n_jobs=1)
    last = len(texts) - 1
    assert {str(last - int(name)): spans for name, spans in back.items()} == there


def test_the_order_of_a_large_source_does_not_matter():
    articles = [
        Article(
            f"n{i:03}",
            f"{words(f'r {i}', 8)}\n{words(f'line {i % 17}', 3)}",
            published=WHEN + timedelta(i % 9),
            source="a",
        )
        for i in range(240)
    ]
    articles += [Article("other", "Kim", source="b")]
    expected = residue_by_id(articles)
    assert sum(map(bool, expected.values())) > 100
    assert residue_by_id(Random(0).sample(articles, len(articles))) == expected


@pytest.mark.parametrize("n_jobs", [1, 3, -1])
def test_threads_and_blocks_do_not_matter(n_jobs, monkeypatch):
    articles = pages(40, sources=3)
    expected = residue_by_id(articles)
    for module in (find, recurring):
        monkeypatch.setattr(module, "blocks", lambda texts: blocks(texts, 1_000))
    assert residue_by_id(articles, n_jobs=n_jobs) == expected


def test_labels_stay_in_the_order_of_the_input():
    articles = pages()
    labels = dict(zip([a.id for a in articles], dedup.cluster(articles).labels.tolist(), strict=True))
    back = dedup.cluster(articles[::-1])
    assert dict(zip([a.id for a in articles[::-1]], back.labels.tolist(), strict=True)) == labels
    assert dedup.near_duplicates(articles[::-1], cut_residue=True).pairs.tolist() == [[0, 1], [4, 5], [8, 9]]


def test_what_has_no_residue_stays_the_very_object():
    article = Article("a", "Kim est arrivé en Russie.")
    assert dedup.cluster([article])[0].representative is article


@pytest.mark.parametrize(
    "articles", [[], [""], ["", "\0", "\ud800"], [Article("a", "", "Kim"), Article("b", "\ud800\n12")]]
)
def test_little_has_no_residue(articles):
    assert set(residue_by_id(articles).values()) <= {()}


def test_surrogates_in_source_and_title():
    articles = [Article(f"{i}", f"kb lt mf\n{words(i, 20)}", f"\ud800 {i}", source="\udc80") for i in range(6)]
    assert set(residue_by_id(articles).values()) == {((0, 8),)}
